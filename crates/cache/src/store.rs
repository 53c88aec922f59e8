//! The store: looks in memory, then on disk.

use crate::block::{Block, CHUNK_SIZE_BYTES, Counting, Head, Object};
use crate::disk::{BodyLocation, DiskTier, EntryKind, Heads, RecordLocation};
use crate::forgotten::Forgotten;
use crate::key::Key;
use crate::memory::{MemoryTier, Payload, Touch};
use crate::meter::{Meter, Reservation};
use crate::options::{Statistics, StoreOptions};
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What waits to be written takes a quarter of the memory, within these bounds.
const QUEUE_BYTES_MIN: u64 = 1024 * 1024;
const QUEUE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What a record may have before its body without the body's being copied out of it.
const RECORD_OVERHEAD_BYTES: usize = 4 * 1024;

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
    Done,
    /// No such object is kept; nothing was done.
    Absent,
}

/// A place on disk. Stays readable for as long as it is held, even when the entry has been pushed out since.
#[derive(Clone, Debug)]
pub struct DiskEntry {
    place: RecordLocation,
}

impl DiskEntry {
    /// What reading it takes: head, body and what surrounds them.
    pub fn size_bytes(&self) -> u64 {
        self.place.size_bytes()
    }

    /// Whether reading it will most likely not wait for the disk: its ends are in the operating system's memory.
    pub fn is_in_page_cache(&self) -> bool {
        self.place.is_in_page_cache()
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

impl From<BodyLocation> for DiskBody {
    fn from(place: BodyLocation) -> Self {
        DiskBody {
            file: place.file,
            offset: place.offset,
            size_bytes: place.size_bytes,
        }
    }
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
pub struct CacheStore<H: Head> {
    inner: Arc<Inner<H>>,
}

impl<H: Head> Clone for CacheStore<H> {
    fn clone(&self) -> Self {
        CacheStore {
            inner: Arc::clone(&self.inner),
        }
    }
}

#[derive(Debug)]
struct Inner<H: Head> {
    memory: Arc<MemoryTier<H>>,
    disk: Option<DiskTier<H>>,
    meter: Arc<Meter>,
    /// Of the last invalidation.
    seq: AtomicU64,
    forgotten: Arc<Forgotten>,
    misses: AtomicU64,
}

impl<H: Head> CacheStore<H> {
    /// Opens a store and starts its thread. What is on disk is loaded in the background and absent until then.
    ///
    /// Fails when the folder cannot be made or written, is in use by another process
    /// ([`io::ErrorKind::ResourceBusy`]), or is given less than 8 MiB ([`io::ErrorKind::InvalidInput`]).
    pub fn open(options: StoreOptions) -> io::Result<Self> {
        let meter = Arc::new(Meter::new(options.memory_size_bytes));
        let memory = Arc::new(MemoryTier::new(&meter));
        let forgotten = Arc::new(Forgotten::default());
        let disk = match &options.disk {
            Some(disk) => Some(DiskTier::open(
                disk,
                (options.memory_size_bytes / 4).clamp(QUEUE_BYTES_MIN, QUEUE_BYTES_MAX),
                &memory,
                &forgotten,
                options.observer,
            )?),
            None => None,
        };
        let seq = disk.as_ref().map_or(0, |disk| disk.journal().last_seq());
        Ok(CacheStore {
            inner: Arc::new(Inner {
                memory,
                disk,
                meter,
                seq: AtomicU64::new(seq),
                forgotten,
                misses: AtomicU64::new(0),
            }),
        })
    }

    /// Writes what waits and stops the thread, within ten seconds. Look-ups go on; what is put from then on is kept in
    /// memory alone.
    ///
    /// The last clone does the same when it is dropped.
    pub fn close(&self) {
        if let Some(disk) = &self.inner.disk {
            disk.close();
        }
    }

    /// Looks for an object. Never waits for the disk.
    pub fn object(&self, key: &Key) -> Lookup<Arc<Object<H>>> {
        match self.inner.memory.find(key, Touch::Use) {
            Some(Payload::Object(object)) => Lookup::Memory(object),
            Some(Payload::Block(_)) => Lookup::Absent,
            None => self.find_on_disk(key, EntryKind::Object),
        }
    }

    /// Looks for a block. Never waits for the disk.
    pub fn block(&self, key: &Key, usage: Use) -> Lookup<Arc<Block>> {
        match self.inner.memory.find(key, usage.touch()) {
            Some(Payload::Block(block)) => Lookup::Memory(block),
            Some(Payload::Object(_)) => Lookup::Absent,
            None => self.find_on_disk(key, EntryKind::Block),
        }
    }

    fn find_on_disk<T>(&self, key: &Key, kind: EntryKind) -> Lookup<T> {
        let disk = self.inner.disk.as_ref();
        match disk.and_then(|disk| disk.find(key, kind)) {
            Some(place) => Lookup::Disk(DiskEntry { place }),
            None => {
                self.inner.misses.fetch_add(1, Ordering::Relaxed);
                Lookup::Absent
            }
        }
    }

    /// Reads an object whole, checks it, and keeps it in memory. Waits for the disk.
    ///
    /// `None` when the place holds something else by now or does not read back as written; the entry is then dropped.
    pub fn load_object(&self, entry: &DiskEntry, key: &Key) -> io::Result<Option<Arc<Object<H>>>> {
        let Some((heads, bytes)) = self.read_whole(entry, key)? else {
            return Ok(None);
        };
        let Some(head) = H::decode(&heads.head) else {
            return Ok(None);
        };
        let object = Arc::new(Object {
            head,
            seq: heads.seq,
            body: heads.body.map(|body| self.body_of(bytes, body.size_bytes)),
        });
        self.promote(entry, key, Payload::Object(Arc::clone(&object)));
        Ok(Some(object))
    }

    /// Reads an object's head and leaves the body on disk. Waits for the disk. `None` as in [`Store::load_object`].
    pub fn load_head(&self, entry: &DiskEntry, key: &Key) -> io::Result<Option<StoredHead<H>>> {
        let Some(disk) = &self.inner.disk else {
            return Ok(None);
        };
        let Some(heads) = disk.read_heads(key, &entry.place)? else {
            return Ok(None);
        };
        let seq = heads.seq;
        let body = heads.body.map(DiskBody::from);
        Ok(H::decode(&heads.head).map(|head| StoredHead { head, seq, body }))
    }

    fn read_whole(&self, entry: &DiskEntry, key: &Key) -> io::Result<Option<(Heads, Vec<u8>)>> {
        match &self.inner.disk {
            Some(disk) => disk.read_whole(key, &entry.place),
            None => Ok(None),
        }
    }

    /// The last bytes of a record: as they are where they make one chunk, else in chunks of their own.
    fn body_of(&self, bytes: Vec<u8>, size_bytes: u64) -> Block {
        let body_at = bytes.len() - usize::try_from(size_bytes).unwrap_or(bytes.len());
        if bytes.len() <= CHUNK_SIZE_BYTES + RECORD_OVERHEAD_BYTES {
            let body = self.inner.meter.chunk(bytes).slice(body_at..);
            let chunks = if body.is_empty() {
                Vec::new()
            } else {
                vec![body]
            };
            return Block::with(chunks, Counting::Counted);
        }
        let chunks = bytes[body_at..].chunks(CHUNK_SIZE_BYTES);
        let chunks = chunks.map(|chunk| self.inner.meter.chunk(chunk.to_vec()));
        Block::with(chunks.collect(), Counting::Counted)
    }

    fn promote(&self, entry: &DiskEntry, key: &Key, payload: Payload<H>) {
        if let Some(disk) = &self.inner.disk {
            let is_current = || disk.is_current(key, &entry.place);
            self.inner.memory.promote(*key, payload, is_current);
        }
    }

    /// Where the body of an object or a block lies on disk, wherever else it is kept. Waits for the disk.
    ///
    /// The heads are compared with their checksum; the bytes of the body are not read, and so not checked. An entry
    /// that is still waiting to be written gives `None`.
    pub fn body_on_disk(&self, key: &Key) -> io::Result<Option<DiskBody>> {
        let Some(disk) = &self.inner.disk else {
            return Ok(None);
        };
        let Some(place) = disk.find_any(key) else {
            return Ok(None);
        };
        let heads = disk.read_heads(key, &place)?;
        Ok(heads.and_then(|heads| heads.body).map(DiskBody::from))
    }

    /// Keeps an object in place of what the key stood for.
    ///
    /// An object whose `seq` is smaller than [`Store::oldest_seq`] has once said is not kept: the invalidations that it
    /// would have to be compared with are forgotten.
    pub fn put_object(&self, key: Key, object: Object<H>) {
        let body = object.body.map(|body| self.adopt(body));
        let seq = object.seq;
        let object = Object { body, ..object };
        self.put(key, &Payload::Object(Arc::new(object)));
        self.drop_if_forgotten(&key, seq);
    }

    /// Keeps a block in place of what the key stood for.
    pub fn put_block(&self, key: Key, block: Block) {
        let block = self.adopt(block);
        self.put(key, &Payload::Block(Arc::new(block)));
    }

    /// What is on disk is dead before memory changes, so that nobody reads it back into memory afterwards.
    fn put(&self, key: Key, payload: &Payload<H>) {
        match &self.inner.disk {
            Some(disk) => {
                let stamp = disk.supersede(&key);
                self.inner.memory.put(key, payload.clone());
                disk.enqueue(key, stamp, payload.clone());
            }
            None => self.inner.memory.put(key, payload.clone()),
        }
    }

    fn drop_if_forgotten(&self, key: &Key, seq: u64) {
        if seq < self.inner.forgotten.seq() {
            self.remove(key);
        }
    }

    /// Forgets an entry. Once this has returned it does not come back, not even after the death of the process; a power
    /// cut within the next second or so may bring it back.
    pub fn remove(&self, key: &Key) {
        if let Some(disk) = &self.inner.disk {
            disk.remove(key);
        }
        self.inner.memory.remove(key);
    }

    /// Gives an object a new head and leaves its body, as after a 304. Waits for the disk if the object is only there.
    ///
    /// `is_meant` says of the head that is kept now whether the new one belongs to its body. If not, the object is
    /// another one by now, and nobody knows which of the two is newer: it is dropped.
    pub fn replace_head(
        &self,
        key: &Key,
        head: H,
        seq: u64,
        is_meant: impl FnOnce(&H) -> bool,
    ) -> io::Result<Replaced> {
        if self.inner.memory.find(key, Touch::Peek).is_none() {
            match self.find_on_disk::<()>(key, EntryKind::Object) {
                Lookup::Disk(entry) => drop(self.load_object(&entry, key)?),
                Lookup::Memory(()) | Lookup::Absent => return Ok(Replaced::Absent),
            }
        }
        let stamp = self.inner.disk.as_ref().map(|disk| disk.supersede(key));
        let changed = self
            .inner
            .memory
            .replace(key, |payload| with_head(payload, head, seq, is_meant));
        let Some(changed) = changed else {
            // It left memory at this very moment, or is something else. What the disk had of it is dead.
            self.remove(key);
            return Ok(Replaced::Absent);
        };
        if let (Some(disk), Some(stamp)) = (&self.inner.disk, stamp) {
            disk.enqueue(*key, stamp, changed);
        }
        self.drop_if_forgotten(key, seq);
        Ok(Replaced::Done)
    }

    /// Sets memory aside for bytes on their way, and pushes entries out for it. `None` when readers and other fills
    /// hold so much that it cannot be.
    pub fn try_reserve(&self, size_bytes: u64) -> Option<Reservation> {
        if size_bytes > self.inner.meter.limit_bytes() {
            return None;
        }
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
    ///
    /// Fails when the disk does, or when a record is larger than 1 MiB or the journal than 256 MiB; the invalidation
    /// then has no number and will not outlast a restart.
    pub fn journal_append(&self, record: &[u8]) -> io::Result<u64> {
        match &self.inner.disk {
            Some(disk) => {
                let mut journal = disk.journal();
                let seq = journal.append(record)?;
                self.inner.seq.store(seq, Ordering::Release);
                Ok(seq)
            }
            None => Ok(self.inner.seq.fetch_add(1, Ordering::AcqRel) + 1),
        }
    }

    /// The invalidations in the journal, oldest first, with their numbers: all that some stored entry may be older
    /// than.
    pub fn journal(&self) -> Vec<(u64, Bytes)> {
        let disk = self.inner.disk.as_ref();
        disk.map_or_else(Vec::new, |disk| disk.journal().records().to_vec())
    }

    /// The number of the last invalidation; 0 before the first.
    pub fn current_seq(&self) -> u64 {
        self.inner.seq.load(Ordering::Acquire)
    }

    /// No stored object has a smaller `seq`, nor will one be taken: invalidations up to this number concern nothing
    /// that is kept. Looks at every entry in memory, so it is for once a minute and not for each request.
    pub fn oldest_seq(&self) -> u64 {
        let current = self.current_seq();
        let oldest = || {
            let disk = self.inner.disk.as_ref().and_then(DiskTier::oldest_seq);
            let memory = self.inner.memory.oldest_seq();
            disk.into_iter().chain(memory).fold(current, u64::min)
        };
        self.inner.forgotten.forget(oldest)
    }

    /// Tries the disk again now, after [`crate::StoreEvent::DiskFull`] or [`crate::StoreEvent::DiskFailed`]; the store
    /// does so by itself every 30 seconds.
    pub fn retry_disk(&self) {
        if let Some(disk) = &self.inner.disk {
            disk.retry();
        }
    }

    /// Numbers as of now.
    pub fn statistics(&self) -> Statistics {
        let memory = self.inner.memory.counts();
        let mut statistics = Statistics {
            objects: memory.objects,
            blocks: memory.blocks,
            memory_bytes: self.inner.meter.used_bytes(),
            hits_memory: memory.hits,
            misses: self.inner.misses.load(Ordering::Relaxed),
            evictions_memory: memory.evictions,
            ..Statistics::default()
        };
        if let Some(disk) = &self.inner.disk {
            let counts = disk.counts();
            statistics.disk_entries = disk.entries();
            statistics.disk_bytes = disk.disk_bytes();
            statistics.index_bytes = disk.index_bytes();
            statistics.hits_disk = counts.hits.load(Ordering::Relaxed);
            statistics.writes = counts.writes.load(Ordering::Relaxed);
            statistics.writes_skipped = counts.writes_skipped.load(Ordering::Relaxed);
            statistics.evictions_disk = counts.evictions.load(Ordering::Relaxed);
            statistics.read_failures = counts.read_failures.load(Ordering::Relaxed);
        }
        statistics
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

/// The object with another head; `None` of a block, and of an object that is not meant.
fn with_head<H: Head>(
    payload: &Payload<H>,
    head: H,
    seq: u64,
    is_meant: impl FnOnce(&H) -> bool,
) -> Option<Payload<H>> {
    match payload {
        Payload::Object(object) if is_meant(&object.head) => {
            let body = object.body.clone();
            Some(Payload::Object(Arc::new(Object { head, seq, body })))
        }
        Payload::Object(_) | Payload::Block(_) => None,
    }
}

#[cfg(test)]
mod tests;
