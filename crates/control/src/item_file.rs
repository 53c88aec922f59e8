//! Reads the files that items name: keys and certificates.

use privet_distribution::config::OwnFiles;
use privet_edge::is_own_file;
use rustix::fs::OFlags;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const SIZE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads a regular file of at most 1 MiB that is not among the edge's own. A pipe is refused instead of waited for: an
/// item names what its author likes.
///
/// # Errors
/// Those of the system, and what is no regular file, too large, or the edge's own.
pub(crate) fn read_file(path: &Path, own: &OwnFiles) -> io::Result<Vec<u8>> {
    // Not even opened: with the next file of the process that is closed, SQLite loses its locks of the database.
    if is_own_file(path, own) {
        return Err(io::Error::other("it is one of the edge's own"));
    }
    // The flags of the system fit into its own integers.
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(SIZE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > SIZE_BYTES_MAX {
        true => Err(io::Error::other("it is larger than 1 MiB")),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    #[track_caller]
    fn check(path: &Path, expected: Result<usize, &str>) {
        let read = read_file(path, &OwnFiles::default()).map(|bytes| bytes.len());
        let read = read.map_err(|error| error.to_string());
        assert_eq!(read, expected.map_err(str::to_owned));
    }

    #[test]
    fn only_files_of_a_bounded_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        check(&path, Err("it is not a file"));
        check(folder.path(), Err("it is not a file"));
        let path = folder.path().join("file");
        std::fs::write(&path, vec![b'x'; 1024 * 1024 + 1]).unwrap();
        check(&path, Err("it is larger than 1 MiB"));
        std::fs::write(&path, vec![b'x'; 1024 * 1024]).unwrap();
        check(&path, Ok(1024 * 1024));
    }
}
