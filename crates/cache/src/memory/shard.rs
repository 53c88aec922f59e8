//! One shard of the memory tier: a table, three queues, and the ghosts.

use super::ghost::Ghost;
use super::{Evicted, Kind, Payload, Touch};
use crate::block::Head;
use crate::key::{ByFingerprint, Key};
use crate::meter::Meter;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Share of a shard that each probation queue may fill while there is something else to evict: one in this many.
const PROBATION_SHARE: u64 = 10;
/// Maximum use count of an entry; further uses do not change its position in the queues.
const USES_MAX: u8 = 3;
/// Number of stale tickets that a queue may hold. Removed entries leave their tickets behind; beyond this number and
/// half the queue they are swept out.
const STALE_MAX: usize = 64;

/// The size of an entry, as the meter and the queues count it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    /// Bytes that the meter does not learn of from chunks.
    pub(super) own_bytes: u64,
    /// Bytes including the body, as the queues count them.
    pub(super) whole_bytes: u64,
}

/// The queue that an entry is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QueueName {
    Objects,
    Blocks,
    Main,
}

#[derive(Debug)]
struct Entry<H> {
    payload: Payload<H>,
    weight: Weight,
    place: QueueName,
    /// Number of the entry's ticket. A queued ticket with another number is stale.
    ticket: u64,
    uses: AtomicU8,
}

#[derive(Debug, Default)]
struct Queue {
    tickets: VecDeque<(Key, u64)>,
    weight_bytes: u64,
    stale: usize,
}

#[derive(Debug)]
struct State<H> {
    entries: HashMap<Key, Entry<H>, ByFingerprint>,
    objects: Queue,
    blocks: Queue,
    main: Queue,
    ghost: Ghost,
    next_ticket: u64,
    object_count: u64,
}

/// A shard, aligned so that no two share a cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shard<H> {
    state: RwLock<State<H>>,
    weight_bytes: AtomicU64,
    pub(super) hits: AtomicU64,
    pub(super) evictions: AtomicU64,
    size_bytes: u64,
    meter: Arc<Meter>,
}

impl<H: Head> Shard<H> {
    pub(super) fn new(size_bytes: u64, meter: &Arc<Meter>) -> Self {
        Shard {
            state: RwLock::new(State {
                entries: HashMap::with_hasher(ByFingerprint),
                objects: Queue::default(),
                blocks: Queue::default(),
                main: Queue::default(),
                ghost: Ghost::default(),
                next_ticket: 0,
                object_count: 0,
            }),
            weight_bytes: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
            size_bytes,
            meter: Arc::clone(meter),
        }
    }

    pub(super) fn find(&self, key: &Key, touch: Touch) -> Option<Payload<H>> {
        let state = self.read();
        let entry = state.entries.get(key)?;
        match touch {
            Touch::Use => entry.count_use(),
            Touch::Peek => {}
        }
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some(entry.payload.clone())
    }

    /// Stores an entry. Returns the one that it replaces, to be dropped where no lock is held.
    pub(super) fn put(&self, key: Key, payload: Payload<H>) -> Option<Payload<H>> {
        let mut state = self.write();
        let replaced = match state.entries.get(&key).map(|entry| entry.place) {
            Some(place) => state.replace(&key, place, payload, &self.meter),
            None => {
                state.insert(key, payload, &self.meter);
                None
            }
        };
        self.note_weight(&state);
        replaced
    }

    pub(super) fn put_if_absent(
        &self,
        key: Key,
        payload: Payload<H>,
        is_current: impl Fn() -> bool,
    ) {
        let mut state = self.write();
        if !state.entries.contains_key(&key) && is_current() {
            state.insert(key, payload, &self.meter);
            self.note_weight(&state);
        }
    }

    pub(super) fn replace(
        &self,
        key: &Key,
        change: impl FnOnce(&Payload<H>) -> Option<Payload<H>>,
    ) -> Option<Payload<H>> {
        let mut state = self.write();
        let entry = state.entries.get(key)?;
        let changed = change(&entry.payload)?;
        let place = entry.place;
        let replaced = state.replace(key, place, changed.clone(), &self.meter);
        self.note_weight(&state);
        drop(state);
        drop(replaced);
        Some(changed)
    }

    pub(super) fn remove(&self, key: &Key) -> Option<Payload<H>> {
        let mut state = self.write();
        let entry = state.take_out(key, &self.meter)?;
        state.sweep(entry.place);
        self.note_weight(&state);
        Some(entry.payload)
    }

