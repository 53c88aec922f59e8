//! Reads the files that a configuration names: regular ones, up to a limit, without waiting for a writer.

use rustix::fs::OFlags;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The largest configuration, key, certificate or secret that is read; they are far smaller.
pub(crate) const BYTES_MAX: u64 = 16 << 20;

/// Reads a regular file of at most `bytes_max` bytes, to which symbolic links may lead.
///
/// # Errors
/// Errors of the system; an error with a reason for a file that is not regular (a FIFO, a device) or too large.
pub(crate) fn read_whole(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    // Without this flag, opening a FIFO would wait for its writer. For regular files it has no effect.
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(nonblocking).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    // The size in the metadata is not used: some of the system's files report 0, and others grow.
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let reason = format!("larger than {bytes_max} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

/// As [`read_whole`], for text.
///
/// # Errors
/// As [`read_whole`], and an error for a text that is not UTF-8.
pub(crate) fn read_whole_text(path: &Path) -> io::Result<String> {
    let text = String::from_utf8(read_whole(path, BYTES_MAX)?);
    text.map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "stream did not contain valid UTF-8",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn f11_only_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for path in [
            &fifo,
            &link,
            Path::new("/dev/zero"),
            Path::new("/dev/tty"),
            folder.path(),
        ] {
            assert!(read_whole(path, 4).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn f11_files_have_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, b"12345").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(
            read_whole(&link, 4).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
        assert_eq!(read_whole(&link, 5).unwrap(), b"12345");
        // A sparse file, larger than the limit.
        fs::File::create(&file)
            .unwrap()
            .set_len(BYTES_MAX + 1)
            .unwrap();
        assert!(read_whole_text(&file).is_err());
    }
}
