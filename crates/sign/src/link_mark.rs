//! The mark of a link: what Privet's own member of a statement says about the link that it is in.
//!
//! The member is signed with everything else, so no viewer can add it or take it off. All of it is read or the policy
//! is refused. What CloudFront makes of the member is unknown (fidelity note F141).

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::time::Timestamp;

/// Name of the member in the statement.
pub(crate) const MEMBER: &str = "Privet";
/// Names within the member.
pub(crate) const LINK: &str = "Link";
pub(crate) const NONCE: &str = "Nonce";
pub(crate) const MADE: &str = "Made";
pub(crate) const SUBJECT: &str = "Subject";

/// Length of an id, a nonce and a digest in bytes.
const SIZE_BYTES: usize = 16;
/// Length of the same as base64url without padding.
const TEXT_LENGTH: usize = 22;
/// Separates digests of subjects from all others.
const SUBJECT_DOMAIN: &[u8] = b"privet subject 1\0";

/// The mark of a link. At least one field is set in a mark that was read, and has to be in one that is to be signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkMark {
    /// Set if the link is limited: nobody may be served by it before a store has counted the use.
    pub limited: Option<Limited>,
    /// Time at which the link was made, by the signer's clock: 1 to [`Timestamp::MAX_EXPIRY`].
    pub made: Option<Timestamp>,
    /// Digest of the person or account that the link was made for.
    pub subject: Option<SubjectDigest>,
}

impl LinkMark {
    /// True if no field is set. Such a mark is neither signed nor accepted.
    pub fn is_empty(&self) -> bool {
        *self == LinkMark::default()
    }
}

/// What makes a link a limited one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limited {
    /// The link's id, under which the store has its terms and uses.
    pub id: LimitedId,
    /// Random bytes that make the signed text of two links differ, even if one id was given to both.
    pub nonce: LinkNonce,
}

/// The id of a limited link: 128 random bits, written as 22 digits of base64url.
///
/// It is no secret, but unlike [`crate::LinkId`] it proves nothing: a store compares both.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitedId([u8; SIZE_BYTES]);

/// The nonce of a limited link: 128 random bits, written as 22 digits of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkNonce([u8; SIZE_BYTES]);

/// The digest of a link's subject: the first 16 bytes of a SHA-256, written as 22 digits of base64url.
///
/// It lets links be found by their subject without naming the subject in the link. It does not hide a subject that can
/// be guessed, such as an address of mail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectDigest([u8; SIZE_BYTES]);

impl SubjectDigest {
    /// Returns the digest of a subject: SHA-256 over `privet subject 1`, a NUL and the subject, cut to 16 bytes. The
    /// subject counts byte by byte: case and white space make another one.
    pub fn of(subject: &str) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(SUBJECT_DOMAIN);
        context.update(subject.as_bytes());
        let mut bytes = [0; SIZE_BYTES];
        bytes.copy_from_slice(&context.finish().as_ref()[..SIZE_BYTES]);
        SubjectDigest(bytes)
    }
}

/// What the three texts of 16 bytes have in common.
macro_rules! sixteen_bytes {
    ($name:ident) => {
        impl $name {
            /// Length in bytes.
            pub const SIZE_BYTES: usize = SIZE_BYTES;

            /// Takes the bytes as they are, random ones or those of a table.
            pub const fn from_bytes(bytes: [u8; SIZE_BYTES]) -> Self {
                $name(bytes)
            }

            /// Parses 22 digits of base64url. Returns `None` for any other text: padding, white space, digits of other
            /// alphabets, or a last digit with bits left over, so that no value has two spellings.
            pub fn parse(text: &str) -> Option<Self> {
                sixteen_bytes_of(text).map($name)
            }

            /// Returns the bytes, as a table stores them.
            pub const fn as_bytes(&self) -> &[u8; SIZE_BYTES] {
                &self.0
            }
        }

        /// Writes 22 digits of base64url.
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }
    };
}

sixteen_bytes!(LimitedId);
sixteen_bytes!(LinkNonce);
sixteen_bytes!(SubjectDigest);

impl fmt::Debug for LimitedId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LimitedId({self})")
    }
}

/// Does not write the nonce: it is part of the signed text, by which a link's id could be computed.
impl fmt::Debug for LinkNonce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LinkNonce")
    }
}

impl fmt::Debug for SubjectDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SubjectDigest({self})")
    }
}

fn sixteen_bytes_of(text: &str) -> Option<[u8; SIZE_BYTES]> {
    if text.len() != TEXT_LENGTH {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Appends the member as a statement has it: `"Privet":{…}`. The mark must not be empty.
pub(crate) fn member_into(mark: &LinkMark, text: &mut String) {
    let mut members = Vec::with_capacity(4);
    if let Some(Limited { id, nonce }) = mark.limited {
        members.push(format!("\"{LINK}\":\"{id}\""));
        members.push(format!("\"{NONCE}\":\"{nonce}\""));
    }
    if let Some(made) = mark.made {
        members.push(format!("\"{MADE}\":{}", made.as_secs()));
    }
    if let Some(subject) = mark.subject {
        members.push(format!("\"{SUBJECT}\":\"{subject}\""));
    }
    text.push_str(&format!("\"{MEMBER}\":{{{}}}", members.join(",")));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<[u8; 16]>) {
        assert_eq!(LimitedId::parse(text).map(|id| id.0), expected, "{text}");
    }

    #[test]
    fn an_id_has_one_spelling() {
        check("", None);
        check("AAAAAAAAAAAAAAAAAAAAA", None);
        check("AAAAAAAAAAAAAAAAAAAAAAA", None);
        check("AAAAAAAAAAAAAAAAAAAAAA==", None);
        check("AAAAAAAAAAAAAAAAAAAA==", None);
        check("AAAAAAAAAAAAAAAAAAAAAB", None);
        check("AAAAAAAAAAAAAAAAAAAAA ", None);
        check("AAAAAAAAAAAAAAAAAAAA+A", None);
        check("AAAAAAAAAAAAAAAAAAAA~A", None);
        check("AAAAAAAAAAAAAAAAAAAA\u{e4}", None);
        check("AAAAAAAAAAAAAAAAAAAAAA", Some([0; 16]));
        check("_____________________w", Some([0xff; 16]));
    }

    #[test]
    fn what_is_written_is_read() {
        for byte in 0..=u8::MAX {
            let mut bytes = [byte; 16];
            bytes[15] = byte.wrapping_mul(7);
            let text = LimitedId(bytes).to_string();
            assert_eq!(text.len(), TEXT_LENGTH);
            check(&text, Some(bytes));
        }
    }

    /// Computed with other tools: `printf 'privet subject 1\0alice@example.com' | sha256sum`.
    #[test]
    fn subjects_are_digests() {
        let digest = SubjectDigest::of("alice@example.com");
        assert_eq!(digest.to_string(), "pB4bPeNfGswrJV_QshSm_g");
        assert_ne!(digest, SubjectDigest::of("Alice@example.com"));
        assert_ne!(digest, SubjectDigest::of("alice@example.com "));
    }

    #[test]
    fn a_nonce_stays_out_of_debug_texts() {
        let limited = Limited {
            id: LimitedId([1; 16]),
            nonce: LinkNonce([2; 16]),
        };
        let text = format!("{limited:?}");
        assert!(text.contains(&limited.id.to_string()), "{text}");
        assert!(!text.contains(&limited.nonce.to_string()), "{text}");
    }
}
