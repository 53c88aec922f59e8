//! Requests to a bucket: the location of its objects, the encoding of keys, and the signature (AWS Signature Version
//! 4).

use super::fault::OriginFaultKind;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use privet_distribution::config::{HttpServer, S3Addressing, S3Origin, SigningBehavior};
use reqsign_aws_v4::{Credential, EMPTY_STRING_SHA256, RequestSigner};
use reqsign_core::{Context, ErrorKind, SignRequest};
use std::borrow::Cow;
use std::collections::HashSet;

/// All characters but the unreserved ones (Signature Version 4, "UriEncode").
const ENCODED_IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same characters without `/`, which stays as it is in a key.
const ENCODED_IN_KEY: &AsciiSet = &ENCODED_IN_QUERY.remove(b'/');

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Values of `x-amz-content-sha256`, beside a digest, that a viewer may send for a body that passes through.
const VIEWER_PAYLOADS: [&str; 2] = [UNSIGNED_PAYLOAD, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"];

/// Returns the server for the objects of this bucket.
pub(super) fn server(s3: &S3Origin) -> HttpServer {
    match s3.addressing {
        S3Addressing::Path => s3.endpoint.clone(),
        S3Addressing::VirtualHost => HttpServer {
            host: format!("{}.{}", s3.bucket, s3.endpoint.host),
            ..s3.endpoint.clone()
        },
    }
}

/// Returns the target as S3 reads it: the path of the raw `target` decoded and encoded once, and with path addressing
/// the bucket in front of it.
///
/// A viewer may escape more or less than S3's signature does; `%2F` and `/` are the same byte of a key.
pub(super) fn target(s3: &S3Origin, target: &str) -> String {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let key = path.strip_prefix('/').unwrap_or(path);
    let key: Cow<'_, [u8]> = percent_decode_str(key).into();
    let mut rebuilt = match s3.addressing {
        S3Addressing::Path => format!("/{}/", s3.bucket),
        S3Addressing::VirtualHost => "/".to_owned(),
    };
    rebuilt.extend(percent_encode(&key, ENCODED_IN_KEY));
    if let Some(query) = query {
        let path_size_bytes = rebuilt.len();
        rebuilt.push('?');
        push_query(&mut rebuilt, query);
        if rebuilt.ends_with('?') {
            rebuilt.truncate(path_size_bytes);
        }
    }
    rebuilt
}

/// Appends a query, encoded for the signature: S3 reads `+` as a space, and the signature covers what it reads.
///
/// Any viewer whose query is passed on could break that signature, so whatever servers read in several ways is left
/// out: all but the first of the parameters with one name (Ceph 16 signs one of them, Amazon all), and those that are
/// not UTF-8.
fn push_query(out: &mut String, query: &str) {
    let mut names = HashSet::new();
    for parameter in query.split('&') {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (parameter, None),
        };
        let value = value.map(encoded);
        let (Some(name), None | Some(Some(_))) = (encoded(name), &value) else {
            continue;
        };
        let separator = if names.is_empty() { "" } else { "&" };
        if !names.insert(name.clone()) {
            continue;
        }
        out.push_str(separator);
        out.push_str(&name);
        if let Some(value) = value.flatten() {
            out.push('=');
            out.push_str(&value);
        }
    }
}

/// Encodes a name or a value; `None` if it is not UTF-8.
fn encoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().ok()?;
    Some(percent_encode(decoded.as_bytes(), ENCODED_IN_QUERY).to_string())
}

/// The treatment of a request's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signing {
    Sign,
    Leave,
}

/// Decides whether a request with these headers is signed.
pub(super) fn signing(s3: &S3Origin, headers: &HeaderMap) -> Signing {
    match s3.signing {
        SigningBehavior::Always => Signing::Sign,
        SigningBehavior::NoOverride if !headers.contains_key(AUTHORIZATION) => Signing::Sign,
        SigningBehavior::NoOverride | SigningBehavior::Never => Signing::Leave,
    }
}

/// The body of a request, as far as its signature is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    Empty,
    Streamed,
}

