//! What is kept for videos, as the operator wrote it.

use std::path::PathBuf;

const MIB: usize = 1 << 20;

/// The `[video]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideosDocument {
    /// Bytes of the indexes of videos in memory.
    pub index_memory_size_bytes_max: usize,
    /// Bytes of videos from folders in memory.
    pub block_memory_size_bytes_max: usize,
    /// A file with the secret that path tokens are made with.
    pub path_token_secret_file: Option<PathBuf>,
}

impl Default for VideosDocument {
    fn default() -> Self {
        VideosDocument {
            index_memory_size_bytes_max: 256 * MIB,
            block_memory_size_bytes_max: 64 * MIB,
            path_token_secret_file: None,
        }
    }
}
