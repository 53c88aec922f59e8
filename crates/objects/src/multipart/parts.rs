//! Parts arrive and are listed.

use super::in_progress::{InProgress, check_number, part_name};
use super::{Part, PartsPage, UploadId};
use crate::incoming::Incoming;
use crate::metadata::system_time;
use crate::record::{FileState, Record};
use crate::{Algorithm, BucketFolder, Digests, Key, ObjectError};
use rustix::fs::FlockOperation;
use rustix::io::Errno;

/// A part on its way. Dropped, it leaves nothing behind.
pub struct PartUpload {
    incoming: Incoming,
    key: Key,
    id: UploadId,
    number: u16,
}

impl BucketFolder {
    /// Begins to write a part, which replaces one of the same number.
    ///
    /// Errors: `NoSuchUpload`, `InvalidPartNumber`, `Full`, the system's.
    pub fn part(&self, key: &Key, id: &UploadId, number: u16) -> Result<PartUpload, ObjectError> {
        check_number(number)?;
        let upload = self.upload(key, id)?;
        let mut incoming = Incoming::create(&self.shared)?;
        if let Some((algorithm, _)) = upload.checksum {
            incoming.compute(algorithm);
        }
        Ok(PartUpload {
            incoming,
            key: key.clone(),
            id: id.clone(),
            number,
        })
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
        let upload = InProgress::open_for(&self.shared, key, id)?;
        upload.check_not_done()?;
        let mut page = PartsPage::default();
        for number in upload
            .numbers()?
            .into_iter()
            .filter(|number| *number > after)
        {
            if page.parts.len() >= max {
                page.next = page.parts.last().map(|part| part.number);
                break;
            }
            if let Some(part) = upload.part(number)? {
                page.parts.push(part.part);
            }
        }
        Ok(page)
    }
}

impl PartUpload {
    /// Has a checksum computed besides the MD5. To be called before the first byte is written. The checksum that the
    /// upload is to have is computed anyway.
    pub fn compute(&mut self, algorithm: Algorithm) {
        self.incoming.compute(algorithm);
    }

    /// Appends bytes to the part.
    ///
    /// Errors: `EntityTooLarge`, `Full`, the system's.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        self.incoming.write(bytes)
    }

    /// Returns how many bytes were written.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.incoming.size_bytes()
    }

    /// Makes what was written the part, in one step, if it is what was announced.
    ///
    /// Errors: `NoSuchUpload`, `UploadBusy`, `DigestMismatch`, `ChecksumMismatch`, `Full`, the system's.
    pub fn commit(mut self, digests: &Digests) -> Result<Part, ObjectError> {
        let (etag, checksums) = self.incoming.digests(digests)?;
        let mut record = Record {
            etag: Some(etag),
            checksums,
            ..Record::default()
        };
        let state = FileState::of(&self.incoming.seal(&mut record)?);
        let shared = self.incoming.shared().clone();
        let upload = InProgress::open_for(&shared, &self.key, &self.id)?;
        // Completing and aborting have the lock for themselves, parts share it.
        upload.lock(FlockOperation::NonBlockingLockShared)?;
        upload.check_not_done()?;
        let temporary = &shared.private()?.temporary;
        match rustix::fs::renameat(
            temporary,
            self.incoming.name(),
            &upload.folder,
            part_name(self.number),
        ) {
            Ok(()) => self.incoming.placed(),
            Err(Errno::NOENT) => return Err(ObjectError::NoSuchUpload),
            Err(errno) => return Err(errno.into()),
        }
        shared.sync(&upload.folder)?;
        Ok(Part {
            number: self.number,
            size: state.size_bytes,
            etag,
            modified: system_time(state.modified_ns),
            checksums: record.checksums,
        })
    }
}
