//! Entity tags of objects in the forms that S3 gives them.

use crate::hex::{from_hex, to_hex};
use std::fmt;

/// The strong entity tag of an object, without quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ETag {
    /// MD5 of the content.
    Content([u8; 16]),
    /// MD5 of the MD5s of the parts, and their number: `HEX-N`.
    Parts([u8; 16], u16),
    /// Digest of inode, size and time of a file that was put there or changed by hand: `HEX-0`, which no client takes
    /// for an MD5.
    File([u8; 16]),
}

impl ETag {
    /// Reads the text of a tag, without quotes.
    #[must_use]
    pub fn parse(text: &str) -> Option<ETag> {
        let (digits, parts) = match text.split_once('-') {
            Some((digits, parts)) => (digits, Some(parts)),
            None => (text, None),
        };
        let digest = from_hex(digits)?;
        match parts {
            None => Some(ETag::Content(digest)),
            Some("0") => Some(ETag::File(digest)),
            Some(number) => {
                let count = number.parse().ok().filter(|count| *count > 0)?;
                let tag = ETag::Parts(digest, count);
                // `007` and `+7` are other texts of the same number.
                (tag.to_string() == text).then_some(tag)
            }
        }
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ETag::Content(digest) => formatter.write_str(&to_hex(digest)),
            ETag::Parts(digest, count) => write!(formatter, "{}-{count}", to_hex(digest)),
            ETag::File(digest) => write!(formatter, "{}-0", to_hex(digest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_written_form_is_read() {
        let digits = "00112233445566778899aabbccddeeff";
        for text in ["", "-1", "0011", "\"\""] {
            assert_eq!(ETag::parse(text), None, "{text}");
        }
        for end in ["-", "-x", "-+1", "-01", "-00", "-70000", "-1-1", "0", "-0 "] {
            assert_eq!(ETag::parse(&format!("{digits}{end}")), None, "{end}");
        }
        assert_eq!(ETag::parse(&digits.to_uppercase()), None);
        for end in ["", "-0", "-1", "-10000"] {
            let text = format!("{digits}{end}");
            assert_eq!(ETag::parse(&text).unwrap().to_string(), text);
        }
    }
}
