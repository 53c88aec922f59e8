//! Cuts the tracks of a film into segments.
//!
//! The lead track, the first with a picture, is cut at its key frames; all others are cut at the same times, so that all
//! have the same number of segments. Text tracks have one.

use std::time::Duration;

use crate::Refusal;
use crate::mp4::{Cursor, Index, Limits};

/// The segments of all tracks that are offered.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// Offered tracks only, by number.
    pub tracks: Vec<PlannedTrack>,
    /// Of each track that is not text.
    pub segment_count: u32,
}

impl Plan {
    /// Cuts at the first key frame at or after `target`, which is 2 to 10 s.
    ///
    /// # Errors
    ///
    /// `NoTrack` when there is neither picture nor sound, `TooLarge` beyond the limits.
    pub fn of(_index: &Index, _target: Duration, _limits: &Limits) -> Result<Plan, Refusal> {
        Err(Refusal::NoTrack)
    }

    /// The track of this number, when it is offered.
    pub fn track(&self, number: u32) -> Option<&PlannedTrack> {
        self.tracks.iter().find(|track| track.number == number)
    }

    /// The first track with a picture, else the first with sound: its cuts are everyone's.
    pub fn lead(&self) -> &PlannedTrack {
        &self.tracks[0]
    }

    /// Memory that the plan takes, for a weighted cache.
    pub fn size_bytes(&self) -> usize {
        size_of::<Plan>()
    }
}

/// The segments of one track.
#[derive(Debug, PartialEq, Eq)]
pub struct PlannedTrack {
    /// Of the [`crate::mp4::Track`].
    pub number: u32,
    /// In order; the first has number 1 in names.
    pub segments: Vec<PlannedSegment>,
}

/// One segment of one track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedSegment {
    /// Of its first sample.
    pub cursor: Cursor,
    /// 0 where the track has nothing.
    pub sample_count: u32,
    /// Of the first sample with the edit's delay added, in the track's timescale: what `tfdt` says. The edit's media
    /// start stays in the edit list of the init segment.
    pub decode_time: u64,
    /// When it is shown first, in the track's timescale.
    pub start: u64,
    /// Until the next one's start, in the track's timescale.
    pub duration: u64,
    /// Of all its samples.
    pub size_bytes: u64,
    /// For lists of key frames; 0 without samples.
    pub first_sample_size_bytes: u32,
    /// Whether decoding may begin with it.
    pub starts_with_sync: bool,
}
