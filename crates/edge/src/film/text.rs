//! Texts made for one viewer: written and compressed off the worker when they are long.

use crate::cache::digest;
use crate::origin::DiskWork;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use privet_distribution::{ContentCoding, Denial};
use std::io::{self, Write};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The longest list. Of very long films with very long grants a session makes short ones.
const LIST_SIZE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// A longer query stands only in lists that stay short.
const QUERY_SIZE_BYTES_MAX: usize = 2 * 1024;
/// How long a list with such a query may be.
const LONG_QUERY_LIST_SIZE_BYTES_MAX: u64 = 1024 * 1024;
/// A text up to this size is written by the worker itself.
const SHORT_TEXT_SIZE_BYTES_MAX: u64 = 64 * 1024;
/// Compressing less is not worth a viewer's while.
const CODED_SIZE_BYTES_MIN: usize = 512;
/// How many long texts may be in memory at the same time before they are compressed.
const LONG_TEXTS_MAX: usize = 4;
/// What long texts may take together on their way to viewers, of whom each may take as long as it likes.
const SENT_TEXTS_SIZE_KIB_MAX: usize = 256 * 1024;
const KIB: usize = 1024;
const GZIP_LEVEL: u32 = 1;
const ZSTD_LEVEL: i32 = 1;

static LONG_TEXTS: Semaphore = Semaphore::const_new(LONG_TEXTS_MAX);
/// One permit for each kibibyte.
static SENT_TEXTS: Semaphore = Semaphore::const_new(SENT_TEXTS_SIZE_KIB_MAX);

/// A text on its way, counted for as long as a viewer has any of it.
struct Counted {
    bytes: Bytes,
    _room: SemaphorePermit<'static>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A text in the coding that the viewer takes, and its entity tag: it depends on nothing but the bytes.
pub(super) struct Text {
    pub(super) bytes: Bytes,
    pub(super) coding: Option<ContentCoding>,
    pub(super) etag: String,
}

/// Refuses a list of `entries` that each repeat `query`, when it would be too long; else says about how long it gets.
pub(super) fn list_size_bytes(entries: usize, query: Option<&str>) -> Result<u64, Denial> {
    /// What an entry takes beside the query.
    const ENTRY_SIZE_BYTES: usize = 64;
    let entry = ENTRY_SIZE_BYTES + query.map_or(0, str::len);
    let size_bytes = (entries as u64).saturating_mul(entry as u64);
    if size_bytes > LIST_SIZE_BYTES_MAX
        || query.is_some_and(|query| is_excessive(query, size_bytes))
    {
        return Err(Denial::Film {
            token: "film-list-too-long",
            reason:
                "the list would be too long with the grant on each line; ask for it with session=1"
                    .to_owned(),
        });
    }
    Ok(size_bytes)
}

/// Whether a list that repeats `query` gets longer by it than a viewer's link may make it.
///
/// A policy with its signature has some 700 characters. What is longer has a resource like a novel, or parameters of the
/// viewer's own that the policy permits: those must not turn a request into megabytes of memory.
pub(super) fn is_excessive(query: &str, size_bytes: u64) -> bool {
    query.len() > QUERY_SIZE_BYTES_MAX && size_bytes > LONG_QUERY_LIST_SIZE_BYTES_MAX
}

/// Writes a text of about `size_bytes` and compresses it.
pub(super) async fn text(
    size_bytes: u64,
    coding: Option<ContentCoding>,
    write: impl FnOnce() -> String + Send + 'static,
) -> Result<Text, Denial> {
    if size_bytes <= SHORT_TEXT_SIZE_BYTES_MAX {
        return Ok(coded(write(), coding));
    }
    // It is never closed.
    let permit = LONG_TEXTS.acquire().await;
    let writing = DiskWork::start(move || coded(write(), coding));
    let text = writing.await.map_err(|_| Denial::CapacityExceeded)?;
    drop(permit);
    Ok(Text {
        bytes: counted(text.bytes, &SENT_TEXTS)?,
        ..text
    })
}

/// Refuses a text for which there is no room beside all that are on their way.
fn counted(bytes: Bytes, room: &'static Semaphore) -> Result<Bytes, Denial> {
    let size_kib = u32::try_from(bytes.len().div_ceil(KIB)).unwrap_or(u32::MAX);
    let room = room.try_acquire_many(size_kib);
    let _room = room.map_err(|_| Denial::CapacityExceeded)?;
    Ok(Bytes::from_owner(Counted { bytes, _room }))
}

fn coded(text: String, coding: Option<ContentCoding>) -> Text {
    let coding = coding.filter(|_| text.len() >= CODED_SIZE_BYTES_MIN);
    let smaller = coding.and_then(|coding| {
        let bytes = encode(text.as_bytes(), coding).ok()?;
        (bytes.len() < text.len()).then_some((bytes, coding))
    });
    let (bytes, coding) = match smaller {
        Some((bytes, coding)) => (bytes, Some(coding)),
        None => (text.into_bytes(), None),
    };
    Text {
        etag: tag(&bytes),
        bytes: Bytes::from(bytes),
        coding,
    }
}

/// A strong entity tag for whatever `bytes` stand for.
pub(super) fn tag(bytes: &[u8]) -> String {
    let digits: String = digest(bytes)
        .0
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{digits}\"")
}

fn encode(bytes: &[u8], coding: ContentCoding) -> io::Result<Vec<u8>> {
    match coding {
        ContentCoding::Zstd => zstd::bulk::compress(bytes, ZSTD_LEVEL),
        ContentCoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
            encoder.write_all(bytes)?;
            encoder.finish()
        }
        // Never chosen for a text: whoever takes it takes one of the others.
        ContentCoding::Brotli => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_viewers_hold_no_more_than_there_is_room_for() {
        static ROOM: Semaphore = Semaphore::const_new(3);
        let text = |size_bytes| counted(Bytes::from(vec![b'a'; size_bytes]), &ROOM);
        assert!(text(3 * KIB + 1).is_err());
        let mut first = text(2 * KIB).unwrap();
        let second = text(1).unwrap();
        assert_eq!(text(1), Err(Denial::CapacityExceeded));
        drop(second);
        // Sent but for its last byte.
        first = first.slice(2 * KIB - 1..);
        assert!(text(KIB + 1).is_err());
        drop(first);
        assert_eq!(text(3 * KIB).unwrap().len(), 3 * KIB);
    }
}