    pub(super) fn is_used(&self, key: &Key) -> bool {
        let state = self.read();
        let used = |entry: &Entry<H>| entry.uses.load(Ordering::Relaxed) > 0;
        state.entries.get(key).is_some_and(used)
    }

    /// Evicts one entry, or the ghosts if the shard has no entries.
    pub(super) fn evict(&self) -> Evicted {
        let mut state = self.write();
        let ghosts_bytes = state.ghost.size_bytes();
        let evicted = state.evict(self.size_bytes, &self.meter);
        self.note_weight(&state);
        drop(state);
        match evicted {
            Some(_payload) => {
                self.evictions.fetch_add(1, Ordering::Relaxed);
                Evicted::Entry
            }
            None if ghosts_bytes > 0 => Evicted::Ghosts,
            None => Evicted::Nothing,
        }
    }

    pub(super) fn oldest_seq(&self) -> Option<u64> {
        let state = self.read();
        let payloads = state.entries.values().map(|entry| &entry.payload);
        payloads
            .filter_map(|payload| match payload {
                Payload::Object(object) => Some(object.seq),
                Payload::Block(_) => None,
            })
            .min()
    }

    /// Returns the numbers of objects and blocks.
    pub(super) fn entries(&self) -> (u64, u64) {
        let state = self.read();
        (
            state.object_count,
            state.entries.len() as u64 - state.object_count,
        )
    }

    /// Returns the weight of the entries and ghosts, as of the last change.
    pub(super) fn weight_bytes(&self) -> u64 {
        self.weight_bytes.load(Ordering::Relaxed)
    }

    fn note_weight(&self, state: &State<H>) {
        let ghost_bytes = state.ghost.size_bytes();
        let entries_bytes =
            state.objects.weight_bytes + state.blocks.weight_bytes + state.main.weight_bytes;
        self.weight_bytes
            .store(entries_bytes + ghost_bytes, Ordering::Relaxed);
    }

    fn read(&self) -> RwLockReadGuard<'_, State<H>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State<H>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H> Entry<H> {
    /// Two concurrent readers may count as one, which is harmless and needs no loop.
    fn count_use(&self) {
        let uses = self.uses.load(Ordering::Relaxed);
        if uses < USES_MAX {
            self.uses.store(uses + 1, Ordering::Relaxed);
        }
    }
}

impl<H: Head> State<H> {
    fn queue(&mut self, place: QueueName) -> &mut Queue {
        match place {
            QueueName::Objects => &mut self.objects,
            QueueName::Blocks => &mut self.blocks,
            QueueName::Main => &mut self.main,
        }
    }

    fn insert(&mut self, key: Key, payload: Payload<H>, meter: &Meter) {
        let place = match (self.ghost.take(key.fingerprint()), payload.kind()) {
            (true, Kind::Object | Kind::Block) => QueueName::Main,
            (false, Kind::Object) => QueueName::Objects,
            (false, Kind::Block) => QueueName::Blocks,
        };
        let weight = payload.weight();
        self.object_count += payload.kind().objects();
        meter.add(weight.own_bytes);
        let ticket = self.enqueue(key, place, weight);
        self.entries.insert(
            key,
            Entry {
                payload,
                weight,
                place,
                ticket,
                uses: AtomicU8::new(0),
            },
        );
    }

    fn enqueue(&mut self, key: Key, place: QueueName, weight: Weight) -> u64 {
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        let queue = self.queue(place);
        queue.tickets.push_back((key, ticket));
        queue.weight_bytes += weight.whole_bytes;
        ticket
    }

    /// Replaces an entry's payload. The entry keeps its position and its uses.
    fn replace(
        &mut self,
        key: &Key,
        place: QueueName,
        payload: Payload<H>,
        meter: &Meter,
    ) -> Option<Payload<H>> {
        let weight = payload.weight();
        let new_objects = payload.kind().objects();
        let entry = self.entries.get_mut(key)?;
        let old_weight = std::mem::replace(&mut entry.weight, weight);
        let old_payload = std::mem::replace(&mut entry.payload, payload);
        meter.add(weight.own_bytes);
        meter.take(old_weight.own_bytes);
        self.object_count = self.object_count + new_objects - old_payload.kind().objects();
        let queue = self.queue(place);
        queue.weight_bytes = queue.weight_bytes - old_weight.whole_bytes + weight.whole_bytes;
        Some(old_payload)
    }

