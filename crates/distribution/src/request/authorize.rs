//! Checks a request's restriction: protocol policy, method, body and signature, in this order. Only this file, `video`
//! and `stream` make an [`Authorized`].

use crate::config::{
    CustomErrorResponse, Origin, ViewerProtocolPolicy, is_change, is_get_or_head, without_port,
};
use crate::request::bucket_root::may_name_root;
use crate::request::denial::Denial;
use crate::request::origin_request::check_bucket;
use crate::request::readings::files_on_the_way;
use crate::request::route::{Routed, Spelling};
use crate::request::viewer_request::{PathTokenUrl, ViewerRequest};
use http::{HeaderValue, Method, StatusCode, Version, header};
use privet_sign::{
    Grant, PathUse, Refusal, Scheme, SignatureMemory, Timestamp, Verifier, ViewerUrl,
};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

/// The proof that a request may have bytes. The fields are private: only [`authorize`], [`authorize_error_page`],
/// [`crate::request::authorize_video`], [`crate::request::authorize_member`] and [`crate::request::authorize_stream`]
/// make one, and code that serves bytes takes nothing else.
#[derive(Debug)]
pub struct Authorized<'s> {
    routed: Routed<'s>,
    grant: Option<Grant>,
}

impl<'s> Authorized<'s> {
    /// Makes the proof, for the checks of this crate alone: this one, and those of videos and streams.
    pub(crate) fn new(routed: Routed<'s>, grant: Option<Grant>) -> Self {
        Authorized { routed, grant }
    }

    /// Returns the distribution, the behavior and the restriction of the request.
    pub fn routed(&self) -> &Routed<'s> {
        &self.routed
    }

    /// Returns the grant of the viewer's signature; `None` for an open behavior.
    pub fn grant(&self) -> Option<&Grant> {
        self.grant.as_ref()
    }

    /// Returns the object's key at the origin, raw (percent-encoding untouched): origin path + path.
    ///
    /// The default root object replaces exactly `/` (developer guide, "Specify a default root object").
    pub fn origin_path<'p>(&self, path: &'p str) -> Cow<'p, str> {
        self.target_at(&self.routed.behavior.origin.primary, path)
    }

    /// Like [`Authorized::origin_path`], for either origin of a group.
    pub(crate) fn target_at<'p>(&self, origin: &Origin, path: &'p str) -> Cow<'p, str> {
        let prefix = &origin.origin_path;
        match &self.routed.distribution.default_root_object {
            Some(object) if path == "/" => Cow::Owned(format!("{prefix}/{object}")),
            Some(_) | None if prefix.is_empty() => Cow::Borrowed(path),
            Some(_) | None => Cow::Owned(format!("{prefix}{path}")),
        }
    }
}

/// Decides whether a routed request may have bytes, at `now`, before any cache lookup or origin request.
///
/// # Errors
/// The first of: protocol policy ([`Denial::HttpsRequired`], [`Denial::RedirectToHttps`]), method
/// ([`Denial::MethodNotAllowed`]), body ([`Denial::BodyNotAllowed`]), signature ([`Denial::Signature`], and
/// [`Denial::AmbiguousPath`] where the grant does not cover this spelling of the path). A viewer who got this far may
/// still get [`Denial::NotSupportedByOrigin`], for methods that a folder cannot serve and for requests that the edge
/// must not sign for a bucket; [`Denial::NotFound`], for the bucket itself; and [`Denial::BadRequest`], for a change
/// that would reach a bucket as another one. CloudFront publishes no order; this one agrees with every captured
/// response.
pub fn authorize<'s>(
    routed: Routed<'s>,
    request: &ViewerRequest<'_>,
    now: Timestamp,
    memory: &dyn SignatureMemory,
) -> Result<Authorized<'s>, Denial> {
    check_protocol(&routed, request)?;
    check_method(&routed, request)?;
    let grant = match verifier(&routed, request.client, now, memory) {
        None => None,
        Some(verifier) => {
            let examiner = Examiner::new(&routed, request, verifier);
            let granted = examiner.grant_for(request.path, request.query);
            let granted = good_for_spelling(&routed, granted)?;
            Some(examiner.good_for_path_info(granted, request.path, request.query)?)
        }
    };
    check_origin(&routed, request.method, request.path)?;
    check_bucket(routed.behavior, request)?;
    Ok(Authorized { routed, grant })
}

