//! H.264 in transport streams, ISO 14496-10 annex B: start codes where mp4 has the lengths of NAL units.
//!
//! A start code is as long as a length of four bytes, so that the size of a picture stays the same.

use crate::mux::ts::packets::PacketWriter;

/// The beginning of each picture: a start code, and an access unit delimiter that allows all kinds of slices.
pub const DELIMITER: [u8; 6] = [0, 0, 0, 1, 0x09, 0xf0];
const START_CODE: [u8; 4] = [0, 0, 0, 1];
const DELIMITER_TYPE: u8 = 9;
/// Size limit of the parameter sets, which precede each key frame: larger ones would make a small object a large
/// stream.
const PARAMETER_SETS_SIZE_BYTES_MAX: usize = 1024;

/// Returns the parameter sets of an `avcC` payload, ISO 14496-15 5.3.3.1, with start codes; `None` if NAL lengths do
/// not have four bytes, or if the payload is truncated or very large.
pub fn parameter_sets(config: &[u8]) -> Option<Vec<u8>> {
    if config.get(4)? & 3 != 3 {
        return None;
    }
    let mut out = Vec::new();
    let mut at = 5;
    for mask in [0x1f, 0xff] {
        let count = config.get(at)? & mask;
        at += 1;
        for _ in 0..count {
            let length = u16::from_be_bytes(config.get(at..at + 2)?.try_into().ok()?);
            let end = at + 2 + usize::from(length);
            out.extend_from_slice(&START_CODE);
            out.extend_from_slice(config.get(at + 2..end)?);
            at = end;
        }
    }
    (out.len() <= PARAMETER_SETS_SIZE_BYTES_MAX).then_some(out)
}

/// Writes pictures with start codes in place of lengths.
///
/// A delimiter within a picture is overwritten with zeros, which annex B allows between NAL units, as ours already
/// precedes the picture. So is anything too short to be a NAL unit.
#[derive(Debug, Default)]
pub struct NalWriter {
    /// Length and first byte of the unit.
    head: [u8; 5],
    head_size_bytes: usize,
    /// Number of bytes of the unit still to come.
    bytes_left: u32,
    is_delimiter: bool,
}

impl NalWriter {
    /// Writes the next bytes of a picture.
    pub fn write(&mut self, mut bytes: &[u8], packets: &mut PacketWriter, out: &mut Vec<u8>) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.bytes_left > 0 {
                let left = usize::try_from(self.bytes_left).unwrap_or(usize::MAX);
                let (piece, rest) = bytes.split_at(bytes.len().min(left));
                self.bytes_left -= piece.len() as u32;
                bytes = rest;
                if self.is_delimiter {
                    write_zeros(piece.len(), packets, out);
                } else {
                    packets.write(piece, out);
                }
            } else {
                bytes = rest;
                self.take_head(*first, packets, out);
            }
        }
    }

    /// Ends a picture; an incomplete length is written as zeros.
    pub fn end(&mut self, packets: &mut PacketWriter, out: &mut Vec<u8>) {
        write_zeros(self.head_size_bytes, packets, out);
        *self = NalWriter::default();
    }

    fn take_head(&mut self, byte: u8, packets: &mut PacketWriter, out: &mut Vec<u8>) {
        self.head[self.head_size_bytes] = byte;
        self.head_size_bytes += 1;
        let [length @ .., kind] = self.head;
        let length = u32::from_be_bytes(length);
        if self.head_size_bytes == 4 && length == 0 {
            self.head_size_bytes = 0;
            write_zeros(4, packets, out);
        } else if self.head_size_bytes == 5 {
            self.head_size_bytes = 0;
            self.bytes_left = length - 1;
            self.is_delimiter = kind & 0x1f == DELIMITER_TYPE;
            if self.is_delimiter {
                write_zeros(5, packets, out);
            } else {
                packets.write(&[0, 0, 0, 1, kind], out);
            }
        }
    }
}

fn write_zeros(count: usize, packets: &mut PacketWriter, out: &mut Vec<u8>) {
    const ZEROS: [u8; 64] = [0; 64];
    let mut left = count;
    while left > 0 {
        let piece = left.min(ZEROS.len());
        packets.write(&ZEROS[..piece], out);
        left -= piece;
    }
}
