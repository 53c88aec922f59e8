//! Checks of chunks: the chunks that a viewer may send, and that our own are read back.

use super::message_type::{ABORT, COMMAND, SET_CHUNK_SIZE};
use super::{ChunkReader, ChunkStream, ChunkWriter, MessageHead, Received};
use crate::rtmp::fault::Fault;
use crate::{Part, Parts};
use bytes::Bytes;
use proptest::prelude::*;

/// Reads all messages in `bytes`, or returns the fault that ends them; the result is the same however they are split.
fn read(bytes: &[u8]) -> Result<Vec<Received>, Fault> {
    let whole = read_pieces(bytes, usize::MAX);
    for piece in [1, 3, 100] {
        assert_eq!(read_pieces(bytes, piece), whole);
    }
    whole
}

fn read_pieces(bytes: &[u8], piece: usize) -> Result<Vec<Received>, Fault> {
    let mut reader = ChunkReader::new();
    let mut messages = Vec::new();
    for mut bytes in bytes.chunks(piece.min(bytes.len().max(1))) {
        while !bytes.is_empty() {
            let (taken, message) = reader.input(bytes)?;
            bytes = &bytes[taken..];
            messages.extend(message);
        }
    }
    Ok(messages)
}

/// Makes a chunk with a full header.
fn chunk(id: u8, message_type: u8, size_bytes: u32, payload: &[u8]) -> Vec<u8> {
    let mut chunk = vec![id, 0, 0, 0];
    chunk.extend(&size_bytes.to_be_bytes()[1..]);
    chunk.push(message_type);
    chunk.extend(1_u32.to_le_bytes());
    chunk.extend(payload);
    chunk
}

fn set_chunk_size(size_bytes: u32) -> Vec<u8> {
    chunk(2, SET_CHUNK_SIZE, 4, &size_bytes.to_be_bytes())
}

fn check_fault(chunks: &[&[u8]], expected: Fault) {
    assert_eq!(read(&chunks.concat()), Err(expected));
}

fn check_bodies(chunks: &[&[u8]], expected: &[&[u8]]) {
    let messages = read(&chunks.concat()).unwrap();
    let bodies: Vec<&[u8]> = messages.iter().map(|message| &message.body[..]).collect();
    assert_eq!(bodies, expected);
}

fn head(stream: ChunkStream, message_type: u8, stream_id: u32, timestamp_ms: u32) -> MessageHead {
    MessageHead {
        stream,
        message_type,
        stream_id,
        timestamp_ms,
    }
}

#[test]
fn chunk_sizes_out_of_bounds() {
    for size in [0, 65_537, 0x8000_0000, u32::MAX] {
        check_fault(&[&set_chunk_size(size)], Fault::ChunkSize(size));
    }
    let short = chunk(2, SET_CHUNK_SIZE, 3, &[0; 3]);
    check_fault(&[&short], Fault::ControlTooShort);
    check_fault(&[&chunk(2, ABORT, 0, &[])], Fault::ControlTooShort);
}

#[test]
fn messages_out_of_bounds() {
    check_fault(&[&chunk(3, COMMAND, 65_537, &[])], Fault::MessageTooLarge);
    check_fault(
        &[&chunk(3, COMMAND, 0xff_ffff, &[])],
        Fault::MessageTooLarge,
    );
    // Unfinished messages are also limited together.
    let begun = |id| chunk(id, COMMAND, 65_536, &[0; 128]);
    let ping = chunk(2, 4, 1, &[9]);
    check_bodies(&[&begun(3), &ping], &[&[9]]);
    check_fault(&[&begun(3), &begun(4), &ping], Fault::MessageTooLarge);
}

#[test]
fn chunks_that_follow_none() {
    check_fault(&[&[0xc3]], Fault::NoEarlierChunk);
    check_fault(&[&[0x83, 0, 0, 0]], Fault::NoEarlierChunk);
    let half = chunk(3, COMMAND, 200, &[0; 128]);
    check_fault(&[&half, &half], Fault::Interrupted);
    check_fault(&[&half, &[0x83, 0, 0, 0]], Fault::Interrupted);
}

#[test]
fn too_many_chunk_streams() {
    let many: Vec<u8> = (3..36).flat_map(|id| chunk(id, 20, 0, &[])).collect();
    check_fault(&[&many], Fault::TooManyChunkStreams);
    assert_eq!(read(&many[..32 * 12]).unwrap().len(), 32);
}

