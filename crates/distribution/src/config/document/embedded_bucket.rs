//! Buckets whose objects this machine keeps itself, and the endpoint that serves them over S3.

use super::CertificateFiles;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The machine's folder of buckets and the S3 endpoint: `[buckets]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketsSettings {
    /// Folder that has a folder for each embedded bucket.
    pub folder: PathBuf,
    /// Address and port of the S3 endpoint, `None` for none; plain HTTP is spoken on a loopback address alone.
    pub address: Option<SocketAddr>,
    /// Certificate of the endpoint; required away from loopback.
    pub certificate: Option<CertificateFiles>,
    /// Region in the scope of signatures, and the location of every bucket.
    pub region: String,
    /// End of the host names of buckets, with the dot, for clients of virtual-host style: `.s3.example.com`.
    pub domain_suffix: Option<String>,
    /// True if an object is on the disk before its upload is acknowledged.
    pub sync: bool,
    /// What clients of the endpoint may use.
    pub limits: BucketsLimits,
}

/// What clients of the S3 endpoint may use: `[buckets.limits]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketsLimits {
    /// Connections at the same time; others wait.
    pub connections_max: usize,
    /// Of these the most of one network; more are closed.
    pub connections_per_network_max: usize,
    /// Requests at the same time; others get 503 `SlowDown`.
    pub requests_max: usize,
    /// Of these the most that write an object.
    pub uploads_max: usize,
    /// Size of the head of a request.
    pub head_size_bytes_max: usize,
    /// Time for the head of a request, and between two of them.
    pub head_timeout: Duration,
    /// Time without a byte after which an upload is given up.
    pub body_timeout: Duration,
    /// Bytes a second that an upload brings on average, after a first `body_timeout`; 0 for any.
    pub body_rate_min: u64,
    /// Time in which a client takes no byte of an answer after which it counts as gone.
    pub write_timeout: Duration,
    /// Age at which a multipart upload that nobody completes is forgotten.
    pub upload_age_max: Duration,
}

impl Default for BucketsLimits {
    fn default() -> Self {
        BucketsLimits {
            connections_max: 512,
            connections_per_network_max: 256,
            requests_max: 256,
            uploads_max: 64,
            head_size_bytes_max: 64 * 1024,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            body_rate_min: 1024,
            write_timeout: Duration::from_secs(60),
            upload_age_max: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

/// What an item says of an embedded bucket beside its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbeddedBucketDocument {
    /// Who may read its objects through the edge, besides those whom the policy names; nobody else may.
    pub readers: Vec<Grant>,
    /// Policy that was put over S3.
    pub policy: Option<BucketPolicy>,
    /// Rules for browsers at other sites, for the S3 endpoint.
    pub cors: Vec<CorsRule>,
    /// Bucket and prefix that get the access log of the S3 endpoint.
    pub logging: Option<BucketLogging>,
    /// Tags.
    pub tags: Vec<(String, String)>,
    /// Public access block, if one was put. A bucket is never public, whatever it says.
    pub public_access_block: Option<PublicAccessBlock>,
}

impl EmbeddedBucketDocument {
    /// Returns all grants: those of the item, and those of its policy.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        let policy = self.policy.iter().flat_map(|policy| &policy.readers);
        self.readers.iter().chain(policy)
    }
}

/// A bucket policy, and what it was understood to grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPolicy {
    /// Text as it was put, which clients read back.
    pub text: String,
    /// Whom it lets read.
    pub readers: Vec<Grant>,
}

/// Destination of a bucket's access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketLogging {
    /// Name of the bucket that gets the files.
    pub bucket: String,
    /// Prefix of their keys; may be empty.
    pub prefix: String,
}

/// A rule for browsers at other sites (S3 API reference, `CORSRule`).
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
    /// Time in seconds for which a preflight is remembered.
    pub max_age_secs: Option<u32>,
}

/// The four switches of a public access block (S3 API reference, `PublicAccessBlockConfiguration`).
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

/// A grant to read an embedded bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// Who may read.
    pub reader: BucketReader,
    /// True if the reader may list the bucket too: it then hears that an object does not exist.
    pub list: bool,
}

/// Somebody who may read an embedded bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BucketReader {
    /// Origins with the origin access identity of this id.
    Identity(String),
    /// Origins of the distribution with this id that have an origin access control, or name the bucket by its item.
    Distribution(String),
}

impl BucketReader {
    /// Returns the option of `privet bucket grant` that names it.
    pub fn option(&self) -> String {
        match self {
            BucketReader::Identity(id) => format!("--identity {id}"),
            BucketReader::Distribution(id) => format!("--distribution {id}"),
        }
    }
}

impl fmt::Display for BucketReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BucketReader::Identity(id) => write!(formatter, "the origin access identity {id}"),
            BucketReader::Distribution(id) => write!(formatter, "the distribution {id}"),
        }
    }
}
