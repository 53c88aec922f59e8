//! Decides whether and how the edge compresses an object for a viewer (developer guide, "Serve compressed files").

use crate::caching::cache_control::{CacheControl, directives};
use crate::config::{Audience, CachePolicy};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use std::ops::RangeInclusive;

/// Sizes that CloudFront compresses.
pub const COMPRESSED_SIZE_BYTES: RangeInclusive<u64> = 1_000..=10_000_000;

/// A content coding that the edge can make (RFC 9110 8.4.1, RFC 7932, RFC 8878).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentCoding {
    /// `br`.
    Brotli,
    /// `gzip`.
    Gzip,
    /// `zstd`; beyond CloudFront.
    Zstd,
}

impl ContentCoding {
    /// All codings, the preferred ones first: CloudFront prefers br to gzip.
    const PREFERRED: [ContentCoding; 3] = [
        ContentCoding::Brotli,
        ContentCoding::Zstd,
        ContentCoding::Gzip,
    ];

    /// Returns the name used in `Content-Encoding`.
    pub fn as_str(self) -> &'static str {
        match self {
            ContentCoding::Brotli => "br",
            ContentCoding::Gzip => "gzip",
            ContentCoding::Zstd => "zstd",
        }
    }

    fn is_on(self, policy: &CachePolicy) -> bool {
        match self {
            ContentCoding::Brotli => policy.brotli,
            ContentCoding::Gzip => policy.gzip,
            ContentCoding::Zstd => policy.zstd,
        }
    }
}

/// The codings that a viewer accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AcceptedCodings([Preference; 3]);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Preference {
    #[default]
    Unsaid,
    Taken,
    Refused,
}

impl AcceptedCodings {
    pub(crate) fn contains(self, coding: ContentCoding) -> bool {
        self.0[coding as usize] == Preference::Taken
    }
}

/// Reads `Accept-Encoding` (RFC 9110 12.5.3). A refusal (`q=0`) overrides every other mention. `*` requests no coding:
/// the uncompressed form is always acceptable.
pub(crate) fn accepted_codings(request: &HeaderMap) -> AcceptedCodings {
    let mut accepted = AcceptedCodings::default();
    for value in request.get_all(header::ACCEPT_ENCODING) {
        for member in value.as_bytes().split(|&byte| byte == b',') {
            let mut parts = member.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
            let Some(coding) = parts.next().and_then(known_coding) else {
                continue;
            };
            let slot = &mut accepted.0[coding as usize];
            if *slot != Preference::Refused {
                *slot = if parts.all(is_positive_weight) {
                    Preference::Taken
                } else {
                    Preference::Refused
                };
            }
        }
    }
    accepted
}

/// Returns the coding of this name; `x-gzip` is the same as `gzip` (RFC 9110 8.4.1.3).
fn known_coding(name: &[u8]) -> Option<ContentCoding> {
    let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
    if is(b"br") {
        Some(ContentCoding::Brotli)
    } else if is(b"gzip") || is(b"x-gzip") {
        Some(ContentCoding::Gzip)
    } else if is(b"zstd") {
        Some(ContentCoding::Zstd)
    } else {
        None
    }
}