#[test]
fn aborted_messages_make_room() {
    let half = chunk(3, COMMAND, 60_000, &[0; 128]);
    let abort = chunk(2, ABORT, 4, &[0, 0, 0, 3]);
    let nothing = chunk(2, ABORT, 4, &[0, 0, 0, 99]);
    let whole = chunk(3, COMMAND, 1, b"x");
    check_bodies(&[&half, &abort, &abort, &nothing, &whole], &[b"x"]);
    check_bodies(&[&half, &abort, &half, &abort, &whole], &[b"x"]);
}

#[test]
fn every_form_of_header() {
    let whole = chunk(3, COMMAND, 2, b"ab");
    let same_stream = [0x43, 0, 0, 9, 0, 0, 3, 18, b'c', b'd', b'e'];
    let same_size = [0x83, 0, 0, 9, b'f', b'g', b'h'];
    let same = [0xc3, b'i', b'j', b'k'];
    let bodies: [&[u8]; 4] = [b"ab", b"cde", b"fgh", b"ijk"];
    check_bodies(&[&whole, &same_stream, &same_size, &same], &bodies);
    let messages = read(&[&whole[..], &same_stream, &same].concat()).unwrap();
    assert!(messages.iter().all(|message| message.stream_id == 1));
    assert_eq!(messages[2].message_type, 18);
    // A chunk stream may begin without a message stream id.
    let unsaid = read(&[&same_stream[..], &same].concat()).unwrap();
    assert_eq!(unsaid[0].stream_id, 0);
}

#[test]
fn long_chunk_stream_ids() {
    for basic in [
        &[0x00, 0][..],
        &[0x00, 255],
        &[0x01, 0, 0],
        &[0x01, 255, 255],
    ] {
        let message = [basic, &[0, 0, 0, 0, 0, 1, 20, 0, 0, 0, 0, b'x']].concat();
        let mut again = basic.to_vec();
        again[0] |= 0xc0;
        again.push(b'y');
        check_bodies(&[&message, &again], &[b"x", b"y"]);
    }
    // Both encodings of id 64 are one chunk stream.
    let short = [0x00, 0, 0, 0, 0, 0, 0, 1, 20, 0, 0, 0, 0, b'x'];
    check_bodies(&[&short, &[0xc1, 0, 0, b'y']], &[b"x", b"y"]);
}

/// The timestamp is repeated before each further chunk of the message, and before messages that omit it.
#[test]
fn extended_timestamps() {
    let head = [3, 255, 255, 255, 0, 0, 130, 20, 1, 0, 0, 0, 1, 2, 3, 4];
    let next = [0xc3, 1, 2, 3, 4];
    check_bodies(&[&head, &[7; 128], &next, &[7; 2]], &[&[7; 130]]);
    let small = [3, 255, 255, 255, 0, 0, 1, 20, 1, 0, 0, 0, 1, 2, 3, 4, b'x'];
    check_bodies(&[&small, &next, b"y", &next, b"z"], &[b"x", b"y", b"z"]);
    let back = [0x83, 0, 0, 1, b'y'];
    check_bodies(&[&small, &back, &[0xc3, b'z']], &[b"x", b"y", b"z"]);
}

#[test]
fn messages_between_one_another() {
    let first = chunk(3, COMMAND, 130, &[1; 128]);
    let second = chunk(4, COMMAND, 131, &[2; 128]);
    let ping = chunk(2, 4, 2, &[9; 2]);
    check_bodies(
        &[&first, &second, &ping, &[0xc4, 2, 2, 2], &[0xc3, 1, 1]],
        &[&[9; 2], &[2; 131], &[1; 130]],
    );
}

#[test]
fn chunk_sizes_from_1_to_65536() {
    let one = set_chunk_size(1);
    let head = chunk(3, COMMAND, 3, b"a");
    check_bodies(&[&one, &head, &[0xc3, b'b'], &[0xc3, b'c']], &[b"abc"]);
    let largest = set_chunk_size(65_536);
    let body = vec![5; 65_536];
    check_bodies(&[&largest, &chunk(3, COMMAND, 65_536, &body)], &[&body]);
    check_bodies(&[&chunk(3, COMMAND, 0, b"")], &[b""]);
}

