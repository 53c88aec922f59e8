//! What a revocation refuses, and its two columns.

use crate::limits::ID_BYTES_MAX;
use crate::links::check_object;
use crate::names::check_text;
use crate::{LinkDigest, StoreError, SubjectDigest};

/// What is refused by a revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// One link, registered or not.
    Link(LinkDigest),
    /// Links of a key, whenever they were made: whoever has a stolen key writes any time into them.
    Key(String),
    /// Links of a subject that were made before the revocation.
    Subject(SubjectDigest),
    /// Links that were made before the revocation, for objects that a pattern covers.
    Object {
        /// Host, or `*` for all.
        host: String,
        /// Path, in which `*` stands for any characters.
        path: String,
    },
}

impl Revoked {
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Link(_) | Self::Subject(_) => Ok(()),
            Self::Key(id) => check_text("key pair id", id, ID_BYTES_MAX),
            Self::Object { host, path } => check_object(host, path),
        }
    }

    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Link(_) => "link",
            Self::Key(_) => "key",
            Self::Subject(_) => "subject",
            Self::Object { .. } => "object",
        }
    }

    pub(super) fn value(&self) -> String {
        match self {
            Self::Link(digest) => digest.to_string(),
            Self::Key(id) => id.clone(),
            Self::Subject(digest) => digest.to_string(),
            Self::Object { host, path } => format!("{host}{path}"),
        }
    }

    pub(super) fn stored(kind: &str, value: String) -> Result<Self, StoreError> {
        match kind {
            "link" => Ok(Self::Link(LinkDigest::stored(&value)?)),
            "key" => Ok(Self::Key(value)),
            "subject" => Ok(Self::Subject(SubjectDigest::stored(&value)?)),
            "object" => {
                let slash = value.find('/');
                let slash =
                    slash.ok_or_else(|| StoreError::damaged("a revoked object has no path"))?;
                let (host, path) = value.split_at(slash);
                Ok(Self::Object {
                    host: host.to_owned(),
                    path: path.to_owned(),
                })
            }
            _ => Err(StoreError::damaged("a revocation has another kind")),
        }
    }
}
