//! Videos: what HLS, DASH and RTMP are made of, read from an object as it is now.
//!
//! [`source`] opens an object and reads stretches of it, [`indexes`] keeps what was read of its index, [`parts_reader`]
//! sends headers made here and stretches of the object in their order. What a video is made of is decided in
//! `privet-media`, who may have it in `privet-distribution`.

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
