//! Lets the operating system send a file by itself, past hyper: zero-copy for plain HTTP/1.1.
//!
//! hyper takes bodies as slices of memory. The body queues a range of a file at the connection and hands hyper a
//! placeholder of the same length; the stream recognizes the placeholder by its address and sends the file instead. A
//! placeholder without a queued range is an error, so that its own bytes never reach a viewer.

use bytes::Bytes;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;

/// Maximum length of a range that is sent under one placeholder.
pub(crate) const FILE_PLACEHOLDER_SIZE_BYTES: usize = 1024 * 1024;

thread_local! {
    /// Zeroed memory that is never touched, so it occupies addresses only.
    static STAND_IN: Bytes = Bytes::from(vec![0; FILE_PLACEHOLDER_SIZE_BYTES]);
}

/// How bytes of files reach the stream of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileSending {
    /// The system sends them from the file, without a copy in this program.
    ByTheSystem,
    /// They are read first, to be encrypted or framed.
    Read,
}

/// Returns a placeholder for `length` bytes, at most [`FILE_PLACEHOLDER_SIZE_BYTES`].
pub(crate) fn file_placeholder(length: usize) -> Bytes {
    STAND_IN.with(|bytes| bytes.slice(..length))
}

/// Returns true if `slice` is (the rest of) a placeholder of this thread.
pub(crate) fn is_file_placeholder(slice: &[u8]) -> bool {
    STAND_IN.with(|bytes| {
        let range = bytes.as_ptr_range();
        !slice.is_empty() && range.contains(&slice.as_ptr())
    })
}

/// A range of an open file that is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct FileStretch {
    pub(crate) file: Arc<File>,
    pub(crate) offset: u64,
    pub(crate) length: usize,
}

/// The ranges that the placeholders of one connection represent, in order.
#[derive(Debug, Default)]
pub(crate) struct QueuedStretches {
    stretches: RefCell<VecDeque<FileStretch>>,
}

impl QueuedStretches {
    pub(crate) fn push(&self, stretch: FileStretch) {
        self.stretches.borrow_mut().push_back(stretch);
    }

    /// Gives back the memory that is not needed while nothing is queued.
    pub(crate) fn shrink(&self) {
        self.stretches.borrow_mut().shrink_to_fit();
    }

    /// Returns the range that is to be sent next.
    pub(crate) fn front(&self) -> Option<FileStretch> {
        self.stretches.borrow().front().cloned()
    }

    /// Notes that `sent` bytes of the front range were sent.
    pub(crate) fn advance(&self, sent: usize) {
        let mut stretches = self.stretches.borrow_mut();
        if let Some(front) = stretches.front_mut() {
            front.offset += sent as u64;
            front.length = front.length.saturating_sub(sent);
            if front.length == 0 {
                stretches.pop_front();
            }
        }
    }
}
