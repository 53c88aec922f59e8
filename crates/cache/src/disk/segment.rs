//! One segment file: creating it, filling it, sealing it, reading its table back.

use super::file;
use super::format::{
    HEAD_BYTES_MAX, RECORD_HEAD_BYTES, RecordHead, RecordKind, Role, TABLE_LINE_BYTES, TableLine,
    Trailer, UNIT_BYTES, body_checksum, decode_segment_head, decode_table, encode_segment_head,
    encode_table, units,
};
use super::index::Location;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ZEROS: [u8; UNIT_BYTES as usize] = [0; UNIT_BYTES as usize];

/// A segment that can be read.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) slot: u32,
    pub(super) role: Role,
    pub(super) file: Arc<File>,
    pub(super) path: PathBuf,
    pub(super) size_bytes: u64,
    /// Smallest `seq` of the records.
    pub(super) oldest_seq: AtomicU64,
    /// Smallest stamp of the records.
    pub(super) oldest_stamp: AtomicU64,
}

impl Segment {
    /// Opens an existing file. Returns `None` if it is not a segment of this store.
    pub(super) fn open(
        folder: &Path,
        number: u64,
        slot: u32,
        seed: u64,
    ) -> io::Result<Option<Self>> {
        let path = folder.join(file_name(number));
        let file = file::open(&path)?;
        let size_bytes = file.metadata()?.len();
        let mut head = ZEROS;
        let role = match file.read_exact_at(&mut head, 0) {
            Ok(()) => decode_segment_head(&head, number, seed),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(error),
        };
        Ok(role.map(|role| Segment {
            number,
            slot,
            role,
            file: Arc::new(file),
            path,
            size_bytes,
            oldest_seq: AtomicU64::new(u64::MAX),
            oldest_stamp: AtomicU64::new(u64::MAX),
        }))
    }

    /// Reads the table of a sealed segment. Returns `None` if there is none or it is damaged.
    pub(super) fn table(&self, seed: u64) -> io::Result<Option<Vec<TableLine>>> {
        let Some(trailer_at) = self.size_bytes.checked_sub(UNIT_BYTES) else {
            return Ok(None);
        };
        let mut unit = ZEROS;
        self.file.read_exact_at(&mut unit, trailer_at)?;
        let Some(trailer) = Trailer::decode(&unit, seed) else {
            return Ok(None);
        };
        let size_bytes = trailer.lines.saturating_mul(TABLE_LINE_BYTES as u64);
        let end = trailer.table_offset.saturating_add(size_bytes);
        let Some(length) = usize::try_from(size_bytes)
            .ok()
            .filter(|_| end <= trailer_at)
        else {
            return Ok(None);
        };
        let mut table = vec![0; length];
        self.file.read_exact_at(&mut table, trailer.table_offset)?;
        Ok(trailer
            .vouches_for(&table, seed)
            .then(|| decode_table(&table)))
    }

    /// Finds records one by one, for a segment that was not sealed. Only undamaged records are found.
    pub(super) fn scan(&self, seed: u64) -> io::Result<Vec<TableLine>> {
        let mut lines = Vec::new();
        let mut at_units = 1;
        let end_units = self.size_bytes / UNIT_BYTES;
        while at_units < end_units {
            let Some(record) = self.read_record(at_units * UNIT_BYTES, seed)? else {
                // The next record may be whole even if this one is not.
                at_units += 1;
                continue;
            };
            let length_units = units(record.bytes.len() as u64);
            lines.push(table_line(&record.head, at_units, length_units));
            at_units += length_units;
        }
        Ok(lines)
    }

