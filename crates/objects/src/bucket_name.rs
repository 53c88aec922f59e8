//! Names of buckets, by S3's rules ("General purpose bucket naming rules").

use std::fmt;
use std::net::Ipv4Addr;

/// The name of a bucket: 3 to 63 lowercase letters, digits, dots and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(String);

/// The text is no name of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a bucket's name has 3 to 63 lowercase letters, digits, dots and hyphens, begins and ends with a letter or digit, \
     has no dot beside a dot or a hyphen, is no IP address and has none of S3's reserved beginnings and ends"
)]
pub struct BucketNameError;

/// Beginnings and ends that S3 keeps for itself.
const RESERVED_BEGINNINGS: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_ENDS: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

impl BucketName {
    /// Checks `text`. What it permits is always a plain name of a folder.
    pub fn new(text: impl Into<String>) -> Result<BucketName, BucketNameError> {
        let text = text.into();
        let is_end = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let holds = (3..=63).contains(&bytes.len())
            && bytes
                .iter()
                .all(|byte| is_end(byte) || matches!(byte, b'.' | b'-'))
            && bytes.first().is_some_and(is_end)
            && bytes.last().is_some_and(is_end)
            && !["..", ".-", "-."].iter().any(|pair| text.contains(pair))
            && text.parse::<Ipv4Addr>().is_err()
            && !RESERVED_BEGINNINGS
                .iter()
                .any(|beginning| text.starts_with(beginning))
            && !RESERVED_ENDS.iter().any(|end| text.ends_with(end));
        if holds {
            Ok(BucketName(text))
        } else {
            Err(BucketNameError)
        }
    }

    /// Returns the name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_s3() {
        for text in [
            "",
            "ab",
            "Abc",
            "a_b",
            ".abc",
            "abc.",
            "-abc",
            "abc-",
            "a..b",
            "192.168.5.4",
            "a/b",
            "...",
            "a.-b",
            "a-.b",
        ] {
            assert_eq!(BucketName::new(text), Err(BucketNameError), "{text}");
        }
        for text in [
            "xn--abc",
            "sthree-a",
            "amzn-s3-demo-a",
            "a-s3alias",
            "a--ol-s3",
            "a.mrap",
            "a--x-s3",
        ] {
            assert_eq!(BucketName::new(text), Err(BucketNameError), "{text}");
        }
        assert_eq!(BucketName::new("a".repeat(64)), Err(BucketNameError));
        for text in ["abc", "a.b-c", "123", "1.2.3", "media.example.com"] {
            assert!(BucketName::new(text).is_ok(), "{text}");
        }
        assert!(BucketName::new("a".repeat(63)).is_ok());
    }
}
