//! What a locator hands to those who read the index.

use std::ops::Range;

use bytes::Bytes;

/// A box of which all bytes are there.
#[derive(Debug)]
pub(super) struct Held {
    /// Of the box in the object.
    pub(super) range: Range<u64>,
    /// Without the header.
    pub(super) payload: Bytes,
}
