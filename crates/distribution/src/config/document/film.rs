//! What is kept for films, as the operator wrote it.

use std::path::PathBuf;

const MIB: usize = 1 << 20;

/// The `[films]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilmsDocument {
    /// Bytes of the indexes of films in memory.
    pub index_memory_size_bytes_max: usize,
    /// Bytes of films from folders in memory.
    pub block_memory_size_bytes_max: usize,
    /// A file with the secret that session tokens are made with.
    pub session_secret_file: Option<PathBuf>,
}

impl Default for FilmsDocument {
    fn default() -> Self {
        FilmsDocument {
            index_memory_size_bytes_max: 256 * MIB,
            block_memory_size_bytes_max: 64 * MIB,
            session_secret_file: None,
        }
    }
}
