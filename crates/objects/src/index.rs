//! Names of folders in memory, within a limit, so that a page of a list does not read its folders again.
//!
//! An index is believed as long as its folder has the times that it had when it was read. Our own changes are applied
//! to the index and to these times together. Times have a granularity, and changes by others may hide behind ours: an
//! index that may have missed one is read again soon.

mod state;

pub(crate) use state::Presence;

use crate::ObjectError;
use crate::metadata::now_ns;
use crate::names::{Limit, Scanned, scan};
use crate::system::{is_absence, open_folder};
use state::{Stamp, State};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

/// Maximum number of folders that are read at the same time, each of which may need half of the memory for names.
const SCANS_MAX: usize = 2;

/// The indexes of all buckets.
#[derive(Debug)]
pub(crate) struct Indexes {
    size_bytes_max: usize,
    size_bytes: AtomicUsize,
    buckets: AtomicU64,
    uses: AtomicU64,
    scans: Scans,
    /// By bucket and path. Held for reading during our changes, so that none is under way unseen when an index begins.
    folders: RwLock<HashMap<(u64, String), Arc<FolderIndex>>>,
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
    /// Its names needed too much memory the last time.
    is_too_large: AtomicBool,
}

/// How many folders are being read.
#[derive(Debug, Default)]
struct Scans {
    running: Mutex<usize>,
    ended: Condvar,
}

impl Indexes {
    pub(crate) fn new(size_bytes_max: usize) -> Self {
        Indexes {
            size_bytes_max,
            size_bytes: AtomicUsize::new(0),
            buckets: AtomicU64::new(0),
            uses: AtomicU64::new(0),
            scans: Scans::default(),
            folders: RwLock::default(),
        }
    }

    /// Returns a number for a bucket.
    pub(crate) fn next_number(&self) -> u64 {
        self.buckets.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a change of ours in bucket `number`: after it, the name in `place`, which is a folder's path and a name in
    /// it, is there or gone.
    pub(crate) fn changing<T, E>(
        &self,
        number: u64,
        folder: &OwnedFd,
        place: (&str, &str),
        presence: Presence,
        change: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let (path, name) = place;
        let folders = self.folders.read().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = folders.get(&(number, path.to_owned())) else {
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

    /// Returns the names in the folder at `path` of a bucket, those from `from` on if all need too much memory; `None`
    /// if there is no such folder.
    ///
    /// Errors: the system's.
    pub(crate) fn list(
        &self,
        (number, root): (u64, &OwnedFd),
        path: &str,
        from: &[u8],
    ) -> Result<Option<Listed>, ObjectError> {
        let folder = match open_folder(root, path) {
            Ok(folder) => folder,
            Err(errno) if is_absence(errno) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let index = self.index(number, path);
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
        let listed = self.scan(&index, &folder, path, from);
        drop(one);
        if let Ok(Listed::Shared(index)) = &listed {
            let size_bytes = index.state().size_bytes(path);
            self.resize(index, size_bytes);
        }
        listed.map(Some)
    }

    /// Reads the names in a folder, into its index if they need no more memory than they may.
    fn scan(
        &self,
        index: &Arc<FolderIndex>,
        folder: &OwnedFd,
        path: &str,
        from: &[u8],
    ) -> Result<Listed, ObjectError> {
        let _turn = self.scans.turn();
        let (started, started_ns) = (Instant::now(), now_ns());
        let before = index.state().begin(folder);
        let limit = Limit {
            from,
            size_bytes_max: self.size_bytes_max / SCANS_MAX,
            is_exceeded: index.is_too_large.load(Ordering::Relaxed),
        };
        let scanned = scan(folder, path, &limit).inspect_err(|_| index.state().give_up())?;
        let is_too_large = !(scanned.is_whole || scanned.is_end && from.is_empty());
        index.is_too_large.store(is_too_large, Ordering::Relaxed);
        if !scanned.is_whole {
            index.state().give_up();
            return Ok(Listed::Some(Arc::new((from.to_vec(), scanned))));
        }
        let is_settled = before.is_some_and(|before| before.is_settled(started_ns));
        let mut state = index.state();
        state.scanned = Some((started, started.elapsed()));
        state.take(scanned.names, Stamp::of(folder), is_settled);
        drop(state);
        Ok(Listed::Shared(Arc::clone(index)))
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

impl Scans {
    /// Waits until a folder may be read; it counts as being read until the turn is dropped.
    fn turn(&self) -> Turn<'_> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= SCANS_MAX {
            running = self
                .ended
                .wait(running)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *running += 1;
        Turn(self)
    }
}

/// The right to read a folder.
struct Turn<'a>(&'a Scans);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut running = self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *running -= 1;
        self.0.ended.notify_one();
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
