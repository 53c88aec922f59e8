//! Names of folders in memory, within a limit, so that a page of a list does not read its folders again.
//!
//! An index is believed as long as its folder has the times that it had when it was read. Our own changes are applied to
//! the index and to these times together. Times have a granularity, and changes by others may hide behind ours: an index
//! that may have missed one is read again soon.

use crate::ObjectError;
use crate::metadata::now_ns;
use crate::names::{Names, Scanned, scan};
use crate::shared::Shared;
use crate::system::{is_absence, open_folder};
use rustix::fs::Stat;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Memory of an index besides its names, about.
const INDEX_BYTES: usize = 512;
/// Age of a folder's last change below which another may have the same time: a tick of the system's clock, generously.
const TICK_NS: i64 = 50_000_000;
/// The same for file systems that keep whole seconds, some of them even ones.
const COARSE_TICK_NS: i64 = 2_000_000_000;
/// A scan that takes less time is repeated whenever its result may have missed something.
const CHEAP: Duration = Duration::from_millis(5);
/// One that takes more is repeated after so many times the time that it took.
const PATIENCE: u32 = 20;
/// Maximum number of our own changes during a scan that are noted.
const NOTED_MAX: usize = 100_000;

/// The indexes of all buckets.
#[derive(Debug)]
pub(crate) struct Indexes {
    size_bytes_max: usize,
    size_bytes: AtomicUsize,
    buckets: AtomicU64,
    uses: AtomicU64,
    /// By bucket and path. Held for reading during our changes, so that none is under way unseen when an index begins.
    folders: RwLock<HashMap<(u64, String), Arc<FolderIndex>>>,
}

/// Whether a name is in its folder after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    Gone,
}

/// The names of one folder as a list sees them.
#[derive(Clone, Debug)]
pub(crate) enum Listed {
    /// All of them, shared with other lists.
    Shared(Arc<FolderIndex>),
    /// Some of them, from a text on, because all need too much memory.
    Some(Arc<(Vec<u8>, Scanned)>),
}

/// The index of one folder.
#[derive(Debug, Default)]
pub(crate) struct FolderIndex {
    state: Mutex<State>,
    /// Held while the folder is read, by one for all.
    scanning: Mutex<()>,
    used: AtomicU64,
    size_bytes: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    names: Names,
    /// The folder's state in which it has these names; `None` if they are not believed.
    stamp: Option<Stamp>,
    /// No change can have been missed.
    is_certain: bool,
    /// When the folder was read, and how long that took.
    scanned: Option<(Instant, Duration)>,
    /// Our own changes since the scan began that is under way.
    noted: Option<Noted>,
}

#[derive(Debug)]
struct Noted {
    changes: Vec<(String, Presence)>,
    /// The folder's state after the last change; `None` if somebody else changed it in between.
    stamp: Option<Stamp>,
}

/// What tells states of a folder apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    folder: (u64, u64),
    modified_ns: i64,
    changed_ns: i64,
}

impl Indexes {
    pub(crate) fn new(size_bytes_max: usize) -> Self {
        Indexes {
            size_bytes_max,
            size_bytes: AtomicUsize::new(0),
            buckets: AtomicU64::new(0),
            uses: AtomicU64::new(0),
            folders: RwLock::default(),
        }
    }

