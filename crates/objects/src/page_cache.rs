//! Bytes of objects that the operating system has in memory, so that they can be had without waiting for the disk.

use crate::ObjectFile;
use rustix::io::{ReadWriteFlags, preadv2};
use std::io::IoSliceMut;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};

impl ObjectFile {
    /// Returns true if a range of the content is in memory, judged by its first and its last byte: the operating system
    /// reads ahead in one piece. An empty range is not.
    #[must_use]
    pub fn is_in_memory(&self, range: &Range<u64>) -> bool {
        let last = range.end.checked_sub(1);
        let ends = last.filter(|last| *last >= range.start);
        ends.is_some_and(|last| {
            let mut byte = [0];
            [range.start, last]
                .iter()
                .all(|at| self.read_from_memory(&mut byte, *at))
        })
    }

    /// Fills `buffer` with the bytes of the content at `offset`, if all of them are in memory; returns false otherwise.
    #[must_use]
    pub fn read_from_memory(&self, buffer: &mut [u8], offset: u64) -> bool {
        let length = buffer.len();
        read_without_waiting(self.file.as_fd(), buffer, offset) == Some(length)
    }
}

impl AsFd for ObjectFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Returns how many bytes were read; `None` if the disk would have to be waited for, and on file systems that cannot
/// tell.
fn read_without_waiting(file: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> Option<usize> {
    let mut slices = [IoSliceMut::new(buffer)];
    preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT).ok()
}

#[cfg(test)]
mod tests {
    use crate::{
        BucketName, BucketsFolder, Digests, Headers, Key, ObjectFile, Settings, WriteConditions,
    };

    fn object(folder: &std::path::Path, content: &[u8]) -> ObjectFile {
        let buckets = BucketsFolder::open(folder, &Settings::default()).unwrap();
        let bucket = buckets.create(&BucketName::new("bucket").unwrap()).unwrap();
        let key = Key::new("key").unwrap();
        let mut upload = bucket.begin(&key, Headers::default()).unwrap();
        upload.write(content).unwrap();
        let (conditions, digests) = (WriteConditions::default(), Digests::default());
        upload.commit(&conditions, &digests).unwrap();
        bucket.open(&key).unwrap()
    }

    #[test]
    fn bytes_behind_the_end_are_not_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let object = object(folder.path(), b"content");
        assert!(!object.is_in_memory(&(0..0)));
        #[expect(clippy::reversed_empty_ranges, reason = "as wrong as it can be")]
        let reversed = 5..2;
        assert!(!object.is_in_memory(&reversed));
        assert!(!object.is_in_memory(&(0..8)));
        assert!(!object.read_from_memory(&mut [0; 3], 5));
    }

    #[test]
    fn what_was_just_written_is_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let object = object(folder.path(), b"content");
        let mut buffer = [0; 4];
        // Some file systems cannot tell; then nothing is.
        if object.is_in_memory(&(0..7)) {
            assert!(object.read_from_memory(&mut buffer, 3));
            assert_eq!(&buffer, b"tent");
        }
    }

    #[test]
    fn what_is_opened_from_memory_is_what_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let buckets = BucketsFolder::open(folder.path(), &Settings::default()).unwrap();
        let name = BucketName::new("bucket").unwrap();
        assert!(buckets.bucket_in_memory(&name).is_none());
        let bucket = buckets.create(&name).unwrap();
        let key = Key::new("a/key").unwrap();
        assert!(bucket.open_in_memory(&key).is_none());
        let mut upload = bucket.begin(&key, Headers::default()).unwrap();
        upload.write(b"content").unwrap();
        let (conditions, digests) = (WriteConditions::default(), Digests::default());
        upload.commit(&conditions, &digests).unwrap();
        let opened = bucket.open(&key).unwrap();
        // Kernels before 5.12 cannot tell; then nothing is opened so.
        if let Some(known) = buckets.bucket_in_memory(&name) {
            let again = known.open_in_memory(&key).unwrap();
            assert_eq!(again.metadata, opened.metadata);
            std::fs::remove_dir_all(folder.path().join("bucket")).unwrap();
            std::fs::create_dir(folder.path().join("bucket")).unwrap();
            assert!(buckets.bucket_in_memory(&name).is_none());
        }
    }
}
