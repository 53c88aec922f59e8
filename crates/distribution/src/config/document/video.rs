//! Memory for videos and the secret of path tokens, as the operator wrote them.

use std::path::PathBuf;

const MIB: usize = 1 << 20;

/// The `[video]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideosDocument {
    /// Memory for the indexes of videos, in bytes.
    pub index_memory_size_bytes_max: usize,
    /// Memory for parts of videos from folders, in bytes.
    pub block_memory_size_bytes_max: usize,
    /// File with the secret that authenticates path tokens.
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
