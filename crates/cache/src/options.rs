//! How a store is opened, and what it tells about itself.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Told when something happens that an operator should know. Called from threads of the store; it must not block.
pub type Observer = Box<dyn Fn(StoreEvent) + Send + Sync>;

/// How to open a store.
pub struct StoreOptions {
    /// For entries, bytes on their way and chunks that readers hold, together.
    pub memory_size_bytes: u64,
    /// `None` for memory alone.
    pub disk: Option<DiskOptions>,
    /// Where events go.
    pub observer: Observer,
}

impl StoreOptions {
    /// Memory alone, and nobody who listens.
    pub fn memory(memory_size_bytes: u64) -> Self {
        StoreOptions {
            memory_size_bytes,
            disk: None,
            observer: Box::new(|_event| {}),
        }
    }

    /// Memory before a disk, and nobody who listens.
    pub fn with_disk(memory_size_bytes: u64, disk: DiskOptions) -> Self {
        StoreOptions {
            disk: Some(disk),
            ..StoreOptions::memory(memory_size_bytes)
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

/// The disk tier's place and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// Of this store alone; made if missing, in mode 0700.
    pub folder: PathBuf,
    /// For segments; the journal and the list of removed keys have limits of their own beside it.
    pub size_bytes: u64,
}

/// What an operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreEvent {
    /// What was on disk can be served from now on.
    Loaded {
        /// How many entries.
        entries: u64,
        /// From the opening on.
        took: Duration,
    },
    /// The folder held something of another form; it was emptied.
    Emptied,
    /// There is no room. The store goes on in memory, and serves what it can still read.
    DiskFull,
    /// Writing failed. The store goes on in memory, and serves what it can still read.
    DiskFailed {
        /// The operating system's words.
        error: String,
    },
    /// Writing works again.
    DiskBack,
}

/// Numbers of a running store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Objects in memory.
    pub objects: u64,
    /// Blocks in memory.
    pub blocks: u64,
    /// Objects and blocks on disk.
    pub disk_entries: u64,
    /// Entries, reservations and chunks that somebody holds.
    pub memory_bytes: u64,
    /// What the segment files take up.
    pub disk_bytes: u64,
    /// The tables in memory that say where entries are on disk.
    pub index_bytes: u64,
    /// Look-ups answered from memory.
    pub hits_memory: u64,
    /// Look-ups answered with a place on disk.
    pub hits_disk: u64,
    /// Look-ups that found nothing.
    pub misses: u64,
    /// Entries pushed out of memory.
    pub evictions_memory: u64,
    /// Entries pushed off the disk.
    pub evictions_disk: u64,
    /// Entries written to disk.
    pub writes: u64,
    /// Entries that were not written because the queue was full or the disk had failed.
    pub writes_skipped: u64,
    /// Entries that were on disk but did not read back as written.
    pub read_failures: u64,
}
