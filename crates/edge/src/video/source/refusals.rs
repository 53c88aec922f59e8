//! Reasons why nothing can be made of an object that exists.

use http::StatusCode;
use privet_distribution::request::Denial;
use privet_media::Refusal;

pub(super) const UNCACHEABLE: (&str, &str) = (
    "video-uncacheable",
    "the object must not be cached, so its parts cannot be fetched; let the origin or the cache policy allow it",
);
pub(super) const ENCODED: (&str, &str) = (
    "video-encoded",
    "the origin sends the object in a content coding; store it without Content-Encoding",
);
const ENCODED_TEXT: (&str, &str) = (
    "video-encoded",
    "the text is in a content coding that cannot be decoded; store it plain, or in gzip",
);
pub(super) const UNASKED_PART: (&str, &str) = (
    "video-unasked-part",
    "the origin sends part of a text of which all was requested; let it respond with 200 and all of it",
);
const UNSIZED: (&str, &str) = (
    "video-unsized",
    "the origin does not say how long the object is, and it is too long to be fetched whole first; let the origin send \
     Content-Length",
);

/// Returns the denial of an object that comes without a length, and is longer than what is fetched whole.
pub(super) fn unsized_object() -> Denial {
    not_in_parts(UNSIZED)
}

/// Returns the denial of a text that does not match its `Content-Encoding`, or has a coding that is not supported.
pub(crate) fn encoded_text() -> Denial {
    not_in_parts(ENCODED_TEXT)
}

/// Returns the denial of a text that is longer than allowed.
pub(crate) fn too_large_text() -> Denial {
    let refusal = Refusal::TooLarge("a text");
    Denial::Video {
        token: refusal.token(),
        reason: refusal.to_string(),
    }
}

/// Returns the denial of an object that exists, but cannot be read in parts.
pub(super) fn not_in_parts((token, reason): (&'static str, &str)) -> Denial {
    Denial::Video {
        token,
        reason: reason.to_owned(),
    }
}

/// Returns the denial for the status of an origin that has no object; `None` when it has one.
pub(super) fn refused_by_origin(status: StatusCode) -> Option<Denial> {
    match status.as_u16() {
        200 | 206 => None,
        404 | 410 => Some(Denial::NotFound),
        401 | 403 => Some(Denial::OriginForbidden),
        504 => Some(Denial::OriginTimeout),
        _ => Some(Denial::OriginInvalidResponse),
    }
}
