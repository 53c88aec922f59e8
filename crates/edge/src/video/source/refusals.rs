//! Why nothing can be made of an object that is there.

use http::StatusCode;
use privet_distribution::request::Denial;
use privet_media::Refusal;

pub(super) const UNCACHEABLE: (&str, &str) = (
    "video-uncacheable",
    "the object must not be kept, so that its parts cannot be had; let the origin or the cache policy keep it",
);
pub(super) const ENCODED: (&str, &str) = (
    "video-encoded",
    "the origin sends the object in a content coding; store it without Content-Encoding",
);
const ENCODED_TEXT: (&str, &str) = (
    "video-encoded",
    "the text is in a content coding that cannot be undone; store it plain, or in gzip",
);
pub(super) const UNASKED_PART: (&str, &str) = (
    "video-unasked-part",
    "the origin sends a part of the text that nobody asked for a part of; let it answer with 200 and all of it",
);
const UNSIZED: (&str, &str) = (
    "video-unsized",
    "the origin does not say how long the object is, and it is too long to be fetched whole first; let the origin send \
     Content-Length",
);

/// The object does not say how long it is, and is longer than what is fetched whole.
pub(super) fn unsized_object() -> Denial {
    not_in_parts(UNSIZED)
}

/// The text is not what its `Content-Encoding` says, or in a coding that nobody here undoes.
pub(crate) fn encoded_text() -> Denial {
    not_in_parts(ENCODED_TEXT)
}

/// The text is longer than texts may be.
pub(crate) fn too_large_text() -> Denial {
    let refusal = Refusal::TooLarge("a text");
    Denial::Video {
        token: refusal.token(),
        reason: refusal.to_string(),
    }
}

/// There is an object, and no way to read here and there in it.
pub(super) fn not_in_parts((token, reason): (&'static str, &str)) -> Denial {
    Denial::Video {
        token,
        reason: reason.to_owned(),
    }
}

/// Why there is no object, as the origin has it; `None` when there is one.
pub(super) fn refused_by_origin(status: StatusCode) -> Option<Denial> {
    match status.as_u16() {
        200 | 206 => None,
        404 | 410 => Some(Denial::NotFound),
        401 | 403 => Some(Denial::OriginForbidden),
        504 => Some(Denial::OriginTimeout),
        _ => Some(Denial::OriginInvalidResponse),
    }
}