/// Returns the bytes of parts; a byte of the source is its own position.
fn spelled(parts: &Parts) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts.as_slice() {
        match part {
            Part::Bytes(own) => bytes.extend_from_slice(own),
            Part::Source { offset, size_bytes } => {
                bytes.extend((*offset..offset + size_bytes).map(|place| place as u8));
            }
        }
    }
    bytes
}

fn body(own: usize, source: u64) -> Parts {
    let mut parts = Parts::default();
    parts.push_bytes(Bytes::from(vec![b'h'; own]));
    parts.push_source(77, source);
    parts
}

#[test]
fn a_message_is_one_header_and_one_stretch() {
    let mut writer = ChunkWriter::new();
    let mut out = Parts::default();
    writer.enlarge(&mut out);
    let mut out = Parts::default();
    writer.write(
        head(ChunkStream::Video, 9, 1, 40),
        &body(5, 60_000),
        &mut out,
    );
    assert_eq!(out.as_slice().len(), 2);
    assert_eq!(out.size_bytes(), 12 + 5 + 60_000);
    let mut out = Parts::default();
    writer.write(
        head(ChunkStream::Video, 9, 1, 80),
        &body(5, 100_000),
        &mut out,
    );
    assert_eq!(out.as_slice().len(), 4);
    assert_eq!(out.size_bytes(), 8 + 5 + 1 + 100_000);
}

#[test]
fn whole_headers_where_times_go_back() {
    let mut writer = ChunkWriter::new();
    let sizes = [
        (1, 100, 12),
        (1, 100, 8),
        (2, 110, 12),
        (2, 90, 12),
        (2, 95, 8),
    ];
    for (stream_id, timestamp_ms, header) in sizes {
        let mut out = Parts::default();
        writer.write(
            head(ChunkStream::Audio, 8, stream_id, timestamp_ms),
            &body(1, 0),
            &mut out,
        );
        assert_eq!(out.size_bytes(), header + 1);
    }
    writer.forget();
    let mut out = Parts::default();
    writer.write(head(ChunkStream::Audio, 8, 2, 99), &body(1, 0), &mut out);
    assert_eq!(out.size_bytes(), 12 + 1);
}

#[test]
fn times_beyond_24_bits() {
    let mut writer = ChunkWriter::new();
    let mut out = Parts::default();
    writer.write(
        head(ChunkStream::Video, 9, 1, 0x0102_0304),
        &body(0, 200),
        &mut out,
    );
    let bytes = spelled(&out);
    assert_eq!(bytes[1..4], [255; 3]);
    assert_eq!(bytes[12..16], [1, 2, 3, 4]);
    assert_eq!(bytes[16 + 128..16 + 133], [0xc7, 1, 2, 3, 4]);
    // The delta to the last message fits.
    let mut next = Parts::default();
    writer.write(
        head(ChunkStream::Video, 9, 1, 0x0102_0305),
        &body(0, 200),
        &mut next,
    );
    assert_eq!(next.size_bytes(), 8 + 1 + 200);
    out.push_bytes(Bytes::from(spelled(&next)));
    assert_eq!(read(&spelled(&out)).unwrap().len(), 2);
}

#[test]
fn what_is_too_long_is_left_out() {
    let mut writer = ChunkWriter::new();
    let mut out = Parts::default();
    writer.write(
        head(ChunkStream::Video, 9, 1, 0),
        &body(0, 1 << 24),
        &mut out,
    );
    assert_eq!(out, Parts::default());
}

proptest! {
    #[test]
    fn any_bytes_have_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(&bytes);
    }

    #[test]
    fn what_is_written_is_read(
        messages in proptest::collection::vec((0_usize..3, any::<u32>(), 1_usize..200, 0_u64..400), 1..20),
        large in any::<bool>(),
    ) {
        let mut writer = ChunkWriter::new();
        let mut out = Parts::default();
        if large {
            writer.enlarge(&mut out);
        }
        let mut expected = Vec::new();
        for (stream, timestamp_ms, own, source) in messages {
            let stream = [ChunkStream::Status, ChunkStream::Audio, ChunkStream::Video][stream];
            let body = body(own, source);
            writer.write(head(stream, 9, 1, timestamp_ms), &body, &mut out);
            expected.push(Received { message_type: 9, stream_id: 1, body: spelled(&body) });
        }
        prop_assert_eq!(read(&spelled(&out)), Ok(expected));
    }
}