/// Makes the proof for the page of a custom error response. It needs no grant: viewers without one get to see this page
/// (developer guide, "Generate custom error responses").
///
/// Returns `None` when `request` is not for the configured page itself, so that nothing else can be opened this way.
pub fn authorize_error_page<'s>(
    routed: Routed<'s>,
    custom: &CustomErrorResponse,
    request: &ViewerRequest<'_>,
) -> Option<Authorized<'s>> {
    let page = custom.page.as_ref()?;
    let is_configured = routed.distribution.custom_errors.contains(custom);
    (is_configured && page.path == request.path && request.query.is_none()).then_some(Authorized {
        routed,
        grant: None,
    })
}

pub(crate) fn check_protocol(
    routed: &Routed<'_>,
    request: &ViewerRequest<'_>,
) -> Result<(), Denial> {
    match (request.scheme, routed.restriction.viewer_protocol_policy) {
        (Scheme::Https, _) | (Scheme::Http, ViewerProtocolPolicy::AllowAll) => Ok(()),
        (Scheme::Http, ViewerProtocolPolicy::HttpsOnly) => Err(Denial::HttpsRequired),
        (Scheme::Http, ViewerProtocolPolicy::RedirectToHttps) => Err(redirect(routed, request)),
    }
}

/// Applies the developer guide, "Require HTTPS for communication between viewers and CloudFront".
fn redirect(routed: &Routed<'_>, request: &ViewerRequest<'_>) -> Denial {
    let status = if is_get_or_head(request.method) {
        StatusCode::MOVED_PERMANENTLY
    } else if is_change(request.method) || request.method == Method::OPTIONS {
        if request.version < Version::HTTP_11 {
            return Denial::HttpsRequired;
        }
        StatusCode::TEMPORARY_REDIRECT
    } else {
        return Denial::MethodNotAllowed;
    };
    Denial::RedirectToHttps {
        location: https_location(
            request.https_port.unwrap_or(routed.distribution.https_port),
            request,
        ),
        status,
    }
}

/// Returns the same URL over HTTPS, signature parameters included.
fn https_location(port: u16, request: &ViewerRequest<'_>) -> String {
    let mut location = String::with_capacity(
        32 + request.host.len() + request.path.len() + request.query.map_or(0, str::len),
    );
    location.push_str("https://");
    location.push_str(without_port(request.host));
    if port != 443 {
        location.push(':');
        location.push_str(&port.to_string());
    }
    if let Some(path_token) = &request.path_token {
        location.push_str("/~");
        push_header_safe(&mut location, path_token.token);
    }
    push_header_safe(&mut location, request.path);
    if let Some(query) = request.query {
        location.push('?');
        push_header_safe(&mut location, query);
    }
    location
}

/// Appends `text` raw, but percent-encodes the bytes that a header value must not have.
pub(crate) fn push_header_safe(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

fn check_method(routed: &Routed<'_>, request: &ViewerRequest<'_>) -> Result<(), Denial> {
    if !routed.behavior.allowed_methods.allows(request.method) {
        return Err(Denial::MethodNotAllowed);
    }
    check_body(request)
}

/// Applies the developer guide, "Request and response behavior for Amazon S3 origins", GET requests that include a
/// body.
pub(crate) fn check_body(request: &ViewerRequest<'_>) -> Result<(), Denial> {
    if request.has_body && is_get_or_head(request.method) {
        return Err(Denial::BodyNotAllowed);
    }
    Ok(())
}

/// Returns the verifier for the signatures of a request; `None` for an open behavior.
pub(crate) fn verifier<'a>(
    routed: &Routed<'a>,
    client: IpAddr,
    now: Timestamp,
    memory: &'a dyn SignatureMemory,
) -> Option<Verifier<'a>> {
    routed.trusted_keys().map(|keys| Verifier {
        keys,
        now,
        client,
        leniency: &routed.behavior.leniency,
        memory,
    })
}

