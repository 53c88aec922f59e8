//! What lists say of a film: tracks, codecs, sizes, segments; free of the index that it was read from.

use std::time::Duration;

use crate::mp4::{Codec, Index, TrackKind};
use crate::plan::Plan;

/// What lists say of a film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilmDescription {
    /// All tracks of the plan, by number.
    pub tracks: Vec<TrackDescription>,
    /// Of the longest track.
    pub duration: Duration,
    /// Whether a transport stream can be made: `ts` is there then.
    pub has_ts: bool,
    /// Picture and default sound together.
    pub ts: Option<TsDescription>,
}

/// What lists say of the transport stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsDescription {
    /// RFC 6381, of picture and sound, with a comma between.
    pub codecs: String,
    /// Length of each.
    pub segments: Vec<Duration>,
    /// Of the whole.
    pub average_bits_per_sec: u64,
    /// Of the segment with the most.
    pub peak_bits_per_sec: u64,
}

/// What lists say of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackDescription {
    /// As in names: 1 is the first of the file.
    pub number: u32,
    /// What it is for.
    pub kind: TrackKind,
    /// How it is coded.
    pub codec: Codec,
    /// RFC 6381.
    pub codecs: String,
    /// ISO 639-2; `None` when undetermined.
    pub language: Option<String>,
    /// As the file calls it.
    pub name: Option<String>,
    /// Whether the file enables it.
    pub is_default: bool,
    /// Pixels; 0 for sound.
    pub width: u32,
    /// Pixels; 0 for sound.
    pub height: u32,
    /// Average of a picture's, reduced: numerator and denominator.
    pub frame_rate: Option<(u32, u32)>,
    /// 0 for others than sound.
    pub channels: u16,
    /// 0 for others than sound.
    pub sample_rate: u32,
    /// Of the whole.
    pub average_bits_per_sec: u64,
    /// Of the segment with the most.
    pub peak_bits_per_sec: u64,
    /// Units in a second of the segments' times.
    pub timescale: u32,
    /// In order; the first has number 1 in names.
    pub segments: Vec<SegmentDescription>,
    /// Whether each segment that has samples starts with one where decoding may begin.
    pub starts_with_sync: bool,
    /// The key frame that each segment of a picture starts with.
    pub i_frames: Option<Vec<IFrame>>,
    /// Whether it is in HLS with fMP4, and in DASH.
    pub is_offered: bool,
}

/// What lists say of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentDescription {
    /// In the track's timescale.
    pub start: u64,
    /// In the track's timescale.
    pub duration: u64,
}

/// Where the key frame of a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IFrame {
    /// From byte 0 of the segment to the end of its first sample.
    pub size_bytes: u64,
}

/// Describes a film for the lists.
pub fn describe(index: &Index, plan: &Plan) -> FilmDescription {
    let _ = plan;
    FilmDescription {
        tracks: Vec::new(),
        duration: index.duration(),
        has_ts: false,
        ts: None,
    }
}
