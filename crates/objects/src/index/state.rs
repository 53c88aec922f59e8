//! Whether the names of a folder in memory are those that it has.

use crate::names::Names;
use rustix::fs::Stat;
use std::os::fd::OwnedFd;
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

/// Whether a name is in its folder after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    Gone,
}

/// The names of one folder, and what they were read from.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) names: Names,
    /// The folder's state in which it has these names; `None` if they are not believed.
    stamp: Option<Stamp>,
    /// No change can have been missed.
    is_certain: bool,
    /// When the folder was read, and how long that took.
    pub(super) scanned: Option<(Instant, Duration)>,
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
pub(super) struct Stamp {
    folder: (u64, u64),
    modified_ns: i64,
    changed_ns: i64,
}

impl State {
    /// Returns true if the folder has these names, as far as can be told.
    pub(super) fn is_believed(&self, folder: &OwnedFd) -> bool {
        if self.stamp.is_none() || self.stamp != Stamp::of(folder) {
            return false;
        }
        let may_wait =
            |(at, cost): (Instant, Duration)| cost > CHEAP && at.elapsed() < cost * PATIENCE;
        self.is_certain || self.scanned.is_some_and(may_wait)
    }

    /// Begins to note our own changes; returns the folder's state.
    pub(super) fn begin(&mut self, folder: &OwnedFd) -> Option<Stamp> {
        let stamp = Stamp::of(folder);
        self.noted = Some(Noted {
            changes: Vec::new(),
            stamp,
        });
        stamp
    }

    /// Applies a change of ours, before and after which the folder was in these states.
    pub(super) fn note(
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
    pub(super) fn take(&mut self, names: Names, after: Option<Stamp>, is_settled: bool) {
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
    pub(super) fn size_bytes(&self, path: &str) -> usize {
        let noted = self
            .noted
            .as_ref()
            .map_or(0, |noted| noted.changes.len() * INDEX_BYTES / 4);
        self.names.size_bytes() + noted + path.len() + INDEX_BYTES
    }

    /// Ends a scan without a result that could be kept. Lists that are under way go on with the names that they have.
    pub(super) fn give_up(&mut self) {
        (self.noted, self.stamp) = (None, None);
    }
}

impl Stamp {
    pub(super) fn of(folder: &OwnedFd) -> Option<Stamp> {
        rustix::fs::fstat(folder)
            .ok()
            .map(|stat| Stamp::from(&stat))
    }

    /// Returns true if a change after `now_ns` shows in the times.
    pub(super) fn is_settled(self, now_ns: i64) -> bool {
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
