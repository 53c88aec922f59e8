//! Undoes the content codings of texts, up to a length: compressed bytes may expand a thousandfold.

use bytes::Bytes;
use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use privet_distribution::caching::{AppliedCoding, AppliedCodings};
use std::io::Read;

/// Maximum number of stacked codings that are undone.
pub(crate) const CODINGS_MAX: usize = 3;
/// Maximum window of zstd: 8 MiB, beyond which it is no content coding (RFC 9659 3).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
const BROTLI_BUFFER_SIZE_BYTES: usize = 4096;
/// Size of the pieces in which bare DEFLATE is read.
const DEFLATE_PIECE_SIZE_BYTES: usize = 16 * 1024;

/// Reason why there is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeFault {
    /// The bytes do not match their coding, are cut off, or have a coding that is not supported.
    Undecodable,
    /// The text is longer than allowed.
    TooLarge,
}

/// Returns the bytes of a text before its codings; `None` if they cannot be undone, or if the text is then longer than
/// `size_bytes_max`.
pub(crate) fn decoded_text(
    bytes: Vec<u8>,
    codings: &AppliedCodings,
    size_bytes_max: u64,
) -> Option<Vec<u8>> {
    let size_bytes_max = usize::try_from(size_bytes_max).unwrap_or(usize::MAX);
    if bytes.is_empty() || codings.codings.len() > CODINGS_MAX {
        return bytes.is_empty().then_some(bytes);
    }
    let decoded = decode(bytes.into(), &codings.codings, size_bytes_max);
    decoded.ok().map(Vec::from)
}

/// Returns the bytes before `codings`, which are in the order in which they were applied; no intermediate result is
/// longer than `size_bytes_max`.
pub(crate) fn decode(
    mut bytes: Bytes,
    codings: &[AppliedCoding],
    size_bytes_max: usize,
) -> Result<Bytes, DecodeFault> {
    for coding in codings.iter().rev() {
        let mut decoded = undone(&bytes, *coding, size_bytes_max)?;
        // Only the length is counted, so there must be no spare capacity.
        decoded.shrink_to_fit();
        bytes = Bytes::from(decoded);
    }
    Ok(bytes)
}

fn undone(
    bytes: &[u8],
    coding: AppliedCoding,
    size_bytes_max: usize,
) -> Result<Vec<u8>, DecodeFault> {
    match coding {
        AppliedCoding::Gzip => gunzip(bytes, size_bytes_max),
        AppliedCoding::Brotli => {
            let mut reader = brotli::Decompressor::new(bytes, BROTLI_BUFFER_SIZE_BYTES);
            let decoded = read_all(&mut reader, size_bytes_max)?;
            // After the end, the reader reports bytes left in its buffer as an error.
            let is_all = matches!(reader.read(&mut [0]), Ok(0)) && reader.get_ref().is_empty();
            is_all.then_some(decoded).ok_or(DecodeFault::Undecodable)
        }
        AppliedCoding::Zstd => {
            let decoder = zstd::Decoder::with_buffer(bytes);
            let mut decoder = decoder.map_err(|_| DecodeFault::Undecodable)?;
            let limited = decoder.window_log_max(ZSTD_WINDOW_LOG_MAX);
            limited.map_err(|_| DecodeFault::Undecodable)?;
            read_all(decoder, size_bytes_max)
        }
        AppliedCoding::Deflate => match inflate(bytes, Wrapping::Zlib, size_bytes_max) {
            Err(DecodeFault::Undecodable) => inflate(bytes, Wrapping::None, size_bytes_max),
            told => told,
        },
        AppliedCoding::Foreign => Err(DecodeFault::Undecodable),
    }
}

fn read_all(reader: impl Read, size_bytes_max: usize) -> Result<Vec<u8>, DecodeFault> {
    let mut decoded = Vec::new();
    let mut limited = reader.take(size_bytes_max as u64 + 1);
    let read = limited.read_to_end(&mut decoded);
    if decoded.len() > size_bytes_max {
        return Err(DecodeFault::TooLarge);
    }
    read.map_err(|_| DecodeFault::Undecodable)?;
    Ok(decoded)
}

/// Decompresses one member after the other (RFC 1952 2.2). Only zeros may follow the last one: some writers fill a
/// block with those, and tools for gzip skip them.
fn gunzip(bytes: &[u8], size_bytes_max: usize) -> Result<Vec<u8>, DecodeFault> {
    let mut decoded = Vec::new();
    let mut member = GzDecoder::new(bytes);
    loop {
        let left = size_bytes_max - decoded.len();
        let read = (&mut member)
            .take(left as u64 + 1)
            .read_to_end(&mut decoded);
        if decoded.len() > size_bytes_max {
            return Err(DecodeFault::TooLarge);
        }
        read.map_err(|_| DecodeFault::Undecodable)?;
        let rest = *member.get_ref();
        if rest.iter().all(|byte| *byte == 0) {
            return Ok(decoded);
        }
        member.reset(rest);
    }
}

/// Wrapping around DEFLATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrapping {
    /// The zlib format (RFC 1950), which is what `deflate` means.
    Zlib,
    /// No wrapping, which is what some servers send instead.
    None,
}

