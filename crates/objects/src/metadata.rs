//! What is known of an object: the file's state, and its attribute as far as that is believed.

use crate::record::{ATTRIBUTE, ATTRIBUTE_BYTES_MAX, FileState, Record};
use crate::{Checksum, ETag, Headers, Key, ObjectError, Parts, Settings, Tags};
use aws_lc_rs::digest::{SHA256, digest};
use rustix::fs::Stat;
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

/// Everything that is known of an object besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Number of bytes.
    pub size: u64,
    /// Time of the last change of content or headers.
    pub modified: SystemTime,
    /// The strong entity tag.
    pub etag: ETag,
    /// Headers to send with it. `content_type` is always there.
    pub headers: Headers,
    /// Checksums of the content, as far as they are known.
    pub checksums: Vec<Checksum>,
    /// Tags.
    pub tags: Tags,
    /// Sizes of the parts of a multipart upload.
    pub parts: Parts,
}

impl Metadata {
    /// Returns what is known of a file whose record is believed.
    pub(crate) fn of(key: &Key, stat: &Stat, record: Record, settings: &Settings) -> Metadata {
        let state = FileState::of(stat);
        let mut headers = record.attributes.headers;
        let by_name = || (settings.content_type)(key.as_str()).to_owned();
        headers.content_type.get_or_insert_with(by_name);
        let modified_ns = record.modified_ns.unwrap_or(state.modified_ns);
        Metadata {
            size: state.size_bytes,
            modified: system_time(modified_ns),
            etag: record.etag.unwrap_or_else(|| file_etag(stat)),
            headers,
            checksums: record.checksums,
            tags: record.attributes.tags,
            parts: record.parts,
        }
    }
}

impl FileState {
    pub(crate) fn of(stat: &Stat) -> FileState {
        FileState {
            size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
            modified_ns: modified_ns(stat),
        }
    }
}

/// Reads the record of an open file, as far as it is believed.
///
/// Errors: the system's. A file without the attribute, or with one that cannot be read, has an empty record.
pub(crate) fn read_record(file: impl AsFd, stat: &Stat) -> Result<Record, ObjectError> {
    let mut buffer = [0; ATTRIBUTE_BYTES_MAX];
    let length = match rustix::fs::fgetxattr(file, ATTRIBUTE, &mut buffer[..]) {
        Ok(length) => length,
        Err(Errno::NODATA | Errno::RANGE | Errno::NOTSUP) => 0,
        Err(errno) => return Err(errno.into()),
    };
    let record = Record::decode(&buffer[..length]).unwrap_or_default();
    Ok(record.believed(FileState::of(stat)))
}

/// Returns the tag of a file that was put there or changed by hand. The device is left out: its number differs from
/// start to start.
fn file_etag(stat: &Stat) -> ETag {
    let mut text = *b"privet file\0........................";
    text[12..20].copy_from_slice(&stat.st_ino.to_le_bytes());
    text[20..28].copy_from_slice(&stat.st_size.to_le_bytes());
    text[28..36].copy_from_slice(&modified_ns(stat).to_le_bytes());
    let digest = digest(&SHA256, &text);
    let first = digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes");
    ETag::File(*first)
}

#[expect(
    clippy::unnecessary_cast,
    reason = "the types of the fields differ between systems"
)]
fn modified_ns(stat: &Stat) -> i64 {
    let whole = (stat.st_mtime as i64).saturating_mul(1_000_000_000);
    whole.saturating_add(stat.st_mtime_nsec as i64)
}

/// Returns the time of so many nanoseconds since 1970.
pub(crate) fn system_time(ns: i64) -> SystemTime {
    let distance = Duration::from_nanos(ns.unsigned_abs());
    match ns {
        0.. => SystemTime::UNIX_EPOCH + distance,
        ..0 => SystemTime::UNIX_EPOCH - distance,
    }
}

/// Returns the nanoseconds since 1970 of now.
pub(crate) fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(i64::MAX)
}
