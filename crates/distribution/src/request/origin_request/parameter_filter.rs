//! Decides whether a policy's filter passes a query parameter, in any spelling.

use crate::config::NameFilter;
use crate::percent::percent_decoded;

/// Returns whether `filter` passes the parameter. Another spelling of a listed name counts as the listed name: an
/// excluded parameter stays out, and a listed one passes. A parameter without a name counts as unlisted, but does not
/// pass "all but these". The cache key uses this too.
pub(crate) fn takes(filter: &NameFilter, piece: &str) -> bool {
    let raw = piece.split('=').next().unwrap_or(piece);
    let decoded = percent_decoded(raw);
    let decoded = std::str::from_utf8(&decoded).unwrap_or(raw);
    match filter {
        NameFilter::None => false,
        NameFilter::All => true,
        NameFilter::Only(_) => filter.takes(raw) || filter.takes(decoded),
        NameFilter::AllExcept(_) => !raw.is_empty() && filter.takes(raw) && filter.takes(decoded),
    }
}
