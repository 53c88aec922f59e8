//! Checks of packets, units and NAL units, made from values alone.

use proptest::prelude::*;

use super::avc::{self, NalWriter};
use super::layout::Layout;
use super::packets::{AUDIO_PID, PacketWriter, VIDEO_PID};
use super::pes;
use super::units::{PACKET_SIZE_BYTES, Stream, Unit};

/// Reassembles the units of one stream from its packets, as a receiver does.
pub fn units_of(packets: &[u8], pid: u16) -> Vec<Vec<u8>> {
    assert!(packets.len().is_multiple_of(PACKET_SIZE_BYTES));
    let mut units: Vec<Vec<u8>> = Vec::new();
    let mut counter = 0;
    for packet in packets.chunks(PACKET_SIZE_BYTES) {
        assert_eq!(packet[0], 0x47);
        if u16::from_be_bytes([packet[1] & 0x1f, packet[2]]) != pid {
            continue;
        }
        assert_eq!(packet[3] & 0x0f, counter, "counters go up by one");
        counter = (counter + 1) & 0x0f;
        let content = match packet[3] & 0x30 {
            0x10 => &packet[4..],
            0x30 => &packet[5 + usize::from(packet[4])..],
            _ => panic!("a packet without content"),
        };
        assert!(!content.is_empty());
        if packet[1] & 0x40 != 0 {
            units.push(Vec::new());
        }
        units.last_mut().expect("a unit began").extend(content);
    }
    assert_eq!(counter, 0, "the next segment begins with 0");
    units
}

fn unit(stream: Stream, size_bytes: usize) -> Unit {
    Unit {
        stream,
        decode_time: 0,
        presentation_time: 0,
        is_sync: false,
        has_parameter_sets: false,
        frame_count: 1,
        size_bytes: size_bytes as u64,
        single_packets: 0,
    }
}

/// Writes a picture in pieces of this size, and returns what a receiver gets.
fn write_picture(picture: &[u8], piece: usize) -> Vec<u8> {
    let mut layout = Layout::default();
    layout.units.push(unit(Stream::Picture, picture.len() + 19));
    layout.fill_up(Stream::Picture);
    let mut out = Vec::new();
    let mut packets = PacketWriter::default();
    let mut nal = NalWriter::default();
    packets.begin(&layout.units[0]);
    packets.write(&[0; 19], &mut out);
    for piece in picture.chunks(piece) {
        nal.write(piece, &mut packets, &mut out);
    }
    nal.end(&mut packets, &mut out);
    units_of(&out, VIDEO_PID)[0][19..].to_vec()
}

fn check_picture(picture: &[u8], expected: &[u8]) {
    for piece in 1..=picture.len() {
        assert_eq!(write_picture(picture, piece), expected, "{picture:?}");
    }
}

#[test]
fn broken_lengths_keep_the_size() {
    check_picture(&[9], &[0]);
    check_picture(&[0, 0, 0, 0], &[0; 4]);
    check_picture(&[0, 0, 0, 5], &[0; 4]);
    check_picture(&[0, 0, 0, 0, 0, 0, 0, 1, 7], &[0, 0, 0, 0, 0, 0, 0, 1, 7]);
    check_picture(&[255, 255, 255, 255, 7, 8], &[0, 0, 0, 1, 7, 8]);
    check_picture(&[0, 0, 0, 1, 7, 0, 0, 0], &[0, 0, 0, 1, 7, 0, 0, 0]);
}

#[test]
fn lengths_become_start_codes() {
    check_picture(
        &[0, 0, 0, 2, 6, 5, 0, 0, 0, 3, 0x65, 1, 2],
        &[0, 0, 0, 1, 6, 5, 0, 0, 0, 1, 0x65, 1, 2],
    );
}

#[test]
fn a_delimiter_within_a_picture_becomes_zeros() {
    check_picture(
        &[0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 2, 0x65, 1],
        &[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x65, 1],
    );
}

