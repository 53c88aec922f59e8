//! The byte format of a segment file: its head, records, table of contents, trailer. Pure.
//!
//! Every part begins at a multiple of [`UNIT_BYTES`]. Checksums are seeded with the store's own random number, so that
//! no body can contain bytes that pass for a record, and no segment of another store passes for one of this store.

use crate::key::Key;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

/// Unit in which offsets and lengths are counted.
pub(super) const UNIT_BYTES: u64 = 512;
/// Size of a record's head, before the caller's own head.
pub(super) const RECORD_HEAD_BYTES: usize = 72;
/// Size of one line of the table of contents.
pub(super) const TABLE_LINE_BYTES: usize = 40;
/// Maximum size of the caller's head.
pub(super) const HEAD_BYTES_MAX: usize = 1024 * 1024;

const RECORD_MAGIC: [u8; 4] = *b"pvR1";
const SEGMENT_MAGIC: [u8; 8] = *b"privseg1";
const TRAILER_MAGIC: [u8; 8] = *b"privend1";
const BLOCK_BIT: u32 = 1 << 31;
/// Offset of the checksum in a record's head. It covers the bytes before it and the caller's head.
const CHECKSUM_AT: usize = RECORD_HEAD_BYTES - 8;

/// The contents of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordKind {
    /// An object with a body.
    Object,
    /// An object without a body.
    ObjectWithoutBody,
    /// A block.
    Block,
}

/// The queue that a segment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The queue of new entries.
    Probation,
    /// The queue of entries that were used.
    Main,
}

/// The fixed part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHead {
    pub(super) kind: RecordKind,
    pub(super) key: Key,
    /// The object's [`crate::Object::seq`]; `u64::MAX` for blocks, which are found only by way of an object.
    pub(super) seq: u64,
    /// Stamp of the write, greater than that of any earlier record of the key.
    pub(super) stamp: u64,
    pub(super) head_bytes: u32,
    pub(super) body_bytes: u64,
    pub(super) body_checksum: u64,
}

impl RecordHead {
    /// Encodes the fixed part, with a checksum over it and the caller's head.
    pub(super) fn encode(&self, head: &[u8], seed: u64) -> [u8; RECORD_HEAD_BYTES] {
        let mut bytes = [0; RECORD_HEAD_BYTES];
        bytes[..4].copy_from_slice(&RECORD_MAGIC);
        bytes[4] = match self.kind {
            RecordKind::Object => 1,
            RecordKind::ObjectWithoutBody => 2,
            RecordKind::Block => 3,
        };
        bytes[8..24].copy_from_slice(&self.key.0);
        bytes[24..32].copy_from_slice(&self.seq.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.stamp.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.head_bytes.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.body_bytes.to_le_bytes());
        bytes[56..64].copy_from_slice(&self.body_checksum.to_le_bytes());
        let checksum = head_checksum(&bytes, head, seed);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Decodes the fixed part. Not to be trusted until [`RecordHead::is_sealed`] returns true.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; RECORD_HEAD_BYTES] = bytes.first_chunk()?;
        if bytes[..4] != RECORD_MAGIC {
            return None;
        }
        let kind = match bytes[4] {
            1 => RecordKind::Object,
            2 => RecordKind::ObjectWithoutBody,
            3 => RecordKind::Block,
            _ => return None,
        };
        let head_bytes = u32_at(bytes, 40)?;
        (head_bytes as usize <= HEAD_BYTES_MAX).then_some(RecordHead {
            kind,
            key: key_at(bytes, 8)?,
            seq: u64_at(bytes, 24)?,
            stamp: u64_at(bytes, 32)?,
            head_bytes,
            body_bytes: u64_at(bytes, 48)?,
            body_checksum: u64_at(bytes, 56)?,
        })
    }

    /// True if the fixed part and the caller's head are as they were written.
    pub(super) fn is_sealed(fixed: &[u8], head: &[u8], seed: u64) -> bool {
        u64_at(fixed, CHECKSUM_AT) == Some(head_checksum(fixed, head, seed))
    }

    /// Returns the size of the record with all its parts, before rounding up. `None` if no file could hold it.
    pub(super) fn size_bytes(&self) -> Option<u64> {
        let heads = RECORD_HEAD_BYTES as u64 + u64::from(self.head_bytes);
        self.body_bytes.checked_add(heads)
    }

    /// Returns the offset of the body within the record.
    pub(super) fn body_offset(&self) -> u64 {
        RECORD_HEAD_BYTES as u64 + u64::from(self.head_bytes)
    }
}

fn head_checksum(fixed: &[u8], head: &[u8], seed: u64) -> u64 {
    let mut checksum = Xxh3::with_seed(seed);
    checksum.update(&fixed[..CHECKSUM_AT]);
    checksum.update(head);
    checksum.digest()
}

/// Computes the checksum of a body given in parts.
pub(super) fn body_checksum<'a>(parts: impl Iterator<Item = &'a [u8]>, seed: u64) -> u64 {
    let mut checksum = Xxh3::with_seed(seed);
    for part in parts {
        checksum.update(part);
    }
    checksum.digest()
}

