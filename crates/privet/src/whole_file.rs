//! Reads the files that a configuration names: regular ones, up to a limit, without waiting for anybody to write them.

use rustix::fs::OFlags;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Configurations, keys, certificates and secrets are far smaller.
pub(crate) const BYTES_MAX: u64 = 16 << 20;

/// The bytes of a regular file, to which links may lead, of `bytes_max` at most.
///
/// # Errors
/// Those of the system; with their reason, what is no regular file (a FIFO, a device) and what is larger.
pub(crate) fn read_whole(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    // Opening a FIFO would otherwise wait for its writer. For regular files the flag means nothing.
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
    // The size is not believed: some files of the system say 0, and others grow.
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
/// As [`read_whole`], and what is not UTF-8.
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
        // As large as it says it is not.
        fs::File::create(&file)
            .unwrap()
            .set_len(BYTES_MAX + 1)
            .unwrap();
        assert!(read_whole_text(&file).is_err());
    }
}
