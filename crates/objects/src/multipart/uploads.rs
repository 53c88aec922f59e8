//! Uploads are created, listed, aborted, and expire.

use super::in_progress::{DONE, InProgress, UPLOAD};
use super::{UploadEntry, UploadId, UploadInProgress, UploadsPage, UploadsRequest};
use crate::bucket::check_attributes;
use crate::hex::random_name;
use crate::incoming::write_record;
use crate::list_request::ListRequest;
use crate::metadata::{now_ns, system_time};
use crate::private::{Private, flock};
use crate::record::{FileState, Record};
use crate::shared::Shared;
use crate::system::{create_file, entry, make_folder, open_file};
use crate::trees::remove_tree;
use crate::{Algorithm, Attributes, BucketFolder, ChecksumType, Key, ObjectError};
use rustix::fs::{Dir, FileType, FlockOperation};
use rustix::io::Errno;
use std::fs::File;
use std::time::{Duration, SystemTime};

/// Age after which a temporary file or folder that nobody has locked was left behind by a killed process.
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(15 * 60);

impl BucketFolder {
    /// Creates a multipart upload.
    ///
    /// Errors: `InvalidHeaders`, `InvalidTags`, `InvalidChecksumType`, `MetadataTooLarge`, `TooManyUploads`, `Full`, the
    /// system's.
    pub fn create_upload(
        &self,
        key: &Key,
        attributes: impl Into<Attributes>,
        checksum: Option<(Algorithm, ChecksumType)>,
    ) -> Result<UploadInProgress, ObjectError> {
        let attributes = attributes.into();
        check_attributes(key, &attributes)?;
        check_checksum(checksum)?;
        let private = self.shared.private()?;
        if ids(private)?.len() >= self.shared.settings.uploads_max {
            return Err(ObjectError::TooManyUploads);
        }
        // It gets its name when all of it is there.
        let name = random_name();
        let made = self.make_upload(&name, key, &attributes, checksum);
        let id = UploadId::new();
        let named = made.and_then(|initiated| {
            rustix::fs::renameat(&private.temporary, &name, &private.uploads, id.as_str())?;
            Ok(initiated)
        });
        if named.is_err() {
            let _ = remove_tree(&private.temporary, &name);
        }
        let initiated = named?;
        self.shared.sync(&private.uploads)?;
        Ok(UploadInProgress {
            id,
            key: key.clone(),
            attributes,
            checksum,
            initiated,
        })
    }

    /// Makes the folder of an upload under a temporary name; returns its time.
    fn make_upload(
        &self,
        name: &str,
        key: &Key,
        attributes: &Attributes,
        checksum: Option<(Algorithm, ChecksumType)>,
    ) -> Result<SystemTime, ObjectError> {
        let folder = make_folder(&self.shared.private()?.temporary, name)?;
        let file = create_file(&folder, UPLOAD)?;
        let state = FileState::of(&rustix::fs::fstat(&file)?);
        let record = Record {
            state: Some(state),
            key: Some(key.as_str().to_owned()),
            attributes: attributes.clone(),
            requested: checksum,
            ..Record::default()
        };
        let file = File::from(file);
        write_record(&file, &record)?;
        if self.shared.settings.sync {
            rustix::fs::fsync(&file)?;
        }
        self.shared.sync(&folder)?;
        Ok(system_time(state.modified_ns))
    }

    /// Returns an upload in progress.
    ///
    /// Errors: `NoSuchUpload`, also if it is one of another key; the system's.
    pub fn upload(&self, key: &Key, id: &UploadId) -> Result<UploadInProgress, ObjectError> {
        let upload = InProgress::open_for(&self.shared, key, id)?;
        upload.check_not_done()?;
        Ok(upload.upload)
    }

    /// Lists uploads in progress.
    ///
    /// Errors: the system's.
    pub fn uploads(&self, request: &UploadsRequest) -> Result<UploadsPage, ObjectError> {
        let mut uploads = self.in_progress(&request.prefix)?;
        uploads.sort_by(|one, other| (&one.key, &one.id).cmp(&(&other.key, &other.id)));
        Ok(page(request, uploads))
    }