/// Checks a request's credentials against URLs.
pub(crate) struct Examiner<'a> {
    request: &'a ViewerRequest<'a>,
    verifier: Verifier<'a>,
    /// True if the origin takes paths literally.
    reads_literally: bool,
}

impl<'a> Examiner<'a> {
    pub(crate) fn new(
        routed: &Routed<'a>,
        request: &'a ViewerRequest<'a>,
        verifier: Verifier<'a>,
    ) -> Self {
        Examiner {
            request,
            verifier,
            reads_literally: routed.behavior.origin.reads_literally(),
        }
    }

    /// Returns the grant for the URL of `path` and `query` at the request's scheme and host.
    pub(crate) fn grant_for(&self, path: &str, query: Option<&str>) -> Result<Grant, Refusal> {
        self.verify(&ViewerUrl {
            path,
            query,
            ..self.request.url()
        })
    }

    /// Returns the grant if it is valid for every file on the way to `path`: at a server with path info, a policy for
    /// `*.jpg` would open `s.txt` by way of `s.txt/x.jpg`. A policy is meant for such a file if it covers the paths
    /// beneath it, or names it.
    pub(crate) fn good_for_path_info(
        &self,
        grant: Grant,
        path: &str,
        query: Option<&str>,
    ) -> Result<Grant, Denial> {
        const FILES_MAX: usize = 8;
        if self.reads_literally || grant.path_use() != PathUse::Pattern {
            return Ok(grant);
        }
        for (number, file) in files_on_the_way(path).enumerate() {
            let name = file.rsplit('/').next().unwrap_or(file);
            let covers_beneath = || self.grant_for(&format!("{file}/"), query).is_ok();
            if number == FILES_MAX || !(grant.names_segment(name) || covers_beneath()) {
                return Err(Denial::AmbiguousPath);
            }
        }
        Ok(grant)
    }

    fn verify(&self, url: &ViewerUrl<'_>) -> Result<Grant, Refusal> {
        if let Some(PathTokenUrl { token, secret }) = self.request.path_token {
            return self.verifier.path_token(secret, token, url);
        }
        let cookies = self.request.headers.get_all(header::COOKIE).into_iter();
        self.verifier
            .request(url, cookies.map(HeaderValue::as_bytes))
    }
}

/// Returns the grant if it is valid for the path as it is spelled.
///
/// A wildcard is meant for its folder, and a path that is not canonical may lead out of it. A signer of exactly this
/// spelling has seen it; a signer for everything has nothing to lose by it.
pub(crate) fn good_for_spelling(
    routed: &Routed<'_>,
    granted: Result<Grant, Refusal>,
) -> Result<Grant, Denial> {
    match (routed.restriction.spelling, granted) {
        (Spelling::Certain, granted) => granted.map_err(Denial::Signature),
        (Spelling::Ambiguous, Ok(grant)) => match grant.path_use() {
            PathUse::Exact | PathUse::Ignored => Ok(grant),
            PathUse::Pattern => Err(Denial::AmbiguousPath),
        },
        // If the object that the path names here is open, the fault is the path, not a missing signature.
        (Spelling::Ambiguous, Err(_)) if routed.behavior.trusted_keys.is_none() => {
            Err(Denial::AmbiguousPath)
        }
        (Spelling::Ambiguous, Err(refusal)) => Err(Denial::Signature(refusal)),
    }
}

pub(crate) fn check_origin(routed: &Routed<'_>, method: &Method, path: &str) -> Result<(), Denial> {
    if is_change(method) && !routed.behavior.origin.primary.source.is_remote() {
        return Err(Denial::NotSupportedByOrigin);
    }
    if names_bucket(routed, path) {
        return Err(Denial::NotFound);
    }
    Ok(())
}

/// Returns whether the path may be that of the bucket itself.
fn names_bucket(routed: &Routed<'_>, path: &str) -> bool {
    if path == "/" && routed.distribution.default_root_object.is_some() {
        return false;
    }
    let mut origins = routed.behavior.origin.origins();
    origins.any(|origin| {
        origin.source.has_listing() && may_name_root(&format!("{}{path}", origin.origin_path))
    })
}
