//! The record of a bucket: its settings, as they were put and as they are answered. Their storage is the operators' side's.

use crate::policy::Reader;

/// The settings of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketRecord {
    /// Time at which the bucket was made, in seconds since 1970; 0 if it is not known.
    pub created: i64,
    /// Policy, if one was put.
    pub policy: Option<BucketPolicy>,
    /// Rules for browsers at other sites; empty if there are none.
    pub cors: Vec<CorsRule>,
    /// Bucket and prefix that get the access log.
    pub logging: Option<Logging>,
    /// Tags of the bucket, in the order in which they were put.
    pub tags: Vec<(String, String)>,
    /// Public access block, if one was put. A bucket is never public, whatever it says.
    pub public_access_block: Option<PublicAccessBlock>,
}

/// A policy in the form that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPolicy {
    /// Text as it was put, which is what a client reads back.
    pub text: String,
    /// Readers whom it names.
    pub readers: Vec<Reader>,
    /// Readers who get 404 in place of 403 for a key that does not exist, since they may list.
    pub listers: Vec<Reader>,
}

/// Destination of a bucket's access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// Name of the bucket that gets the files.
    pub bucket: String,
    /// Prefix of their keys; may be empty.
    pub prefix: String,
}

/// A rule of a bucket's CORS configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsRule {
    /// Name that the owner gave it.
    pub id: Option<String>,
    /// Sites, each with at most one `*`.
    pub allowed_origins: Vec<String>,
    /// Methods, of GET, PUT, POST, DELETE and HEAD.
    pub allowed_methods: Vec<String>,
    /// Header fields of a preflight, each with at most one `*`.
    pub allowed_headers: Vec<String>,
    /// Header fields that scripts may read.
    pub expose_headers: Vec<String>,
    /// Seconds for which a preflight is remembered.
    pub max_age_secs: Option<u32>,
}

/// The four switches of a public access block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublicAccessBlock {
    /// `BlockPublicAcls`.
    pub block_public_acls: bool,
    /// `IgnorePublicAcls`.
    pub ignore_public_acls: bool,
    /// `BlockPublicPolicy`.
    pub block_public_policy: bool,
    /// `RestrictPublicBuckets`.
    pub restrict_public_buckets: bool,
}

/// A change to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The bucket is made, with these tags.
    Create {
        /// Tags that the request gave it.
        tags: Vec<(String, String)>,
    },
    /// The bucket is removed, which has to be empty.
    Delete,
    /// Another policy, or none.
    Policy(Option<BucketPolicy>),
    /// Other CORS rules; empty for none.
    Cors(Vec<CorsRule>),
    /// Another destination of the access log, or none.
    Logging(Option<Logging>),
    /// Other tags; empty for none.
    Tags(Vec<(String, String)>),
    /// Another public access block, or none.
    PublicAccessBlock(Option<PublicAccessBlock>),
}