    fn in_progress(&self, prefix: &str) -> Result<Vec<UploadInProgress>, ObjectError> {
        let mut uploads = Vec::new();
        for id in ids(self.shared.private()?)? {
            let opened = InProgress::open(&self.shared, &id).and_then(|upload| {
                upload.check_not_done()?;
                Ok(upload.upload)
            });
            match opened {
                Ok(upload) if upload.key.as_str().starts_with(prefix) => uploads.push(upload),
                Ok(_) | Err(ObjectError::NoSuchUpload) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(uploads)
    }

    /// Removes an upload and its parts.
    ///
    /// Errors: `NoSuchUpload`, the system's.
    pub fn abort(&self, key: &Key, id: &UploadId) -> Result<(), ObjectError> {
        let upload = InProgress::open_for(&self.shared, key, id)?;
        upload.lock(FlockOperation::LockExclusive)?;
        upload.check_not_done()?;
        remove(&self.shared, id)
    }

    /// Removes uploads that were created before `before`, the answers of completed ones after their time, and what
    /// killed processes left behind. Returns how many uploads were removed that were not completed.
    ///
    /// Errors: the system's.
    pub fn expire(&self, before: SystemTime) -> Result<usize, ObjectError> {
        let private = self.shared.private()?;
        let mut count = 0;
        for id in ids(private)? {
            match self.expire_upload(&id, before) {
                Ok(Expired::InProgress) => count += 1,
                Ok(Expired::Completed | Expired::No) => {}
                Err(ObjectError::NoSuchUpload | ObjectError::UploadBusy) => {}
                Err(error) => return Err(error),
            }
        }
        remove_left_behind(private)?;
        Ok(count)
    }

    fn expire_upload(&self, id: &UploadId, before: SystemTime) -> Result<Expired, ObjectError> {
        let upload = InProgress::open(&self.shared, id)?;
        let expired = match entry(&upload.folder, DONE) {
            Ok(stat) => {
                let done = system_time(FileState::of(&stat).modified_ns);
                let is_old = age(done) >= self.shared.settings.completed_for;
                if is_old {
                    Expired::Completed
                } else {
                    Expired::No
                }
            }
            Err(_) if upload.upload.initiated < before => Expired::InProgress,
            Err(_) => Expired::No,
        };
        if expired != Expired::No {
            upload.lock(FlockOperation::NonBlockingLockExclusive)?;
            remove(&self.shared, id)?;
        }
        Ok(expired)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expired {
    No,
    InProgress,
    Completed,
}

/// Removes the folder of an upload, whose lock the caller has: it is gone in one step.
fn remove(shared: &Shared, id: &UploadId) -> Result<(), ObjectError> {
    let private = shared.private()?;
    let name = random_name();
    match rustix::fs::renameat(&private.uploads, id.as_str(), &private.temporary, &name) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Err(ObjectError::NoSuchUpload),
        Err(errno) => return Err(errno.into()),
    }
    shared.sync(&private.uploads)?;
    remove_tree(&private.temporary, &name)?;
    Ok(())
}

/// Removes temporary files and folders that nobody uses.
fn remove_left_behind(private: &Private) -> Result<(), ObjectError> {
    for item in Dir::read_from(&private.temporary)? {
        let item = item?;
        let Ok(name) = item.file_name().to_str() else {
            continue;
        };
        let Ok(stat) = entry(&private.temporary, name) else {
            continue;
        };
        let modified = system_time(FileState::of(&stat).modified_ns);
        if matches!(name, "." | "..") || age(modified) < LEFT_BEHIND_AFTER {
            continue;
        }
        let is_locked = FileType::from_raw_mode(stat.st_mode).is_file()
            && open_file(&private.temporary, name).is_ok_and(|(file, _)| {
                flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
            });
        if !is_locked {
            remove_tree(&private.temporary, name)?;
        }
    }
    Ok(())
}

/// Returns the names of all uploads, in the order of their creation.
fn ids(private: &Private) -> Result<Vec<UploadId>, ObjectError> {
    let mut ids = Vec::new();
    for item in Dir::read_from(&private.uploads)? {
        let item = item?;
        ids.extend(item.file_name().to_str().ok().and_then(UploadId::parse));
    }
    ids.sort_unstable();
    Ok(ids)
}

/// Checks that a whole can have such a checksum: CRCs of parts can be combined, hashes only hashed again, and CRC64NVME
/// has no composite form (S3, "Checksum types").
fn check_checksum(checksum: Option<(Algorithm, ChecksumType)>) -> Result<(), ObjectError> {
    match checksum {
        Some((Algorithm::Sha1 | Algorithm::Sha256, ChecksumType::FullObject))
        | Some((Algorithm::Crc64Nvme, ChecksumType::Composite)) => {
            Err(ObjectError::InvalidChecksumType)
        }
        Some(_) | None => Ok(()),
    }
}

/// Makes a page of uploads in order.
fn page(request: &UploadsRequest, uploads: Vec<UploadInProgress>) -> UploadsPage {
    let listing = ListRequest {
        prefix: request.prefix.clone(),
        delimiter: request.delimiter.clone(),
        ..ListRequest::default()
    };
    let marker = request.key_marker.as_deref();
    let is_behind = |upload: &UploadInProgress| match (marker, &request.id_marker) {
        (None, _) => true,
        (Some(marker), Some(id)) if upload.key.as_str() == marker => upload.id > *id,
        (Some(marker), _) => upload.key.as_str() > marker,
    };
    let mut last_common = marker
        .and_then(|marker| listing.common_prefix(marker))
        .map(str::to_owned);
    let mut page = UploadsPage::default();
    let mut last = None;
    for upload in uploads.into_iter().filter(is_behind) {
        let common = listing
            .common_prefix(upload.key.as_str())
            .map(str::to_owned);
        if common.is_some() && common == last_common {
            continue;
        }
        if page.entries.len() >= request.max {
            page.next = last;
            break;
        }
        last_common.clone_from(&common);
        match common {
            Some(common) => {
                last = Some((common.clone(), None));
                page.entries.push(UploadEntry::CommonPrefix(common));
            }
            None => {
                last = Some((upload.key.to_string(), Some(upload.id.clone())));
                page.entries.push(UploadEntry::Upload(upload));
            }
        }
    }
    page
}

fn age(time: SystemTime) -> Duration {
    system_time(now_ns())
        .duration_since(time)
        .unwrap_or_default()
}
