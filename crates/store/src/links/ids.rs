//! Ids of links as the store keeps them: bytes for callers, text in the database.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::seal::{from_hex, hex};
use crate::session::Cell;
use crate::{StoreError, random};

/// Id under which a link is registered: that of its signed text where the link says of itself that it is limited.
/// Its text is 22 digits of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegisteredId([u8; 16]);

/// Digest of a link's key and signed text, by which it is the same link whoever shows it. Its text is hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkDigest([u8; 32]);

/// Digest of the subject that a link was made for. Its text is 22 digits of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectDigest([u8; 16]);

/// Digest of a viewer, by which several requests are one visit. Its text is hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewerDigest([u8; 16]);

/// Random id of one attempt to use a link. An attempt that is asked again is the same attempt. Its text is
/// hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId([u8; 16]);

impl RegisteredId {
    /// Returns a new random id.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] where the system has no randomness.
    pub fn random() -> Result<Self, StoreError> {
        let mut bytes = [0; 16];
        random::fill(&mut bytes)?;
        // Its text begins with a letter, and is no option on a command line.
        bytes[0] &= 0x7f;
        Ok(Self(bytes))
    }
}

/// Bytes in and out, the text, and the value of a column, for one of the ids.
macro_rules! id {
    ($name:ident, $size:literal, $encode:expr, $decode:expr) => {
        impl $name {
            /// Makes an id of its bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $size]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }

            /// Reads the text; `None` where it is not one.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let bytes: Vec<u8> = $decode(text)?;
                let id = Self(bytes.try_into().ok()?);
                // One text for each id.
                (id.to_string() == text).then_some(id)
            }

            /// Reads the text of a column.
            pub(crate) fn stored(text: &str) -> Result<Self, StoreError> {
                Self::parse(text).ok_or_else(|| StoreError::damaged("an id of a link is none"))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&$encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({self})", stringify!($name))
            }
        }

        impl From<$name> for Cell {
            fn from(id: $name) -> Self {
                Self::Text(id.to_string())
            }
        }
    };
}

id!(RegisteredId, 16, in_base64, from_base64);
id!(LinkDigest, 32, in_hex, from_hex);
id!(SubjectDigest, 16, in_base64, from_base64);
id!(ViewerDigest, 16, in_hex, from_hex);
id!(AttemptId, 16, in_hex, from_hex);

fn in_hex(bytes: &[u8]) -> String {
    hex(bytes)
}

fn in_base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    // Longer texts are none, and need not be decoded to see it.
    (text.len() <= 64)
        .then(|| URL_SAFE_NO_PAD.decode(text).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::{LinkDigest, RegisteredId};

    #[test]
    fn one_text_for_each_id() {
        for text in [
            "",
            "AAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAAA+",
            "AAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(RegisteredId::parse(text), None, "{text}");
        }
        let id = RegisteredId::random().unwrap();
        assert_eq!(RegisteredId::parse(&id.to_string()), Some(id));
        assert_ne!(RegisteredId::random().unwrap(), id);

        let digest = LinkDigest::from_bytes([0xab; 32]);
        assert_eq!(LinkDigest::parse(&"ab".repeat(32)), Some(digest));
        assert_eq!(LinkDigest::parse(&"AB".repeat(32)), None);
        assert_eq!(LinkDigest::parse(&"ab".repeat(31)), None);
    }
}
