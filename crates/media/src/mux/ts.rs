//! Segments as transport streams, ISO 13818-1: H.264 with the sound that goes with it.

use crate::mp4::Index;
use crate::part::Parts;
use crate::plan::Plan;

/// What a transport stream says at the start of the film, in 1/90,000 s: decoding begins before showing, and no time on the
/// wire may be negative. Subtitles beside it name the same (`X-TIMESTAMP-MAP`).
pub const TS_LEAD_90KHZ: u64 = 900_000;

/// The tracks of a transport stream, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TsTracks {
    /// The one with the picture.
    pub video: u32,
    /// The one with the sound, when the film has any.
    pub audio: Option<u32>,
}

/// Chooses the tracks of a transport stream: the lead track, and the sound that the file enables.
///
/// `None` when the picture is not H.264 with NAL lengths of four bytes, or when the film has sound but none that a
/// transport stream carries: AAC that ADTS can say, MP3 and AC-3.
pub fn ts_tracks(_index: &Index, _plan: &Plan) -> Option<TsTracks> {
    None
}

/// A segment as a transport stream, written while its samples come.
#[derive(Debug)]
pub struct TsSegment {
    sources: Parts,
}

impl TsSegment {
    /// Segment `number`, from 1. `None` when the plan has no such segment, or no transport stream can be made of it.
    pub fn new(_index: &Index, _plan: &Plan, _number: u32) -> Option<TsSegment> {
        None
    }

    /// The length of the whole, known before any byte.
    pub fn size_bytes(&self) -> u64 {
        0
    }

    /// Stretches of the object, in the order in which [`Self::supply`] wants them.
    pub fn sources(&self) -> Parts {
        self.sources.clone()
    }

    /// Takes the next bytes of [`Self::sources`], in pieces of any size, and appends whole packets to `out`.
    pub fn supply(&mut self, _bytes: &[u8], _out: &mut Vec<u8>) {}

    /// Appends what is left, and says whether all sources came.
    pub fn finish(&mut self, _out: &mut Vec<u8>) -> bool {
        false
    }
}
