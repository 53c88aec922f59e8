//! The options for opening a store, and the events and numbers that it reports.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Receiver of events that an operator should know about. It is called from threads of the store and must not block.
pub type Observer = Box<dyn Fn(StoreEvent) + Send + Sync>;

/// The options for opening a store.
pub struct StoreOptions {
    /// Memory for entries, bytes in flight and chunks that readers hold, together.
    pub memory_size_bytes: u64,
    /// Options of the disk tier; `None` for memory alone.
    pub disk: Option<DiskOptions>,
    /// Receiver of events.
    pub observer: Observer,
}

impl StoreOptions {
    /// Returns options for a store in memory alone, without an observer.
    pub fn memory(memory_size_bytes: u64) -> Self {
        StoreOptions {
            memory_size_bytes,
            disk: None,
            observer: Box::new(|_event| {}),
        }
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoreOptions")
            .field("memory_size_bytes", &self.memory_size_bytes)
            .field("disk", &self.disk)
            .finish_non_exhaustive()
    }
}

/// Location and size of the disk tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// Folder of this store alone. It is created with mode 0700 if missing.
    pub folder: PathBuf,
    /// Size limit of all segments. The journal and the list of removed keys have limits of their own beside it.
    pub size_bytes: u64,
}

/// An event that an operator should know about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreEvent {
    /// The entries on disk can be served from now on.
    Loaded {
        /// Number of entries.
        entries: u64,
        /// Time since the store was opened.
        took: Duration,
    },
    /// The folder's contents were of an unknown format or damaged, and were removed.
    Emptied,
    /// The disk is full. The store continues in memory, and serves what it can still read.
    DiskFull,
    /// Writing failed. The store continues in memory, and serves what it can still read.
    DiskFailed {
        /// Message of the operating system.
        error: String,
    },
    /// Writing works again.
    DiskBack,
}

/// Statistics of a running store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Number of objects in memory.
    pub objects: u64,
    /// Number of blocks in memory.
    pub blocks: u64,
    /// Number of objects and blocks on disk.
    pub disk_entries: u64,
    /// Memory used by entries, reservations and chunks that are still held.
    pub memory_bytes: u64,
    /// Size of the segment files.
    pub disk_bytes: u64,
    /// Memory used by the index, which maps keys to locations on disk.
    pub index_bytes: u64,
    /// Number of lookups that found an entry in memory.
    pub hits_memory: u64,
    /// Number of lookups that found a location on disk.
    pub hits_disk: u64,
    /// Number of lookups that found nothing.
    pub misses: u64,
    /// Number of entries evicted from memory.
    pub evictions_memory: u64,
    /// Number of entries evicted from disk.
    pub evictions_disk: u64,
    /// Number of entries written to disk.
    pub writes: u64,
    /// Number of entries that were not written: the queue was full, the disk had failed, or no segment could hold them.
    pub writes_skipped: u64,
    /// Number of entries on disk that did not read back as written.
    pub read_failures: u64,
}
