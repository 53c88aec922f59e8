//! The manifest of DASH (ISO 23009-1).

use super::{Propagation, Quality, SideText};

/// `dash/manifest.mpd`: all qualities, languages and subtitles.
pub fn dash(
    _qualities: &[Quality<'_>],
    _side: &[SideText<'_>],
    _grant: &Propagation<'_>,
) -> String {
    String::new()
}
