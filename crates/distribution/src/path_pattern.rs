//! The path pattern of a cache behavior: what it may look like and which paths it matches.
//!
//! Pattern and path are compared as names of objects, percent-encoding decoded once, as the origin does: another
//! spelling of a path must not lead to another behavior (fidelity note F37).

use crate::redact::percent_decoded;
use std::borrow::Cow;

/// The longest path pattern CloudFront takes (developer guide, "Quotas").
pub const PATH_PATTERN_SIZE_BYTES_MAX: usize = 255;

/// A path pattern such as `/images/*.jpg`.
///
/// `*` stands for any number of bytes, `/` included; `?` for exactly one. Case matters, a leading `/` does not
/// (developer guide, "Path pattern"). `%2A` and `%3F` stand for the characters themselves. A match takes time linear
/// in the path, whatever the pattern.
#[derive(Clone, Debug)]
pub struct PathPattern {
    text: String,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    /// No `?` in it: the literal pieces between the stars.
    Pieces(Vec<Box<str>>),
    /// With `?`, where a plain search would go back and forth.
    Automaton(Box<Automaton>),
}

impl PathPattern {
    /// Reads a pattern of 1 to 255 printable ASCII characters.
    ///
    /// The error is the message for the operator: empty, too long, or a character that never stands raw in a path.
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
        let bare = without_slash(text);
        let matcher = if bare.contains('?') {
            Matcher::Automaton(Box::new(Automaton::new(bare)))
        } else {
            let pieces = bare.split('*').map(|piece| object_name(piece).into());
            Matcher::Pieces(pieces.collect())
        };
        Ok(PathPattern {
            text: text.to_owned(),
            matcher,
        })
    }

    /// The pattern as the operator wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `path`, raw as received and without its query, falls under this pattern.
    pub fn matches(&self, path: &str) -> bool {
        self.matches_name(&object_name(path))
    }

    /// As [`PathPattern::matches`], for the [`object_name`] of a path.
    pub(crate) fn matches_name(&self, name: &str) -> bool {
        let name = without_slash(name);
        match &self.matcher {
            Matcher::Pieces(pieces) => pieces_match(pieces, name),
            Matcher::Automaton(automaton) => automaton.matches(name),
        }
    }
}

/// What a raw path names: percent-encoding decoded once. One character for each byte, so U+0000 to U+00FF, since a
/// decoded name need not be UTF-8.
pub fn object_name(path: &str) -> Cow<'_, str> {
    if path.is_ascii() && !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let bytes = percent_decoded(path);
    Cow::Owned(bytes.iter().copied().map(char::from).collect())
}

fn without_slash(text: &str) -> &str {
    text.strip_prefix('/').unwrap_or(text)
}

/// The first piece is a prefix, the last one a suffix, and those between are found leftmost, one after the other.
fn pieces_match(pieces: &[Box<str>], path: &str) -> bool {
    let Some((first, others)) = pieces.split_first() else {
        return false;
    };
    let Some((last, between)) = others.split_last() else {
        return path == &**first;
    };
    let Some(mut rest) = path.strip_prefix(&**first) else {
        return false;
    };
    for piece in between {
        let Some(at) = rest.find(&**piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(&**last)
}

/// Bit `i` of a state: the first `i` characters of the pattern, stars not counted, have matched.
/// 255 characters need 256 states.
type States = [u64; 4];

/// The pattern as a bit-parallel automaton (Baeza-Yates and Gonnet, "A new approach to text searching", 1992).
#[derive(Clone, Debug)]
struct Automaton {
    /// For each byte, the states that it leads out of.
    advance: [States; 256],
    /// The states with a star, which stay whatever comes.
    stay: States,
    /// The number of the last state.
    last: usize,
}

impl Automaton {
    fn new(pattern: &str) -> Self {
        let mut automaton = Automaton {
            advance: [[0; 4]; 256],
            stay: [0; 4],
            last: 0,
        };
        for piece in pattern.split_inclusive(['*', '?']) {
            let literal = piece.trim_end_matches(['*', '?']);
            for byte in percent_decoded(literal).iter() {
                set(&mut automaton.advance[usize::from(*byte)], automaton.last);
                automaton.last += 1;
            }
            if piece.ends_with('*') {
                set(&mut automaton.stay, automaton.last);
            } else if piece.ends_with('?') {
                for states in &mut automaton.advance {
                    set(states, automaton.last);
                }
                automaton.last += 1;
            }
        }
        automaton
    }

    /// `name` has one character for each byte.
    fn matches(&self, name: &str) -> bool {
        let mut states: States = [1, 0, 0, 0];
        for byte in name.chars().map_while(|char| u8::try_from(char).ok()) {
            let advance = &self.advance[usize::from(byte)];
            let mut carry = 0;
            for word in 0..states.len() {
                let moved = states[word] & advance[word];
                let stayed = states[word] & self.stay[word];
                states[word] = (moved << 1) | carry | stayed;
                carry = moved >> 63;
            }
        }
        states[self.last / 64] >> (self.last % 64) & 1 == 1
    }
}

fn set(states: &mut States, state: usize) {
    states[state / 64] |= 1 << (state % 64);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
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

    /// Whoever writes a path in another way must not come to another behavior.
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
        check(&"?".repeat(255), &"x".repeat(255), true);
    }

    /// The definition, letter by letter.
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
    }
}