    /// Removes an entry from the table; its ticket stays in the queue, stale.
    fn take_out(&mut self, key: &Key, meter: &Meter) -> Option<Entry<H>> {
        let entry = self.entries.remove(key)?;
        self.object_count -= entry.payload.kind().objects();
        meter.take(entry.weight.own_bytes);
        let queue = self.queue(entry.place);
        queue.weight_bytes -= entry.weight.whole_bytes;
        queue.stale += 1;
        Some(entry)
    }

    /// Removes a queue's stale tickets if there are many.
    fn sweep(&mut self, place: QueueName) {
        let queue = self.queue(place);
        if queue.stale <= STALE_MAX.max(queue.tickets.len() / 2) {
            return;
        }
        let mut tickets = std::mem::take(&mut queue.tickets);
        queue.stale = 0;
        let held = |key: &Key, ticket: u64| {
            let entry = self.entries.get(key);
            entry.is_some_and(|entry| entry.ticket == ticket)
        };
        tickets.retain(|(key, ticket)| held(key, *ticket));
        self.queue(place).tickets = tickets;
    }

    fn evict(&mut self, shard_size_bytes: u64, meter: &Meter) -> Option<Payload<H>> {
        loop {
            let place = self.place_to_evict_from(shard_size_bytes / PROBATION_SHARE);
            let Some((key, ticket)) = self.queue(place).tickets.pop_front() else {
                if self.entries.is_empty() {
                    self.forget_ghosts(meter);
                    return None;
                }
                continue;
            };
            let Some(entry) = self.entries.get_mut(&key).filter(|e| e.ticket == ticket) else {
                let queue = self.queue(place);
                queue.stale = queue.stale.saturating_sub(1);
                continue;
            };
            let uses = *entry.uses.get_mut();
            if uses > 0 {
                // An entry used in probation starts in the main queue as if it were new there.
                *entry.uses.get_mut() = match place {
                    QueueName::Objects | QueueName::Blocks => 0,
                    QueueName::Main => uses - 1,
                };
                self.move_to_main(key, place);
                continue;
            }
            let entry = self.take_out(&key, meter)?;
            let queue = self.queue(place);
            queue.stale = queue.stale.saturating_sub(1);
            if place != QueueName::Main {
                self.remember(&key, entry.weight, shard_size_bytes, meter);
            }
            return Some(entry.payload);
        }
    }

    fn place_to_evict_from(&self, probation_bytes: u64) -> QueueName {
        let others_than_blocks = self.objects.weight_bytes + self.main.weight_bytes;
        // The only block in its queue is spared while there is anything else: it may just have been put.
        if self.blocks.weight_bytes > probation_bytes
            && (self.blocks.tickets.len() > 1 || others_than_blocks == 0)
        {
            QueueName::Blocks
        } else if self.objects.weight_bytes > probation_bytes {
            QueueName::Objects
        } else if self.main.weight_bytes > 0 {
            QueueName::Main
        } else if self.blocks.weight_bytes > self.objects.weight_bytes {
            QueueName::Blocks
        } else {
            QueueName::Objects
        }
    }

    fn move_to_main(&mut self, key: Key, from: QueueName) {
        let Some(weight) = self.entries.get(&key).map(|entry| entry.weight) else {
            return;
        };
        self.queue(from).weight_bytes -= weight.whole_bytes;
        let ticket = self.enqueue(key, QueueName::Main, weight);
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.place = QueueName::Main;
            entry.ticket = ticket;
        }
    }

    fn remember(&mut self, key: &Key, weight: Weight, shard_size_bytes: u64, meter: &Meter) {
        let before_bytes = self.ghost.size_bytes();
        let weight_bytes_max = shard_size_bytes - shard_size_bytes / PROBATION_SHARE;
        let count_max = self.entries.len();
        self.ghost.insert(
            key.fingerprint(),
            weight.whole_bytes,
            weight_bytes_max,
            count_max,
        );
        meter.add(self.ghost.size_bytes());
        meter.take(before_bytes);
    }

    fn forget_ghosts(&mut self, meter: &Meter) {
        meter.take(self.ghost.size_bytes());
        self.ghost = Ghost::default();
    }
}

#[cfg(test)]
mod tests;
