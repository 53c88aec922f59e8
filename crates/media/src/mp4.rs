//! The index of an mp4 object: where its samples are and when they are shown.
//!
//! A [`Locator`] finds the index with few ranged reads, and validates all of it once, so that [`Samples`] never fail.
//! Cutting into segments is left to [`crate::segmentation`].

mod audio;
mod av1;
mod bits;
mod boxes;
mod colour;
mod dolby_vision;
mod edits;
mod entry;
mod entry_boxes;
mod entry_colour;
mod fragmented_track;
mod fragments;
mod held;
mod locator;
mod movie;
mod parameter_sets;
mod roles;
mod samples;
mod tables;
#[cfg(test)]
pub(crate) mod tests;
mod track;

use std::ops::Range;
use std::time::Duration;

pub use colour::{Colour, VideoRange};
pub use locator::Locator;
pub use roles::{Role, Roles};
pub use samples::{Cursor, Sample, Samples};
pub use track::Track;

/// Limits of an index; an object beyond them is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the box with the index (`moov`).
    pub index_size_bytes_max: u64,
    /// Number of tracks of any kind.
    pub tracks_max: usize,
    /// Number of samples of one track.
    pub samples_max: u32,
    /// Number of samples of one segment of one track.
    pub segment_samples_max: u32,
    /// Number of segments of a video, of all tracks together.
    pub segments_max: u32,
    /// Length of a video.
    pub duration_max: Duration,
    /// Number of boxes passed at top level before the index is found.
    pub boxes_max: u32,
    /// Number of fragments (`moof`) of an object.
    pub fragments_max: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            index_size_bytes_max: 64 << 20,
            tracks_max: 32,
            samples_max: 4_000_000,
            segment_samples_max: 65_536,
            segments_max: 100_000,
            duration_max: Duration::from_hours(48),
            boxes_max: 64,
            fragments_max: 100_000,
        }
    }
}

/// The next step of a [`Locator`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read these bytes of the object: within it, not empty, at most `index_size_bytes_max`.
    Read(Range<u64>),
    /// Nothing is left to read: [`Locator::finish`] may be called.
    Done,
}

/// The index of an object: validated, and in memory as a whole.
#[derive(Debug)]
pub struct Index {
    /// All tracks, as the file orders them.
    pub tracks: Vec<Track>,
    /// Length of the object.
    pub object_size_bytes: u64,
    duration: Duration,
}

impl Index {
    /// Returns the track of this number; 1 is the first.
    pub fn track(&self, number: u32) -> Option<&Track> {
        self.tracks.iter().find(|track| track.number == number)
    }

    /// Returns the memory that the index takes, for a weighted cache.
    pub fn size_bytes(&self) -> usize {
        size_of::<Index>() + self.tracks.iter().map(Track::size_bytes).sum::<usize>()
    }

    /// Returns the length of the longest track.
    pub fn duration(&self) -> Duration {
        self.duration
    }
}

/// The media type of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// A video track.
    Video,
    /// An audio track.
    Audio,
    /// Subtitles.
    Text,
}

/// The coding of a track's samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264: `avc1`, `avc3`.
    Avc,
    /// H.265: `hvc1`, `hev1`, and `dvh1`, `dvhe` of Dolby Vision.
    Hevc,
    /// `vp09`.
    Vp9,
    /// `av01`.
    Av1,
    /// `mp4a` with object type 40 or 67.
    Aac,
    /// `mp4a` with object type 69 or 6b, and `.mp3`.
    Mp3,
    /// `ac-3`.
    Ac3,
    /// `ec-3`.
    Eac3,
    /// `Opus`.
    Opus,
    /// `fLaC`.
    Flac,
    /// 3GPP timed text, `tx3g`.
    Tx3g,
    /// `wvtt`.
    WebVtt,
    /// Any other: the track is never offered.
    Other,
}

/// The part of a track that is shown, and its start. In an [`Index`] it is simple: if the file's edit begins inside a
/// group of pictures, all tracks were moved back to the key frame before it.
///
/// A sample is shown at `decode_time + composition_offset - media_start + delay`; a sample with a negative time is
/// decoded but not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Media time that is shown first, in the track's timescale.
    pub media_start: u64,
    /// Time before the first sample is shown, in the track's timescale: the length of an empty edit.
    pub delay: u64,
}

/// Converts a time of a track to a duration; `timescale` is not 0.
pub(crate) fn time(units: u64, timescale: u32) -> Duration {
    let timescale = u64::from(timescale.max(1));
    let nanoseconds = (units % timescale) * 1_000_000_000 / timescale;
    Duration::new(units / timescale, nanoseconds as u32)
}
