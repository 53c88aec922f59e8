//! Size and location of the cache, as the operator wrote them.

use std::path::PathBuf;

const MIB: usize = 1 << 20;

/// The `[cache]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Memory for objects in bytes, including those in flight.
    pub memory_size_bytes_max: usize,
    /// Tier on disk; `None` keeps objects in memory only.
    pub disk: Option<DiskCacheSettings>,
    /// Size of the blocks in which large objects are fetched and cached; a power of two.
    pub block_size_bytes: usize,
}

/// The cache's tier on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskCacheSettings {
    /// Folder of its files.
    pub folder: PathBuf,
    /// Maximum size on disk in bytes.
    pub size_bytes_max: u64,
}

impl DiskCacheSettings {
    /// Size unless configured: 10 GiB.
    pub const SIZE_BYTES_MAX_DEFAULT: u64 = 10 << 30;
}

impl Default for CacheSettings {
    fn default() -> Self {
        CacheSettings {
            memory_size_bytes_max: 256 * MIB,
            disk: None,
            block_size_bytes: MIB,
        }
    }
}
