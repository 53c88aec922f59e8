//! The list of removed keys: it tells after a restart which records of a key are dead.
//!
//! A line is 32 bytes: key, stamp, checksum. Records of the key with a smaller stamp are dead. A line is written before
//! the removal returns, so that killing the process does not undo the removal.

use super::file;
use super::format::{key_at, u64_at};
use crate::key::Key;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

const NAME: &str = "removed";
const FRESH_NAME: &str = "removed.new";
const LINE_BYTES: usize = 32;

/// The file of the list, to which lines are added until it is written anew.
#[derive(Debug)]
pub(super) struct RemovedList {
    file: Arc<File>,
    folder: PathBuf,
    seed: u64,
    lines: u64,
}

/// The result of reading the list when the store is opened.
#[derive(Debug)]
pub(super) enum Opened {
    Read(RemovedList, HashMap<Key, u64>),
    /// A removal may be lost, so nothing on disk can be trusted.
    Damaged,
}

impl RemovedList {
    /// Creates an empty list, replacing any other.
    pub(super) fn make(folder: &Path, seed: u64) -> io::Result<Self> {
        file::replace(folder, NAME, &[])?;
        Ok(RemovedList {
            file: Arc::new(file::open(&folder.join(NAME))?),
            folder: folder.to_owned(),
            seed,
            lines: 0,
        })
    }

    /// Reads the list.
    pub(super) fn open(folder: &Path, seed: u64) -> io::Result<Opened> {
        let path = folder.join(NAME);
        if !path.exists() {
            return Ok(Opened::Damaged);
        }
        let bytes = std::fs::read(&path)?;
        let Some(removed) = decode(&bytes, seed) else {
            return Ok(Opened::Damaged);
        };
        let lines = (bytes.len() / LINE_BYTES) as u64;
        let file = file::open(&path)?;
        // A line that was cut short belongs to a removal that never returned.
        file.set_len(lines * LINE_BYTES as u64)?;
        let list = RemovedList {
            file: Arc::new(file),
            folder: folder.to_owned(),
            seed,
            lines,
        };
        Ok(Opened::Read(list, removed))
    }

    /// Returns the number of lines.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Appends a line. After an error the list is as it was before.
    pub(super) fn append(&mut self, key: &Key, stamp: u64) -> io::Result<()> {
        let offset = self.lines * LINE_BYTES as u64;
        file::write_at(&self.file, &[&encode(key, stamp, self.seed)], offset)?;
        self.lines += 1;
        Ok(())
    }

    /// Returns the file, so that it can be synced without holding the ledger's lock.
    pub(super) fn handle(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Begins to drop the lines that no longer concern any record. Lines may be appended while that is under way.
    pub(super) fn begin_to_forget(&self) -> Shortening {
        Shortening {
            old: self.handle(),
            path: self.folder.join(FRESH_NAME),
            lines: self.lines,
        }
    }

    /// Replaces the list with the shortened one, plus the lines appended meanwhile.
    pub(super) fn end_forgetting(&mut self, shortened: Shortened) -> io::Result<()> {
        let added = read_lines(&self.file, shortened.read_lines, self.lines)?;
        let kept_bytes = shortened.kept_lines * LINE_BYTES as u64;
        file::write_at(&shortened.file, &[&added], kept_bytes)?;
        shortened.file.sync_data()?;
        std::fs::rename(self.folder.join(FRESH_NAME), self.folder.join(NAME))?;
        self.lines = shortened.kept_lines + self.lines - shortened.read_lines;
        self.file = Arc::new(shortened.file);
        Ok(())
    }
}

/// The first step of forgetting: the lines to read, and the path for the shortened list.
#[derive(Debug)]
pub(super) struct Shortening {
    old: Arc<File>,
    path: PathBuf,
    lines: u64,
}

/// The shortened list, in a file beside the old one.
#[derive(Debug)]
pub(super) struct Shortened {
    file: File,
    read_lines: u64,
    kept_lines: u64,
}

impl Shortening {
    /// Writes the lines that are still needed: those with a stamp above the smallest stamp of all records.
    pub(super) fn write(self, oldest_stamp: u64) -> io::Result<Shortened> {
        let bytes = read_lines(&self.old, 0, self.lines)?;
        let lines = bytes.chunks_exact(LINE_BYTES);
        let kept = lines.filter(|line| u64_at(line, 16).is_some_and(|stamp| stamp > oldest_stamp));
        let kept = kept.collect::<Vec<_>>().concat();
        let file = file::make(&self.path)?;
        file::write_at(&file, &[&kept], 0)?;
        file.sync_data()?;
        Ok(Shortened {
            file,
            read_lines: self.lines,
            kept_lines: (kept.len() / LINE_BYTES) as u64,
        })
    }
}

fn read_lines(file: &File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(to - from).map_err(io::Error::other)? * LINE_BYTES;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, from * LINE_BYTES as u64)?;
    Ok(bytes)
}

fn encode(key: &Key, stamp: u64, seed: u64) -> [u8; LINE_BYTES] {
    let mut line = [0; LINE_BYTES];
    line[..16].copy_from_slice(&key.0);
    line[16..24].copy_from_slice(&stamp.to_le_bytes());
    let checksum = xxh3_64_with_seed(&line[..24], seed);
    line[24..].copy_from_slice(&checksum.to_le_bytes());
    line
}

/// Decodes the greatest stamp of each key. Returns `None` if a complete line is damaged.
fn decode(bytes: &[u8], seed: u64) -> Option<HashMap<Key, u64>> {
    let mut removed = HashMap::new();
    for line in bytes.chunks_exact(LINE_BYTES) {
        if u64_at(line, 24)? != xxh3_64_with_seed(&line[..24], seed) {
            return None;
        }
        let stamp = u64_at(line, 16)?;
        let known = removed.entry(key_at(line, 0)?).or_insert(stamp);
        *known = stamp.max(*known);
    }
    Some(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_key;

    #[test]
    fn forgetting_keeps_what_is_wanted_and_what_is_added_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let key = |stamp: u64| block_key([2; 16], stamp);
        let mut list = RemovedList::make(folder.path(), 7).unwrap();
        for stamp in 1..=100 {
            list.append(&key(stamp), stamp).unwrap();
        }
        let shortening = list.begin_to_forget();
        list.append(&key(101), 101).unwrap();
        let shortened = shortening.write(60).unwrap();
        list.append(&key(102), 102).unwrap();
        list.end_forgetting(shortened).unwrap();
        list.append(&key(103), 103).unwrap();
        assert_eq!(list.lines(), 43);
        let Opened::Read(list, removed) = RemovedList::open(folder.path(), 7).unwrap() else {
            panic!("the list is as it was written");
        };
        assert_eq!(list.lines(), 43);
        for stamp in 1..=103 {
            let expected = (stamp > 60).then_some(&stamp);
            assert_eq!(removed.get(&key(stamp)), expected);
        }
    }
}
