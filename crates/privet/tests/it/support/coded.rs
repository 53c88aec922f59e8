//! Bodies that compress well, and the decoding of compressed ones.

use crate::support::Answer;
use std::io::Read;

/// Returns text that every coding makes much smaller.
pub fn numbered_lines(size_bytes: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|number: u32| format!("line {number} of many\n").into_bytes());
    lines.take(size_bytes).collect()
}

/// Returns the bytes before `coding`, a value of `Content-Encoding`.
#[track_caller]
pub fn decoded(coding: Option<&str>, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        None => {
            plain.extend_from_slice(bytes);
            Ok(plain.len())
        }
        Some("br") => brotli::Decompressor::new(bytes, 4_096).read_to_end(&mut plain),
        Some("gzip") => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain),
        Some("zstd") => zstd::Decoder::new(bytes).unwrap().read_to_end(&mut plain),
        Some(coding) => panic!("nobody asked for {coding}"),
    }
    .unwrap();
    plain
}

/// Returns the body before its coding.
#[track_caller]
pub fn plain_bytes(answer: &Answer) -> Vec<u8> {
    decoded(answer.field("Content-Encoding"), &answer.body)
}