    /// Reads a whole record and verifies every checksum. Returns `None` if there is no valid record at `offset`.
    pub(super) fn read_record(&self, offset: u64, seed: u64) -> io::Result<Option<Record>> {
        let Some((head, mut bytes)) = self.read_heads(offset, seed)? else {
            return Ok(None);
        };
        let body_at = bytes.len();
        let Some(size_bytes) = head
            .size_bytes()
            .filter(|size| offset + size <= self.size_bytes)
        else {
            return Ok(None);
        };
        bytes.resize(usize::try_from(size_bytes).map_err(io::Error::other)?, 0);
        self.file
            .read_exact_at(&mut bytes[body_at..], offset + body_at as u64)?;
        let checksum = body_checksum(std::iter::once(&bytes[body_at..]), seed);
        Ok((checksum == head.body_checksum).then_some(Record { head, bytes }))
    }

    /// Like [`Segment::read_record`], but reads all `length_bytes` that the index has recorded at once.
    pub(super) fn read_record_of(
        &self,
        offset: u64,
        length_bytes: u64,
        seed: u64,
    ) -> io::Result<Option<Record>> {
        let length_bytes = length_bytes.min(self.size_bytes.saturating_sub(offset));
        let mut bytes = vec![0; usize::try_from(length_bytes).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, offset)?;
        let Some(head) = RecordHead::decode(&bytes) else {
            return Ok(None);
        };
        let size_bytes = head.size_bytes().filter(|size| *size <= length_bytes);
        let Some(size_bytes) = size_bytes.and_then(|size| usize::try_from(size).ok()) else {
            return Ok(None);
        };
        bytes.truncate(size_bytes);
        let body_at = RECORD_HEAD_BYTES + head.head_bytes as usize;
        let (fixed, callers) = bytes[..body_at].split_at(RECORD_HEAD_BYTES);
        if !RecordHead::is_sealed(fixed, callers, seed) {
            return Ok(None);
        }
        let checksum = body_checksum(std::iter::once(&bytes[body_at..]), seed);
        Ok((checksum == head.body_checksum).then_some(Record { head, bytes }))
    }

    /// Reads the fixed part and the caller's head, and verifies their checksum.
    pub(super) fn read_heads(
        &self,
        offset: u64,
        seed: u64,
    ) -> io::Result<Option<(RecordHead, Vec<u8>)>> {
        if offset + UNIT_BYTES > self.size_bytes {
            return Ok(None);
        }
        let mut bytes = vec![0; UNIT_BYTES as usize];
        self.file.read_exact_at(&mut bytes, offset)?;
        let Some(head) = RecordHead::decode(&bytes) else {
            return Ok(None);
        };
        let heads_bytes = RECORD_HEAD_BYTES + head.head_bytes as usize;
        if offset + heads_bytes as u64 > self.size_bytes {
            return Ok(None);
        }
        let read_bytes = bytes.len().min(heads_bytes);
        bytes.resize(heads_bytes, 0);
        self.file
            .read_exact_at(&mut bytes[read_bytes..], offset + read_bytes as u64)?;
        let (fixed, callers) = bytes.split_at(RECORD_HEAD_BYTES);
        Ok(RecordHead::is_sealed(fixed, callers, seed).then_some((head, bytes)))
    }

    /// Returns the location of a line's record.
    pub(super) fn location(&self, line: &TableLine) -> Location {
        Location {
            slot: self.slot,
            offset_units: line.offset_units,
            length_units: line.length_units,
            is_block: line.is_block,
        }
    }

    /// Lowers the smallest `seq` and stamp to those of a record.
    pub(super) fn note(&self, seq: u64, stamp: u64) {
        self.oldest_seq.fetch_min(seq, Ordering::AcqRel);
        self.oldest_stamp.fetch_min(stamp, Ordering::AcqRel);
    }

    /// Writes table and trailer, once everything before them is on disk, so that no table lists records that a power
    /// cut has lost.
    pub(super) fn seal(&self, lines: &[TableLine], next_units: u64, seed: u64) -> io::Result<()> {
        self.file.sync_data()?;
        let table = encode_table(lines);
        let table_offset = next_units * UNIT_BYTES;
        file::write_at(&self.file, &[&table], table_offset)?;
        let trailer = Trailer::of(table_offset, lines.len() as u64, &table, seed);
        let trailer_at = self.size_bytes - UNIT_BYTES;
        file::write_at(&self.file, &[&trailer.encode(seed)], trailer_at)
    }
}

