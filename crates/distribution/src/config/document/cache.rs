//! How much the cache may keep, and where.

use std::path::PathBuf;

const MIB: usize = 1 << 20;

/// The `[cache]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Bytes of objects in memory, those on their way included.
    pub memory_size_bytes_max: usize,
    /// The tier on disk; `None` keeps objects in memory only.
    pub disk: Option<DiskCacheSettings>,
    /// Large objects are fetched and kept in blocks of this size; a power of two.
    pub block_size_bytes: usize,
}

/// The cache's tier on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskCacheSettings {
    /// Where its files are.
    pub folder: PathBuf,
    /// Bytes on disk.
    pub size_bytes_max: u64,
}

impl DiskCacheSettings {
    /// 10 GiB, unless configured.
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
