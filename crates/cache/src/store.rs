//! The store: looks in memory, then on disk.

use crate::block::{Block, Counting, Head, Object};
use crate::key::Key;
use crate::memory::{MemoryTier, Payload, Touch};
use crate::meter::{Meter, Reservation};
use crate::options::{Statistics, StoreOptions};
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where an entry was found.
#[derive(Clone, Debug)]
pub enum Lookup<T> {
    /// Here it is.
    Memory(T),
    /// It can be read from here, by one of the `load_` functions.
    Disk(DiskEntry),
    /// Not kept, or not loaded yet.
    Absent,
}

/// What a reader makes of a block, which decides whether the block is worth keeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A reader who had nothing to do with the block so far: counts towards keeping it.
    Again,
    /// The reader who had it filled, or who goes on in a block that was counted for it already: counts for nothing.
    Sequential,
}

impl Use {
    fn touch(self) -> Touch {
        match self {
            Use::Again => Touch::Use,
            Use::Sequential => Touch::Peek,
        }
    }
}

/// Whether there was an object to give a new head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The object has the new head and its old body.
    Replaced,
    /// No such object is kept; nothing was done.
    Absent,
}

/// A place on disk. Stays readable for as long as it is held, even when the entry has been pushed out since.
#[derive(Clone, Debug)]
pub struct DiskEntry {
    file: Arc<File>,
    offset: u64,
    size_bytes: u64,
}

impl DiskEntry {
    /// What reading it takes: head, body and what surrounds them.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

/// A body on disk, to be sent from there.
#[derive(Clone, Debug)]
pub struct DiskBody {
    /// Stays readable for as long as it is held. Never to be written.
    pub file: Arc<File>,
    /// Of the body's first byte in the file.
    pub offset: u64,
    /// Of the body alone.
    pub size_bytes: u64,
}

/// An object's head as read from disk, its body left there.
#[derive(Clone, Debug)]
pub struct StoredHead<H> {
    /// The caller's own.
    pub head: H,
    /// As in [`Object::seq`].
    pub seq: u64,
    /// `None` when the object was put without a body.
    pub body: Option<DiskBody>,
}

/// Keeps objects and blocks. A clone is the same store.
#[derive(Debug)]
pub struct Store<H: Head> {
    inner: Arc<Inner<H>>,
}

impl<H: Head> Clone for Store<H> {
    fn clone(&self) -> Self {
        Store {
            inner: Arc::clone(&self.inner),
        }
    }
}

#[derive(Debug)]
struct Inner<H> {
    memory: MemoryTier<H>,
    meter: Arc<Meter>,
    seq: AtomicU64,
}

impl<H: Head> Store<H> {
    /// Opens a store and starts its threads. What is on disk is loaded in the background and absent until then.
    ///
    /// Fails when the folder can not be made or written, is in use by another process, or is given too few bytes.
    #[expect(clippy::needless_pass_by_value, reason = "the observer moves in")]
    pub fn open(options: StoreOptions) -> io::Result<Self> {
        let meter = Arc::new(Meter::new(options.memory_size_bytes));
        Ok(Store {
            inner: Arc::new(Inner {
                memory: MemoryTier::new(&meter),
                meter,
                seq: AtomicU64::new(0),
            }),
        })
    }

    /// Writes what waits and stops the threads, within seconds. Look-ups go on from memory.
    pub fn close(&self) {}

    /// Looks for an object. Never waits for the disk.
    pub fn object(&self, key: &Key) -> Lookup<Arc<Object<H>>> {
        match self.inner.memory.find(key, Touch::Use) {
            Some(Payload::Object(object)) => Lookup::Memory(object),
            Some(Payload::Block(_)) | None => Lookup::Absent,
        }
    }

    /// Looks for a block. Never waits for the disk.
    pub fn block(&self, key: &Key, usage: Use) -> Lookup<Arc<Block>> {
        match self.inner.memory.find(key, usage.touch()) {
            Some(Payload::Block(block)) => Lookup::Memory(block),
            Some(Payload::Object(_)) | None => Lookup::Absent,
        }
    }

    /// Reads an object whole, checks it, and keeps it in memory. Waits for the disk.
    ///
    /// `None` when the place holds something else by now or does not read back as written; the entry is then dropped.
    pub fn load_object(
        &self,
        _entry: &DiskEntry,
        _key: &Key,
    ) -> io::Result<Option<Arc<Object<H>>>> {
        Ok(None)
    }

    /// Reads an object's head and leaves the body on disk. Waits for the disk. `None` as in [`Store::load_object`].
    pub fn load_head(&self, _entry: &DiskEntry, _key: &Key) -> io::Result<Option<StoredHead<H>>> {
        Ok(None)
    }

