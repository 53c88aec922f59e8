//! Settings of the endpoint, and its limits.

use std::time::Duration;

/// How the endpoint answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Region that the endpoint says it is in. Signatures may name any.
    pub region: String,
    /// Host name of which buckets are the next label (`photos.s3.example.com` with `s3.example.com`); without one all
    /// requests are in path style.
    pub domain_suffix: Option<String>,
    /// What a request may use.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            region: "us-east-1".to_owned(),
            domain_suffix: None,
            limits: Limits::default(),
        }
    }
}

/// What a request may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests at the same time; others get 503 `SlowDown`.
    pub requests: usize,
    /// Of these the most that write an object.
    pub uploads: usize,
    /// Of these the most forms whose sender is not known yet, since its fields are still being read.
    pub forms: usize,
    /// Size of an object that is written in one request (5 GiB at Amazon), and of a part.
    pub upload_size_bytes: u64,
    /// Size of an object that is put together of parts (5 TiB at Amazon).
    pub object_size_bytes: u64,
    /// Size of a body that is not an object: XML and policies.
    pub document_size_bytes: usize,
    /// Time without a byte after which a body has ended.
    pub body_silence: Duration,
    /// Bytes a second that a body brings on average, after a first [`Limits::body_silence`].
    pub body_rate_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            requests: 256,
            uploads: 64,
            forms: 32,
            upload_size_bytes: 5 * 1024 * 1024 * 1024,
            object_size_bytes: 5 * 1024 * 1024 * 1024 * 1024,
            document_size_bytes: 2 * 1024 * 1024,
            body_silence: Duration::from_secs(30),
            body_rate_bytes: 1024,
        }
    }
}
