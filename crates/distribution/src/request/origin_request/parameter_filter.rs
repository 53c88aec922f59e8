//! Whether a filter of a policy takes a query parameter, in whatever spelling.

use crate::config::NameFilter;
use crate::percent::percent_decoded;

/// Another spelling of a listed name is the listed name: what is left out stays out, what is kept is kept. A parameter
/// without a name is none. Also for what tells objects apart.
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
