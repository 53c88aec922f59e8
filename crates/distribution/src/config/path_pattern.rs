//! The path pattern of a cache behavior: its syntax, and the paths it matches.
//!
//! Pattern and path are compared as names of objects, with percent-encoding decoded once, as the origin does: another
//! spelling of a path must not lead to another behavior (fidelity note F37).

use crate::config::pattern_automaton::PatternAutomaton;
use crate::percent::object_name;

/// Maximum length of a path pattern at CloudFront (developer guide, "Quotas").
pub const PATH_PATTERN_SIZE_BYTES_MAX: usize = 255;

/// A path pattern such as `/images/*.jpg`.
///
/// `*` matches any number of bytes, including `/`; `?` matches exactly one. Case matters, a leading `/` does not
/// (developer guide, "Path pattern"). `%2A` and `%3F` stand for the characters themselves. Matching takes time linear
/// in the path, whatever the pattern.
#[derive(Clone, Debug)]
pub struct PathPattern {
    text: String,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    /// No wildcard.
    Name(Box<str>),
    /// One `*`, with the text before and after it.
    Ends { prefix: Box<str>, suffix: Box<str> },
    /// More wildcards, which [`PatternAutomaton`] matches, along with those of other patterns where there are any.
    Automaton,
}

impl PathPattern {
    /// Parses a pattern of 1 to 255 printable ASCII characters.
    ///
    /// The error is a message for the operator: empty, too long, or a character that never occurs raw in a path.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("is empty; write * for every path".to_owned());
        }
        if text.len() > PATH_PATTERN_SIZE_BYTES_MAX {
            return Err(format!(
                "is {} characters long; shorten it to {PATH_PATTERN_SIZE_BYTES_MAX}",
                text.len()
            ));
        }
        if let Some(character) = text.chars().find(|&c| !c.is_ascii_graphic() || c == '#') {
            return Err(format!(
                "contains {character:?}, which no request path does; write it percent-encoded"
            ));
        }
        Ok(PathPattern::of(text.to_owned()))
    }

    /// Returns the pattern with `+` read as a space, as some servers do; `None` if it has no `+`.
    pub(crate) fn with_blanks(&self) -> Option<Self> {
        let has_plus =
            self.text.contains('+') || self.text.contains("%2B") || self.text.contains("%2b");
        has_plus.then(|| {
            let text = self.text.replace("%2B", "+").replace("%2b", "+");
            PathPattern::of(text.replace('+', "%20"))
        })
    }

    fn of(text: String) -> Self {
        let bare = without_slash(&text);
        let matcher = match bare.split_once('*') {
            _ if bare.contains('?') => Matcher::Automaton,
            None => Matcher::Name(object_name(bare).into()),
            Some((_, behind)) if behind.contains('*') => Matcher::Automaton,
            Some((before, behind)) => Matcher::Ends {
                prefix: object_name(before).into(),
                suffix: object_name(behind).into(),
            },
        };
        PathPattern { text, matcher }
    }

    /// Returns the pattern as the operator wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns true if the pattern matches `path`, raw as received and without its query.
    pub fn matches(&self, path: &str) -> bool {
        self.matches_name(&object_name(path))
    }

    /// Does the same as [`PathPattern::matches`] for the [`object_name`] of a path.
    pub(crate) fn matches_name(&self, name: &str) -> bool {
        self.matches_at_once(name).unwrap_or_else(|| {
            let automaton = PatternAutomaton::new(std::iter::once(self.bare()));
            automaton.run(without_slash(name)).contains(0)
        })
    }

    /// Does the same as [`PathPattern::matches_name`]; `None` if a [`PatternAutomaton`] is needed.
    pub(crate) fn matches_at_once(&self, name: &str) -> Option<bool> {
        let name = without_slash(name);
        match &self.matcher {
            Matcher::Name(exact) => Some(name == &**exact),
            Matcher::Ends { prefix, suffix } => {
                let rest = name.strip_prefix(&**prefix);
                Some(rest.is_some_and(|rest| rest.ends_with(&**suffix)))
            }
            Matcher::Automaton => None,
        }
    }

    /// Returns true if matching needs a [`PatternAutomaton`].
    pub(crate) fn needs_automaton(&self) -> bool {
        matches!(self.matcher, Matcher::Automaton)
    }

    /// Returns the pattern without its leading slash, which does not matter.
    pub(crate) fn bare(&self) -> &str {
        without_slash(&self.text)
    }
}

