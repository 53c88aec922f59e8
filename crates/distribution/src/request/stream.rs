//! Streaming distributions: finds the one that a host names, and decides who may play which video (developer guide of
//! 2017).

use crate::config::{
    Snapshot, StreamingDistribution, ViewerProtocolPolicy, object_name, without_port,
};
use crate::request::authorize::{Authorized, check_origin, verifier};
use crate::request::denial::Denial;
use crate::request::geo::check_geo;
use crate::request::readings::{Readings, files_on_the_way};
use crate::request::route::{Routed, Spelling};
use crate::request::stricter::is_part_of;
use http::Method;
use privet_sign::{
    Credentials, Grant, KeySet, PathUse, Refusal, Scheme, SignatureMemory, Timestamp, Verifier,
    ViewerUrl,
};
use std::net::IpAddr;
use std::sync::Arc;

/// Reason why a host has no streams, with the text that viewers get (developer guide of 2017, "Error codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamDenial {
    /// The host belongs to no distribution, or to a disabled one.
    DistributionNotFound,
    /// The host belongs to a distribution that is not a streaming distribution.
    DistributionTypeMismatch,
}

impl StreamDenial {
    /// Returns the description for the viewer.
    pub fn as_str(self) -> &'static str {
        match self {
            StreamDenial::DistributionNotFound => "DistributionNotFound",
            StreamDenial::DistributionTypeMismatch => "DistributionTypeMismatch",
        }
    }
}

/// A viewer's request to play a stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamRequest<'a> {
    /// Spellings under which the stream may have been signed.
    pub names: &'a [String],
    /// Path of the video, percent-encoded, from its first `/`.
    pub object_path: &'a str,
    /// Text after the `?` of the stream's name; empty when there was none.
    pub query: &'a str,
    /// Address of the viewer.
    pub client: IpAddr,
    /// Scheme of the connection: [`Scheme::Https`] for rtmps.
    pub scheme: Scheme,
    /// Host that the viewer connected to, as in `tcUrl`; for policies that name web URLs.
    pub host: &'a str,
}

/// Finds the streaming distribution of `host` (with or without port).
///
/// # Errors
/// See [`StreamDenial`].
pub fn route_stream<'s>(
    snapshot: &'s Snapshot,
    host: &str,
) -> Result<&'s Arc<StreamingDistribution>, StreamDenial> {
    let found = snapshot.streaming_distribution_for(host);
    if let Some(streaming) = found.filter(|streaming| streaming.enabled && streaming.videos.enabled)
    {
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

/// Decides whether a viewer in `country` may play a video now. Every play, seek and resume is checked again.
///
/// The keys are the stricter set of the streaming distribution's and those of the behavior that serves the video in its
/// own distribution. Where one of the two is open, the other's keys must have signed, so that a stream never bypasses
/// them. Cookies are not examined.
///
/// # Errors
/// The first of [`Denial::CountryBlocked`], [`Denial::AmbiguousPath`] (for `..` in any reading, and for two sets of
/// keys of which neither is part of the other), [`Denial::HttpsRequired`] where the video's behavior does not serve
/// plain HTTP, [`Denial::Signature`] (or [`Denial::AmbiguousPath`] for a wildcard grant and a file on the way to the
/// path), and [`Denial::NotFound`] for the bucket itself.
pub fn authorize_stream<'s>(
    streaming: &'s StreamingDistribution,
    request: &StreamRequest<'_>,
    country: Option<&str>,
    now: Timestamp,
    memory: &dyn SignatureMemory,
) -> Result<Authorized<'s>, Denial> {
    check_geo(&streaming.videos, country)?;
    let readings = Readings::new(&streaming.videos);
    let behavior = readings.behavior_of(request.object_path, &Method::GET)?;
    // Signatures cover stream names, not paths: `video/*` must not lead out of its folder, whoever reads the path.
    let is_certain = Spelling::of(behavior, request.object_path) == Spelling::Certain;
    if !is_certain || climbs(request.object_path) {
        return Err(Denial::AmbiguousPath);
    }
    let mut routed = Routed::to(&streaming.videos, behavior);
    routed.restriction.trusted_keys = stricter_keys(streaming, &routed)?;
    match (request.scheme, routed.restriction.viewer_protocol_policy) {
        (Scheme::Https, _) | (Scheme::Http, ViewerProtocolPolicy::AllowAll) => {}
        (Scheme::Http, ViewerProtocolPolicy::HttpsOnly | ViewerProtocolPolicy::RedirectToHttps) => {
            return Err(Denial::HttpsRequired);
        }
    }
    let grant = match verifier(&routed, request.client, now, memory) {
        None => None,
        Some(verifier) => {
            let granted = grant_for_stream(streaming, verifier, request);
            let grant = granted.map_err(Denial::Signature)?;
            // A server with path info may read `video/a.mp4/b.flv` as `video/a.mp4`, which a policy for `*.flv` does
            // not cover.
            let is_pattern = grant.path_use() == PathUse::Pattern;
            let has_files = files_on_the_way(request.object_path).next().is_some();
            if is_pattern && has_files && !behavior.origin.reads_literally() {
                return Err(Denial::AmbiguousPath);
            }
            Some(grant)
        }
    };
    check_origin(&routed, &Method::GET, request.object_path)?;
    Ok(Authorized::new(routed, grant))
}

/// Returns whether the object's key, read as a path, leads upwards.
fn climbs(path: &str) -> bool {
    let name = object_name(path);
    name.split(['/', '\\']).any(|segment| segment == "..")
}

fn stricter_keys<'s>(
    streaming: &'s StreamingDistribution,
    video: &Routed<'s>,
) -> Result<Option<&'s KeySet>, Denial> {
    match (&streaming.trusted_keys, video.trusted_keys()) {
        (None, keys) => Ok(keys),
        (Some(keys), None) => Ok(Some(keys)),
        (Some(keys), Some(others)) if is_part_of(keys, others) => Ok(Some(keys)),
        (Some(keys), Some(others)) if is_part_of(others, keys) => Ok(Some(others)),
        (Some(_), Some(_)) => Err(Denial::AmbiguousPath),
    }
}

fn grant_for_stream(
    streaming: &StreamingDistribution,
    verifier: Verifier<'_>,
    request: &StreamRequest<'_>,
) -> Result<Grant, Refusal> {
    let leniency = &streaming.leniency;
    let verifier = Verifier {
        leniency,
        ..verifier
    };
    let credentials = Credentials::from_request(Some(request.query), std::iter::empty());
    let names: Vec<&str> = request.names.iter().map(String::as_str).collect();
    let refusal = match verifier.stream(&names, &credentials) {
        Err(refusal @ Refusal::WrongResource) if streaming.web_resources => refusal,
        Err(refusal @ Refusal::SignatureMismatch)
            if streaming.web_resources && credentials.is_canned() =>
        {
            refusal
        }
        told => return told,
    };
    for scheme in [Scheme::Https, Scheme::Http] {
        let url = ViewerUrl {
            scheme,
            host: without_port(request.host),
            path: request.object_path,
            query: Some(request.query).filter(|query| !query.is_empty()),
        };
        match verifier.url(&url, &credentials) {
            Err(Refusal::WrongResource | Refusal::SignatureMismatch) => {}
            told => return told,
        }
    }
    Err(refusal)
}