/// Returns whether this is `q=` and a number above 0 (RFC 9110 12.4.2). A parameter that is not a weight accepts
/// nothing.
fn is_positive_weight(parameter: &[u8]) -> bool {
    let [b'q' | b'Q', b'=', weight @ ..] = parameter else {
        return false;
    };
    let (whole, fraction) = match weight {
        [whole] => (*whole, &b""[..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (*whole, fraction),
        _ => return false,
    };
    let is_number = matches!(whole, b'0' | b'1') && fraction.iter().all(u8::is_ascii_digit);
    let is_zero = whole == b'0' && fraction.iter().all(|&digit| digit == b'0');
    is_number && !is_zero
}

/// Returns the coding to compress a response with; `None` leaves it as it is.
///
/// CloudFront's conditions: the behavior compresses, and its policy enables the coding and caches at all; the viewer
/// accepts it and uses a version above HTTP/1.0; the status is 200, 403 or 404; the origin gave a `Content-Length` of
/// 1,000 to 10,000,000 bytes, a listed type and no `Content-Encoding`. Beyond those: no `no-transform` (RFC 9111
/// 5.2.2.6), and no `Range`, since a range refers to the origin's bytes.
pub fn coding_for(
    request: &HeaderMap,
    status: StatusCode,
    response: &HeaderMap,
    policy: &CachePolicy,
    compress: bool,
    version: Version,
) -> Option<ContentCoding> {
    if !compress || policy.is_disabled() || version <= Version::HTTP_10 {
        return None;
    }
    if request.contains_key(header::RANGE) || !is_compressible(status, response) {
        return None;
    }
    let accepted = accepted_codings(request);
    ContentCoding::PREFERRED
        .into_iter()
        .find(|coding| coding.is_on(policy) && accepted.contains(*coding))
}

/// Returns the coding for a text that the edge writes itself, whatever the behavior says: gzip or zstd, both quick to
/// make. `None` sends it plain, as for a viewer that accepts neither or requests a range.
pub fn coding_for_text(request: &HeaderMap, version: Version) -> Option<ContentCoding> {
    if version <= Version::HTTP_10 || request.contains_key(header::RANGE) {
        return None;
    }
    let accepted = accepted_codings(request);
    [ContentCoding::Zstd, ContentCoding::Gzip]
        .into_iter()
        .find(|coding| accepted.contains(*coding))
}

/// Returns whether the edge compresses a response for viewers that accept it: such responses vary by `Accept-Encoding`
/// in whatever form they are sent.
pub fn is_compressible(status: StatusCode, response: &HeaderMap) -> bool {
    let fits = response
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .is_some_and(|length| COMPRESSED_SIZE_BYTES.contains(&length));
    matches!(status.as_u16(), 200 | 403 | 404)
        && fits
        && !response.contains_key(header::CONTENT_ENCODING)
        && has_listed_type(response)
        && !forbids_transforming(response)
}

/// Returns whether `no-transform` is set, for everyone or for CDNs: it is about the bytes, not about how long they are
/// cached.
fn forbids_transforming(response: &HeaderMap) -> bool {
    [Audience::Everyone, Audience::Cdn]
        .iter()
        .any(|&audience| CacheControl::for_audience(response, audience).no_transform)
}

fn has_listed_type(response: &HeaderMap) -> bool {
    let value = response.get(header::CONTENT_TYPE);
    let Some(value) = value.and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or(value).trim();
    COMPRESSED_TYPES
        .iter()
        .any(|listed| listed.eq_ignore_ascii_case(essence))
}

/// Returns the fields of the compressed form of a stored response. `size_bytes` is its length, if known.
///
/// A strong entity tag becomes weak, an invalid one is dropped, and fields that describe the original bytes are
/// removed.
pub fn compressed_headers(
    stored: &HeaderMap,
    coding: ContentCoding,
    size_bytes: Option<u64>,
) -> HeaderMap {
    let mut headers = stored.clone();
    for name in [
        header::ACCEPT_RANGES,
        header::CONTENT_LENGTH,
        HeaderName::from_static("content-md5"),
        HeaderName::from_static("digest"),
        HeaderName::from_static("content-digest"),
        HeaderName::from_static("repr-digest"),
    ] {
        headers.remove(name);
    }
    let coding = HeaderValue::from_static(coding.as_str());
    headers.insert(header::CONTENT_ENCODING, coding);
    if let Some(size_bytes) = size_bytes {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size_bytes));
    }
    if let Some(tag) = headers.remove(header::ETAG)
        && let Some(weak) = weak_tag(&tag)
    {
        headers.insert(header::ETAG, weak);
    }
    vary_by_coding(&mut headers);
    headers
}

/// Returns `W/` and the tag; `None` when it is not an entity tag (RFC 9110 8.8.3).
fn weak_tag(tag: &HeaderValue) -> Option<HeaderValue> {
    let bytes = tag.as_bytes();
    let opaque = bytes.strip_prefix(b"W/").unwrap_or(bytes);
    let [b'"', inner @ .., b'"'] = opaque else {
        return None;
    };
    if !inner
        .iter()
        .all(|&byte| byte > b' ' && byte != b'"' && byte != 0x7F)
    {
        return None;
    }
    HeaderValue::from_bytes(&[b"W/", opaque].concat()).ok()
}

/// Adds `Accept-Encoding` to `Vary`, unless it is there already.
pub fn vary_by_coding(headers: &mut HeaderMap) {
    let says_so = headers.get_all(header::VARY).iter().any(|value| {
        directives(value.as_bytes()).any(|member| {
            member.is_ok_and(|member| {
                member.raw == b"*" || member.raw.eq_ignore_ascii_case(b"accept-encoding")
            })
        })
    });
    if !says_so {
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}

/// Types of the developer guide, "File types that CloudFront compresses".
const COMPRESSED_TYPES: [&str; 48] = [
    "application/dash+xml",
    "application/eot",
    "application/font",
    "application/font-sfnt",
    "application/javascript",
    "application/json",
    "application/opentype",
    "application/otf",
    "application/pdf",
    "application/pkcs7-mime",
    "application/protobuf",
    "application/rss+xml",
    "application/truetype",
    "application/ttf",
    "application/vnd.apple.mpegurl",
    "application/vnd.mapbox-vector-tile",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-font-opentype",
    "application/x-font-truetype",
    "application/x-font-ttf",
    "application/x-httpd-cgi",
    "application/x-javascript",
    "application/x-mpegurl",
    "application/x-opentype",
    "application/x-otf",
    "application/x-perl",
    "application/x-ttf",
    "application/xhtml+xml",
    "application/xml",
    "font/eot",
    "font/opentype",
    "font/otf",
    "font/ttf",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/js",
    "text/plain",
    "text/richtext",
    "text/tab-separated-values",
    "text/x-component",
    "text/x-java-source",
    "text/x-script",
    "text/xml",
    "vnd.apple.mpegurl",
];

#[cfg(test)]
mod tests;