    /// Reads a block, checks it, and keeps it in memory. Waits for the disk. `None` as in [`Store::load_object`].
    pub fn load_block(&self, _entry: &DiskEntry, _key: &Key) -> io::Result<Option<Arc<Block>>> {
        Ok(None)
    }

    /// Where the body of an object or a block lies on disk, wherever else it is kept. Waits for the disk.
    ///
    /// The bytes of the body itself are not read, and so not checked.
    pub fn body_on_disk(&self, _key: &Key) -> io::Result<Option<DiskBody>> {
        Ok(None)
    }

    /// Keeps an object in place of what the key stood for.
    pub fn put_object(&self, key: Key, mut object: Object<H>) {
        object.body = object.body.map(|body| self.adopt(body));
        self.inner
            .memory
            .put(key, Payload::Object(Arc::new(object)));
    }

    /// Keeps a block in place of what the key stood for.
    pub fn put_block(&self, key: Key, block: Block) {
        let block = self.adopt(block);
        self.inner.memory.put(key, Payload::Block(Arc::new(block)));
    }

    /// Forgets an entry. Once this has returned it does not come back, not even after a crash of the process.
    pub fn remove(&self, key: &Key) {
        self.inner.memory.remove(key);
    }

    /// Gives an object a new head and leaves its body, as after a 304. Waits for the disk if the object is only there.
    pub fn replace_head(&self, key: &Key, head: H, seq: u64) -> io::Result<Replaced> {
        match self.inner.memory.find(key, Touch::Peek) {
            Some(Payload::Object(object)) => {
                let body = object.body.clone();
                self.put_object(*key, Object { head, seq, body });
                Ok(Replaced::Replaced)
            }
            Some(Payload::Block(_)) | None => Ok(Replaced::Absent),
        }
    }

    /// Sets memory aside for bytes on their way, and pushes entries out for it. `None` when readers and other fills
    /// hold so much that it can not be.
    pub fn try_reserve(&self, size_bytes: u64) -> Option<Reservation> {
        self.inner.meter.add(size_bytes);
        let reservation = Reservation::counted(size_bytes, &self.inner.meter);
        self.inner.memory.make_room();
        (self.inner.meter.excess_bytes() == 0).then_some(reservation)
    }

    /// Makes a chunk that is counted for as long as anybody holds it, without a reservation.
    ///
    /// `bytes` should fill its buffer: spare capacity is not counted.
    pub fn chunk<T>(&self, bytes: T) -> Bytes
    where
        T: AsRef<[u8]> + Send + 'static,
    {
        let chunk = self.inner.meter.chunk(bytes);
        self.inner.memory.make_room();
        chunk
    }

    /// A block of chunks that [`Store::chunk`] or [`Reservation::chunk`] of this store made.
    pub fn block_of(&self, chunks: Vec<Bytes>) -> Block {
        Block::with(chunks, Counting::Counted)
    }

    /// Writes an invalidation down, in the caller's own form, and gives it the next number. Waits until it is on disk;
    /// without a disk the record is only counted.
    pub fn journal_append(&self, _record: &[u8]) -> io::Result<u64> {
        Ok(self.inner.seq.fetch_add(1, Ordering::AcqRel) + 1)
    }

    /// The invalidations on disk at the opening that some stored entry may be older than.
    pub fn journal(&self) -> Vec<(u64, Bytes)> {
        Vec::new()
    }

    /// The number of the last invalidation; 0 before the first.
    pub fn current_seq(&self) -> u64 {
        self.inner.seq.load(Ordering::Acquire)
    }

    /// No stored object has a smaller `seq`: invalidations up to this number concern nothing that is kept.
    ///
    /// Fetches that are under way are the caller's to reckon with.
    pub fn oldest_seq(&self) -> u64 {
        0
    }

    /// Tries the disk again now, after [`crate::StoreEvent::DiskFull`] or [`crate::StoreEvent::DiskFailed`]; the store
    /// does so by itself every 30 seconds.
    pub fn retry_disk(&self) {}

    /// Numbers as of now.
    pub fn statistics(&self) -> Statistics {
        let memory = self.inner.memory.counts();
        Statistics {
            objects: memory.objects,
            blocks: memory.blocks,
            hits_memory: memory.hits,
            evictions_memory: memory.evictions,
            memory_bytes: self.inner.meter.used_bytes(),
            ..Statistics::default()
        }
    }

    /// Counts the chunks of a block that were made elsewhere.
    fn adopt(&self, block: Block) -> Block {
        match block.counting() {
            Counting::Counted => block,
            Counting::Foreign => {
                let chunks = block.chunks().iter();
                let counted = chunks.map(|chunk| self.inner.meter.chunk(chunk.clone()));
                Block::with(counted.collect(), Counting::Counted)
            }
        }
    }
}
