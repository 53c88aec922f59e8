//! Objects of buckets as plain files.
//!
//! A bucket is a folder, an object a regular file at its key's path beneath it. What is known of an object besides its
//! bytes lies in one extended attribute of its file, so that content and metadata are replaced in one step. All calls
//! may wait for the disk.

mod attributes;
mod bucket;
mod bucket_name;
mod buckets;
mod checksum;
mod conditions;
mod copy;
mod copy_bytes;
mod error;
mod etag;
mod hex;
mod incoming;
mod index;
mod key;
mod list;
mod list_request;
mod metadata;
mod multipart;
mod names;
mod page_cache;
mod parts;
mod place;
mod private;
mod record;
mod settings;
mod shared;
mod spelling;
mod system;
mod trees;
mod walk;

pub use attributes::{Attributes, Headers, TAGS_MAX, Tags, sent_value};
pub use bucket::{BucketFolder, ObjectFile, Upload};
pub use bucket_name::{BucketName, BucketNameError};
pub use buckets::{BucketsFolder, Deletion};
pub use checksum::{Algorithm, Checksum, ChecksumType, Digests};
pub use conditions::{DeleteConditions, Deleted, TagCondition, WriteConditions};
pub use error::{ObjectError, OpenError};
pub use etag::ETag;
pub use key::{KEY_BYTES_MAX, Key, KeyError};
pub use list::{Entry, Page};
pub use list_request::ListRequest;
pub use metadata::Metadata;
pub use multipart::{
    CompletedPart, Completion, Part, PartUpload, PartsPage, UploadEntry, UploadId,
    UploadInProgress, UploadsPage, UploadsRequest,
};
pub use parts::{PART_NUMBER_MAX, Parts};
pub use settings::Settings;
