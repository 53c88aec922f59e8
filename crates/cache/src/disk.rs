//! The disk tier: a log of segment files, an index of it in memory, one thread that writes.
//!
//! A record is dead when one of the same key has a greater stamp, or when the list of removed keys says so. Stamps are
//! given out under one lock, the ledger, which also knows what waits to be written: so whatever replaces or removes an
//! entry is seen by a write of it that is still under way.

use crate::block::Head;
use crate::forgotten::Forgotten;
use crate::key::Key;
use crate::memory::{MemoryTier, Payload};
use crate::options::{DiskOptions, Observer, StoreEvent};
use file::Faults;
use format::{RecordHead, RecordKind, UNIT_BYTES};
use index::{Index, Location, SLOTS_MAX, UNITS_MAX};
use journal::Journal;
use ledger::Ledger;
use queue::{Job, Queue};
use segment::{Record, Segment};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::Duration;
use writer::Writer;

mod file;
mod folder;
mod format;
mod index;
mod journal;
mod ledger;
mod load;
mod queue;
mod removed;
mod segment;
mod writer;

/// A tier smaller than this is refused.
const SIZE_BYTES_MIN: u64 = 8 * 1024 * 1024;
const SEGMENT_SIZE_BYTES_MIN: u64 = 1024 * 1024;
const SEGMENT_SIZE_BYTES_USUAL: u64 = 4 * 1024 * 1024;
const SEGMENT_SIZE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How long closing waits for the disk.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A place in a segment, and the means to read it.
#[derive(Clone, Debug)]
pub(crate) struct RecordLocation {
    segment: Arc<Segment>,
    location: Location,
}

impl RecordLocation {
    pub(crate) fn size_bytes(&self) -> u64 {
        u64::from(self.location.length_units) * UNIT_BYTES
    }

    fn offset(&self) -> u64 {
        u64::from(self.location.offset_units) * UNIT_BYTES
    }

    /// Whether the first and the last byte are in the operating system's memory; what lies between most likely is too.
    pub(crate) fn is_in_page_cache(&self) -> bool {
        let last = self.offset() + self.size_bytes().saturating_sub(1);
        [self.offset(), last]
            .iter()
            .all(|at| file::is_in_page_cache(&self.segment.file, *at))
    }
}

/// A body's place in a file.
#[derive(Debug)]
pub(crate) struct BodyLocation {
    pub(crate) file: Arc<File>,
    pub(crate) offset: u64,
    pub(crate) size_bytes: u64,
}

/// The heads of a record as read.
#[derive(Debug)]
pub(crate) struct Heads {
    pub(crate) seq: u64,
    /// The caller's head, encoded.
    pub(crate) head: Vec<u8>,
    /// `None` for an object without a body.
    pub(crate) body: Option<BodyLocation>,
}

impl Heads {
    /// `bytes` are those of the record in front of its body.
    fn of(head: &RecordHead, place: &RecordLocation, bytes: &[u8]) -> Self {
        let body = BodyLocation {
            file: Arc::clone(&place.segment.file),
            offset: place.offset() + head.body_offset(),
            size_bytes: head.body_bytes,
        };
        let has_body = head.kind != RecordKind::ObjectWithoutBody;
        Heads {
            seq: head.seq,
            head: bytes[format::RECORD_HEAD_BYTES..].to_vec(),
            body: has_body.then_some(body),
        }
    }
}

/// Whether the tier takes entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    Failed,
}

/// Counts of the tier.
#[derive(Debug, Default)]
pub(crate) struct DiskCounts {
    pub(crate) hits: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) writes_skipped: AtomicU64,
    pub(crate) evictions: AtomicU64,
    pub(crate) read_failures: AtomicU64,
    pub(crate) segments: AtomicU64,
}

/// What look-ups, puts and the writer share.
struct Shared<H> {
    folder: PathBuf,
    /// The random number of this store.
    seed: u64,
    segment_size_bytes: u64,
    segments_max: u64,
    index: Index,
    slots: RwLock<Vec<Option<Arc<Segment>>>>,
    ledger: Mutex<Ledger>,
    journal: Mutex<Journal>,
    queue: Mutex<Queue<H>>,
    wake: Condvar,
    stopped: Condvar,
    loaded: AtomicBool,
    counts: DiskCounts,
    memory: Arc<MemoryTier<H>>,
    forgotten: Arc<Forgotten>,
    observer: Observer,
    faults: Faults,
    /// Held for as long as the thread runs, even when closing did not wait for it.
    lock: File,
}

/// Entries on disk: finds and reads them, takes new ones, and closes with its thread.
pub(crate) struct DiskTier<H: Head> {
    shared: Arc<Shared<H>>,
}

