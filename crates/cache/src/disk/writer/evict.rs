//! Makes room on disk: S3-FIFO in the form of a log.
//!
//! The oldest probation segment is evicted as long as probation has its share of the segments or more, or no main
//! segment is sealed; the entries used in it are copied to the main segments. Otherwise the oldest main segment is
//! evicted. Its used entries are copied as well, but only up to half a segment, so that the other half becomes free.

use super::{Room, Writer};
use crate::block::Head;
use crate::disk::UNIT_BYTES;
use crate::disk::file;
use crate::disk::folder::SEGMENTS;
use crate::disk::format::{RECORD_HEAD_BYTES, RecordHead, Role, TableLine, units};
use crate::disk::segment::Segment;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Share of the segments for probation: one in this many.
const PROBATION_SHARE: u64 = 10;

impl<H: Head> Writer<H> {
    /// Evicts segments until there is room for a new one and for the copies that eviction may make.
    pub(super) fn make_room(&mut self) -> io::Result<()> {
        while self.segments() + 2 > self.shared.segments_max {
            self.evict_one()?;
        }
        Ok(())
    }

    pub(super) fn evict_one(&mut self) -> io::Result<()> {
        let probation_max = (self.shared.segments_max / PROBATION_SHARE).max(1);
        let probation = self.probation.sealed.len() as u64;
        let role = if probation > 0 && (probation >= probation_max || self.main.sealed.is_empty()) {
            Role::Probation
        } else {
            Role::Main
        };
        if self.queue(role).sealed.is_empty() {
            self.seal(role)?;
        }
        let Some(segment) = self.queue_mut(role).sealed.pop_front() else {
            return Err(io::ErrorKind::StorageFull.into());
        };
        let evicted = self.evict(&segment);
        if evicted.is_err() {
            self.queue_mut(role).sealed.push_front(segment);
        }
        self.count_segments();
        evicted
    }

    fn evict(&mut self, segment: &Arc<Segment>) -> io::Result<()> {
        // A segment whose table cannot be read is evicted as a whole.
        let table = segment.table(self.shared.seed).ok().flatten();
        let table = table.unwrap_or_default();
        let copied_units_max = match segment.role {
            Role::Probation => u64::MAX,
            Role::Main => units(segment.size_bytes) / 2,
        };
        let mut copied_units = 0;
        for line in &table {
            let length_units = u64::from(line.length_units);
            if copied_units + length_units <= copied_units_max {
                copied_units += self.copy_if_used(segment, line)?;
            }
        }
        // The file goes first. If the index entry went first and its key were then replaced, the replacement would find
        // nothing to note as removed, and a crash before the file is deleted would bring the old entry back.
        file::remove(&segment.path)?;
        file::sync_folder(&self.shared.folder.join(SEGMENTS))?;
        for line in &table {
            let location = segment.location(line);
            if self.shared.index.remove_at(&line.key, location).is_some() {
                let counts = &self.shared.counts;
                counts.evictions.fetch_add(1, Ordering::Relaxed);
                if segment.role == Role::Probation {
                    self.ghost.remember(line.key.fingerprint());
                }
            }
        }
        if table.is_empty() {
            self.shared.index.remove_slot(segment.slot);
        }
        self.shared.set_slot(segment.slot, None);
        Ok(())
    }

    /// Copies an entry that was used. Returns the units that the copy took; 0 if the entry is dead, damaged, or unused.
    fn copy_if_used(&mut self, segment: &Segment, line: &TableLine) -> io::Result<u64> {
        let found = self.shared.index.find(&line.key);
        let Some((_, uses)) = found.filter(|(at, _)| *at == segment.location(line)) else {
            return Ok(0);
        };
        if uses == 0 && !self.shared.memory.is_used(&line.key) {
            return Ok(0);
        }
        let offset = u64::from(line.offset_units) * UNIT_BYTES;
        let Ok(Some(record)) = segment.read_record(offset, self.shared.seed) else {
            return Ok(0);
        };
        let Some(stamp) = self.stamp_copy(segment, line) else {
            return Ok(0);
        };
        let head = RecordHead {
            stamp,
            ..record.head
        };
        let (callers, body) =
            record.bytes[RECORD_HEAD_BYTES..].split_at(record.head.head_bytes as usize);
        let copied = self.append(Role::Main, Room::Spare, &head, (callers, &[body]));
        let Ok(Some(copy)) = copied else {
            self.shared.ledger().settle(&line.key, stamp);
            return copied.map(|_| 0);
        };
        let uses = match segment.role {
            Role::Probation => 0,
            Role::Main => uses.saturating_sub(1),
        };
        self.enter(&copy, Role::Main, uses);
        Ok(u64::from(copy.length_units))
    }

    /// Stamps a copy, if the index still points to the record to be copied.
    fn stamp_copy(&self, segment: &Segment, line: &TableLine) -> Option<u64> {
        let mut ledger = self.shared.ledger();
        let (location, _) = self.shared.index.find(&line.key)?;
        if location != segment.location(line) {
            return None;
        }
        ledger.stamp_copy(&line.key)
    }
}
