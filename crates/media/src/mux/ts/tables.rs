//! The tables at the start of each segment, ISO 13818-1 2.4.4: the program association, and the map of the one program.

use crate::mp4::Track;
use crate::mux::ts::packets::{AUDIO_PID, VIDEO_PID};
use crate::mux::ts::streams::Audio;
use crate::mux::ts::units::PACKET_SIZE_BYTES;

/// The tables, with a packet for each.
pub type Tables = [u8; 2 * PACKET_SIZE_BYTES];

const PROGRAMS_PID: u16 = 0;
const PROGRAM_PID: u16 = 0x1000;
/// Stream type of H.264, ISO 13818-1 table 2-34.
const H264_STREAM_TYPE: u8 = 0x1b;

/// Returns the tables of segment `number`, from 1: their counters continue from segment to segment.
pub fn tables(number: u32, audio: Option<(&Track, &Audio)>) -> Tables {
    let counter = (number.wrapping_sub(1) & 0x0f) as u8;
    let mut tables = [0xff; 2 * PACKET_SIZE_BYTES];
    let (programs, program) = tables.split_at_mut(PACKET_SIZE_BYTES);
    let mut entry = 1_u16.to_be_bytes().to_vec();
    entry.extend_from_slice(&(0xe000 | PROGRAM_PID).to_be_bytes());
    write_table(programs, PROGRAMS_PID, counter, 0x00, &entry);
    write_table(program, PROGRAM_PID, counter, 0x02, &streams(audio));
    tables
}

/// Returns the clock's stream, no descriptors of the program, then each stream.
fn streams(audio: Option<(&Track, &Audio)>) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&(0xe000 | VIDEO_PID).to_be_bytes());
    out.extend_from_slice(&[0xf0, 0]);
    write_stream(&mut out, H264_STREAM_TYPE, VIDEO_PID, &[]);
    if let Some((track, audio)) = audio {
        let mut descriptors = Vec::new();
        if *audio == Audio::Ac3 {
            descriptors.extend_from_slice(b"\x05\x04AC-3");
        }
        if let Some(language) = track.language.as_deref().filter(|text| text.len() == 3) {
            descriptors.extend_from_slice(&[0x0a, 4]);
            descriptors.extend_from_slice(language.as_bytes());
            descriptors.push(0);
        }
        write_stream(&mut out, audio.stream_type(), AUDIO_PID, &descriptors);
    }
    out
}

/// Appends a stream. Its descriptors are far below 256 bytes.
fn write_stream(out: &mut Vec<u8>, stream_type: u8, pid: u16, descriptors: &[u8]) {
    out.push(stream_type);
    out.extend_from_slice(&(0xe000 | pid).to_be_bytes());
    out.extend_from_slice(&[0xf0, descriptors.len() as u8]);
    out.extend_from_slice(descriptors);
}

/// Fills a packet with one section; the rest of the packet stays 0xff.
fn write_table(packet: &mut [u8], pid: u16, counter: u8, table_id: u8, content: &[u8]) {
    // The length is followed by five bytes of header, the content, and a checksum of four bytes; all are far below 184.
    let length = 0xb000 | (5 + content.len() + 4) as u16;
    let [length_high, length_low] = length.to_be_bytes();
    // Number 1, version 0, current, the only section.
    let mut section = vec![table_id, length_high, length_low, 0, 1, 0xc1, 0, 0];
    section.extend_from_slice(content);
    section.extend_from_slice(&check_sum(&section).to_be_bytes());
    let [pid_high, pid_low] = pid.to_be_bytes();
    packet[..5].copy_from_slice(&[0x47, 0x40 | pid_high, pid_low, 0x10 | counter, 0]);
    packet[5..5 + section.len()].copy_from_slice(&section);
}

/// Returns the checksum of ISO 13818-1 annex A.
fn check_sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            let carry = (sum >> 31) * 0x04c1_1db7;
            sum << 1 ^ carry
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_that_of_the_standard() {
        // The check value that catalogues give for CRC-32/MPEG-2.
        assert_eq!(check_sum(b"123456789"), 0x0376_e6e7);
    }

    #[test]
    fn counters_go_on_from_segment_to_segment() {
        for (number, counter) in [(1, 0), (2, 1), (16, 15), (17, 0), (u32::MAX, 14)] {
            let tables = tables(number, None);
            assert_eq!(tables[3], 0x10 | counter, "{number}");
            assert_eq!(tables[PACKET_SIZE_BYTES + 3], 0x10 | counter, "{number}");
        }
    }
}
