//! Streaming distributions as the operator wrote them.

use super::{CertificateDocument, OriginDocument};
use crate::config::distribution::DistributionLogging;

/// A streaming distribution as the operator wrote it: videos over RTMP.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamingDistributionDocument {
    /// Id, `E…`, unique among distributions of both kinds.
    pub id: String,
    /// First host name.
    pub domain_name: String,
    /// Further host names, `*.example.com` included; at most 100.
    pub aliases: Vec<String>,
    /// False if its host names are treated as unknown.
    pub enabled: bool,
    /// Certificate for rtmps listeners.
    pub certificate: Option<CertificateDocument>,
    /// Source of the videos.
    pub source: StreamingSourceDocument,
    /// Ids of key groups; without these and without signers, everybody is let in.
    pub trusted_key_groups: Option<Vec<String>>,
    /// Names of trusted signers.
    pub trusted_signers: Option<Vec<String>>,
    /// Setting of [`privet_sign::Leniency::statement_object`].
    pub statement_object: bool,
    /// True if a policy may also name a web URL of the video.
    pub web_resources: bool,
    /// Access log of the distribution's own; `None` writes none.
    pub logging: Option<DistributionLogging>,
}

/// The source of a streaming distribution's videos.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamingSourceDocument {
    /// The behaviors and origins of the distribution with this id.
    Distribution(String),
    /// An origin of its own.
    Origin(Box<OriginDocument>),
}