/// A record as read from disk.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) head: RecordHead,
    /// Bytes from the fixed part to the end of the body.
    pub(super) bytes: Vec<u8>,
}

/// What a segment is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewSegment {
    pub(super) number: u64,
    pub(super) slot: u32,
    pub(super) role: Role,
    pub(super) size_bytes: u64,
}

/// A segment that still takes records.
#[derive(Debug)]
pub(super) struct OpenSegment {
    pub(super) segment: Arc<Segment>,
    pub(super) lines: Vec<TableLine>,
    pub(super) next_units: u64,
}

impl OpenSegment {
    /// Creates the file and allocates all of its space.
    pub(super) fn make(folder: &Path, seed: u64, new: &NewSegment) -> io::Result<Self> {
        let NewSegment {
            number,
            slot,
            role,
            size_bytes,
        } = *new;
        let path = folder.join(file_name(number));
        let file = file::open(&path)?;
        let made = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, size_bytes)
            .map_err(io::Error::from)
            .and_then(|()| file::write_at(&file, &[&encode_segment_head(number, role, seed)], 0));
        if let Err(error) = made {
            // Half a segment is useless; failing to remove it changes nothing.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        let segment = Segment {
            number,
            slot,
            role,
            file: Arc::new(file),
            path,
            size_bytes,
            oldest_seq: AtomicU64::new(u64::MAX),
            oldest_stamp: AtomicU64::new(u64::MAX),
        };
        Ok(OpenSegment {
            segment: Arc::new(segment),
            lines: Vec::new(),
            next_units: 1,
        })
    }

    /// True if a record fits, together with the table and the trailer behind it.
    pub(super) fn has_room(&self, length_units: u64) -> bool {
        let table_bytes = (self.lines.len() + 1) * TABLE_LINE_BYTES;
        let wanted_units = self.next_units + length_units + units(table_bytes as u64) + 1;
        wanted_units * UNIT_BYTES <= self.segment.size_bytes
    }

    /// Writes a record at the end. The next write overwrites one that failed half-way.
    pub(super) fn append(&mut self, head: &RecordHead, parts: &[&[u8]]) -> io::Result<TableLine> {
        let size_bytes: u64 = parts.iter().map(|part| part.len() as u64).sum();
        let offset = self.next_units * UNIT_BYTES;
        file::write_at(&self.segment.file, parts, offset)?;
        self.segment.note(head.seq, head.stamp);
        let length_units = units(size_bytes);
        let line = table_line(head, self.next_units, length_units);
        self.next_units += length_units;
        self.lines.push(line);
        Ok(line)
    }

    /// Closes the segment to further records.
    pub(super) fn seal(&self, seed: u64) -> io::Result<()> {
        self.segment.seal(&self.lines, self.next_units, seed)
    }
}

fn table_line(head: &RecordHead, offset_units: u64, length_units: u64) -> TableLine {
    let narrow = |units: u64| u32::try_from(units).expect("a segment has fewer than 2^31 units");
    TableLine {
        key: head.key,
        stamp: head.stamp,
        seq: head.seq,
        offset_units: narrow(offset_units),
        length_units: narrow(length_units),
        is_block: head.kind == RecordKind::Block,
    }
}

fn file_name(number: u64) -> String {
    format!("{number:016x}.seg")
}

/// Parses the number in a segment's file name. Returns `None` for other files.
pub(super) fn number_of(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_suffix(".seg")?, 16).ok()
}

/// Returns the size of the largest record that a segment of this size can hold.
pub(super) fn record_bytes_max(segment_size_bytes: u64) -> u64 {
    segment_size_bytes.saturating_sub(4 * UNIT_BYTES)
}

// A head must fit beside a body in the smallest segment.
const _: () = assert!(HEAD_BYTES_MAX as u64 <= super::SEGMENT_SIZE_BYTES_MIN);
