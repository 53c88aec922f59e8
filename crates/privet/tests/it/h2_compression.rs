//! HTTP/2: field blocks that cannot be decoded. Cases of h2spec for RFC 7541.

use crate::support::Expected::*;
use crate::support::*;

/// The error codes accepted: h2 sends PROTOCOL_ERROR, and ends the connection as required.
const ERROR: Expected<'static> = ConnectionError(&[COMPRESSION_ERROR, PROTOCOL_ERROR]);

/// Sends a valid request with a representation appended to its fields.
#[track_caller]
fn check_behind(edge: &TestEdge, case: &str, representation: &[u8]) {
    let fields = [&get_block(), representation].concat();
    check(edge, case, &[headers(1, WHOLE, &fields)], ERROR);
}

#[test]
fn undecodable_blocks() {
    let edge = h2_edge();
    // RFC 9113 4.3: a truncated literal.
    check(&edge, "http2/4.3/1", &[headers(1, WHOLE, b"\x40")], ERROR);
    // RFC 7541 2.3.3: an index that does not exist.
    check_behind(&edge, "hpack/2.3.3/1", b"\xfe");
    check_behind(&edge, "hpack/2.3.3/2", b"\x7f\x0f\x06h2spec");
    // RFC 7541 4.2: the table size may change only at the beginning of a block.
    check_behind(&edge, "hpack/4.2/1", b"\x21");
    // RFC 7541 5.2: padding that is too long, padding of zeros, and the end-of-string symbol.
    let name = b"\x00\x85\xf2\xb2\x4a\x84\xff";
    for (case, value) in [
        ("hpack/5.2/1", &b"\x84\x49\x50\x9f\xff"[..]),
        ("hpack/5.2/2", b"\x83\x49\x50\x90"),
        ("hpack/5.2/3", b"\x87\xff\xff\xff\xfd\x25\x42\x7f"),
    ] {
        check_behind(&edge, case, &[name, value].concat());
    }
    // RFC 7541 6.1.
    check_behind(&edge, "hpack/6.1/1", b"\x80");
    // RFC 7541 5.1: an integer that never ends.
    check_behind(
        &edge,
        "endless integer",
        &[&[0xff][..], &[0xff; 40]].concat(),
    );
}

#[test]
fn a_larger_table_than_agreed() {
    let edge = h2_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    let most = viewer.setting(HEADER_TABLE_SIZE).unwrap_or(4_096);
    let mut fields = Vec::new();
    integer(0x20, 5, most as usize + 1, &mut fields);
    fields.extend(get_block());
    viewer.send(&headers(1, WHOLE, &fields));
    assert_outcome(&mut viewer, "hpack/6.3/1", ERROR);
}

/// RFC 7541 6.2.3: a value that no other response has evicts nothing from the viewer's table. Otherwise 41 ids would
/// fill it.
#[test]
fn ids_do_not_fill_the_viewers_table() {
    let edge = h2_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[(HEADER_TABLE_SIZE, 4_096)]);
    let mut block_sizes_bytes = Vec::new();
    for stream in (1..300).step_by(2) {
        viewer.send(&get(stream));
        let head = viewer.until_kind(HEADERS, stream).unwrap();
        block_sizes_bytes.push(head.payload.len());
        if !head.ends(stream) {
            viewer.until(|frame| frame.ends(stream)).unwrap();
        }
    }
    let first = block_sizes_bytes[0];
    // The id takes 56 characters, Huffman-coded or plain, and a date may change.
    let largest = block_sizes_bytes[1..].iter().max().unwrap();
    assert!(
        largest * 2 < first,
        "{first} at first, then {block_sizes_bytes:?}"
    );
}
