//! Buckets by the names that origins have them under, and how requests to them are signed.

use super::{CredentialsDocument, EmbeddedBucketDocument};
use crate::config::origin::{HttpServer, S3Addressing, SigningBehavior};
use std::path::PathBuf;

/// An origin access identity: CloudFront's older way to say which keys sign requests to a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginAccessIdentityDocument {
    /// Id that origins use.
    pub id: String,
    /// Keys that sign; `None` means those of the bucket, or else the usual chain.
    pub credentials: Option<CredentialsDocument>,
}

/// An origin access control: whether requests to a bucket are signed, and with which keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginAccessControlDocument {
    /// Id that origins use.
    pub id: String,
    /// Name, which no other origin access control has.
    pub name: String,
    /// Signing behavior.
    pub signing: SigningBehavior,
    /// Keys that sign; `None` means those of the bucket, or else the usual chain.
    pub credentials: Option<CredentialsDocument>,
}

/// A bucket whose location the operator says: origins name it by an S3 host name, or by its own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketDocument {
    /// Name of the bucket, the first part of that host name.
    pub name: String,
    /// Location of its objects.
    pub location: BucketLocationDocument,
    /// Keys that sign for origins whose access control or identity has none.
    pub credentials: Option<CredentialsDocument>,
}

/// The location of a bucket's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketLocationDocument {
    /// A folder on the edge's own disk.
    Folder(PathBuf),
    /// An S3 endpoint.
    Endpoint {
        /// Server of the endpoint, without the bucket's name.
        server: HttpServer,
        /// Region in the scope of the signature.
        region: String,
        /// Position of the bucket's name in a request.
        addressing: S3Addressing,
    },
    /// The folder of that name in the machine's folder of buckets, in the form that the S3 endpoint keeps.
    Embedded(Box<EmbeddedBucketDocument>),
}

/// An origin by the S3 host name of its bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketHostDocument {
    /// Host name, such as `articles.s3.us-east-1.amazonaws.com`.
    pub host: String,
    /// Keys that sign.
    pub access: BucketAccessDocument,
}

/// An origin by the name of its bucket, which has an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedBucketDocument {
    /// Name of the bucket.
    pub name: String,
    /// Keys that sign, or what is granted to read an embedded bucket.
    pub access: BucketAccessDocument,
}

/// The way in which an origin gets access to its bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketAccessDocument {
    /// Requests are not signed.
    Unsigned,
    /// Requests are signed with the keys of the bucket, in the name of the distribution.
    Distribution,
    /// Id of an [`OriginAccessControlDocument`].
    Control(String),
    /// Id of an [`OriginAccessIdentityDocument`].
    Identity(String),
}
