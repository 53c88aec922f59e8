//! A bucket that this machine keeps, as an origin: where its objects lie, and what the origin may do there.

use super::{CredentialSource, HttpServer, S3Addressing, S3Origin, SigningBehavior};
use crate::config::document::{BucketReader, CorsRule};
use std::path::PathBuf;

/// An embedded bucket, as one origin reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedOrigin {
    /// Name of the bucket.
    pub bucket: String,
    /// Folder of its objects.
    pub root: PathBuf,
    /// What the origin may do.
    pub access: BucketAccess,
    /// Rules of the bucket for scripts of other sites.
    pub cors: Vec<CorsRule>,
    /// Endpoint at which others reach the bucket; `None` if there is none.
    pub endpoint: Option<HttpServer>,
    /// Region of that endpoint.
    pub region: String,
}

/// What an origin may do with an embedded bucket. Nothing, unless the bucket grants it to the origin's identity, or to
/// its distribution where the origin signs (developer guide, "Restrict access to an Amazon S3 origin").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketAccess {
    /// Objects may be read. Whether an absent one exists is not told.
    Read,
    /// Objects may be read, and that one is absent is told.
    ReadAndList,
    /// The origin is nobody: it has neither an identity nor a control that signs.
    Unsigned,
    /// The bucket has no grant for whom the origin is.
    NotGranted(BucketReader),
}

impl EmbeddedOrigin {
    /// Returns what has to be done before the origin can read; `None` if it can.
    pub fn advice(&self) -> Option<String> {
        let bucket = &self.bucket;
        match &self.access {
            BucketAccess::Read | BucketAccess::ReadAndList => None,
            BucketAccess::Unsigned => Some(format!(
                "the bucket {bucket} gives objects only to those whom it knows, and the origin has neither an \
                 origin access identity nor an origin access control that signs; add one, and grant it with privet \
                 bucket grant {bucket}"
            )),
            BucketAccess::NotGranted(reader) => Some(format!(
                "the bucket {bucket} does not let {reader} read; grant it with: privet bucket grant {bucket} {}",
                reader.option()
            )),
        }
    }

    /// Returns the bucket as somebody without keys reaches it.
    pub(super) fn for_strangers(&self) -> Option<S3Origin> {
        Some(S3Origin {
            endpoint: self.endpoint.clone()?,
            bucket: self.bucket.clone(),
            region: self.region.clone(),
            addressing: S3Addressing::Path,
            signing: SigningBehavior::Never,
            credentials: CredentialSource::Chain { profile: None },
        })
    }

    /// Describes bucket and access in one line.
    pub(super) fn summary(&self) -> String {
        let (bucket, root) = (&self.bucket, self.root.display());
        let access = match &self.access {
            BucketAccess::Read | BucketAccess::ReadAndList => "granted",
            BucketAccess::Unsigned | BucketAccess::NotGranted(_) => "NOT GRANTED",
        };
        format!("embedded bucket {bucket} in {root} ({access})")
    }
}
