//! How contents of objects leave without passing through this program, over connections that can have the operating
//! system send files.

use bytes::Bytes;
use std::fmt;
use std::os::fd::AsFd;
use std::sync::Arc;

/// An open file that is kept open until it was sent.
pub type SentFile = Arc<dyn AsFd + Send + Sync>;

type StandIn = dyn Fn(SentFile, u64, usize) -> Bytes + Send + Sync;

/// The way of files past this program, on the connection that a request came by. Whoever owns the connection puts it
/// into the extensions of each request; without it contents are read.
#[derive(Clone)]
pub struct FileSending {
    stand_in: Arc<StandIn>,
}

impl FileSending {
    /// Makes it of a function that gets an open file, an offset in bytes and a length in bytes, and returns bytes that
    /// stand for this range, or for its beginning: as many as will be sent of the file. They become the next piece of
    /// the answer's body.
    pub fn new(stand_in: impl Fn(SentFile, u64, usize) -> Bytes + Send + Sync + 'static) -> Self {
        FileSending {
            stand_in: Arc::new(stand_in),
        }
    }

    pub(crate) fn stand_in(&self, file: SentFile, offset: u64, length: usize) -> Bytes {
        (self.stand_in)(file, offset, length)
    }
}

impl fmt::Debug for FileSending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FileSending")
            .finish_non_exhaustive()
    }
}
