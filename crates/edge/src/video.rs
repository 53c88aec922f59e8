//! Videos: the source of HLS, DASH and RTMP, read from an object in its current state.
//!
//! [`source`] opens an object and reads ranges of it, [`indexes`] caches its parsed index, [`parts_reader`] sends
//! headers made here and ranges of the object in order. `privet-media` decides what a video is made of, and
//! `privet-distribution` who may have it.

pub(crate) mod bound_uri;
pub(crate) mod decoding;
mod folder_blocks;
pub(crate) mod indexes;
pub(crate) mod left_out;
mod long_work;
pub(crate) mod made;
pub(crate) mod make_fault;
mod object_way;
mod parts_reader;
pub(crate) mod set_document;
pub(crate) mod source;
pub(crate) mod text;
pub(crate) mod whole_text;

pub(crate) use decoding::decoded_text;
pub(crate) use indexes::{StreamKind, VideoFault, VideoIndexes};
pub(crate) use made::{Made, MadeContent, Stretch, VideoBody};
pub(crate) use parts_reader::{PartsReader, VideoPiece, own_size_bytes};
pub use set_document::{SET_SIZE_BYTES_MAX, SetRendition, SetSubtitles, VideoSet};
pub(crate) use source::{SourceRequest, SourceStores, VideoSource};
