//! Streaming distributions: which one a host names, and who may play which film (developer guide of 2017).

use crate::authorize::Authorized;
use crate::denial::Denial;
use crate::distribution::{Certificate, Distribution};
use crate::snapshot::Snapshot;
use privet_sign::{KeySet, Leniency, Scheme, SignatureMemory, Timestamp};
use std::net::IpAddr;
use std::sync::Arc;

/// A set of host names under which films are played over RTMP.
#[derive(Debug)]
pub struct StreamingDistribution {
    /// `E…`; names the log files.
    pub id: String,
    /// e.g. `s5c39gqb8ow64r.cloudfront.net`.
    pub domain_name: String,
    /// Alternate domain names, also `*.example.com`.
    pub aliases: Vec<String>,
    /// A disabled one is not found.
    pub enabled: bool,
    /// Where the films come from: a distribution of the snapshot, or one made of the origin.
    pub films: Arc<Distribution>,
    /// `None`: open to everybody, save what the behaviors of `films` restrict. Never empty.
    pub trusted_keys: Option<KeySet>,
    /// Where CloudFront's reading of policies is unpublished, the operator's choice.
    pub leniency: Leniency,
    /// Whether a policy may name a web URL of the film as well.
    pub web_resources: bool,
    /// Present whenever an rtmps listener exists and the distribution is enabled.
    pub certificate: Option<Certificate>,
}

/// Why a host has no streams, in the words that viewers are told (developer guide of 2017, "Error codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamDenial {
    /// Nobody's, or disabled.
    DistributionNotFound,
    /// A distribution's that is no streaming one.
    DistributionTypeMismatch,
}

impl StreamDenial {
    /// The description for the viewer.
    pub fn as_str(self) -> &'static str {
        match self {
            StreamDenial::DistributionNotFound => "DistributionNotFound",
            StreamDenial::DistributionTypeMismatch => "DistributionTypeMismatch",
        }
    }
}

/// What a viewer wants to play.
#[derive(Clone, Copy, Debug)]
pub struct StreamRequest<'a> {
    /// The spellings under which the stream may have been signed.
    pub names: &'a [String],
    /// The film's path, percent-encoded; begins with `/`.
    pub object_path: &'a str,
    /// What stood behind the `?` of the stream's name; empty when there was none.
    pub query: &'a str,
    /// The viewer's address.
    pub client: IpAddr,
    /// [`Scheme::Https`] for rtmps.
    pub scheme: Scheme,
    /// The host the viewer connected to, as in `tcUrl`; for policies that name web URLs.
    pub host: &'a str,
}

/// The streaming distribution that `host` (with or without port) belongs to.
///
/// # Errors
/// See [`StreamDenial`].
pub fn route_stream<'s>(
    snapshot: &'s Snapshot,
    host: &str,
) -> Result<&'s Arc<StreamingDistribution>, StreamDenial> {
    let found = snapshot.streaming_distribution_for(host);
    if let Some(streaming) = found.filter(|streaming| streaming.enabled) {
        return Ok(streaming);
    }
    let is_download = snapshot
        .distribution_for(host)
        .is_some_and(|distribution| distribution.enabled);
    Err(if found.is_none() && is_download {
        StreamDenial::DistributionTypeMismatch
    } else {
        StreamDenial::DistributionNotFound
    })
}

/// Decides whether a viewer in `country` may play a film now. To be asked at every play, seek and resume.
///
/// Where the streaming distribution names no keys, those of the film's own behavior have to have signed: a stream is
/// never a way around them. Cookies are not looked at.
///
/// # Errors
/// [`Denial::CountryBlocked`], [`Denial::HttpsRequired`] where the film's behavior wants it, [`Denial::AmbiguousPath`],
/// [`Denial::Signature`], [`Denial::NotFound`].
pub fn authorize_stream<'s>(
    streaming: &'s StreamingDistribution,
    request: &StreamRequest<'_>,
    country: Option<&str>,
    now: Timestamp,
    memory: &dyn SignatureMemory,
) -> Result<Authorized<'s>, Denial> {
    let _ = (streaming, request, country, now, memory);
    Err(Denial::NotFound)
}
