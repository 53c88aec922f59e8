//! A temporary file that bytes arrive in, which becomes an object or a part, or is removed.

use crate::checksum::ContentHasher;
use crate::hex::random_name;
use crate::metadata::now_ns;
use crate::private::flock;
use crate::record::{ATTRIBUTE, FileState, Record};
use crate::shared::Shared;
use crate::system::create_file;
use crate::{Algorithm, Checksum, Digests, ETag, ObjectError};
use rustix::fs::{AtFlags, FlockOperation, Stat, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

/// A temporary file. It is removed when it is dropped, unless it was put in its place.
pub(crate) struct Incoming {
    shared: Arc<Shared>,
    name: String,
    file: File,
    hasher: ContentHasher,
    size_bytes: u64,
    is_placed: bool,
}

impl Incoming {
    /// Creates a temporary file. It is locked while it is in use, so that a cleaner tells it from one that a killed
    /// process left behind.
    pub(crate) fn create(shared: &Arc<Shared>) -> Result<Incoming, ObjectError> {
        let name = random_name();
        let file = match create_file(&shared.private()?.temporary, &name) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Err(ObjectError::NoSuchBucket),
            Err(errno) => return Err(errno.into()),
        };
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Incoming {
            shared: Arc::clone(shared),
            name,
            file: File::from(file),
            hasher: ContentHasher::new(),
            size_bytes: 0,
            is_placed: false,
        })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn compute(&mut self, algorithm: Algorithm) {
        self.hasher.compute(algorithm);
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Appends bytes.
    ///
    /// Errors: `EntityTooLarge`, `Full`, the system's.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        self.count(bytes.len() as u64)?;
        self.hasher.update(bytes);
        self.file
            .write_all(bytes)
            .map_err(|error| system_error(&error))
    }

    /// Counts bytes that come into the file by another way.
    pub(crate) fn count(&mut self, bytes: u64) -> Result<(), ObjectError> {
        self.size_bytes = self.size_bytes.saturating_add(bytes);
        if self.size_bytes > self.shared.settings.object_size_bytes_max {
            return Err(ObjectError::EntityTooLarge);
        }
        Ok(())
    }

    /// Ends the content, and compares it with what was announced.
    ///
    /// Errors: `DigestMismatch`, `ChecksumMismatch`.
    pub(crate) fn digests(
        &mut self,
        announced: &Digests,
    ) -> Result<(ETag, Vec<Checksum>), ObjectError> {
        let hasher = std::mem::replace(&mut self.hasher, ContentHasher::new());
        let (etag, checksums) = hasher.finish();
        if announced.md5.is_some_and(|md5| etag != ETag::Content(md5)) {
            return Err(ObjectError::DigestMismatch);
        }
        for (algorithm, value) in &announced.checksums {
            let made = checksums.iter().find(|made| made.algorithm == *algorithm);
            if made.is_none_or(|made| made.value != *value) {
                return Err(ObjectError::ChecksumMismatch(*algorithm));
            }
        }
        Ok((etag, checksums))
    }

    /// Gives the file its time, writes `record` for this state into its attribute, and has all of it written to disk.
    ///
    /// Errors: `MetadataTooLarge`, `Full`, the system's.
    pub(crate) fn seal(&self, record: &mut Record) -> Result<Stat, ObjectError> {
        // The system's own time stands still for milliseconds; two versions of an object must not have one time.
        let time = timespec(now_ns());
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        rustix::fs::futimens(&self.file, &times)?;
        let stat = rustix::fs::fstat(&self.file)?;
        record.state = Some(FileState::of(&stat));
        write_record(&self.file, record)?;
        if self.shared.settings.sync {
            rustix::fs::fsync(&self.file)?;
        }
        Ok(stat)
    }

    /// Says that the file has another name now.
    pub(crate) fn placed(&mut self) {
        self.is_placed = true;
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_placed
            && let Ok(private) = self.shared.private()
        {
            let _ = rustix::fs::unlinkat(&private.temporary, &self.name, AtFlags::empty());
        }
    }
}

/// Writes the attribute of a file.
///
/// Errors: `MetadataTooLarge`, also if the file system takes less than the attribute may have; the system's.
pub(crate) fn write_record(file: &File, record: &Record) -> Result<(), ObjectError> {
    let bytes = record.encode()?;
    match rustix::fs::fsetxattr(file, ATTRIBUTE, &bytes, XattrFlags::empty()) {
        Ok(()) => Ok(()),
        // ext4 says that there is no space when the attribute does not fit into its block beside those of others.
        Err(Errno::NOSPC) if bytes.len() > 1024 => Err(ObjectError::MetadataTooLarge),
        Err(Errno::RANGE | Errno::TOOBIG) => Err(ObjectError::MetadataTooLarge),
        Err(errno) => Err(errno.into()),
    }
}

fn timespec(ns: i64) -> Timespec {
    Timespec {
        tv_sec: ns.div_euclid(1_000_000_000),
        tv_nsec: ns.rem_euclid(1_000_000_000) as _,
    }
}

/// Turns an error of the standard library into ours.
pub(crate) fn system_error(error: &std::io::Error) -> ObjectError {
    match Errno::from_io_error(error) {
        Some(errno) => errno.into(),
        // A write that takes no byte and says no error.
        None => ObjectError::System(Errno::IO.raw_os_error()),
    }
}
