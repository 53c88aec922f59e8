//! The list of removed keys: what records of a key may come back after a restart.
//!
//! A line is 32 bytes: key, stamp, checksum. Records of the key with a smaller stamp are dead. A line is written before
//! the removal returns, so that the death of the process does not undo it.

use super::file;
use super::format::{key_at, u64_at};
use crate::key::Key;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const NAME: &str = "removed";
const LINE_BYTES: usize = 32;

/// See the file's own words.
#[derive(Debug)]
pub(super) struct RemovedList {
    file: File,
    folder: PathBuf,
    seed: u64,
    lines: u64,
}

/// What the list said at the opening.
#[derive(Debug)]
pub(super) enum Opened {
    Read(RemovedList, HashMap<Key, u64>),
    /// A removal is lost, so nothing on disk can be trusted.
    Damaged,
}

impl RemovedList {
    /// Makes an empty list in place of any other.
    pub(super) fn make(folder: &Path, seed: u64) -> io::Result<Self> {
        file::replace(folder, NAME, &[])?;
        Ok(RemovedList {
            file: file::open(&folder.join(NAME))?,
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
        // A line that was cut short is of a removal that never returned.
        file.set_len(lines * LINE_BYTES as u64)?;
        let list = RemovedList {
            file,
            folder: folder.to_owned(),
            seed,
            lines,
        };
        Ok(Opened::Read(list, removed))
    }

    /// How long the list is.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Adds a line. After an error the list is as it was.
    pub(super) fn append(&mut self, key: &Key, stamp: u64) -> io::Result<()> {
        let offset = self.lines * LINE_BYTES as u64;
        file::write_at(&self.file, &[&encode(key, stamp, self.seed)], offset)?;
        self.lines += 1;
        Ok(())
    }

    /// Puts the list on disk for good.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Drops the lines that concern no record any more: those no greater than the smallest stamp of all records.
    pub(super) fn forget(&mut self, oldest_stamp: u64) -> io::Result<()> {
        let mut bytes =
            vec![0; usize::try_from(self.lines).map_err(io::Error::other)? * LINE_BYTES];
        self.file.read_exact_at(&mut bytes, 0)?;
        let lines = bytes.chunks_exact(LINE_BYTES);
        let kept = lines.filter(|line| u64_at(line, 16).is_some_and(|stamp| stamp > oldest_stamp));
        let kept = kept.collect::<Vec<_>>().concat();
        file::replace(&self.folder, NAME, &kept)?;
        self.file = file::open(&self.folder.join(NAME))?;
        self.lines = (kept.len() / LINE_BYTES) as u64;
        Ok(())
    }
}

fn encode(key: &Key, stamp: u64, seed: u64) -> [u8; LINE_BYTES] {
    let mut line = [0; LINE_BYTES];
    line[..16].copy_from_slice(&key.0);
    line[16..24].copy_from_slice(&stamp.to_le_bytes());
    let checksum = xxh3_64_with_seed(&line[..24], seed);
    line[24..].copy_from_slice(&checksum.to_le_bytes());
    line
}

/// Of each key the greatest stamp; `None` when a whole line is not as it was written.
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
