//! Heads of units, ISO 13818-1 2.4.3.6: which stream, and when it is decoded and shown.

use crate::mux::ts::streams::Audio;
use crate::mux::ts::units::{Stream, Unit};

/// All headers have the same length, so that the number of packets follows from sizes alone; stuffing takes the place of a
/// decoding time that is not said.
pub const PES_HEADER_SIZE_BYTES: u64 = 19;
/// What the length field does not count: start code, stream and itself.
const UNCOUNTED_SIZE_BYTES: u64 = 6;
/// Of the stream with the picture.
const VIDEO_STREAM_ID: u8 = 0xe0;

/// Whether the length of a unit of sound can be said; a picture's need not be.
pub fn is_length_sayable(size_bytes: u64) -> bool {
    size_bytes - UNCOUNTED_SIZE_BYTES <= u64::from(u16::MAX)
}

/// The header of a unit.
pub fn header(unit: &Unit, audio: Option<&Audio>) -> [u8; 19] {
    let (stream_id, length) = match unit.stream {
        Stream::Picture => (VIDEO_STREAM_ID, 0),
        Stream::Audio => (
            audio.map_or(0xc0, Audio::stream_id),
            u16::try_from(unit.size_bytes - UNCOUNTED_SIZE_BYTES).unwrap_or(0),
        ),
    };
    let [length_high, length_low] = length.to_be_bytes();
    let mut header = [0xff; 19];
    // Aligned to a frame's start; both times, or only the one of showing; ten bytes follow.
    let has_decode_time = unit.decode_time != unit.presentation_time;
    let times = if has_decode_time { 0xc0 } else { 0x80 };
    header[..9].copy_from_slice(&[0, 0, 1, stream_id, length_high, length_low, 0x84, times, 10]);
    if has_decode_time {
        header[9..14].copy_from_slice(&time(0x30, unit.presentation_time));
        header[14..].copy_from_slice(&time(0x10, unit.decode_time));
    } else {
        header[9..14].copy_from_slice(&time(0x20, unit.presentation_time));
    }
    header
}

/// 33 bits in five bytes, with a marker bit after each group.
fn time(prefix: u8, value: u64) -> [u8; 5] {
    let high = (value >> 29) as u8 & 0x0e;
    let [.., middle_high, middle_low] = (value >> 14 & 0xfffe | 1).to_be_bytes();
    let [.., low_high, low_low] = (value << 1 & 0xfffe | 1).to_be_bytes();
    [
        prefix | high | 1,
        middle_high,
        middle_low,
        low_high,
        low_low,
    ]
}
