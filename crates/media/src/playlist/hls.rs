//! HLS media playlists (RFC 8216, its successor, and Apple's authoring rules); the master playlist is in `master`.

use std::fmt::Write;
use std::time::Duration;

use super::Propagation;
use super::suffix::Suffix;
use super::timeline::Timeline;
use crate::describe::{TrackDescription, TsDescription};
use crate::mp4::TrackKind;

mod master;

pub use master::hls_master;

/// Writes `hls/t1/media.m3u8`: the segments of one track, or the one text of a text track.
pub fn hls_media(track: &TrackDescription, grant: &Propagation<'_>) -> String {
    let suffix = Suffix::of(grant);
    let timeline = Timeline::of(track);
    match track.kind {
        TrackKind::Text => subtitles(timeline.end_ms(), &suffix),
        TrackKind::Video | TrackKind::Audio => {
            let mut playlist = MediaPlaylist::begin(
                7,
                timeline.durations_ms(),
                timeline.segment_count(),
                &suffix,
            );
            if track.starts_with_sync {
                playlist.text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
            }
            playlist.push_map();
            for (number, duration_ms) in (1_usize..).zip(timeline.durations_ms()) {
                playlist.push_segment(duration_ms, None, format_args!("{number}.m4s"));
            }
            playlist.end()
        }
    }
}

/// Writes `hls/t1/iframes.m3u8`, for trick play; returns `None` if not every segment begins with a key frame.
pub fn hls_i_frames(track: &TrackDescription, grant: &Propagation<'_>) -> Option<String> {
    let i_frames = i_frames(track)?;
    let suffix = Suffix::of(grant);
    let durations_ms = || i_frames.iter().map(|i_frame| i_frame.duration_ms);
    let mut playlist = MediaPlaylist::begin(7, durations_ms(), i_frames.len(), &suffix);
    playlist.text.push_str("#EXT-X-I-FRAMES-ONLY\n");
    playlist.push_map();
    for (number, i_frame) in (1_usize..).zip(&i_frames) {
        playlist.push_segment(
            i_frame.duration_ms,
            Some(i_frame.size_bytes),
            format_args!("{number}.m4s"),
        );
    }
    Some(playlist.end())
}

/// Writes `hls/ts.m3u8`: the segments of the transport stream.
pub fn hls_ts(ts: &TsDescription, grant: &Propagation<'_>) -> String {
    let suffix = Suffix::of(grant);
    let durations_ms = || {
        let mut end = Duration::ZERO;
        ts.segments.iter().map(move |duration| {
            let start_ms = rounded_ms(end);
            end = end.saturating_add(*duration);
            rounded_ms(end) - start_ms
        })
    };
    let mut playlist = MediaPlaylist::begin(3, durations_ms(), ts.segments.len(), &suffix);
    for (number, duration_ms) in (1_usize..).zip(durations_ms()) {
        playlist.push_segment(duration_ms, None, format_args!("ts/{number}.ts"));
    }
    playlist.end()
}

/// Writes `hls/s-en/media.m3u8`: one text, as long as the video.
pub fn hls_subtitles(duration: Duration, grant: &Propagation<'_>) -> String {
    subtitles(rounded_ms(duration), &Suffix::of(grant))
}

fn subtitles(duration_ms: u64, suffix: &Suffix) -> String {
    let mut playlist = MediaPlaylist::begin(3, std::iter::once(duration_ms), 1, suffix);
    playlist.push_segment(duration_ms, None, format_args!("subtitles.vtt"));
    playlist.end()
}

/// A media playlist that is being written.
struct MediaPlaylist<'a> {
    text: String,
    suffix: &'a Suffix,
}

impl<'a> MediaPlaylist<'a> {
    /// Begins a playlist; the durations are only used to find the longest.
    fn begin(
        version: u32,
        durations_ms: impl Iterator<Item = u64>,
        segment_count: usize,
        suffix: &'a Suffix,
    ) -> Self {
        // RFC 8216 4.3.3.1: no duration, rounded to the nearest second, may exceed it. Rounding the same way everywhere
        // makes the tracks of one video agree, as the playlists of a variant must (RFC 8216 6.2.4).
        let target_secs = durations_ms
            .map(|duration_ms| duration_ms.saturating_add(500) / 1000)
            .fold(1, u64::max);
        let mut text =
            String::with_capacity(256 + segment_count * (LINES_SIZE_BYTES + suffix.as_str().len()));
        let _ = write!(
            text,
            "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{target_secs}\n#EXT-X-MEDIA-SEQUENCE:1\n\
             #EXT-X-PLAYLIST-TYPE:VOD\n"
        );
        MediaPlaylist { text, suffix }
    }

    fn push_map(&mut self) {
        let _ = writeln!(
            self.text,
            "#EXT-X-MAP:URI=\"init.mp4{}\"",
            self.suffix.as_str()
        );
    }

    /// Appends a segment; `size_bytes` is the size of a byte range from its first byte.
    fn push_segment(
        &mut self,
        duration_ms: u64,
        size_bytes: Option<u64>,
        name: std::fmt::Arguments<'_>,
    ) {
        let (seconds, milliseconds) = (duration_ms / 1000, duration_ms % 1000);
        let _ = writeln!(self.text, "#EXTINF:{seconds}.{milliseconds:03},");
        if let Some(size_bytes) = size_bytes {
            let _ = writeln!(self.text, "#EXT-X-BYTERANGE:{size_bytes}@0");
        }
        let _ = self.text.write_fmt(name);
        self.text.push_str(self.suffix.as_str());
        self.text.push('\n');
    }

    fn end(mut self) -> String {
        self.text.push_str("#EXT-X-ENDLIST\n");
        self.text
    }
}

/// A key frame, with the time until the next one.
struct IFrameEntry {
    duration_ms: u64,
    size_bytes: u64,
}

fn i_frames(track: &TrackDescription) -> Option<Vec<IFrameEntry>> {
    let i_frames = track.i_frames.as_ref()?;
    let timeline = Timeline::of(track);
    let entries: Vec<_> = timeline
        .durations_ms()
        .zip(i_frames)
        .map(|(duration_ms, i_frame)| IFrameEntry {
            duration_ms,
            size_bytes: i_frame.size_bytes,
        })
        .collect();
    let is_whole = entries.len() == timeline.segment_count() && !entries.is_empty();
    (is_whole && entries.iter().all(|entry| entry.size_bytes > 0)).then_some(entries)
}

fn rounded_ms(duration: Duration) -> u64 {
    let rounded = duration.as_nanos().saturating_add(500_000) / 1_000_000;
    u64::try_from(rounded).unwrap_or(u64::MAX)
}

/// Size of a segment's lines, without its grant.
const LINES_SIZE_BYTES: usize = 32;
