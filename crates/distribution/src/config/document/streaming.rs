//! Streaming distributions as the operator wrote them.

use super::{CertificateDocument, OriginDocument};

/// A streaming distribution: videos over RTMP.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamingDistributionDocument {
    /// `E…`, unique among distributions of both kinds.
    pub id: String,
    /// Its first host name.
    pub domain_name: String,
    /// Further host names, `*.example.com` included; at most 100.
    pub aliases: Vec<String>,
    /// Whether it answers at all.
    pub enabled: bool,
    /// For rtmps listeners.
    pub certificate: Option<CertificateDocument>,
    /// Where the videos come from.
    pub source: StreamingSourceDocument,
    /// Ids of key groups; `None` and no signers: open to everybody.
    pub trusted_key_groups: Option<Vec<String>>,
    /// Names of trusted signers.
    pub trusted_signers: Option<Vec<String>>,
    /// See [`privet_sign::Leniency::statement_object`].
    pub statement_object: bool,
    /// Whether a policy may name a web URL of the video as well.
    pub web_resources: bool,
}

/// Where the videos of a streaming distribution come from.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamingSourceDocument {
    /// The behaviors and origins of the distribution with this id.
    Distribution(String),
    /// An origin of its own.
    Origin(Box<OriginDocument>),
}
