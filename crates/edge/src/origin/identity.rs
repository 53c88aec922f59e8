//! Identity of one state of a file: the system's metadata, and reported changes that those do not show.
//!
//! A file that is written through a memory map, on a server whose clock stands still, or after the clock was set back,
//! may have other bytes under the same size and times.

use rustix::fs::Stat;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

/// Age of a file below which it may change again within one tick of its timestamp, so its bytes are not kept.
const SETTLED_AFTER_SECS: u64 = 2;
/// Maximum number of files with a reported change; beyond it all files count as changed.
const FILES_MAX: usize = 100_000;

/// The identity of one state of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    size_bytes: i64,
    modified_ns: i128,
    changed_ns: i128,
    /// Number of the last reported change; 0 for a file without one.
    told: u64,
}

impl Identity {
    #[expect(
        clippy::unnecessary_cast,
        reason = "the types of the fields differ between systems"
    )]
    fn of(stat: &Stat, told: u64) -> Self {
        let nanoseconds = |secs: i64, nanos: i128| i128::from(secs) * 1_000_000_000 + nanos;
        Identity {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size_bytes: stat.st_size as i64,
            modified_ns: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i128),
            changed_ns: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i128),
            told,
        }
    }

    /// Returns true if a change was reported that size and times do not show.
    pub(super) fn is_told(&self) -> bool {
        self.told != 0
    }

    /// Returns 32 hexadecimal digits in quotes, as S3 writes them: a digest of the identity, so that inode numbers are
    /// not disclosed.
    pub(super) fn etag(&self) -> String {
        // The text must stay as it is: viewers and disks hold tags that were made of it.
        let mut state = format!(
            "Identity {{ device: {}, inode: {}, size_bytes: {}, modified_ns: {}, changed_ns: {} }}",
            self.device, self.inode, self.size_bytes, self.modified_ns, self.changed_ns
        );
        if self.told != 0 {
            state.push_str(&format!(" told {}", self.told));
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, state.as_bytes());
        let digits: String = digest.as_ref()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("\"{digits}\"")
    }
}

/// Returns true if the file has not changed for a while by the system's clock.
pub(super) fn settled(stat: &Stat) -> bool {
    let changed = u64::try_from(stat.st_ctime.max(stat.st_mtime)).unwrap_or(u64::MAX);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    now.as_secs() >= changed.saturating_add(SETTLED_AFTER_SECS)
}

/// The reported changes, for the folders of all configurations until the process ends.
#[derive(Debug, Default)]
pub(crate) struct FileChanges {
    /// True once a change was reported. Spares the usual edge, which hears of none, the lock.
    is_any: AtomicBool,
    told: RwLock<Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// Numbers of changes by device and inode, because a file may have many names.
    files: HashMap<(u64, u64), u64>,
    /// Number that applies to every other file.
    others: u64,
}

impl FileChanges {
    pub(super) fn identity(&self, stat: &Stat) -> Identity {
        let unmarked = Identity::of(stat, 0);
        if !self.is_any.load(Ordering::Acquire) {
            return unmarked;
        }
        let told = self.told.read().unwrap_or_else(PoisonError::into_inner);
        let file = (unmarked.device, unmarked.inode);
        Identity {
            told: told.files.get(&file).copied().unwrap_or(told.others),
            ..unmarked
        }
    }

    /// Marks the file as changed. One that has not settled needs no mark: nothing of it is kept, and its times tell the
    /// change from everything that was kept before.
    pub(super) fn tell(&self, stat: &Stat) {
        if settled(stat) {
            let file = Identity::of(stat, 0);
            self.mark((file.device, file.inode), FILES_MAX);
        }
    }

    fn mark(&self, file: (u64, u64), files_max: usize) {
        let mut told = self.told.write().unwrap_or_else(PoisonError::into_inner);
        if told.files.len() >= files_max && !told.files.contains_key(&file) {
            told.files.clear();
            told.others = change_number();
        }
        told.files.insert(file, change_number());
        self.is_any.store(true, Ordering::Release);
    }
}

/// Returns a number that no change had before, in this process or an earlier one: tags made of those are still in use.
fn change_number() -> u64 {
    let mut random = [0; 8];
    // The operating system's source of randomness does not fail once the process has begun (aws-lc aborts otherwise).
    let _ = aws_lc_rs::rand::fill(&mut random);
    u64::from_le_bytes(random).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat() -> Stat {
        let file = tempfile::tempfile().unwrap();
        rustix::fs::fstat(file).unwrap()
    }

    /// Forms on disk are found by these tags, and viewers send them in conditions.
    #[test]
    fn tags_outlast_versions() {
        let identity = Identity {
            device: 1,
            inode: 2,
            size_bytes: 3,
            modified_ns: 4,
            changed_ns: 5,
            told: 0,
        };
        assert_eq!(identity.etag(), "\"bad0a7b2e6691dbe1561e04bbb2cb26a\"");
        let told = Identity {
            told: 6,
            ..identity
        };
        assert_ne!(told.etag(), identity.etag());
    }

    #[test]
    fn each_change_makes_another_file() {
        let (changes, stat) = (FileChanges::default(), stat());
        let file = (stat.st_dev, stat.st_ino);
        let before = changes.identity(&stat);
        changes.mark(file, 10);
        let once = changes.identity(&stat);
        changes.mark(file, 10);
        let twice = changes.identity(&stat);
        assert!(before != once && once != twice && before != twice);
        let other = (stat.st_dev, stat.st_ino + 1);
        changes.mark(other, 10);
        assert_eq!(changes.identity(&stat), twice);
    }

    /// Forgetting a change would bring back the state that it ended.
    #[test]
    fn too_many_changes_become_a_change_of_every_file() {
        let (changes, stat) = (FileChanges::default(), stat());
        let file = (stat.st_dev, stat.st_ino);
        changes.mark(file, 2);
        let before = changes.identity(&stat);
        changes.mark((file.0, file.1 + 1), 2);
        assert_eq!(changes.identity(&stat), before);
        changes.mark((file.0, file.1 + 2), 2);
        let after = changes.identity(&stat);
        assert!(after != before && after != Identity::of(&stat, 0));
        assert_eq!(changes.told.read().unwrap().files.len(), 1);
    }

    #[test]
    fn a_file_that_has_not_settled_needs_no_mark() {
        let (changes, mut stat) = (FileChanges::default(), stat());
        stat.st_mtime = i64::MAX;
        let before = changes.identity(&stat);
        changes.tell(&stat);
        assert_eq!(changes.identity(&stat), before);
        (stat.st_mtime, stat.st_ctime) = (1, 1);
        let before = changes.identity(&stat);
        changes.tell(&stat);
        assert_ne!(changes.identity(&stat), before);
    }
}
