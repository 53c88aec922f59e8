//! Reasons why something cannot be done with an object or a folder of buckets.

use crate::Algorithm;
use rustix::io::Errno;

/// Reason why an operation on an object failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// There is no object of this key.
    #[error("there is no such object")]
    NotFound,
    /// The bucket was deleted meanwhile.
    #[error("there is no such bucket")]
    NoSuchBucket,
    /// The multipart upload is unknown, aborted, expired or completed.
    #[error("there is no such upload")]
    NoSuchUpload,
    /// A condition of the request does not hold.
    #[error("a condition does not hold")]
    PreconditionFailed,
    /// Headers, user metadata, tags and digests do not fit into the file's extended attribute.
    #[error("metadata is too large for the file's attribute")]
    MetadataTooLarge,
    /// A header or user metadata that cannot be sent, or a name of user metadata that is there twice.
    #[error("a header cannot be sent as it is")]
    InvalidHeaders,
    /// More than ten tags, a tag that is too long, or a name that is there twice.
    #[error("tags break a rule")]
    InvalidTags,
    /// More bytes than an object may have.
    #[error("the object is too large")]
    EntityTooLarge,
    /// A part other than the last is smaller than parts have to be.
    #[error("a part is too small")]
    EntityTooSmall,
    /// A part number outside 1 to 10,000.
    #[error("a part number is not between 1 and 10000")]
    InvalidPartNumber,
    /// A part that was not uploaded, or whose tag is another one.
    #[error("a part is not the one that was uploaded")]
    InvalidPart,
    /// Parts are not in ascending order, or there are none.
    #[error("parts are not in ascending order")]
    InvalidPartOrder,
    /// There are as many uploads in progress as the bucket may have.
    #[error("too many uploads are in progress")]
    TooManyUploads,
    /// The upload is being completed or aborted at this moment.
    #[error("the upload is being completed")]
    UploadBusy,
    /// The content's MD5 is not the announced one.
    #[error("the content has another MD5 than announced")]
    DigestMismatch,
    /// The content's checksum is not the announced one.
    #[error("the content has another checksum than announced")]
    ChecksumMismatch(Algorithm),
    /// The file was changed by hand while it was read.
    #[error("the file was changed while it was read")]
    Changed,
    /// The disk or a quota is full.
    #[error("the disk is full")]
    Full,
    /// The file system is mounted read-only.
    #[error("the file system is read-only")]
    ReadOnly,
    /// The system's permissions do not let the process do this.
    #[error("permission denied")]
    Denied,
    /// The file system has no extended attributes for users.
    #[error("the file system has no extended attributes")]
    NoAttributes,
    /// Everything else that the operating system says, by its number.
    #[error("{}", std::io::Error::from_raw_os_error(*.0))]
    System(i32),
}

impl From<Errno> for ObjectError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT
            | Errno::NOTDIR
            | Errno::ISDIR
            | Errno::LOOP
            | Errno::XDEV
            | Errno::NXIO => ObjectError::NotFound,
            Errno::NOSPC | Errno::DQUOT | Errno::FBIG => ObjectError::Full,
            Errno::ROFS => ObjectError::ReadOnly,
            Errno::ACCESS | Errno::PERM => ObjectError::Denied,
            Errno::NOTSUP => ObjectError::NoAttributes,
            other => ObjectError::System(other.raw_os_error()),
        }
    }
}

/// Reason why a folder of buckets, or one of them, cannot be opened, created or deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The folder is missing, or is no folder.
    #[error("there is no such folder")]
    Missing,
    /// The file system has no extended attributes for users (`user.…`), in which metadata is kept.
    #[error("its file system has no extended attributes: use ext4, XFS, Btrfs or ZFS")]
    NoAttributes,
    /// The kernel has no `openat2`, or a sandbox forbids it.
    #[error("openat2 is not available: Linux 5.6 or newer is needed")]
    NoOpenat2,
    /// There is a bucket, or anything else, of this name.
    #[error("the name is taken")]
    Exists,
    /// There is no bucket of this name.
    #[error("there is no such bucket")]
    NoSuchBucket,
    /// The bucket has objects, or anything else that a person put there.
    #[error("the bucket is not empty")]
    NotEmpty,
    /// Everything else that the operating system says, by its number.
    #[error("{}", std::io::Error::from_raw_os_error(*.0))]
    System(i32),
}

impl From<Errno> for OpenError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => OpenError::Missing,
            Errno::NOTSUP => OpenError::NoAttributes,
            Errno::NOSYS => OpenError::NoOpenat2,
            Errno::EXIST => OpenError::Exists,
            Errno::NOTEMPTY => OpenError::NotEmpty,
            other => OpenError::System(other.raw_os_error()),
        }
    }
}
