//! The boxes within a sample entry, after its fields.

use super::Codec;
use super::boxes::{self, BoxKind};

/// Sizes of the fields before the boxes of an entry, without its header.
pub(super) const VIDEO_FIELDS_SIZE_BYTES: usize = 78;
pub(super) const AUDIO_FIELDS_SIZE_BYTES: usize = 28;
const TX3G_FIELDS_SIZE_BYTES: usize = 38;
const TEXT_FIELDS_SIZE_BYTES: usize = 8;

/// Returns the payload of a box within a sample entry.
pub(super) fn config<'a>(codec: Codec, entry: &'a [u8], kind: &BoxKind) -> Option<&'a [u8]> {
    boxes::find(inner_boxes(codec, entry)?, kind).ok()?
}

/// Returns the boxes within a sample entry, after its fields.
pub(super) fn inner_boxes(codec: Codec, entry: &[u8]) -> Option<&[u8]> {
    let fields_size_bytes = match codec {
        Codec::Avc | Codec::Hevc | Codec::Vp9 | Codec::Av1 => VIDEO_FIELDS_SIZE_BYTES,
        Codec::Aac | Codec::Mp3 | Codec::Ac3 | Codec::Eac3 | Codec::Opus | Codec::Flac => {
            AUDIO_FIELDS_SIZE_BYTES
        }
        Codec::Tx3g => TX3G_FIELDS_SIZE_BYTES,
        Codec::WebVtt => TEXT_FIELDS_SIZE_BYTES,
        Codec::Other => return None,
    };
    entry.get(8 + fields_size_bytes..)
}
