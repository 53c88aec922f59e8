//! Copies bytes from file to file within the kernel: file systems that can, share them.

use crate::ObjectError;
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

const CHUNK_BYTES: usize = 1024 * 1024;
/// Bytes of one call, so that a file system without shared bytes is not in one call for minutes.
const CALL_BYTES: usize = 64 * 1024 * 1024;

/// Appends exactly `size_bytes` bytes from the beginning of `from` to `to`.
///
/// Errors: `Changed` if there are fewer; `Full`, the system's.
pub(crate) fn append(from: &File, to: &File, size_bytes: u64) -> Result<(), ObjectError> {
    let (mut offset, mut left) = (0, size_bytes);
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(CALL_BYTES).min(CALL_BYTES);
        match rustix::fs::copy_file_range(from, Some(&mut offset), to, None, length) {
            Ok(0) => return Err(ObjectError::Changed),
            Ok(copied) => left -= copied as u64,
            Err(Errno::INTR) => {}
            // Two file systems, or one that has no such call.
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                return append_by_reading(from, to, offset, left);
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

fn append_by_reading(
    mut from: &File,
    mut to: &File,
    offset: u64,
    mut left: u64,
) -> Result<(), ObjectError> {
    from.seek(SeekFrom::Start(offset))?;
    let mut buffer = vec![0; CHUNK_BYTES];
    while left > 0 {
        let length = usize::try_from(left)
            .unwrap_or(CHUNK_BYTES)
            .min(CHUNK_BYTES);
        let read = from.read(&mut buffer[..length])?;
        if read == 0 {
            return Err(ObjectError::Changed);
        }
        to.write_all(&buffer[..read])?;
        left -= read as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Append = fn(&File, &File, u64) -> Result<(), ObjectError>;

    /// Both ways append at the end, and neither takes a shorter file for the whole.
    #[test]
    fn bytes_are_appended_or_missed() {
        let by_reading: Append = |from, to, size_bytes| append_by_reading(from, to, 0, size_bytes);
        for append in [append as Append, by_reading] {
            let (mut from, mut to) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
            from.write_all(b"part").unwrap();
            to.write_all(b"begin ").unwrap();
            assert_eq!(append(&from, &to, 4), Ok(()));
            assert_eq!(append(&from, &to, 2), Ok(()));
            assert_eq!(append(&from, &to, 5), Err(ObjectError::Changed));
            let mut text = String::new();
            to.seek(SeekFrom::Start(0)).unwrap();
            to.read_to_string(&mut text).unwrap();
            assert_eq!(&text[..12], "begin partpa");
        }
    }
}
