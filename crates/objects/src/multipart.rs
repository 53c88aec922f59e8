//! Multipart uploads: parts arrive in any order and become one object.

mod complete;
mod in_progress;
mod parts;
mod uploads;

pub use parts::PartUpload;

use crate::hex::{from_hex, random, to_hex};
use crate::metadata::now_ns;
use crate::parts::PART_NUMBER_MAX;
use crate::{Algorithm, Attributes, Checksum, ChecksumType, ETag, Key, WriteConditions};
use std::fmt;
use std::time::SystemTime;

/// The name of a multipart upload: the time of its creation, so that names are in this order, and what nobody can
/// guess.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(String);

impl UploadId {
    /// Reads 32 hexadecimal digits in lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<UploadId> {
        from_hex::<16>(text).map(|_| UploadId(text.to_owned()))
    }

    fn new() -> UploadId {
        let random: [u8; 8] = random();
        UploadId(format!("{:016x}{}", now_ns(), to_hex(&random)))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A multipart upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadInProgress {
    /// Its name.
    pub id: UploadId,
    /// The key of the object that it becomes.
    pub key: Key,
    /// Headers and tags of that object.
    pub attributes: Attributes,
    /// The checksum that parts and object are to have.
    pub checksum: Option<(Algorithm, ChecksumType)>,
    /// When it was created.
    pub initiated: SystemTime,
}

/// A part that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// 1 to 10,000.
    pub number: u16,
    /// Number of bytes.
    pub size: u64,
    /// MD5 of the bytes.
    pub etag: ETag,
    /// When it was uploaded.
    pub modified: SystemTime,
    /// Checksums that were asked for.
    pub checksums: Vec<Checksum>,
}

/// Parts in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartsPage {
    /// The parts.
    pub parts: Vec<Part>,
    /// The `after` of the next page, if there is more.
    pub next: Option<u16>,
}

/// Which uploads are to be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadsRequest {
    /// Uploads whose keys begin with this.
    pub prefix: String,
    /// As in lists of objects.
    pub delimiter: Option<String>,
    /// Only uploads of keys after this one; of this key too if `id_marker` is given.
    pub key_marker: Option<String>,
    /// Of the key `key_marker`, only uploads after this one. Without `key_marker` it has no meaning.
    pub id_marker: Option<UploadId>,
    /// Maximum number of entries.
    pub max: usize,
}

/// One entry of a list of uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all entries are uploads")]
pub enum UploadEntry {
    /// An upload.
    Upload(UploadInProgress),
    /// What the keys of several begin with.
    CommonPrefix(String),
}

/// Uploads in the order of their keys; those of one key in the order of their creation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadsPage {
    /// Uploads and common prefixes in one order.
    pub entries: Vec<UploadEntry>,
    /// `key_marker` and `id_marker` of the next page, if there is more.
    pub next: Option<(String, Option<UploadId>)>,
}

/// What a client says of the whole when it completes an upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The parts, in ascending order of their numbers.
    pub parts: Vec<CompletedPart>,
    /// The checksum of the whole (`x-amz-checksum-…`), without the `-N` of composite ones.
    pub checksum: Option<(Algorithm, Vec<u8>)>,
    /// The number of bytes (`x-amz-mp-object-size`).
    pub size: Option<u64>,
    /// Conditions for the object.
    pub conditions: WriteConditions,
}

/// A part as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletedPart {
    /// Its number.
    pub number: u16,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its checksum, if the client says it.
    pub checksum: Option<(Algorithm, Vec<u8>)>,
}
