//! Multipart uploads: parts arrive in any order and become one object.

use crate::hex::{from_hex, random_name};
use crate::{
    Algorithm, Attributes, BucketFolder, Checksum, ChecksumType, Digests, ETag, Key, Metadata,
    ObjectError, WriteConditions,
};
use std::fmt;
use std::time::SystemTime;

/// Maximum number of a part (S3, "Multipart upload limits").
pub const PART_NUMBER_MAX: u16 = 10_000;

/// The name of a multipart upload, which nobody can guess.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(String);

impl UploadId {
    /// Reads 32 hexadecimal digits in lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<UploadId> {
        from_hex::<16>(text).map(|_| UploadId(text.to_owned()))
    }

    pub(crate) fn random() -> UploadId {
        UploadId(random_name())
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

/// A part on its way. Dropped, it leaves nothing behind.
pub struct PartUpload(());

impl BucketFolder {
    /// Creates a multipart upload.
    ///
    /// Errors: `InvalidHeaders`, `InvalidTags`, `MetadataTooLarge`, `TooManyUploads`, `Full`, the system's.
    pub fn create_upload(
        &self,
        key: &Key,
        attributes: impl Into<Attributes>,
        checksum: Option<(Algorithm, ChecksumType)>,
    ) -> Result<UploadInProgress, ObjectError> {
        let _ = (key, attributes.into(), checksum, UploadId::random());
        Err(ObjectError::TooManyUploads)
    }

    /// Returns an upload in progress.
    ///
    /// Errors: `NoSuchUpload`, also if it is one of another key.
    pub fn upload(&self, key: &Key, id: &UploadId) -> Result<UploadInProgress, ObjectError> {
        let _ = (key, id);
        Err(ObjectError::NoSuchUpload)
    }

    /// Begins to write a part, which replaces one of the same number.
    ///
    /// Errors: `NoSuchUpload`, `InvalidPartNumber`, `Full`, the system's.
    pub fn part(&self, key: &Key, id: &UploadId, number: u16) -> Result<PartUpload, ObjectError> {
        let _ = (key, id, number);
        Err(ObjectError::NoSuchUpload)
    }

    /// Lists the parts with numbers above `after`.
    ///
    /// Errors: `NoSuchUpload`, the system's.
    pub fn parts(
        &self,
        key: &Key,
        id: &UploadId,
        after: u16,
        max: usize,
    ) -> Result<PartsPage, ObjectError> {
        let _ = (key, id, after, max);
        Err(ObjectError::NoSuchUpload)
    }

    /// Lists uploads in progress.
    ///
    /// Errors: the system's.
    pub fn uploads(&self, request: &UploadsRequest) -> Result<UploadsPage, ObjectError> {
        let _ = request;
        Ok(UploadsPage::default())
    }

    /// Makes an object of parts, in one step. A second call with the same parts has the same answer for a while. It may
    /// take as long as copying all bytes does.
    ///
    /// Errors: `NoSuchUpload`, `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `EntityTooLarge`,
    /// `ChecksumMismatch`, `PreconditionFailed`, `NotFound` as of [`crate::Upload::commit`], the system's.
    pub fn complete(
        &self,
        key: &Key,
        id: &UploadId,
        completion: &Completion,
    ) -> Result<Metadata, ObjectError> {
        let _ = (key, id, completion);
        Err(ObjectError::NoSuchUpload)
    }

    /// Removes an upload and its parts.
    ///
    /// Errors: `NoSuchUpload`, the system's.
    pub fn abort(&self, key: &Key, id: &UploadId) -> Result<(), ObjectError> {
        let _ = (key, id);
        Err(ObjectError::NoSuchUpload)
    }

    /// Removes uploads that were created before `before`, and what killed processes left behind. Returns how many
    /// uploads there were.
    ///
    /// Errors: the system's.
    pub fn expire(&self, before: SystemTime) -> Result<usize, ObjectError> {
        let _ = before;
        Ok(0)
    }
}

impl PartUpload {
    /// Has a checksum computed besides the MD5. To be called before the first byte is written. The checksum that the
    /// upload is to have is computed anyway.
    pub fn compute(&mut self, algorithm: Algorithm) {
        let _ = algorithm;
    }

    /// Appends bytes to the part.
    ///
    /// Errors: `EntityTooLarge`, `Full`, the system's.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        let _ = bytes;
        Ok(())
    }

    /// Makes what was written the part, in one step, if it is what was announced.
    ///
    /// Errors: `NoSuchUpload`, `UploadBusy`, `DigestMismatch`, `ChecksumMismatch`, `Full`, the system's.
    pub fn commit(self, digests: &Digests) -> Result<Part, ObjectError> {
        let _ = digests;
        Err(ObjectError::NoSuchUpload)
    }
}
