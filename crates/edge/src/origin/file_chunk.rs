//! Reads one chunk of a file: at once when the page cache has it, otherwise on a thread that may block.

use bytes::Bytes;
use std::cell::RefCell;
use std::fs::File;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::DiskWork;
use crate::file_placeholder::FILE_PLACEHOLDER_SIZE_BYTES;

/// Maximum size of a chunk: large enough for few system calls, small enough for hundreds of slow viewers.
pub(crate) const CHUNK_SIZE_BYTES: usize = 64 * 1024;

/// Maximum number of buffers that a worker keeps for its next chunks.
const SPARE_BUFFERS_MAX: usize = 64;

/// Reads up to `wanted` bytes (at least one) from `offset`. `reading` holds a read that is under way on another thread.
///
/// Errors: the operating system's, and `UnexpectedEof` when the file has become shorter than promised.
pub(crate) fn poll_chunk(
    reading: &mut Option<DiskWork<io::Result<Bytes>>>,
    file: &Arc<File>,
    offset: u64,
    wanted: usize,
    context: &mut Context<'_>,
) -> Poll<io::Result<Bytes>> {
    if reading.is_none() {
        match read_cached(file, offset, wanted) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let file = Arc::clone(file);
                *reading = Some(DiskWork::start(move || read_waiting(&file, offset, wanted)));
            }
            result => return Poll::Ready(result.and_then(not_empty)),
        }
    }
    let Some(handle) = reading else {
        return Poll::Ready(Err(io::ErrorKind::Other.into()));
    };
    let joined = std::task::ready!(Pin::new(handle).poll(context));
    *reading = None;
    Poll::Ready(
        joined
            .map_err(io::Error::other)
            .flatten()
            .and_then(not_empty),
    )
}

/// Returns true if the first part of `remaining` bytes from `offset` seems to be in memory and no read is under way.
///
/// Only its first and last byte are looked at: the operating system reads ahead in one piece.
pub(crate) fn is_cached(
    reading: &Option<DiskWork<io::Result<Bytes>>>,
    file: &File,
    offset: u64,
    remaining: u64,
) -> bool {
    let last = offset + remaining.min(FILE_PLACEHOLDER_SIZE_BYTES as u64) - 1;
    reading.is_none() && [offset, last].iter().all(|at| byte_is_cached(file, *at))
}

#[cfg(target_os = "linux")]
fn byte_is_cached(file: &File, at: u64) -> bool {
    use rustix::io::{ReadWriteFlags, preadv2};
    let mut byte = [0];
    let mut slices = [io::IoSliceMut::new(&mut byte)];
    matches!(
        preadv2(file, &mut slices, at, ReadWriteFlags::NOWAIT),
        Ok(1)
    )
}

#[cfg(not(target_os = "linux"))]
fn byte_is_cached(_file: &File, _at: u64) -> bool {
    false
}

fn not_empty(bytes: Bytes) -> io::Result<Bytes> {
    if bytes.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// Reads from the page cache; `WouldBlock` when the bytes would have to come from the disk.
#[cfg(target_os = "linux")]
pub(crate) fn read_cached(file: &File, offset: u64, wanted: usize) -> io::Result<Bytes> {
    use rustix::io::{ReadWriteFlags, preadv2};
    let mut buffer = Buffer::take(wanted);
    let mut slices = [io::IoSliceMut::new(&mut buffer.bytes[..wanted])];
    match preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT) {
        Ok(length) => Ok(buffer.into_bytes(length)),
        // File systems without this flag return NOTSUP: every read then takes the blocking path.
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::OPNOTSUPP) => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn read_cached(_file: &File, _offset: u64, _wanted: usize) -> io::Result<Bytes> {
    Err(io::ErrorKind::WouldBlock.into())
}

pub(crate) fn read_waiting(file: &File, offset: u64, wanted: usize) -> io::Result<Bytes> {
    use std::os::unix::fs::FileExt;
    let mut bytes = vec![0; wanted];
    let length = file.read_at(&mut bytes, offset)?;
    bytes.truncate(length);
    Ok(Bytes::from(bytes))
}

thread_local! {
    static SPARE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// Memory of a chunk, which returns to its worker when the viewer has taken the bytes.
struct Buffer {
    /// Memory of the bytes; empty only while it is dropped.
    bytes: Box<[u8]>,
    filled: usize,
}

impl Buffer {
    /// Takes a buffer for up to `wanted` bytes. Short reads get no larger one, because the memory they hold is counted.
    fn take(wanted: usize) -> Self {
        let size_bytes = if wanted <= CHUNK_SIZE_BYTES / 2 {
            wanted
        } else {
            CHUNK_SIZE_BYTES
        };
        let spare = if size_bytes == CHUNK_SIZE_BYTES {
            SPARE.with_borrow_mut(Vec::pop)
        } else {
            None
        };
        Buffer {
            bytes: spare.unwrap_or_else(|| vec![0; size_bytes].into_boxed_slice()),
            filled: 0,
        }
    }

    fn into_bytes(mut self, filled: usize) -> Bytes {
        self.filled = filled;
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.len() < CHUNK_SIZE_BYTES {
            return;
        }
        // `SPARE` may be gone already when its thread ends; the memory is then simply freed.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARE_BUFFERS_MAX {
                spare.push(bytes);
            }
        });
    }
}