pub(crate) fn without_slash(text: &str) -> &str {
    text.strip_prefix('/').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: bool) {
        let parsed = PathPattern::parse(pattern).unwrap();
        assert_eq!(parsed.matches(path), expected, "{pattern} on {path}");
    }

    #[test]
    fn refuses_what_no_path_contains() {
        for bad in ["", "/a b", "/a#b", "/ä", "/a\n"] {
            assert!(PathPattern::parse(bad).is_err(), "{bad:?}");
        }
        assert!(PathPattern::parse(&"a".repeat(256)).is_err());
        assert!(PathPattern::parse(&"?".repeat(255)).is_ok());
    }

    #[test]
    fn does_not_match() {
        check("/public/*", "/Public/a", false);
        check("/public/*", "/public", false);
        check("*.jpg", "/a.jpg.txt", false);
        check("/a?c", "/ac", false);
        check("/a?c", "/abbc", false);
        check("ab*ba", "/aba", false);
        check("/a", "//a", false);
        check("/a%2Ab", "/axb", false);
        check("/a%3Fb?", "/axbx", false);
        check("/%41", "/%2541", false);
        check("/a?", "/a%C3%A9", false);
    }

    /// Another spelling of a path must not lead to another behavior.
    #[test]
    fn percent_encoding_makes_no_difference() {
        check("/private/*", "/%70rivate/a", true);
        check("/private/*", "/private%2Fa", true);
        check("*.mp4", "/a%2Emp%34", true);
        check("/a?c", "/%61%2f%63", true);
        check("/%70rivate/*", "/private/a", true);
        check("/a%20b/*.m?4", "/a%20b/c.mp4", true);
        check("/100%/*", "/100%/%zz", true);
        check("/%C3%A9*", "/é", true);
        check("/a??", "/a%C3%A9", true);
        check("/a%2Ab", "/a*b", true);
        check("/a%3Fb?", "/a%3Fbx", true);
        check("/%ff?*", "/%FFx", true);
    }

    #[test]
    fn matches() {
        check("*", "/", true);
        check("/", "/", true);
        check("public/*", "/public/", true);
        check("/public/*", "/public/a/b", true);
        check("images/*.jpg", "/images/a/b.jpg", true);
        check("/a??.t*", "/abc.txt", true);
        check("*a*b*", "/xxaxxbxx", true);
        check("*a*b*", "/aabbab", true);
        check("*a*", "/aa", true);
        check("*a*b", "/aab", true);
        // The lengths at which a star begins a word of states.
        for length in 62..67 {
            let pattern = format!("*{}*b", "a".repeat(length));
            let path = format!("/{}b", "a".repeat(length + 1));
            check(&pattern, &path, true);
        }
        check(&"?".repeat(255), &"x".repeat(255), true);
    }

    /// Matches by the definition, letter by letter.
    fn obvious(pattern: &[u8], path: &[u8]) -> bool {
        match pattern.split_first() {
            None => path.is_empty(),
            Some((b'*', rest)) => (0..=path.len()).any(|at| obvious(rest, &path[at..])),
            Some((wanted, rest)) => match path.split_first() {
                Some((found, others)) => {
                    (*wanted == b'?' || wanted == found) && obvious(rest, others)
                }
                None => false,
            },
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_obvious_one(pattern in "/?[ab*?/]{1,9}", path in "/[ab/]{0,12}") {
            let parsed = PathPattern::parse(&pattern).unwrap();
            let expected = obvious(without_slash(&pattern).as_bytes(), without_slash(&path).as_bytes());
            prop_assert_eq!(parsed.matches(&path), expected);
        }

        #[test]
        fn many_at_once_agree_with_each_alone(
            patterns in prop::collection::vec("[abc%*?/]{1,40}", 1..20),
            path in "/[abc/é]{0,20}",
        ) {
            let automaton = PatternAutomaton::new(patterns.iter().map(|pattern| without_slash(pattern)));
            let name = object_name(&path);
            let matched = automaton.run(without_slash(&name));
            for (position, pattern) in patterns.iter().enumerate() {
                let alone = PathPattern::parse(pattern).unwrap().matches_name(&name);
                prop_assert_eq!(matched.contains(position), alone, "{}", pattern);
            }
        }
    }
}
