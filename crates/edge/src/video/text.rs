//! Texts made for one viewer: long ones are written and compressed off the worker.

use super::long_work::long_work;
use crate::cache::digest;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use privet_distribution::caching::ContentCoding;
use privet_distribution::request::Denial;
use std::convert::Infallible;
use std::io::{self, Write};
use tokio::sync::Semaphore;

/// Maximum size of a playlist. For very long videos with very long grants, a path token makes short playlists.
const PLAYLIST_SIZE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Maximum length of a query in a playlist of any size; a longer one is allowed only in short playlists.
const QUERY_SIZE_BYTES_MAX: usize = 2 * 1024;
/// Maximum size of a playlist with such a longer query.
const LONG_QUERY_LIST_SIZE_BYTES_MAX: u64 = 1024 * 1024;
/// Maximum size of a text that the worker writes itself.
const SHORT_TEXT_SIZE_BYTES_MAX: u64 = 64 * 1024;
/// Minimum size of a text that is compressed; less would not be worth the time.
const CODED_SIZE_BYTES_MIN: usize = 512;
/// Maximum number of long texts that are in memory at the same time before they are compressed.
const LONG_TEXTS_MAX: usize = 4;
const GZIP_LEVEL: u32 = 1;
const ZSTD_LEVEL: i32 = 1;

static LONG_TEXTS: Semaphore = Semaphore::const_new(LONG_TEXTS_MAX);

/// A text in the coding that the viewer accepts, and its entity tag, which depends on nothing but the bytes.
pub(crate) struct Text {
    pub(crate) bytes: Bytes,
    pub(crate) coding: Option<ContentCoding>,
    pub(crate) etag: String,
}

/// Refuses a playlist of `entries` that each repeat `query`, if it would be too long; otherwise returns its approximate
/// size.
pub(crate) fn playlist_size_bytes(entries: usize, query: Option<&str>) -> Result<u64, Denial> {
    /// Size of an entry without the query.
    const ENTRY_SIZE_BYTES: usize = 64;
    let entry = ENTRY_SIZE_BYTES + query.map_or(0, str::len);
    let size_bytes = (entries as u64).saturating_mul(entry as u64);
    if size_bytes > PLAYLIST_SIZE_BYTES_MAX
        || query.is_some_and(|query| is_excessive(query, size_bytes))
    {
        return Err(Denial::Video {
            token: "video-playlist-too-long",
            reason:
                "the playlist would be too long with the grant on each line; request it with path_token=1"
                    .to_owned(),
        });
    }
    Ok(size_bytes)
}

/// Returns true if a playlist that repeats `query` becomes longer by it than a viewer's link may make it.
///
/// A policy with its signature has some 700 characters. A longer one has an enormous resource, or parameters of the
/// viewer's own that the policy permits: those must not turn a request into megabytes of memory.
pub(crate) fn is_excessive(query: &str, size_bytes: u64) -> bool {
    query.len() > QUERY_SIZE_BYTES_MAX && size_bytes > LONG_QUERY_LIST_SIZE_BYTES_MAX
}

/// Writes a text of about `size_bytes` and compresses it.
pub(crate) async fn text(
    size_bytes: u64,
    coding: Option<ContentCoding>,
    write: impl FnOnce() -> String + Send + 'static,
) -> Result<Text, Denial> {
    let written = try_text(size_bytes, coding, || Ok::<_, Infallible>(write())).await?;
    match written {
        Ok(text) => Ok(text),
    }
}

/// Does the same for a text that may turn out not to be one. `write` holds, and counts, the text's source.
pub(crate) async fn try_text<E: Send + 'static>(
    size_bytes: u64,
    coding: Option<ContentCoding>,
    write: impl FnOnce() -> Result<String, E> + Send + 'static,
) -> Result<Result<Text, E>, Denial> {
    let work = move || write().map(|text| coded(text, coding));
    if size_bytes <= SHORT_TEXT_SIZE_BYTES_MAX {
        return Ok(work());
    }
    let done = long_work(&LONG_TEXTS, work).await?;
    Ok(done.result)
}

fn coded(mut text: String, coding: Option<ContentCoding>) -> Text {
    let coding = coding.filter(|_| text.len() >= CODED_SIZE_BYTES_MIN);
    let smaller = coding.and_then(|coding| {
        let mut bytes = encode(text.as_bytes(), coding).ok()?;
        bytes.shrink_to_fit();
        (bytes.len() < text.len()).then_some((bytes, coding))
    });
    // Encoders allocate for the worst case, and only the length is counted.
    text.shrink_to_fit();
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

/// Returns a strong entity tag for the content that `bytes` represent.
pub(crate) fn tag(bytes: &[u8]) -> String {
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
        // Never chosen for a text: viewers that accept it accept one of the others.
        ContentCoding::Brotli => Err(io::ErrorKind::Unsupported.into()),
    }
}