impl<H: Head> DiskTier<H> {
    /// Opens the folder and starts the thread, which first reads what is there.
    pub(crate) fn open(
        options: &DiskOptions,
        queue_bytes_max: u64,
        memory: &Arc<MemoryTier<H>>,
        forgotten: &Arc<Forgotten>,
        observer: Observer,
    ) -> io::Result<Self> {
        if options.size_bytes < SIZE_BYTES_MIN {
            let reason = "a disk tier needs 8 MiB at least";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let segment_size_bytes = segment_size_bytes(options.size_bytes);
        let opened = folder::open(&options.folder)?;
        if opened.old_content == folder::OldContent::Discarded {
            observer(StoreEvent::Emptied);
        }
        let slots_max = SLOTS_MAX as u64 - 1;
        let shared = Arc::new(Shared {
            folder: options.folder.clone(),
            seed: opened.seed,
            segment_size_bytes,
            segments_max: (options.size_bytes / segment_size_bytes).min(slots_max),
            index: Index::new(),
            slots: RwLock::default(),
            ledger: Mutex::new(Ledger::new(opened.first_stamp, opened.removed)),
            journal: Mutex::new(opened.journal),
            queue: Mutex::new(Queue::new(queue_bytes_max)),
            wake: Condvar::new(),
            stopped: Condvar::new(),
            loaded: AtomicBool::new(false),
            counts: DiskCounts::default(),
            memory: Arc::clone(memory),
            forgotten: Arc::clone(forgotten),
            observer,
            faults: Faults::default(),
            lock: opened.lock,
        });
        let writer = Writer::new(Arc::clone(&shared));
        let removed_before = opened.removed_before;
        thread::Builder::new()
            .name("store-disk".to_owned())
            .spawn(move || writer.run(removed_before))?;
        Ok(DiskTier { shared })
    }

    /// Finds where an entry is, and counts a use of it.
    pub(crate) fn find(&self, key: &Key, kind: EntryKind) -> Option<RecordLocation> {
        let location = self.shared.index.find_to_use(key)?;
        let place = self.place(location, kind)?;
        self.shared.counts.hits.fetch_add(1, Ordering::Relaxed);
        Some(place)
    }

    /// Finds where an entry is, of whichever kind.
    pub(crate) fn find_any(&self, key: &Key) -> Option<RecordLocation> {
        let (location, _) = self.shared.index.find(key)?;
        self.place(location, EntryKind::of(location))
    }

    fn place(&self, location: Location, kind: EntryKind) -> Option<RecordLocation> {
        if kind != EntryKind::of(location) {
            return None;
        }
        let slots = self
            .shared
            .slots
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let segment = slots.get(location.slot as usize)?.clone()?;
        Some(RecordLocation { segment, location })
    }

    /// Whether the key's entry is still the one at the place.
    pub(crate) fn is_current(&self, key: &Key, place: &RecordLocation) -> bool {
        let found = self.shared.index.find(key);
        found.is_some_and(|(location, _)| location == place.location)
    }

    /// Reads a record's heads. `None` when they are not what was written there for the key; the entry is then dropped.
    pub(crate) fn read_heads(
        &self,
        key: &Key,
        place: &RecordLocation,
    ) -> io::Result<Option<Heads>> {
        let read = place.segment.read_heads(place.offset(), self.shared.seed);
        let Some((head, bytes)) = self.checked(key, place, read, |(head, _)| head)? else {
            return Ok(None);
        };
        Ok(Some(Heads::of(&head, place, &bytes)))
    }

    /// Reads a record whole: its heads, and all its bytes with the body at the end. `None` as in
    /// [`DiskTier::read_heads`].
    pub(crate) fn read_whole(
        &self,
        key: &Key,
        place: &RecordLocation,
    ) -> io::Result<Option<(Heads, Vec<u8>)>> {
        let (offset, length_bytes) = (place.offset(), place.size_bytes());
        let read = place
            .segment
            .read_record_of(offset, length_bytes, self.shared.seed);
        let Some(Record { head, bytes }) = self.checked(key, place, read, |record| &record.head)?
        else {
            return Ok(None);
        };
        let body_at = usize::try_from(head.body_offset()).map_err(io::Error::other)?;
        let heads = Heads::of(&head, place, &bytes[..body_at]);
        Ok(Some((heads, bytes)))
    }

    fn checked<T>(
        &self,
        key: &Key,
        place: &RecordLocation,
        read: io::Result<Option<T>>,
        head: impl Fn(&T) -> &RecordHead,
    ) -> io::Result<Option<T>> {
        match read {
            Ok(Some(found)) if head(&found).key == *key => return Ok(Some(found)),
            Ok(Some(_) | None) => self.drop_damaged(key, place),
            Err(error) => {
                self.drop_damaged(key, place);
                return Err(error);
            }
        }
        Ok(None)
    }

    /// Drops an entry that does not read back, for good.
    fn drop_damaged(&self, key: &Key, place: &RecordLocation) {
        let counts = &self.shared.counts;
        counts.read_failures.fetch_add(1, Ordering::Relaxed);
        if self.is_current(key, place) {
            self.remove(key);
        }
    }

    /// Makes all that is on disk or on its way there for the key dead, in favour of an entry that is to be enqueued
    /// with the stamp that is given back.
    pub(crate) fn supersede(&self, key: &Key) -> u64 {
        let mut ledger = self.shared.ledger();
        let (stamp, written) = ledger.supersede(key, &self.shared.index);
        drop(ledger);
        self.shared.note_removal(written);
        stamp
    }

    /// Makes all that is on disk or on its way there for the key dead.
    pub(crate) fn remove(&self, key: &Key) {
        let mut ledger = self.shared.ledger();
        let (stamp, written) = ledger.supersede(key, &self.shared.index);
        ledger.settle(key, stamp);
        drop(ledger);
        self.shared.note_removal(written);
    }

    /// Hands an entry to the writer; if the queue is full it is not written.
    pub(crate) fn enqueue(&self, key: Key, stamp: u64, payload: Payload<H>) {
        let mut queue = self.shared.queue();
        let pushed = queue.push(Job {
            key,
            stamp,
            payload,
        });
        drop(queue);
        match pushed {
            queue::Pushed::Queued => self.shared.wake.notify_one(),
            queue::Pushed::Full => {
                self.shared.ledger().settle(&key, stamp);
                let counts = &self.shared.counts;
                counts.writes_skipped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The smallest `seq` on disk or on its way there; 0 while not all is known.
    pub(crate) fn oldest_seq(&self) -> Option<u64> {
        self.shared.oldest_seq()
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.shared.journal()
    }

    /// Lets the writer try again at once.
    pub(crate) fn retry(&self) {
        self.shared.queue().ask_to_retry();
        self.shared.wake.notify_one();
    }

    /// Writes what waits and stops the thread; gives up waiting after ten seconds.
    pub(crate) fn close(&self) {
        let mut queue = self.shared.queue();
        queue.ask_to_stop();
        self.shared.wake.notify_one();
        let stopped = self
            .shared
            .stopped
            .wait_timeout_while(queue, CLOSE_TIMEOUT, |queue| !queue.is_stopped());
        drop(stopped);
    }

    pub(crate) fn counts(&self) -> &DiskCounts {
        &self.shared.counts
    }

    pub(crate) fn entries(&self) -> u64 {
        self.shared.index.len()
    }

    pub(crate) fn index_bytes(&self) -> u64 {
        self.shared.index.size_bytes()
    }

    pub(crate) fn disk_bytes(&self) -> u64 {
        let slots = self
            .shared
            .slots
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        slots
            .iter()
            .flatten()
            .map(|segment| segment.size_bytes)
            .sum()
    }

    /// From now on every write fails like this; 0 ends it.
    #[cfg(test)]
    pub(crate) fn fail_writes(&self, errno: i32) {
        self.shared.faults.set(errno);
    }
}

/// Objects and blocks do not answer for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Object,
    Block,
}

impl EntryKind {
    fn of(location: Location) -> Self {
        if location.is_block {
            EntryKind::Block
        } else {
            EntryKind::Object
        }
    }
}

impl<H> Shared<H> {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue<H>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a segment a number among those that are open.
    fn free_slot(&self) -> u32 {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let free = slots.iter().position(Option::is_none);
        u32::try_from(free.unwrap_or(slots.len())).expect("there are fewer segments than slots")
    }

    fn set_slot(&self, slot: u32, segment: Option<Arc<Segment>>) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let slot = slot as usize;
        if slots.len() <= slot {
            slots.resize(slot + 1, None);
        }
        slots[slot] = segment;
    }

    /// Up to which number invalidations concern nothing that is kept.
    fn forget_up_to(&self) -> u64
    where
        H: Head,
    {
        let current = self.journal().last_seq();
        let oldest = || {
            let memory = self.memory.oldest_seq();
            let disk = self.oldest_seq();
            disk.into_iter().chain(memory).fold(current, u64::min)
        };
        self.forgotten.forget(oldest)
    }

    fn oldest_seq(&self) -> Option<u64> {
        if !self.loaded.load(Ordering::Acquire) {
            return Some(0);
        }
        let waiting = self.queue().oldest_seq();
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let segments = slots.iter().flatten();
        let written = segments.map(|segment| segment.oldest_seq.load(Ordering::Acquire));
        waiting.into_iter().chain(written).min()
    }

    /// What cannot be written down as removed must not come back: the folder then counts as damaged.
    fn note_removal(&self, written: io::Result<()>) {
        if let Err(error) = written {
            folder::mark_damaged(&self.folder);
            (self.observer)(StoreEvent::DiskFailed {
                error: error.to_string(),
            });
        }
    }
}

/// A two hundred and fifty-sixth of the whole, within bounds; of a small tier an eighth.
fn segment_size_bytes(size_bytes: u64) -> u64 {
    let usual = (size_bytes / 256).clamp(SEGMENT_SIZE_BYTES_USUAL, SEGMENT_SIZE_BYTES_MAX);
    let segment = usual.min(size_bytes / 8).max(SEGMENT_SIZE_BYTES_MIN);
    let whole_units = segment / UNIT_BYTES * UNIT_BYTES;
    whole_units.min((UNITS_MAX + 1) * UNIT_BYTES)
}

impl<H: Head> std::fmt::Debug for DiskTier<H> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("DiskTier")
            .field("folder", &self.shared.folder)
            .finish_non_exhaustive()
    }
}

impl<H: Head> Drop for DiskTier<H> {
    fn drop(&mut self) {
        self.close();
    }
}
