//! The database that maps addresses to countries.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A MaxMind DB as read; the edge opens it.
#[derive(Clone)]
pub struct GeoDatabase {
    /// Path of the file, for messages.
    pub file: PathBuf,
    /// Content of the file.
    pub bytes: Arc<[u8]>,
}

impl GeoDatabase {
    /// Makes a database from the content of `file`.
    pub fn new(file: &Path, bytes: Vec<u8>) -> Self {
        GeoDatabase {
            file: file.to_owned(),
            bytes: bytes.into(),
        }
    }
}

impl fmt::Debug for GeoDatabase {
    // Megabytes of content would tell nobody anything.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())
    }
}
