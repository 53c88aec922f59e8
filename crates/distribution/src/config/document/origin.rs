//! Origins and origin groups as the operator wrote them.

use super::{BucketHostDocument, CredentialsDocument, NamedBucketDocument};
use crate::config::origin::{
    HttpOrigin, HttpServer, OriginPatience, PathReading, S3Addressing, SigningBehavior,
};
use http::{HeaderName, HeaderValue, StatusCode};
use std::path::{Path, PathBuf};

/// An origin as the operator wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginDocument {
    /// Name that behaviors and origin groups use.
    pub id: String,
    /// Kind of origin.
    pub source: OriginSourceDocument,
    /// Prefix of every path: empty, or `/…` without a trailing slash.
    pub origin_path: String,
    /// Reading of paths by this origin; `None` means the usual one of its kind.
    pub paths: Option<PathReading>,
    /// Headers sent with every request, replacing the viewer's.
    pub custom_headers: Vec<(HeaderName, HeaderValue)>,
    /// Timeouts and attempts; `trusted_roots_pem` is filled in from `trusted_roots`.
    pub patience: OriginPatience,
    /// PEM file with the private certificate authority of this origin.
    pub trusted_roots: Option<PathBuf>,
}

impl OriginDocument {
    /// Returns the configured reading, or the usual one: [`PathReading::Canonical`] for an HTTP server,
    /// [`PathReading::Literal`] for a folder or a bucket.
    pub fn path_reading(&self) -> PathReading {
        self.paths.unwrap_or(self.source.path_reading())
    }
}

/// The kinds of origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginSourceDocument {
    /// A folder on the edge's own disk.
    Folder {
        /// Folder that is served.
        root: PathBuf,
    },
    /// A bucket behind an S3 endpoint.
    S3(S3OriginDocument),
    /// Any HTTP server.
    Http(HttpOrigin),
    /// A bucket by its S3 host name.
    BucketHost(BucketHostDocument),
    /// A bucket by the name of its item.
    Bucket(NamedBucketDocument),
}

impl OriginSourceDocument {
    fn path_reading(&self) -> PathReading {
        match self {
            OriginSourceDocument::Folder { .. }
            | OriginSourceDocument::S3(_)
            | OriginSourceDocument::BucketHost(_)
            | OriginSourceDocument::Bucket(_) => PathReading::Literal,
            OriginSourceDocument::Http(_) => PathReading::Canonical,
        }
    }

    /// Returns the folder, which the edge reads itself.
    pub fn folder_root(&self) -> Option<&Path> {
        match self {
            OriginSourceDocument::Folder { root } => Some(root),
            OriginSourceDocument::S3(_)
            | OriginSourceDocument::Http(_)
            | OriginSourceDocument::BucketHost(_)
            | OriginSourceDocument::Bucket(_) => None,
        }
    }

    /// Returns the bucket, whose requests may be signed.
    pub(crate) fn bucket(&self) -> Option<&S3OriginDocument> {
        match self {
            OriginSourceDocument::S3(bucket) => Some(bucket),
            OriginSourceDocument::Folder { .. }
            | OriginSourceDocument::Http(_)
            | OriginSourceDocument::BucketHost(_)
            | OriginSourceDocument::Bucket(_) => None,
        }
    }

    /// Returns the bucket that is named by its S3 host name.
    pub fn bucket_host(&self) -> Option<&BucketHostDocument> {
        match self {
            OriginSourceDocument::BucketHost(bucket) => Some(bucket),
            OriginSourceDocument::Folder { .. }
            | OriginSourceDocument::S3(_)
            | OriginSourceDocument::Http(_)
            | OriginSourceDocument::Bucket(_) => None,
        }
    }

    /// Returns the bucket that is named by the name of its item.
    pub fn named_bucket(&self) -> Option<&NamedBucketDocument> {
        match self {
            OriginSourceDocument::Bucket(bucket) => Some(bucket),
            OriginSourceDocument::Folder { .. }
            | OriginSourceDocument::S3(_)
            | OriginSourceDocument::Http(_)
            | OriginSourceDocument::BucketHost(_) => None,
        }
    }

    /// Returns true if requests to the origin may be signed.
    pub(crate) fn may_be_signed(&self) -> bool {
        match self {
            OriginSourceDocument::S3(_)
            | OriginSourceDocument::BucketHost(_)
            | OriginSourceDocument::Bucket(_) => true,
            OriginSourceDocument::Folder { .. } | OriginSourceDocument::Http(_) => false,
        }
    }

    /// Returns the HTTP server of a custom origin, which gets requests in the form in which viewers send them.
    pub fn web_server(&self) -> Option<&HttpOrigin> {
        match self {
            OriginSourceDocument::Http(server) => Some(server),
            OriginSourceDocument::Folder { .. }
            | OriginSourceDocument::S3(_)
            | OriginSourceDocument::BucketHost(_)
            | OriginSourceDocument::Bucket(_) => None,
        }
    }
}

/// A bucket as the operator wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3OriginDocument {
    /// Server of the endpoint, without the bucket's name; `None` for Amazon's, or for an embedded bucket of this name
    /// if there is one.
    pub endpoint: Option<HttpServer>,
    /// Name of the bucket.
    pub bucket: String,
    /// Region in the scope of the signature.
    pub region: String,
    /// Position of the bucket's name in a request.
    pub addressing: S3Addressing,
    /// Signing behavior of the origin access control.
    pub signing: SigningBehavior,
    /// Source of the access keys that sign.
    pub credentials: CredentialsDocument,
}

/// A pair of origins, the second of which is used when the first fails (developer guide, "Optimize high availability
/// with origin failover").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginGroupDocument {
    /// Name that behaviors use in place of an origin's.
    pub id: String,
    /// Ids of two origins, the primary one first.
    pub origins: Vec<String>,
    /// Statuses of the first origin that lead to the second.
    pub failover_statuses: Vec<StatusCode>,
}
