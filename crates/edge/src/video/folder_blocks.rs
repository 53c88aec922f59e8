//! Blocks of a folder's large files, in one memory for all workers and all kinds of streams: each is read once for all
//! viewers.

use crate::cache::ReadFault;
use crate::origin::file_chunk::{CHUNK_SIZE_BYTES, read_cached, read_waiting};
use crate::origin::{DiskWork, WatchedFile};
use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Size of a block, which is read at once.
pub(super) const BLOCK_SIZE_BYTES: u64 = 8 * CHUNK_SIZE_BYTES as u64;
/// Number of shards: few, so that each has room for many blocks.
const SHARDS: usize = 4;

/// An open file, and the identity under which its blocks are cached.
#[derive(Debug)]
pub(crate) struct FolderFile {
    watched: WatchedFile,
    size_bytes: u64,
    identity: [u8; 16],
}

/// A range of a file, in chunks.
#[derive(Debug)]
pub(crate) struct FolderBlock {
    chunks: Vec<Bytes>,
    alive_size_bytes: Arc<AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct BlockKey {
    identity: [u8; 16],
    number: u64,
}

#[derive(Clone, Debug)]
struct ByMemory;

impl Weighter<BlockKey, Arc<FolderBlock>> for ByMemory {
    fn weight(&self, _: &BlockKey, block: &Arc<FolderBlock>) -> u64 {
        block.memory_size_bytes()
    }
}

/// The recently read blocks.
#[derive(Debug)]
pub(crate) struct FolderBlocks {
    blocks: Cache<BlockKey, Arc<FolderBlock>, ByMemory>,
    /// Memory of blocks that are cached or on their way to viewers.
    alive_size_bytes: Arc<AtomicU64>,
    alive_size_bytes_max: u64,
}

impl FolderFile {
    pub(super) fn new(watched: WatchedFile, size_bytes: u64, identity: [u8; 16]) -> Self {
        FolderFile {
            watched,
            size_bytes,
            identity,
        }
    }

    pub(super) fn file(&self) -> &Arc<File> {
        self.watched.file()
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Returns true if everything read until now belongs to the bytes that were opened.
    pub(super) fn is_unchanged(&self) -> bool {
        self.watched.is_unchanged()
    }

    /// Reads a range, waiting for the disk. `None`: the file is shorter or has changed.
    pub(super) fn read_whole(&self, offset: u64, length: u64) -> Option<Bytes> {
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        self.file().read_exact_at(&mut bytes, offset).ok()?;
        self.is_unchanged().then(|| Bytes::from(bytes))
    }

    fn block_size_bytes(&self, number: u64) -> u64 {
        let start = number * BLOCK_SIZE_BYTES;
        BLOCK_SIZE_BYTES.min(self.size_bytes.saturating_sub(start))
    }

    /// Reads all chunks of a block with `read`; `None` as soon as one is incomplete.
    fn chunks(
        &self,
        number: u64,
        read: fn(&File, u64, usize) -> std::io::Result<Bytes>,
    ) -> Option<Vec<Bytes>> {
        let start = number * BLOCK_SIZE_BYTES;
        let size_bytes = self.block_size_bytes(number) as usize;
        let mut chunks = Vec::with_capacity(size_bytes.div_ceil(CHUNK_SIZE_BYTES));
        for at in (0..size_bytes).step_by(CHUNK_SIZE_BYTES) {
            let wanted = CHUNK_SIZE_BYTES.min(size_bytes - at);
            let chunk = read(self.file(), start + at as u64, wanted).ok()?;
            if chunk.len() != wanted {
                return None;
            }
            chunks.push(chunk);
        }
        (!chunks.is_empty()).then_some(chunks)
    }
}

impl FolderBlock {
    fn memory_size_bytes(&self) -> u64 {
        (self.chunks.len() * CHUNK_SIZE_BYTES) as u64
    }

    /// Returns bytes of one chunk, from `position` within the block on; `None` beyond its end.
    pub(super) fn slice(&self, position: u64, length_max: usize) -> Option<Bytes> {
        let position = usize::try_from(position).ok()?;
        let chunk = self.chunks.get(position / CHUNK_SIZE_BYTES)?;
        let start = position % CHUNK_SIZE_BYTES;
        let end = chunk.len().min(start.saturating_add(length_max));
        (start < end).then(|| chunk.slice(start..end))
    }
}

impl Drop for FolderBlock {
    fn drop(&mut self) {
        self.alive_size_bytes
            .fetch_sub(self.memory_size_bytes(), Ordering::Relaxed);
    }
}

impl FolderBlocks {
    /// Creates a cache of at most `size_bytes_max`; as much again may be on its way to viewers.
    pub(super) fn new(size_bytes_max: u64) -> Arc<Self> {
        let blocks_max = size_bytes_max / BLOCK_SIZE_BYTES;
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .estimated_items_capacity(usize::try_from(blocks_max).unwrap_or(usize::MAX).max(1))
            .weight_capacity(size_bytes_max)
            .build()
            .expect("both capacities are given");
        Arc::new(FolderBlocks {
            blocks: Cache::with_options(
                options,
                ByMemory,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            alive_size_bytes: Arc::default(),
            alive_size_bytes_max: size_bytes_max.saturating_mul(2),
        })
    }

    /// Returns the block, if it is cached.
    pub(super) fn in_memory(&self, file: &FolderFile, number: u64) -> Option<Arc<FolderBlock>> {
        self.blocks.get(&key(file, number))
    }

    /// Returns true if viewers hold so much that no more is to be read in blocks.
    pub(super) fn are_held_up(&self) -> bool {
        self.alive_size_bytes.load(Ordering::Relaxed) >= self.alive_size_bytes_max
    }

    /// Returns the block, read once for all who wait for it.
    ///
    /// Errors: it cannot be read, or the file has changed.
    pub(super) async fn block(
        &self,
        file: Arc<FolderFile>,
        number: u64,
    ) -> Result<Arc<FolderBlock>, ReadFault> {
        let key = key(&file, number);
        let read = async {
            let chunks = match file.chunks(number, read_cached) {
                Some(chunks) => Some(chunks),
                None => {
                    let file = Arc::clone(&file);
                    let reading = DiskWork::start(move || file.chunks(number, read_waiting));
                    reading.await.ok().flatten()
                }
            };
            // Checked after reading, so that a change during it shows.
            let chunks = chunks.filter(|_| file.is_unchanged());
            chunks
                .map(|chunks| self.counted(chunks))
                .ok_or(ReadFault::Lost)
        };
        self.blocks.get_or_insert_async(&key, read).await
    }

    fn counted(&self, chunks: Vec<Bytes>) -> Arc<FolderBlock> {
        let block = FolderBlock {
            chunks,
            alive_size_bytes: Arc::clone(&self.alive_size_bytes),
        };
        self.alive_size_bytes
            .fetch_add(block.memory_size_bytes(), Ordering::Relaxed);
        Arc::new(block)
    }
}

fn key(file: &FolderFile, number: u64) -> BlockKey {
    BlockKey {
        identity: file.identity,
        number,
    }
}
