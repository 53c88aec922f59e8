//! A box that a locator passes to the readers of the index.

use std::ops::Range;

use bytes::Bytes;

/// A box of which all bytes were read.
#[derive(Debug)]
pub(super) struct Held {
    /// Range of the box in the object.
    pub(super) range: Range<u64>,
    /// Bytes after the header.
    pub(super) payload: Bytes,
}
