//! The writer thread: appends queued entries, makes room, and seals segments.
//!
//! New entries go to probation segments, and entries that have been in probation before go to main segments.

use super::file;
use super::folder::{self, SEGMENTS};
use super::format::{RecordHead, RecordKind, Role, TableLine, body_checksum, units};
use super::load;
use super::queue::{Job, Next};
use super::segment::{NewSegment, OpenSegment, Segment, record_bytes_max};
use super::{Health, Shared};
use crate::block::{Block, Head};
use crate::key::Key;
use crate::memory::Payload;
use crate::options::StoreEvent;
use ghost::GhostTable;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

mod evict;
mod ghost;

/// Interval at which the thread looks after its files.
const REST: Duration = Duration::from_secs(1);
/// Time for which a failed disk is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// Number of lines of removed keys, or of records in the journal, below which no cleanup is tried.
const LOOK_AFTER_LINES: u64 = 16 * 1024;
/// Number of removed keys beyond which the oldest segments are evicted, so that keys can be forgotten.
const REMOVED_LINES_MAX: u64 = 1024 * 1024;

/// The state of the thread that writes, which nobody else sees.
pub(super) struct Writer<H> {
    shared: Arc<Shared<H>>,
    probation: Queue,
    main: Queue,
    next_number: u64,
    ghost: GhostTable,
    failed_at: Option<Instant>,
    looked_at: Instant,
    /// Number of lines in the list of removed keys after the last cleanup.
    removed_lines: u64,
    /// Number of records in the journal after the last cleanup.
    journal_records: u64,
    /// Buffer for the encoded head of the caller, reused.
    head: Vec<u8>,
}

/// The segments of one role, oldest first, and the segment that takes records.
#[derive(Debug, Default)]
struct Queue {
    sealed: VecDeque<Arc<Segment>>,
    open: Option<OpenSegment>,
}

impl Queue {
    fn len(&self) -> u64 {
        self.sealed.len() as u64 + u64::from(self.open.is_some())
    }
}

impl<H: Head> Writer<H> {
    pub(super) fn new(shared: Arc<Shared<H>>) -> Self {
        let ghosts = shared.segments_max * shared.segment_size_bytes / (256 * 1024);
        Writer {
            shared,
            probation: Queue::default(),
            main: Queue::default(),
            next_number: 1,
            ghost: GhostTable::new(ghosts),
            failed_at: None,
            looked_at: Instant::now(),
            removed_lines: 0,
            journal_records: 0,
            head: Vec::new(),
        }
    }

    /// Loads the segments, then writes until told to stop.
    pub(super) fn run(mut self, removed_before: HashMap<Key, u64>) {
        if let Err(error) = self.load(removed_before) {
            // An index that is not loaded cannot be kept in step with the disk either.
            folder::mark_damaged(&self.shared.folder);
            self.shared.ledger().end_loading();
            self.fail(&error);
        }
        loop {
            if self.looked_at.elapsed() >= REST {
                self.look_after_or_fail();
            }
            let next = self.shared.queue().next();
            match next {
                Next::Write(job) => self.write_or_fail(&job),
                Next::Retry => self.retry(),
                Next::Rest => self.rest(),
                Next::Stop => break,
            }
        }
        for role in [Role::Probation, Role::Main] {
            // A segment that cannot be sealed is scanned at the next opening.
            let _ = self.seal(role);
        }
        let removed = self.shared.ledger().removed().handle();
        let _ = removed.sync_data();
        // The lock is released first: another store may open the folder as soon as this one reports that it
        // has stopped.
        let _ = self.shared.lock.unlock();
        self.shared.queue().set_stopped();
        self.shared.stopped.notify_all();
    }

    fn load(&mut self, removed_before: HashMap<Key, u64>) -> io::Result<()> {
        let began = Instant::now();
        let segments = load::load(&self.shared, &removed_before)?;
        drop(removed_before);
        for segment in segments {
            self.next_number = segment.number + 1;
            match segment.role {
                Role::Probation => self.probation.sealed.push_back(segment),
                Role::Main => self.main.sealed.push_back(segment),
            }
        }
        self.count_segments();
        self.shared.loaded.store(true, Ordering::Release);
        (self.shared.observer)(StoreEvent::Loaded {
            entries: self.shared.index.len(),
            took: began.elapsed(),
        });
        while self.segments() > self.shared.segments_max {
            self.evict_one()?;
        }
        Ok(())
    }