/// Signs a request whose path and query are those of [`target`], and whose `Host` is set. The time is the system's.
///
/// Errors: `Credentials` when the keys have expired, `InvalidTarget` when a key is not text, or a header of a request
/// that may change something.
pub(super) async fn sign(
    s3: &S3Origin,
    credential: &Credential,
    payload: Payload,
    parts: &mut Parts,
) -> Result<(), OriginFaultKind> {
    parts.headers.remove(AUTHORIZATION);
    parts.headers.remove(DATE);
    parts.headers.remove(SECURITY_TOKEN);
    let digest = content_sha256(&parts.headers, payload);
    parts.headers.insert(CONTENT_SHA256, digest);
    unify_headers(parts)?;
    let mut signed = signed_part(parts)?;
    let signer = RequestSigner::new("s3", &s3.region).with_standard_session_token();
    signer
        .sign_request(&Context::new(), &mut signed, Some(credential), None)
        .await
        .map_err(|error| fault_of(error.kind()))?;
    for name in [AUTHORIZATION, DATE, SECURITY_TOKEN] {
        if let Some(value) = signed.headers.remove(&name) {
            parts.headers.insert(name, value);
        }
    }
    Ok(())
}

fn fault_of(kind: ErrorKind) -> OriginFaultKind {
    match kind {
        ErrorKind::CredentialInvalid
        | ErrorKind::PermissionDenied
        | ErrorKind::ConfigInvalid
        | ErrorKind::RateLimited => OriginFaultKind::Credentials,
        ErrorKind::RequestInvalid | ErrorKind::Unexpected => OriginFaultKind::InvalidTarget,
    }
}

/// Returns the digest to sign. A body that passes through is not read beforehand; its digest is signed if the viewer
/// has sent it (developer guide, "Restrict access to an Amazon S3 origin": PUT with `x-amz-content-sha256`).
fn content_sha256(headers: &HeaderMap, payload: Payload) -> HeaderValue {
    match payload {
        Payload::Empty => HeaderValue::from_static(EMPTY_STRING_SHA256),
        Payload::Streamed => headers
            .get(CONTENT_SHA256)
            .filter(|value| is_viewer_payload(value.as_bytes()))
            .cloned()
            .unwrap_or(HeaderValue::from_static(UNSIGNED_PAYLOAD)),
    }
}

fn is_viewer_payload(value: &[u8]) -> bool {
    let is_digest = value.len() == 64 && value.iter().all(u8::is_ascii_hexdigit);
    is_digest
        || VIEWER_PAYLOADS
            .iter()
            .any(|known| known.as_bytes() == value)
}

/// Rewrites headers as they are signed: repeated ones as a list, and several spaces in a row as one.
fn unify_headers(parts: &mut Parts) -> Result<(), OriginFaultKind> {
    let is_read = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method);
    let names: Vec<HeaderName> = parts.headers.keys().filter(is_signed).cloned().collect();
    for name in names {
        match unified(&parts.headers, &name) {
            Some(value) => _ = parts.headers.insert(name, value),
            // A condition that is not text cannot hold; a read without it still gets the object.
            None if is_read => _ = parts.headers.remove(name),
            None => return Err(OriginFaultKind::InvalidTarget),
        }
    }
    Ok(())
}

/// Joins all values of a header; `None` if one of them is not text.
fn unified(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let mut unified = String::new();
    for (index, value) in headers.get_all(name).iter().enumerate() {
        if index > 0 {
            unified.push(',');
        }
        let words: Vec<&str> = value.to_str().ok()?.split_ascii_whitespace().collect();
        unified.push_str(&words.join(" "));
    }
    HeaderValue::from_str(&unified).ok()
}

/// Returns true if a header is signed. Every one is, whatever it says, so that nothing on the way can add to a signed
/// request; except for the two that belong to the connection, which proxies rewrite (RFC 9110 7.6.1, RFC 9112 6).
fn is_signed(name: &&HeaderName) -> bool {
    **name != CONNECTION && **name != CONTENT_LENGTH
}

/// Returns the part of the request that its signature covers.
fn signed_part(parts: &Parts) -> Result<Parts, OriginFaultKind> {
    let host = parts
        .headers
        .get(HOST)
        .ok_or(OriginFaultKind::InvalidTarget)?;
    let mut uri = parts.uri.clone().into_parts();
    uri.scheme = Some(http::uri::Scheme::HTTPS);
    uri.authority = host.as_bytes().try_into().ok();
    let uri = Uri::from_parts(uri).map_err(|_| OriginFaultKind::InvalidTarget)?;
    let (mut signed, ()) = Request::new(()).into_parts();
    signed.method = parts.method.clone();
    signed.uri = uri;
    let headers = parts.headers.iter().filter(|(name, _)| is_signed(name));
    signed
        .headers
        .extend(headers.map(|(name, value)| (name.clone(), value.clone())));
    Ok(signed)
}
