//! Films: what HLS, DASH and RTMP are made of, read from an object as it is now.
//!
//! [`source`] opens an object and reads stretches of it, [`indexes`] keeps what was read of its index, [`parts_reader`] sends
//! headers made here and stretches of the object in their order. What a film is made of is decided in `privet-media`, who
//! may have it in `privet-distribution`.

mod bound_uri;
mod decoding;
mod folder_blocks;
mod indexes;
mod left_out;
mod lists;
mod long_work;
mod made;
mod members;
mod object_way;
mod parts_reader;
mod ready_made;
mod set_document;
mod source;
mod subtitles;
mod text;
mod walk;
mod whole_text;

pub(crate) use decoding::decoded_text;
pub(crate) use indexes::{FilmFault, FilmIndexes, StreamKind};
pub(crate) use made::{FilmBody, Made, MadeContent, Stretch};
pub(crate) use parts_reader::{FilmPiece, PartsReader, own_size_bytes};
pub(crate) use ready_made::{ListAnswer, ReadyMade, is_list, list_without_wish};
pub use set_document::{FilmSet, SET_SIZE_BYTES_MAX, SetQuality, SetSubtitles};
pub(crate) use source::{FilmSource, SourceAsk};
pub(crate) use walk::FilmWalk;
