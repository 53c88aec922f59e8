//! Texts with wildcards, matched as those in a `Resource` are, for comparisons that are not with a policy.

use super::glob;

/// A text in which `*` stands for any run of bytes, also an empty one. Every other character stands for itself.
///
/// Matching takes a bounded number of steps, whatever the pattern: at most the product of both lengths, 64 at a time.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Wildcards(Box<[u8]>);

impl Wildcards {
    /// Takes a pattern as it is written; it need not be UTF-8.
    pub fn new(pattern: &[u8]) -> Self {
        let literal = |byte: &u8| match *byte {
            b'?' => glob::LITERAL_QUESTION_MARK,
            byte => byte,
        };
        Wildcards(pattern.iter().map(literal).collect())
    }

    /// True if the pattern covers the whole of `text`.
    pub fn cover(&self, text: &[u8]) -> bool {
        glob::matches(&self.0, text)
    }
}

impl std::fmt::Debug for Wildcards {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = String::from_utf8_lossy(&self.0);
        write!(formatter, "Wildcards({text:?})")
    }
}

#[cfg(test)]
mod tests {
    use super::Wildcards;

    fn check(pattern: &str, text: &str, expected: bool) {
        let wildcards = Wildcards::new(pattern.as_bytes());
        assert_eq!(
            wildcards.cover(text.as_bytes()),
            expected,
            "{pattern} {text}"
        );
    }

    #[test]
    fn only_a_star_is_a_wildcard() {
        check("", "/", false);
        check("/a", "/ab", false);
        check("/a?", "/ab", false);
        check("/a*c", "/abcd", false);
        check("/a\\?", "/a?", false);
        check("/a?", "/a?", true);
        check("/a*", "/a", true);
        check("/a*c", "/abcbc", true);
        check("*", "", true);
    }
}