/// Decompresses DEFLATE. The readers of flate2 take truncation for the end; here the stream must mark its end itself.
fn inflate(
    bytes: &[u8],
    wrapping: Wrapping,
    size_bytes_max: usize,
) -> Result<Vec<u8>, DecodeFault> {
    let mut inflater = Decompress::new(wrapping == Wrapping::Zlib);
    let mut decoded = Vec::new();
    loop {
        decoded.reserve(DEFLATE_PIECE_SIZE_BYTES);
        let before = (inflater.total_in(), decoded.len());
        // The whole input is in memory, so the conversion loses nothing.
        let rest = &bytes[inflater.total_in() as usize..];
        let status = inflater.decompress_vec(rest, &mut decoded, FlushDecompress::None);
        if decoded.len() > size_bytes_max {
            return Err(DecodeFault::TooLarge);
        }
        let stands_still = before == (inflater.total_in(), decoded.len());
        match status {
            Ok(Status::StreamEnd) => {
                let is_all = inflater.total_in() == bytes.len() as u64;
                return is_all.then_some(decoded).ok_or(DecodeFault::Undecodable);
            }
            Ok(Status::Ok | Status::BufError) if !stands_still => {}
            Ok(Status::Ok | Status::BufError) | Err(_) => return Err(DecodeFault::Undecodable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AppliedCoding::{Brotli, Deflate, Foreign, Gzip, Zstd};
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    const LIMIT: usize = 100_000;

    fn decode(
        bytes: Vec<u8>,
        codings: &[AppliedCoding],
        size_bytes_max: usize,
    ) -> Result<Vec<u8>, DecodeFault> {
        super::decode(bytes.into(), codings, size_bytes_max).map(Vec::from)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bare_deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn br(bytes: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        let mut encoder = brotli::CompressorWriter::new(&mut encoded, 4096, 5, 20);
        encoder.write_all(bytes).unwrap();
        drop(encoder);
        encoded
    }

    fn zst(bytes: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(bytes, 1).unwrap()
    }

    fn of(coding: AppliedCoding, bytes: &[u8]) -> Vec<u8> {
        match coding {
            Gzip => gzip(bytes),
            Deflate => zlib(bytes),
            Brotli => br(bytes),
            Zstd => zst(bytes),
            Foreign => bytes.to_vec(),
        }
    }

    fn text(size_bytes: usize) -> Vec<u8> {
        (0..size_bytes).map(|at| b'a' + (at % 7) as u8).collect()
    }

    #[test]
    fn h1_what_is_cut_off_or_is_something_else_is_no_text() {
        for coding in [Gzip, Deflate, Brotli, Zstd] {
            let whole = of(coding, &text(5_000));
            for length in [0, 1, 5, whole.len() / 2, whole.len() - 1] {
                let cut = whole[..length].to_vec();
                let decoded = decode(cut, &[coding], LIMIT);
                // Zero bytes of zstd are an empty text.
                let nothing = coding == Zstd && length == 0 && decoded == Ok(Vec::new());
                let refused = decoded == Err(DecodeFault::Undecodable);
                assert!(refused || nothing, "{coding:?} {length}");
            }
            let plain = decode(b"#EXTM3U\n1.ts\n".to_vec(), &[coding], LIMIT);
            assert_eq!(plain, Err(DecodeFault::Undecodable), "{coding:?}");
        }
        let foreign = decode(text(10), &[Foreign], LIMIT);
        assert_eq!(foreign, Err(DecodeFault::Undecodable));
    }

    #[test]
    fn l7_what_stands_behind_a_coded_text_is_nothing_or_padding_of_gzip() {
        let plain = text(5_000);
        for coding in [Gzip, Deflate, Brotli, Zstd] {
            for behind in [&b"x"[..], b"<script>", b"\0\0x", b"\x1f\x8b", &[0; 600]] {
                let decoded = decode([&of(coding, &plain), behind].concat(), &[coding], LIMIT);
                let is_padding = coding == Gzip && behind.iter().all(|byte| *byte == 0);
                let expected = match is_padding {
                    true => Ok(plain.clone()),
                    false => Err(DecodeFault::Undecodable),
                };
                assert!(decoded == expected, "{coding:?} {behind:?}");
            }
        }
        let bare = [&bare_deflate(&plain), &b"x"[..]].concat();
        let decoded = decode(bare, &[Deflate], LIMIT);
        assert_eq!(decoded, Err(DecodeFault::Undecodable));
        // No padding is allowed between members.
        let members = [&gzip(&plain)[..], &[0; 512], &gzip(&plain)].concat();
        let decoded = decode(members, &[Gzip], LIMIT);
        assert_eq!(decoded, Err(DecodeFault::Undecodable));
    }

    #[test]
    fn h1_a_text_that_blows_up_is_too_large() {
        for coding in [Gzip, Deflate, Brotli, Zstd] {
            let long = decode(of(coding, &text(LIMIT + 1)), &[coding], LIMIT);
            assert_eq!(long, Err(DecodeFault::TooLarge), "{coding:?}");
            let just = decode(of(coding, &text(LIMIT)), &[coding], LIMIT);
            assert_eq!(just, Ok(text(LIMIT)), "{coding:?}");
        }
        let bomb = gzip(&gzip(&vec![0; 50 << 20]));
        assert_eq!(
            decode(bomb, &[Gzip, Gzip], LIMIT),
            Err(DecodeFault::TooLarge)
        );
    }

    #[test]
    fn h1_codings_are_undone_from_the_last_to_the_first() {
        let plain = text(5_000);
        for coding in [Gzip, Deflate, Brotli, Zstd] {
            let encoded = of(coding, &plain);
            assert_eq!(decode(encoded, &[coding], LIMIT).as_ref(), Ok(&plain));
        }
        let bare = decode(bare_deflate(&plain), &[Deflate], LIMIT);
        assert_eq!(bare.as_ref(), Ok(&plain));
        let twice = decode(br(&gzip(&plain)), &[Gzip, Brotli], LIMIT);
        assert_eq!(twice.as_ref(), Ok(&plain));
        let members = [gzip(&plain[..2_000]), gzip(&plain[2_000..])].concat();
        assert_eq!(decode(members, &[Gzip], LIMIT).as_ref(), Ok(&plain));
        assert_eq!(decode(plain.clone(), &[], LIMIT), Ok(plain));
    }
}