#[test]
fn parameter_sets_that_cannot_be_sent_are_refused() {
    let long = [&[1, 100, 0, 31, 0xff, 0xe1, 4, 1][..], &[7; 1025], &[0]].concat();
    for config in [
        &[][..],
        &[1, 100, 0, 31],
        // NAL lengths of two bytes.
        &[1, 100, 0, 31, 0xfd, 0xe0, 0],
        // Cut off: within a set, and before the second kind.
        &[1, 100, 0, 31, 0xff, 0xe1, 0, 9, 1],
        &[1, 100, 0, 31, 0xff, 0xe0],
        &long,
    ] {
        assert_eq!(avc::parameter_sets(config), None, "{config:?}");
    }
}

#[test]
fn parameter_sets_get_start_codes() {
    let config = [
        1, 100, 0, 31, 0xff, 0xe1, 0, 2, 0x67, 1, 2, 0, 1, 0x68, 0, 1, 0x69, 9, 9,
    ];
    assert_eq!(
        avc::parameter_sets(&config),
        Some(vec![
            0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x69
        ])
    );
}

#[test]
fn times_have_33_bits_and_markers() {
    let mut last = unit(Stream::Picture, 100);
    last.presentation_time = (1 << 33) - 1;
    last.decode_time = 1 << 32 | 1 << 15;
    let header = pes::header(&last, None);
    assert_eq!(header[..9], [0, 0, 1, 0xe0, 0, 0, 0x84, 0xc0, 10]);
    assert_eq!(header[9..14], [0x3f, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(header[14..], [0x19, 0x00, 0x03, 0x00, 0x01]);
}

#[test]
fn a_time_said_once_leaves_stuffing() {
    let header = pes::header(&unit(Stream::Audio, 106), None);
    assert_eq!(header[..9], [0, 0, 1, 0xc0, 0, 100, 0x84, 0x80, 10]);
    assert_eq!(header[9..14], [0x21, 0, 1, 0, 1]);
    assert_eq!(header[14..], [0xff; 5]);
}

#[test]
fn the_smallest_unit_fills_sixteen_packets() {
    for (stream, pid) in [(Stream::Picture, VIDEO_PID), (Stream::Audio, AUDIO_PID)] {
        let mut layout = Layout::default();
        layout.units.push(unit(stream, 20));
        assert_eq!(layout.fill_up(stream), 16);
        let mut out = Vec::new();
        let mut packets = PacketWriter::default();
        packets.begin(&layout.units[0]);
        packets.write(&[7; 20], &mut out);
        assert_eq!(units_of(&out, pid), [vec![7; 20]]);
    }
}

proptest! {
    #[test]
    fn what_is_packed_is_unpacked(
        sizes in prop::collection::vec((any::<bool>(), 20_usize..2000), 1..40),
        piece in 1_usize..700,
    ) {
        let mut layout = Layout::default();
        for (is_audio, size_bytes) in &sizes {
            let stream = if *is_audio { Stream::Audio } else { Stream::Picture };
            layout.units.push(unit(stream, *size_bytes));
        }
        let count = layout.fill_up(Stream::Picture) + layout.fill_up(Stream::Audio);
        let mut packets = PacketWriter::default();
        let mut out = vec![0x47; PACKET_SIZE_BYTES];
        let mut expected = [Vec::new(), Vec::new()];
        for (place, unit) in layout.units.iter().enumerate() {
            let content = vec![place as u8; unit.size_bytes as usize];
            packets.resume(&mut out);
            packets.begin(unit);
            packets.pause(&mut out);
            for piece in content.chunks(piece) {
                packets.resume(&mut out);
                packets.write(piece, &mut out);
                packets.pause(&mut out);
                prop_assert!(out.len().is_multiple_of(PACKET_SIZE_BYTES));
            }
            expected[usize::from(unit.stream == Stream::Audio)].push(content);
        }
        let out = &out[PACKET_SIZE_BYTES..];
        prop_assert_eq!(out.len() as u64, count * PACKET_SIZE_BYTES as u64);
        prop_assert_eq!(&units_of(out, VIDEO_PID), &expected[0]);
        prop_assert_eq!(&units_of(out, AUDIO_PID), &expected[1]);
    }
}
