//! Creating and writing the store's files and folders.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Number of parts in one write; the operating system takes at most 1,024.
const PARTS_MAX: usize = 512;

/// Opens a file of the store for reading and writing, creating it if missing, accessible to its owner only.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600).open(path)
}

/// Creates a file of the store for writing, in the place of whatever has its name: one that was left behind, or a link,
/// which is not followed.
pub(super) fn make(path: &Path) -> io::Result<File> {
    remove(path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    options.mode(0o600).open(path)
}

/// Creates a folder accessible to its owner only. An existing one stays as it is.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes names in a folder outlast a power cut.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Replaces a file atomically: a crash leaves either the old bytes or the new ones.
pub(super) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let fresh = folder.join(format!("{name}.new"));
    let file = make(&fresh)?;
    write_at(&file, &[bytes], 0)?;
    file.sync_data()?;
    std::fs::rename(&fresh, folder.join(name))?;
    sync_folder(folder)
}

/// Removes a file. A file that is already gone is no error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes all parts one after the other.
pub(super) fn write_at(file: &File, parts: &[&[u8]], mut offset: u64) -> io::Result<()> {
    for parts in parts.chunks(PARTS_MAX) {
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut slices = slices.as_mut_slice();
        // Empty parts at the front would look like a write that makes no progress.
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            let written = match rustix::io::pwritev(file, slices, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => written,
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            offset += written as u64;
            IoSlice::advance_slices(&mut slices, written);
        }
    }
    Ok(())
}

/// True if the byte at `at` is in the page cache, so that reading it does not wait for the disk.
#[cfg(target_os = "linux")]
pub(super) fn is_in_page_cache(file: &File, at: u64) -> bool {
    use rustix::io::{ReadWriteFlags, preadv2};
    let mut byte = [0];
    let mut slices = [io::IoSliceMut::new(&mut byte)];
    matches!(
        preadv2(file, &mut slices, at, ReadWriteFlags::NOWAIT),
        Ok(1)
    )
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_in_page_cache(_file: &File, _at: u64) -> bool {
    false
}

/// Failures that a test injects.
#[derive(Debug, Default)]
pub(super) struct Faults {
    #[cfg(test)]
    errno: std::sync::atomic::AtomicI32,
}

impl Faults {
    /// Returns the failure that a test has set, if any.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests use it")]
    #[expect(clippy::unnecessary_wraps, reason = "tests make it fail")]
    pub(super) fn check(&self) -> io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn check(&self) -> io::Result<()> {
        match self.errno.load(std::sync::atomic::Ordering::SeqCst) {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// Makes every write fail with `errno` from now on; 0 ends it.
    #[cfg(test)]
    pub(super) fn set(&self, errno: i32) {
        self.errno.store(errno, std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_the_place_of_the_new_file_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let victim = folder.join("victim");
        std::fs::write(&victim, "a text").unwrap();
        for target in [victim.clone(), folder.join("absent")] {
            std::os::unix::fs::symlink(target, folder.join("list.new")).unwrap();
            replace(folder, "list", b"bytes").unwrap();
            assert_eq!(std::fs::read(folder.join("list")).unwrap(), b"bytes");
        }
        assert_eq!(std::fs::read(&victim).unwrap(), b"a text");
        assert!(!folder.join("absent").exists());
    }
}
