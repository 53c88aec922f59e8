//! The store's folder: its lock, its format, and emptying it when its contents cannot be trusted.

use super::file;
use super::journal::{self, Journal};
use super::removed::{self, RemovedList};
use crate::key::Key;
use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::Path;

/// Version of the file layout. A folder of another version is emptied.
const VERSION: u64 = 1;
const NAME: &str = "store";
/// Name of the folder of the segments, within the store's.
pub(super) const SEGMENTS: &str = "segments";
/// Number of stamps for each opening. Every opening starts above the earlier ones', so that no stamp is
/// given out twice.
const STAMPS_EACH: u64 = 1 << 40;
/// Maximum number of openings, since more would use up the stamps. A folder opened this often is emptied.
const OPENINGS_MAX: u64 = (1 << 23) - 1;

/// What became of what was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OldContent {
    /// It could not be trusted.
    Discarded,
    /// It is still there, if there was any.
    Kept,
}

/// An opened folder.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) lock: File,
    pub(super) seed: u64,
    pub(super) first_stamp: u64,
    pub(super) journal: Journal,
    pub(super) removed: RemovedList,
    /// Removed keys with their greatest stamps, as the list had them at the opening.
    pub(super) removed_before: HashMap<Key, u64>,
    pub(super) old_content: OldContent,
}

/// Locks the folder and reads everything in it except the segments.
pub(super) fn open(folder: &Path) -> io::Result<Opened> {
    file::make_folder(folder)?;
    let lock = lock(folder)?;
    file::make_folder(&folder.join(SEGMENTS))?;
    match Form::read(folder)? {
        Known::Form(form) if form.openings < OPENINGS_MAX => open_known(folder, lock, form),
        Known::Form(_) | Known::Other => empty(folder, lock, OldContent::Discarded),
        Known::Missing if is_empty(folder)? => empty(folder, lock, OldContent::Kept),
        Known::Missing => empty(folder, lock, OldContent::Discarded),
    }
}

fn open_known(folder: &Path, lock: File, form: Form) -> io::Result<Opened> {
    let journal::Opened::Read(journal) = Journal::open(folder, form.seed)? else {
        return empty(folder, lock, OldContent::Discarded);
    };
    let removed::Opened::Read(removed, removed_before) = RemovedList::open(folder, form.seed)?
    else {
        return empty(folder, lock, OldContent::Discarded);
    };
    let form = Form {
        openings: form.openings + 1,
        ..form
    };
    form.write(folder)?;
    Ok(Opened {
        lock,
        seed: form.seed,
        first_stamp: form.openings * STAMPS_EACH,
        journal,
        removed,
        removed_before,
        old_content: OldContent::Kept,
    })
}

/// Deletes the contents and starts again with a new random number.
fn empty(folder: &Path, lock: File, old_content: OldContent) -> io::Result<Opened> {
    mark_damaged(folder);
    let segments = folder.join(SEGMENTS);
    for entry in std::fs::read_dir(&segments)? {
        std::fs::remove_file(entry?.path())?;
    }
    file::sync_folder(&segments)?;
    let form = Form {
        seed: random()?,
        openings: 1,
    };
    let journal = Journal::make(folder, form.seed)?;
    let removed = RemovedList::make(folder, form.seed)?;
    form.write(folder)?;
    Ok(Opened {
        lock,
        seed: form.seed,
        first_stamp: form.openings * STAMPS_EACH,
        journal,
        removed,
        removed_before: HashMap::new(),
        old_content,
    })
}

/// Makes the next opening start empty.
pub(super) fn mark_damaged(folder: &Path) {
    // A folder without this file is of unknown format. If even this fails, the disk takes no writes at all.
    let _ = std::fs::remove_file(folder.join(NAME));
}

fn is_empty(folder: &Path) -> io::Result<bool> {
    Ok(std::fs::read_dir(folder.join(SEGMENTS))?.next().is_none())
}

fn lock(folder: &Path) -> io::Result<File> {
    let file = file::open(&folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "another process uses the folder; give each its own",
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// The contents of the file `store`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    seed: u64,
    openings: u64,
}

/// The result of reading the file `store`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Form(Form),
    Other,
    Missing,
}

impl Form {
    fn read(folder: &Path) -> io::Result<Known> {
        match std::fs::read(folder.join(NAME)) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                Ok(Form::parse(&text).map_or(Known::Other, Known::Form))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Known::Missing),
            Err(error) => Err(error),
        }
    }

    /// Parses the line if it is exactly what would be written: with a damaged number of openings, stamps would be
    /// given out twice.
    fn parse(text: &str) -> Option<Form> {
        let mut words = text.split_whitespace().skip(2);
        let form = Form {
            seed: u64::from_str_radix(words.next()?, 16).ok()?,
            openings: words.next()?.parse().ok()?,
        };
        (form.text() == text).then_some(form)
    }

    fn text(&self) -> String {
        let Form { seed, openings } = self;
        let words = format!("privet-cache {VERSION} {seed:016x} {openings}");
        let checksum = xxhash_rust::xxh3::xxh3_64(words.as_bytes());
        format!("{words} {checksum:016x}\n")
    }

    fn write(&self, folder: &Path) -> io::Result<()> {
        file::replace(folder, NAME, self.text().as_bytes())
    }
}
