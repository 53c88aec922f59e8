//! The lists of HLS (RFC 8216).

use std::time::Duration;

use super::{Propagation, Quality, SideText};
use crate::describe::{TrackDescription, TsDescription};

/// `hls/master.m3u8`: all qualities, languages and subtitles.
pub fn hls_master(
    _qualities: &[Quality<'_>],
    _side: &[SideText<'_>],
    _grant: &Propagation<'_>,
) -> String {
    String::new()
}

/// `hls/t1/media.m3u8`: the segments of one track, or the one text of a text track.
pub fn hls_media(_track: &TrackDescription, _grant: &Propagation<'_>) -> String {
    String::new()
}

/// `hls/t1/iframes.m3u8`; `None` when not each segment begins with a key frame.
pub fn hls_i_frames(_track: &TrackDescription, _grant: &Propagation<'_>) -> Option<String> {
    None
}

/// `hls/ts.m3u8`: the segments of the transport stream.
pub fn hls_ts(_ts: &TsDescription, _grant: &Propagation<'_>) -> String {
    String::new()
}

/// `hls/s-en/media.m3u8`: one text, as long as the film.
pub fn hls_subtitles(_duration: Duration, _grant: &Propagation<'_>) -> String {
    String::new()
}
