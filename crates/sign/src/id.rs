//! The id under which the edge looks a public key up.

use crate::key_error::KeyError;

/// Length of the longest id accepted; CloudFront's own have 14 or 20 characters.
const LENGTH_MAX: usize = 64;

/// A key pair id, `K…` or `APKA…`: 1 to 64 of `A-Z0-9`. Other text is not an id (CloudFront responds `MissingKey`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPairId(Box<str>);

impl KeyPairId {
    /// Parses an id as the console or API prints it, without surrounding space.
    ///
    /// # Errors
    /// [`KeyError::IdEmpty`], [`KeyError::IdIsPem`], [`KeyError::IdTooLong`] or [`KeyError::IdCharacters`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() {
            return Err(KeyError::IdEmpty);
        }
        if text.contains("-----BEGIN") {
            return Err(KeyError::IdIsPem);
        }
        if text.len() > LENGTH_MAX {
            return Err(KeyError::IdTooLong);
        }
        if !is_id_shaped(text) {
            return Err(KeyError::IdCharacters);
        }
        Ok(KeyPairId(text.into()))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for KeyPairId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for KeyPairId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// True if `text` could name a key at all; prefixes do not matter.
pub(crate) fn is_id_shaped(text: &str) -> bool {
    (1..=LENGTH_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_are_ids() {
        assert_eq!(KeyPairId::parse(""), Err(KeyError::IdEmpty));
        assert_eq!(
            KeyPairId::parse("-----BEGIN PUBLIC KEY-----"),
            Err(KeyError::IdIsPem)
        );
        assert_eq!(KeyPairId::parse(&"K".repeat(65)), Err(KeyError::IdTooLong));
        assert_eq!(KeyPairId::parse("k2jcj"), Err(KeyError::IdCharacters));
        assert_eq!(KeyPairId::parse("APKA "), Err(KeyError::IdCharacters));
        assert_eq!(
            KeyPairId::parse("APKAJ4YNPASFVCNBXK3A").map(|id| id.to_string()),
            Ok("APKAJ4YNPASFVCNBXK3A".into())
        );
    }
}
