//! The folder of a multipart upload: the file `upload` says what it becomes, one file of five digits is a part, and
//! `done` says what became of it.

use super::{PART_NUMBER_MAX, Part, UploadId, UploadInProgress};
use crate::metadata::{read_record, system_time};
use crate::private::flock;
use crate::record::{FileState, Record};
use crate::shared::Shared;
use crate::system::{entry, is_absence, open_file, open_folder};
use crate::{ETag, Key, ObjectError};
use rustix::fs::{Dir, FlockOperation};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;

/// Name of the file that says what the upload becomes. Its lock is the upload's.
pub(super) const UPLOAD: &str = "upload";
/// Name of the file that says what the upload became.
pub(super) const DONE: &str = "done";

/// The open folder of an upload.
pub(super) struct InProgress {
    pub(super) folder: OwnedFd,
    /// The file `upload`.
    file: OwnedFd,
    pub(super) upload: UploadInProgress,
}

/// A part's open file.
pub(super) struct PartFile {
    pub(super) file: File,
    pub(super) part: Part,
}

impl InProgress {
    /// Opens an upload.
    ///
    /// Errors: `NoSuchUpload`, the system's.
    pub(super) fn open(shared: &Shared, id: &UploadId) -> Result<InProgress, ObjectError> {
        let private = shared.private()?;
        let folder = open_folder(&private.uploads, id.as_str()).map_err(upload_error)?;
        let (file, stat) = open_file(&folder, UPLOAD).map_err(upload_error)?;
        let record = read_record(&file, &stat)?;
        let key = record.key.and_then(|key| Key::new(key).ok());
        let upload = UploadInProgress {
            id: id.clone(),
            key: key.ok_or(ObjectError::NoSuchUpload)?,
            attributes: record.attributes,
            checksum: record.requested,
            initiated: system_time(FileState::of(&stat).modified_ns),
        };
        Ok(InProgress {
            folder,
            file,
            upload,
        })
    }

    /// As `open`, for an upload of this key, which may be completed.
    pub(super) fn open_for(
        shared: &Shared,
        key: &Key,
        id: &UploadId,
    ) -> Result<InProgress, ObjectError> {
        let upload = InProgress::open(shared, id)?;
        // Who may write one key may not write others by an upload's name.
        if upload.upload.key != *key {
            return Err(ObjectError::NoSuchUpload);
        }
        Ok(upload)
    }

    /// Locks the upload, and checks that it was not removed meanwhile.
    ///
    /// Errors: `NoSuchUpload`, `UploadBusy` if the operation does not wait; the system's.
    pub(super) fn lock(&self, operation: FlockOperation) -> Result<(), ObjectError> {
        match flock(&self.file, operation) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(ObjectError::UploadBusy),
            Err(errno) => return Err(errno.into()),
        }
        if rustix::fs::fstat(&self.file)?.st_nlink == 0 {
            return Err(ObjectError::NoSuchUpload);
        }
        Ok(())
    }

    /// Checks that the upload is not completed.
    ///
    /// Errors: `NoSuchUpload`.
    pub(super) fn check_not_done(&self) -> Result<(), ObjectError> {
        match entry(&self.folder, DONE) {
            Ok(_) => Err(ObjectError::NoSuchUpload),
            Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Returns the numbers of the parts, in order.
    pub(super) fn numbers(&self) -> Result<Vec<u16>, ObjectError> {
        let mut numbers = Vec::new();
        for item in Dir::read_from(&self.folder)? {
            let item = item?;
            let number = item
                .file_name()
                .to_str()
                .ok()
                .and_then(|name| name.parse().ok());
            if let Some(number) = number
                && part_name(number).as_bytes() == item.file_name().to_bytes()
            {
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Opens a part; `None` if it was not uploaded, or was changed by hand since.
    pub(super) fn part(&self, number: u16) -> Result<Option<PartFile>, ObjectError> {
        let (file, stat) = match open_file(&self.folder, &part_name(number)) {
            Ok(opened) => opened,
            Err(errno) if is_absence(errno) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let Record {
            etag, checksums, ..
        } = read_record(&file, &stat)?;
        let Some(etag @ ETag::Content(_)) = etag else {
            return Ok(None);
        };
        let state = FileState::of(&stat);
        let part = Part {
            number,
            size: state.size_bytes,
            etag,
            modified: system_time(state.modified_ns),
            checksums,
        };
        let file = File::from(file);
        Ok(Some(PartFile { file, part }))
    }
}

/// Returns the name of a part's file.
pub(super) fn part_name(number: u16) -> String {
    format!("{number:05}")
}

/// Errors: `InvalidPartNumber`.
pub(super) fn check_number(number: u16) -> Result<(), ObjectError> {
    if (1..=PART_NUMBER_MAX).contains(&number) {
        Ok(())
    } else {
        Err(ObjectError::InvalidPartNumber)
    }
}

pub(super) fn upload_error(errno: Errno) -> ObjectError {
    if is_absence(errno) {
        ObjectError::NoSuchUpload
    } else {
        errno.into()
    }
}
