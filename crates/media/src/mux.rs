//! Segments: fMP4 of one track, and transport streams of video and audio together.
//!
//! Both are laid out from an index and a segmentation alone, so that their lengths are known before a sample is read.

mod boxes;
mod fmp4;
mod init;
mod sample_entry;
mod ts;

pub use fmp4::{media_segment, media_segment_header_size_bytes};
pub use init::init_segment;
pub use ts::{TS_LEAD_90KHZ, TsSegment, TsTracks, ts_tracks};

#[cfg(test)]
mod tests;