    /// Returns a number for a bucket.
    pub(crate) fn next_number(&self) -> u64 {
        self.buckets.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a change of ours: after it, the name in `place`, which is a folder's path and a name in it, is there or
    /// gone.
    pub(crate) fn changing<T, E>(
        &self,
        shared: &Shared,
        folder: &OwnedFd,
        place: (&str, &str),
        presence: Presence,
        change: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let (path, name) = place;
        let folders = self.folders.read().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = folders.get(&(shared.number, path.to_owned())) else {
            return change();
        };
        let index = Arc::clone(index);
        let (changed, size_bytes) = {
            let mut state = index.state();
            let before = Stamp::of(folder);
            let changed = change()?;
            state.note(name, presence, (before, Stamp::of(folder)));
            (changed, state.size_bytes(path))
        };
        drop(folders);
        self.resize(&index, size_bytes);
        Ok(changed)
    }

    /// Returns the names in the folder at `path`, those from `from` on if all need too much memory; `None` if there is
    /// no such folder.
    ///
    /// Errors: the system's.
    pub(crate) fn list(
        &self,
        shared: &Shared,
        path: &str,
        from: &[u8],
    ) -> Result<Option<Listed>, ObjectError> {
        let folder = match open_folder(&shared.root, path) {
            Ok(folder) => folder,
            Err(errno) if is_absence(errno) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let index = self.index(shared.number, path);
        index
            .used
            .store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        if index.state().is_believed(&folder) {
            return Ok(Some(Listed::Shared(index)));
        }
        let one = index
            .scanning
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if index.state().is_believed(&folder) {
            drop(one);
            return Ok(Some(Listed::Shared(index)));
        }
        let (started, started_ns) = (Instant::now(), now_ns());
        let before = Stamp::of(&folder);
        index.state().noted = Some(Noted {
            changes: Vec::new(),
            stamp: before,
        });
        let scanned = match scan(&folder, path, from, self.size_bytes_max) {
            Ok(scanned) if scanned.is_whole => scanned,
            other => {
                index.state().give_up();
                return other.map(|scanned| Some(Listed::Some(Arc::new((from.to_vec(), scanned)))));
            }
        };
        let is_settled = before.is_some_and(|before| before.is_settled(started_ns));
        let size_bytes = {
            let mut state = index.state();
            state.scanned = Some((started, started.elapsed()));
            state.take(scanned.names, Stamp::of(&folder), is_settled);
            state.size_bytes(path)
        };
        drop(one);
        self.resize(&index, size_bytes);
        Ok(Some(Listed::Shared(index)))
    }

    /// Forgets the indexes of a bucket that is closed.
    pub(crate) fn forget(&self, number: u64) {
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        folders.retain(|(bucket, _), _| *bucket != number);
        self.count(&folders);
    }

    fn index(&self, number: u64, path: &str) -> Arc<FolderIndex> {
        let place = (number, path.to_owned());
        let folders = self.folders.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = folders.get(&place) {
            return Arc::clone(index);
        }
        drop(folders);
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(folders.entry(place).or_default())
    }

    /// Notes an index's size, and lets go of those that were not used for the longest time if all are too large.
    fn resize(&self, index: &FolderIndex, size_bytes: usize) {
        let before = index.size_bytes.swap(size_bytes, Ordering::Relaxed);
        let sum = self.size_bytes.fetch_add(size_bytes, Ordering::Relaxed);
        self.size_bytes.fetch_sub(before, Ordering::Relaxed);
        if (sum + size_bytes).saturating_sub(before) <= self.size_bytes_max {
            return;
        }
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        let mut left = self.count(&folders);
        let used = |index: &FolderIndex| index.used.load(Ordering::Relaxed);
        let mut oldest: Vec<(u64, (u64, String))> = folders
            .iter()
            .map(|(place, index)| (used(index), place.clone()))
            .collect();
        oldest.sort_unstable();
        // An eighth is made free at once, so that this is rare.
        for (_, place) in oldest {
            if left <= self.size_bytes_max - self.size_bytes_max / 8 {
                break;
            }
            let index = folders.remove(&place);
            left -= index
                .map_or(0, |index| index.size_bytes.load(Ordering::Relaxed))
                .min(left);
        }
        self.count(&folders);
    }

    /// Counts the memory of all indexes.
    fn count(&self, folders: &HashMap<(u64, String), Arc<FolderIndex>>) -> usize {
        let sizes = folders
            .values()
            .map(|index| index.size_bytes.load(Ordering::Relaxed));
        let sum = sizes.sum();
        self.size_bytes.store(sum, Ordering::Relaxed);
        sum
    }
}

impl Listed {
    /// Returns the first name at or after `from`, or says that others have to be read for that.
    pub(crate) fn at_or_after(&self, from: &[u8]) -> Next {
        match self {
            Listed::Shared(index) => Next::of(index.state().names.at_or_after(from)),
            Listed::Some(some) => {
                let (start, scanned) = &**some;
                match scanned.names.at_or_after(from) {
                    Some(name) if start.as_slice() <= from => Next::Name(name),
                    None if start.as_slice() <= from && scanned.is_end => Next::End,
                    Some(_) | None => Next::Unknown,
                }
            }
        }
    }
}

/// What comes next in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Name(String),
    End,
    /// These names were not kept.
    Unknown,
}

impl Next {
    fn of(name: Option<String>) -> Next {
        name.map_or(Next::End, Next::Name)
    }
}

impl FolderIndex {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns true if the folder has these names, as far as can be told.
    fn is_believed(&self, folder: &OwnedFd) -> bool {
        if self.stamp.is_none() || self.stamp != Stamp::of(folder) {
            return false;
        }
        let may_wait =
            |(at, cost): (Instant, Duration)| cost > CHEAP && at.elapsed() < cost * PATIENCE;
        self.is_certain || self.scanned.is_some_and(may_wait)
    }