    fn write_or_fail(&mut self, job: &Job<H>) {
        let written = self.write(job);
        self.shared.ledger().settle(&job.key, job.stamp);
        let counts = &self.shared.counts;
        match written {
            Ok(Outcome::Written) => counts.writes.fetch_add(1, Ordering::Relaxed),
            Ok(Outcome::Overtaken) => 0,
            Ok(Outcome::TooLarge) => counts.writes_skipped.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                counts.writes_skipped.fetch_add(1, Ordering::Relaxed);
                self.fail(&error);
                0
            }
        };
    }

    fn write(&mut self, job: &Job<H>) -> io::Result<Outcome> {
        self.shared.faults.check()?;
        if !self.shared.ledger().is_last(&job.key, job.stamp) {
            return Ok(Outcome::Overtaken);
        }
        let mut callers = std::mem::take(&mut self.head);
        callers.clear();
        let (kind, seq, body) = match &job.payload {
            Payload::Object(object) => {
                object.head.encode(&mut callers);
                let kind = match object.body {
                    Some(_) => RecordKind::Object,
                    None => RecordKind::ObjectWithoutBody,
                };
                (kind, object.seq, object.body.as_ref())
            }
            Payload::Block(block) => (RecordKind::Block, u64::MAX, Some(block.as_ref())),
        };
        let chunks = body.map_or(&[][..], Block::chunks);
        let parts = chunks.iter().map(|chunk| chunk.as_ref());
        let head = RecordHead {
            kind,
            key: job.key,
            seq,
            stamp: job.stamp,
            head_bytes: u32::try_from(callers.len()).unwrap_or(u32::MAX),
            body_bytes: body.map_or(0, Block::size_bytes),
            body_checksum: body_checksum(parts.clone(), self.shared.seed),
        };
        let role = match self.ghost.take(job.key.fingerprint()) {
            ghost::Remembered::Yes => Role::Main,
            ghost::Remembered::No => Role::Probation,
        };
        let body = parts.collect::<Vec<_>>();
        let written = self.append(role, Room::Make, &head, (&callers, &body));
        self.head = callers;
        let Some(line) = written? else {
            return Ok(Outcome::TooLarge);
        };
        self.enter(&line, role, 0);
        Ok(Outcome::Written)
    }

    /// Enters a written record into the index, unless a newer write has overtaken it.
    fn enter(&self, line: &TableLine, role: Role, uses: u64) {
        let mut ledger = self.shared.ledger();
        if ledger.is_last(&line.key, line.stamp)
            && let Some(open) = &self.queue(role).open
        {
            let location = open.segment.location(line);
            self.shared.index.insert(&line.key, location, uses);
        }
        ledger.settle(&line.key, line.stamp);
    }

    /// Appends a record. Returns `None` if no segment could hold it.
    fn append(
        &mut self,
        role: Role,
        room: Room,
        head: &RecordHead,
        (callers, body): (&[u8], &[&[u8]]),
    ) -> io::Result<Option<TableLine>> {
        let size_bytes = head.size_bytes().unwrap_or(u64::MAX);
        let bytes_max = record_bytes_max(self.shared.segment_size_bytes);
        if size_bytes > bytes_max || callers.len() > super::format::HEAD_BYTES_MAX {
            return Ok(None);
        }
        let fixed = head.encode(callers, self.shared.seed);
        let mut parts: Vec<&[u8]> = vec![&fixed, callers];
        parts.extend_from_slice(body);
        let open = self.open_with_room(role, units(size_bytes), room)?;
        open.append(head, &parts).map(Some)
    }

    fn open_with_room(
        &mut self,
        role: Role,
        length_units: u64,
        room: Room,
    ) -> io::Result<&mut OpenSegment> {
        if !self.has_room(role, length_units) {
            self.seal(role)?;
            match room {
                Room::Make => self.make_room()?,
                Room::Spare => {}
            }
        }
        // Making room copies entries to main, so there may be a new main segment by now.
        if !self.has_room(role, length_units) {
            self.seal(role)?;
            self.open_segment(role)?;
        }
        let open = &mut self.queue_mut(role).open;
        Ok(open.as_mut().expect("a segment was opened above"))
    }

    fn has_room(&self, role: Role, length_units: u64) -> bool {
        let open = self.queue(role).open.as_ref();
        open.is_some_and(|open| open.has_room(length_units))
    }

    fn open_segment(&mut self, role: Role) -> io::Result<()> {
        self.shared.faults.check()?;
        let slot = self.shared.free_slot();
        let new = NewSegment {
            number: self.next_number,
            slot,
            role,
            size_bytes: self.shared.segment_size_bytes,
        };
        let folder = self.shared.folder.join(SEGMENTS);
        let open = OpenSegment::make(&folder, self.shared.seed, &new)?;
        self.next_number += 1;
        self.shared.set_slot(slot, Some(Arc::clone(&open.segment)));
        self.queue_mut(role).open = Some(open);
        self.count_segments();
        Ok(())
    }

    fn seal(&mut self, role: Role) -> io::Result<()> {
        if let Some(open) = &self.queue(role).open {
            open.seal(self.shared.seed)?;
        }
        let queue = self.queue_mut(role);
        if let Some(open) = queue.open.take() {
            queue.sealed.push_back(open.segment);
        }
        Ok(())
    }

    /// Gives up the disk for now: drops the queue and tells the observer once.
    fn fail(&mut self, error: &io::Error) {
        let dropped = self.shared.queue().set_health(Health::Failed);
        let skipped = dropped.len() as u64;
        let mut ledger = self.shared.ledger();
        for job in &dropped {
            ledger.settle(&job.key, job.stamp);
        }
        drop(ledger);
        let counts = &self.shared.counts;
        counts.writes_skipped.fetch_add(skipped, Ordering::Relaxed);
        if self.failed_at.replace(Instant::now()).is_none() {
            let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
            (self.shared.observer)(if full.contains(&error.kind()) {
                StoreEvent::DiskFull
            } else {
                StoreEvent::DiskFailed {
                    error: error.to_string(),
                }
            });
        }
    }

    fn retry(&mut self) {
        if self.shared.queue().health() == Health::Good {
            return;
        }
        match self.probe() {
            Ok(()) => {
                self.failed_at = None;
                let _ = self.shared.queue().set_health(Health::Good);
                (self.shared.observer)(StoreEvent::DiskBack);
            }
            Err(error) => self.fail(&error),
        }
    }

    /// Does what a write would do, without an entry.
    fn probe(&mut self) -> io::Result<()> {
        self.shared.faults.check()?;
        if !self.shared.loaded.load(Ordering::Acquire) {
            // A folder that could not be read at this opening may be readable at the next.
            return Err(io::Error::other("the store could not be loaded"));
        }
        let open = self.open_with_room(Role::Probation, 1, Room::Make)?;
        open.segment.file.sync_data()
    }

    fn rest(&mut self) {
        let failed_for = self.failed_at.map(|at| at.elapsed());
        if failed_for.is_some_and(|failed_for| failed_for >= RETRY_AFTER) {
            self.retry();
        }
        let queue = self.shared.queue();
        let waited = self
            .shared
            .wake
            .wait_timeout_while(queue, REST, |queue| queue.is_at_rest());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn look_after_or_fail(&mut self) {
        self.looked_at = Instant::now();
        if let Err(error) = self.look_after() {
            self.fail(&error);
        }
    }

    /// Makes removals durable, and forgets removed keys and invalidations that no longer concern any entry.
    fn look_after(&mut self) -> io::Result<()> {
        if self.shared.queue().health() == Health::Failed {
            return Ok(());
        }
        let lines = self.shared.ledger().removed().lines();
        if lines > (2 * self.removed_lines).max(LOOK_AFTER_LINES) {
            self.forget_removed()?;
            while self.removed_lines > REMOVED_LINES_MAX && self.segments() > 0 {
                self.evict_one()?;
                self.forget_removed()?;
            }
        }
        let records = self.shared.journal().records().len() as u64;
        if records > (2 * self.journal_records).max(LOOK_AFTER_LINES) {
            self.journal_records = records;
            self.forget_invalidations()?;
        }
        let removed = self.shared.ledger().removed().handle();
        removed.sync_data()
    }

    fn forget_removed(&mut self) -> io::Result<()> {
        let segments = self.probation.segments().chain(self.main.segments());
        let stamps = segments.map(|segment| segment.oldest_stamp.load(Ordering::Acquire));
        let oldest_stamp = stamps.min().unwrap_or(u64::MAX);
        // The ledger blocks every put, so it is locked only to append the lines added meanwhile.
        let shortening = self.shared.ledger().removed().begin_to_forget();
        let shortened = shortening.write(oldest_stamp)?;
        let mut ledger = self.shared.ledger();
        ledger.removed().end_forgetting(shortened)?;
        self.removed_lines = ledger.removed().lines();
        drop(ledger);
        file::sync_folder(&self.shared.folder)
    }

    fn forget_invalidations(&mut self) -> io::Result<()> {
        let oldest_seq = self.shared.forget_up_to();
        let mut journal = self.shared.journal();
        journal.forget(oldest_seq)?;
        self.journal_records = journal.records().len() as u64;
        Ok(())
    }

    fn segments(&self) -> u64 {
        self.probation.len() + self.main.len()
    }

    fn count_segments(&self) {
        let segments = self.segments();
        self.shared
            .counts
            .segments
            .store(segments, Ordering::Relaxed);
    }

    fn queue(&self, role: Role) -> &Queue {
        match role {
            Role::Probation => &self.probation,
            Role::Main => &self.main,
        }
    }

    fn queue_mut(&mut self, role: Role) -> &mut Queue {
        match role {
            Role::Probation => &mut self.probation,
            Role::Main => &mut self.main,
        }
    }
}

impl Queue {
    fn segments(&self) -> impl Iterator<Item = &Arc<Segment>> {
        let open = self.open.iter().map(|open| &open.segment);
        self.sealed.iter().chain(open)
    }
}

/// The outcome of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Written,
    /// A newer write of the same key is queued.
    Overtaken,
    TooLarge,
}

/// Source of the room for a new segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// Older segments are evicted first.
    Make,
    /// The segment that [`Writer::make_room`] leaves over for the copies made during eviction.
    Spare,
}
