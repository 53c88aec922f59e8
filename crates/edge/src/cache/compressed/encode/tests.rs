use super::*;
use privet_cache::{CacheStore, Head, StoreOptions};

#[derive(Debug)]
struct NoHead;

impl Head for NoHead {
    fn encode(&self, _out: &mut Vec<u8>) {}

    fn decode(_bytes: &[u8]) -> Option<Self> {
        None
    }

    fn size_bytes(&self) -> usize {
        0
    }
}

const CODINGS: [ContentCoding; 3] = [
    ContentCoding::Brotli,
    ContentCoding::Gzip,
    ContentCoding::Zstd,
];

fn in_parts(bytes: &[u8]) -> Vec<Part> {
    let pieces = bytes.chunks(1_000);
    pieces
        .map(|piece| Part::Bytes(Bytes::copy_from_slice(piece)))
        .collect()
}

fn encoded(parts: Vec<Part>, size_bytes: u64, coding: ContentCoding) -> io::Result<Encoded> {
    let store = CacheStore::<NoHead>::open(StoreOptions::memory(64 * 1024 * 1024)).unwrap();
    let reservation = store.try_reserve(size_bytes).unwrap();
    encode(parts, size_bytes, coding, reservation)
}

fn decoded(bytes: &[u8], coding: ContentCoding) -> Vec<u8> {
    let mut decoded = Vec::new();
    match coding {
        ContentCoding::Brotli => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut decoded),
        ContentCoding::Gzip => flate2::read::GzDecoder::new(bytes).read_to_end(&mut decoded),
        ContentCoding::Zstd => zstd::Decoder::new(bytes).unwrap().read_to_end(&mut decoded),
    }
    .unwrap();
    decoded
}

fn text(size_bytes: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|number: u32| format!("line {number} of many\n").into_bytes());
    lines.take(size_bytes).collect()
}

/// Returns bytes that no coding makes fewer.
fn noise(size_bytes: usize) -> Vec<u8> {
    let mut bytes = vec![0; size_bytes];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes
}

#[test]
fn too_few_bytes_are_an_error() {
    for coding in CODINGS {
        let error = encoded(in_parts(&text(9_999)), 10_000, coding).unwrap_err();
        assert_ne!(error.kind(), io::ErrorKind::StorageFull, "{coding:?}");
    }
}

#[test]
fn a_file_that_shrank_is_an_error() {
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(&text(5_000), 0).unwrap();
    for coding in CODINGS {
        let part = Part::File {
            file: Arc::new(file.try_clone().unwrap()),
            offset: 0,
            size_bytes: 10_000,
        };
        assert!(encoded(vec![part], 10_000, coding).is_err(), "{coding:?}");
    }
}

#[test]
fn what_does_not_get_smaller_is_given_up() {
    for coding in CODINGS {
        for size_bytes in [1_000, 300_000] {
            let result = encoded(in_parts(&noise(size_bytes)), size_bytes as u64, coding);
            assert!(
                matches!(result, Ok(Encoded::NotSmaller)),
                "{coding:?}: {result:?}"
            );
        }
    }
}

#[test]
fn every_coding_decodes_to_what_it_was_made_of() {
    for coding in CODINGS {
        for size_bytes in [1_000, 65_536, 300_000] {
            let plain = text(size_bytes);
            let result = encoded(in_parts(&plain), size_bytes as u64, coding);
            let Ok(Encoded::Smaller(chunks)) = result else {
                panic!("{coding:?}: {result:?}");
            };
            assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK_SIZE_BYTES));
            assert_eq!(decoded(&chunks.concat(), coding), plain, "{coding:?}");
        }
    }
}

#[test]
fn a_result_of_many_chunks_is_whole() {
    // Letters alone: every coding gains a quarter.
    let plain: Vec<u8> = noise(600_000).iter().map(|byte| b'A' + byte % 32).collect();
    for coding in CODINGS {
        let result = encoded(in_parts(&plain), plain.len() as u64, coding);
        let Ok(Encoded::Smaller(chunks)) = result else {
            panic!("{coding:?}: {result:?}");
        };
        assert!(chunks.len() > 4, "{coding:?}: {}", chunks.len());
        assert_eq!(decoded(&chunks.concat(), coding), plain, "{coding:?}");
    }
}

#[test]
fn a_stretch_of_a_file_is_read_from_its_place() {
    let plain = text(50_000);
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(&plain, 0).unwrap();
    let part = Part::File {
        file: Arc::new(file),
        offset: 10_000,
        size_bytes: 30_000,
    };
    let result = encoded(vec![part], 30_000, ContentCoding::Gzip);
    let Ok(Encoded::Smaller(chunks)) = result else {
        panic!("{result:?}");
    };
    assert_eq!(
        decoded(&chunks.concat(), ContentCoding::Gzip),
        plain[10_000..40_000]
    );
}
