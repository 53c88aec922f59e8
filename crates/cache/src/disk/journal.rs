//! The journal of invalidations: the caller's records, numbered without gaps, and on disk before they are acknowledged.

use super::file;
use super::format::{u32_at, u64_at};
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

const NAME: &str = "journal";
const MAGIC: [u8; 8] = *b"privjou1";
/// Size of the file's start: magic, number before the first record, checksum.
const START_BYTES: usize = 24;
/// Size of a record's head: length, length inverted, number, checksum.
const RECORD_HEAD_BYTES: usize = 24;
/// Maximum size of one record.
const RECORD_BYTES_MAX: usize = 1024 * 1024;
/// Maximum size of the whole file. If it is reached while an object older than these invalidations is still stored, the
/// operator gets an error.
const SIZE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The file of the journal, and its records in memory.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    folder: PathBuf,
    seed: u64,
    size_bytes: u64,
    records: Vec<(u64, Bytes)>,
    last_seq: u64,
}

/// The result of reading the journal when the store is opened.
#[derive(Debug)]
pub(super) enum Opened {
    Read(Journal),
    /// An invalidation may be lost, so nothing on disk can be trusted.
    Damaged,
}

impl Journal {
    /// Creates an empty journal, replacing any other.
    pub(super) fn make(folder: &Path, seed: u64) -> io::Result<Self> {
        let start = encode_start(0, seed);
        file::replace(folder, NAME, &start)?;
        Ok(Journal {
            file: file::open(&folder.join(NAME))?,
            folder: folder.to_owned(),
            seed,
            size_bytes: START_BYTES as u64,
            records: Vec::new(),
            last_seq: 0,
        })
    }

    /// Reads the journal.
    pub(super) fn open(folder: &Path, seed: u64) -> io::Result<Opened> {
        let path = folder.join(NAME);
        if !path.exists() {
            return Ok(Opened::Damaged);
        }
        let bytes = Bytes::from(std::fs::read(&path)?);
        let Some(decoded) = decode(&bytes, seed) else {
            return Ok(Opened::Damaged);
        };
        let file = file::open(&path)?;
        file.set_len(decoded.size_bytes)?;
        Ok(Opened::Read(Journal {
            file,
            folder: folder.to_owned(),
            seed,
            size_bytes: decoded.size_bytes,
            records: decoded.records,
            last_seq: decoded.last_seq,
        }))
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    pub(crate) fn records(&self) -> &[(u64, Bytes)] {
        &self.records
    }

    /// Writes a record and waits until it is on disk. Returns its number. After an error the journal is as
    /// it was before.
    pub(crate) fn append(&mut self, record: &[u8]) -> io::Result<u64> {
        let seq = self.last_seq + 1;
        let encoded = encode_record(seq, record, self.seed);
        let size_bytes = self.size_bytes + encoded.len() as u64;
        if record.len() > RECORD_BYTES_MAX || size_bytes > SIZE_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let written = file::write_at(&self.file, &[&encoded], self.size_bytes)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // The remains of a failed write must not be taken for a record later.
            let _ = self.file.set_len(self.size_bytes);
            return Err(error);
        }
        self.size_bytes = size_bytes;
        self.last_seq = seq;
        self.records.push((seq, Bytes::copy_from_slice(record)));
        Ok(seq)
    }

    /// Drops the records up to `oldest_seq`: the fetch of every stored object began after them.
    pub(super) fn forget(&mut self, oldest_seq: u64) -> io::Result<()> {
        let first = self.records.partition_point(|(seq, _)| *seq <= oldest_seq);
        let kept = self.records.split_off(first);
        let base_seq = kept.first().map_or(self.last_seq, |(seq, _)| seq - 1);
        let mut bytes = encode_start(base_seq, self.seed).to_vec();
        for (seq, record) in &kept {
            bytes.extend_from_slice(&encode_record(*seq, record, self.seed));
        }
        self.records = kept;
        file::replace(&self.folder, NAME, &bytes)?;
        self.file = file::open(&self.folder.join(NAME))?;
        self.size_bytes = bytes.len() as u64;
        Ok(())
    }
}

/// A decoded journal.
struct Decoded {
    /// Length in bytes up to the end of the last whole record.
    size_bytes: u64,
    last_seq: u64,
    records: Vec<(u64, Bytes)>,
}

fn encode_start(base_seq: u64, seed: u64) -> [u8; START_BYTES] {
    let mut start = [0; START_BYTES];
    start[..8].copy_from_slice(&MAGIC);
    start[8..16].copy_from_slice(&base_seq.to_le_bytes());
    let checksum = xxh3_64_with_seed(&start[..16], seed);
    start[16..].copy_from_slice(&checksum.to_le_bytes());
    start
}

fn encode_record(seq: u64, record: &[u8], seed: u64) -> Vec<u8> {
    let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(RECORD_HEAD_BYTES + record.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    // The length is written twice, so that a damaged length does not pass for a record that was cut short.
    bytes.extend_from_slice(&(!length).to_le_bytes());
    bytes.extend_from_slice(&seq.to_le_bytes());
    let checksum = record_checksum(&bytes, record, seed);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(record);
    bytes
}

fn record_checksum(head: &[u8], record: &[u8], seed: u64) -> u64 {
    let mut checksum = Xxh3::with_seed(seed);
    checksum.update(&head[..16]);
    checksum.update(record);
    checksum.digest()
}

/// Decodes a journal. Returns `None` if an acknowledged record may be lost.
fn decode(bytes: &Bytes, seed: u64) -> Option<Decoded> {
    let base_seq = u64_at(bytes, 8)?;
    if *bytes.first_chunk::<START_BYTES>()? != encode_start(base_seq, seed) {
        return None;
    }
    let mut at = START_BYTES;
    let mut seq = base_seq;
    let mut records = Vec::new();
    while at < bytes.len() {
        let rest = bytes.slice(at..);
        let Some(length) = u32_at(&rest, 0).filter(|_| rest.len() >= RECORD_HEAD_BYTES) else {
            break;
        };
        let end = RECORD_HEAD_BYTES + length as usize;
        if u32_at(&rest, 4)? != !length {
            return None;
        }
        if rest.len() < end {
            // The record was cut short, so it was never acknowledged.
            break;
        }
        let record = rest.slice(RECORD_HEAD_BYTES..end);
        let is_whole = u64_at(&rest, 16)? == record_checksum(&rest, &record, seed);
        if !is_whole || u64_at(&rest, 8)? != seq + 1 {
            return None;
        }
        seq += 1;
        at += end;
        records.push((seq, record));
    }
    Some(Decoded {
        size_bytes: at as u64,
        last_seq: seq,
        records,
    })
}