    /// Applies a change of ours, before and after which the folder was in these states.
    fn note(
        &mut self,
        name: &str,
        presence: Presence,
        (before, after): (Option<Stamp>, Option<Stamp>),
    ) {
        if let Some(noted) = &mut self.noted {
            noted.stamp = if noted.stamp == before { after } else { None };
            if noted.changes.len() < NOTED_MAX {
                noted.changes.push((name.to_owned(), presence));
            } else {
                noted.stamp = None;
            }
        }
        if self.stamp.is_some() {
            self.apply(name, presence);
            self.stamp = if self.stamp == before { after } else { None };
            self.is_certain = false;
        }
    }

    fn apply(&mut self, name: &str, presence: Presence) {
        match presence {
            Presence::There => self.names.insert(name),
            Presence::Gone => self.names.remove(name),
        }
    }

    /// Takes what was read, and our changes since the reading began. `is_settled` says that the folder's last change
    /// was so long ago by then that a further one would show.
    fn take(&mut self, names: Names, after: Option<Stamp>, is_settled: bool) {
        self.names = names;
        let noted = self.noted.take();
        let Noted { changes, stamp } = noted.expect("a scan begins with a note");
        self.is_certain = is_settled && changes.is_empty();
        self.stamp = if stamp == after { after } else { None };
        for (name, presence) in changes {
            self.apply(&name, presence);
        }
    }

    /// Returns the memory of the index of the folder at `path`, about.
    fn size_bytes(&self, path: &str) -> usize {
        let noted = self
            .noted
            .as_ref()
            .map_or(0, |noted| noted.changes.len() * INDEX_BYTES / 4);
        self.names.size_bytes() + noted + path.len() + INDEX_BYTES
    }

    /// Ends a scan without a result that could be kept.
    fn give_up(&mut self) {
        *self = State::default();
    }
}

impl Stamp {
    fn of(folder: &OwnedFd) -> Option<Stamp> {
        rustix::fs::fstat(folder)
            .ok()
            .map(|stat| Stamp::from(&stat))
    }

    /// Returns true if a change after `now_ns` shows in the times.
    fn is_settled(self, now_ns: i64) -> bool {
        let newest = self.modified_ns.max(self.changed_ns);
        let is_coarse =
            self.modified_ns % 1_000_000_000 == 0 && self.changed_ns % 1_000_000_000 == 0;
        let tick = if is_coarse { COARSE_TICK_NS } else { TICK_NS };
        now_ns.saturating_sub(newest) > tick
    }
}

impl From<&Stat> for Stamp {
    #[expect(
        clippy::unnecessary_cast,
        reason = "the types of the fields differ between systems"
    )]
    fn from(stat: &Stat) -> Self {
        let nanoseconds =
            |secs: i64, nanos: i64| secs.saturating_mul(1_000_000_000).saturating_add(nanos);
        Stamp {
            folder: (stat.st_dev as u64, stat.st_ino as u64),
            modified_ns: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed_ns: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        }
    }
}

#[cfg(test)]
mod tests;
