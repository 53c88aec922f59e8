//! Headers of units, ISO 13818-1 2.4.3.6: the stream, and the timestamps.

use crate::mux::ts::streams::Audio;
use crate::mux::ts::units::{Stream, Unit};

/// Size of every header: it is constant, so that the number of packets follows from sizes alone; stuffing replaces a
/// decode time that is not written.
pub const PES_HEADER_SIZE_BYTES: u64 = 19;
/// Size that the length field does not count: start code, stream id and itself.
const UNCOUNTED_SIZE_BYTES: u64 = 6;
/// Id of the video stream.
const VIDEO_STREAM_ID: u8 = 0xe0;

/// Returns true if the length of an audio unit fits its field; that of a video unit may be left 0.
pub fn is_length_sayable(size_bytes: u64) -> bool {
    size_bytes - UNCOUNTED_SIZE_BYTES <= u64::from(u16::MAX)
}

/// Returns the header of a unit.
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
    // Aligned to a frame's start; both timestamps, or only the presentation time; ten bytes follow.
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

/// Encodes 33 bits in five bytes, with a marker bit after each group.
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
