//! The file that tells countries.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A MaxMind DB as read; the edge opens it.
#[derive(Clone)]
pub struct GeoDatabase {
    /// The file, for messages.
    pub file: PathBuf,
    /// All of it.
    pub bytes: Arc<[u8]>,
}

impl GeoDatabase {
    /// What `file` holds.
    pub fn new(file: &Path, bytes: Vec<u8>) -> Self {
        GeoDatabase {
            file: file.to_owned(),
            bytes: bytes.into(),
        }
    }
}

impl fmt::Debug for GeoDatabase {
    // Some megabytes tell nobody anything.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())
    }
}