/// Returns the number of units that the bytes occupy, counting a partial last unit as a whole.
pub(super) fn units(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(UNIT_BYTES)
}

/// One record in a segment's table of contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TableLine {
    pub(super) key: Key,
    pub(super) stamp: u64,
    pub(super) seq: u64,
    pub(super) offset_units: u32,
    pub(super) length_units: u32,
    pub(super) is_block: bool,
}

impl TableLine {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key.0);
        out.extend_from_slice(&self.stamp.to_le_bytes());
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.offset_units.to_le_bytes());
        let block_bit = if self.is_block { BLOCK_BIT } else { 0 };
        out.extend_from_slice(&(self.length_units | block_bit).to_le_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let length = u32_at(bytes, 36)?;
        Some(TableLine {
            key: key_at(bytes, 0)?,
            stamp: u64_at(bytes, 16)?,
            seq: u64_at(bytes, 24)?,
            offset_units: u32_at(bytes, 32)?,
            length_units: length & !BLOCK_BIT,
            is_block: length & BLOCK_BIT != 0,
        })
    }
}

/// Encodes the table of contents.
pub(super) fn encode_table(lines: &[TableLine]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lines.len() * TABLE_LINE_BYTES);
    for line in lines {
        line.encode(&mut bytes);
    }
    bytes
}

/// Decodes a table that the trailer's checksum has verified.
pub(super) fn decode_table(bytes: &[u8]) -> Vec<TableLine> {
    let lines = bytes.chunks_exact(TABLE_LINE_BYTES);
    lines.filter_map(TableLine::decode).collect()
}

/// The last unit of a sealed segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trailer {
    pub(super) table_offset: u64,
    pub(super) lines: u64,
    pub(super) table_checksum: u64,
}

impl Trailer {
    pub(super) fn of(table_offset: u64, lines: u64, table: &[u8], seed: u64) -> Self {
        Trailer {
            table_offset,
            lines,
            table_checksum: xxh3_64_with_seed(table, seed),
        }
    }

    pub(super) fn encode(&self, seed: u64) -> Vec<u8> {
        let mut bytes = TRAILER_MAGIC.to_vec();
        bytes.extend_from_slice(&self.table_offset.to_le_bytes());
        bytes.extend_from_slice(&self.lines.to_le_bytes());
        bytes.extend_from_slice(&self.table_checksum.to_le_bytes());
        sealed_unit(bytes, seed)
    }

    pub(super) fn decode(bytes: &[u8], seed: u64) -> Option<Self> {
        let bytes = open_unit(bytes, &TRAILER_MAGIC, 32, seed)?;
        Some(Trailer {
            table_offset: u64_at(bytes, 8)?,
            lines: u64_at(bytes, 16)?,
            table_checksum: u64_at(bytes, 24)?,
        })
    }

    /// True if the table is as it was written.
    pub(super) fn vouches_for(&self, table: &[u8], seed: u64) -> bool {
        self.table_checksum == xxh3_64_with_seed(table, seed)
    }
}

/// Encodes the first unit of a segment.
pub(super) fn encode_segment_head(number: u64, role: Role, seed: u64) -> Vec<u8> {
    let mut bytes = SEGMENT_MAGIC.to_vec();
    bytes.extend_from_slice(&number.to_le_bytes());
    let role = match role {
        Role::Probation => 1_u64,
        Role::Main => 2,
    };
    bytes.extend_from_slice(&role.to_le_bytes());
    sealed_unit(bytes, seed)
}

/// Decodes the role of segment `number`. Returns `None` if the file is not that segment.
pub(super) fn decode_segment_head(bytes: &[u8], number: u64, seed: u64) -> Option<Role> {
    let bytes = open_unit(bytes, &SEGMENT_MAGIC, 24, seed)?;
    if u64_at(bytes, 8)? != number {
        return None;
    }
    match u64_at(bytes, 16)? {
        1 => Some(Role::Probation),
        2 => Some(Role::Main),
        _ => None,
    }
}

fn sealed_unit(mut bytes: Vec<u8>, seed: u64) -> Vec<u8> {
    let checksum = xxh3_64_with_seed(&bytes, seed);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.resize(UNIT_BYTES as usize, 0);
    bytes
}

fn open_unit<'a>(bytes: &'a [u8], magic: &[u8; 8], length: usize, seed: u64) -> Option<&'a [u8]> {
    let sealed = bytes.get(..length)?;
    let checksum = u64_at(bytes, length)?;
    (sealed.starts_with(magic) && checksum == xxh3_64_with_seed(sealed, seed)).then_some(sealed)
}

/// Reads the little-endian number at `at`. Returns `None` if the bytes end before it does.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let part: &[u8; 8] = bytes.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*part))
}

/// Like [`u64_at`], for 32 bits.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let part: &[u8; 4] = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*part))
}

/// Reads the key at `at`.
pub(super) fn key_at(bytes: &[u8], at: usize) -> Option<Key> {
    bytes.get(at..)?.first_chunk().copied().map(Key)
}
