//! Why a command cannot do something with a bucket of this machine.

use privet_objects::{KeyError, ObjectError, OpenError};
use thiserror::Error;

/// Why a command cannot do something with a bucket of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum BucketFault {
    /// The configuration has no folder for buckets.
    #[error("{config} has no [buckets]")]
    NotConfigured { config: String },
    /// No embedded bucket has the name.
    #[error("there is no embedded bucket {name:?}")]
    NoSuchBucket { name: String },
    /// The folder of buckets cannot be opened.
    #[error("the folder of buckets cannot be used: {0}")]
    Folder(String),
    /// An argument is not the name of a bucket, perhaps with a key.
    #[error("{0:?} is not BUCKET/KEY")]
    Place(String),
    /// An argument that has to name an object names a bucket alone.
    #[error("{0:?} names no object")]
    NoKey(String),
    /// A key that no object can have.
    #[error("{key:?}: {error}")]
    Key { key: String, error: KeyError },
    /// An object that is not there, or that cannot be read or written.
    #[error("{key:?} in the bucket {bucket}: {error}")]
    Object {
        bucket: String,
        key: String,
        error: ObjectError,
    },
    /// A file with a name that is not UTF-8, which no key can be.
    #[error("{0} has a name that no key can be")]
    FileName(String),
}

impl BucketFault {
    /// Returns what the reader can do next.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            BucketFault::NotConfigured { .. } => {
                Some("add [buckets] with folder = \"buckets\", and restart the edge")
            }
            BucketFault::NoSuchBucket { .. } => {
                Some("list buckets with: privet bucket list; make one with: privet bucket create")
            }
            BucketFault::Place(_) | BucketFault::NoKey(_) => {
                Some("write it like articles/videos/talk.mp4")
            }
            BucketFault::Folder(_)
            | BucketFault::Key { .. }
            | BucketFault::Object { .. }
            | BucketFault::FileName(_) => None,
        }
    }

    /// Returns true for wrong usage.
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            BucketFault::Place(_) | BucketFault::NoKey(_) | BucketFault::Key { .. } => true,
            BucketFault::NotConfigured { .. }
            | BucketFault::NoSuchBucket { .. }
            | BucketFault::Folder(_)
            | BucketFault::Object { .. }
            | BucketFault::FileName(_) => false,
        }
    }
}

impl From<OpenError> for BucketFault {
    fn from(error: OpenError) -> Self {
        BucketFault::Folder(error.to_string())
    }
}
