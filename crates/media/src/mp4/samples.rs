//! Iterates over the samples of a track, in the tables as the file has them.

use super::boxes::entry_u32;
use super::tables::Tables;

/// A position in the tables of a track, at a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Number of the next sample, in the tables.
    pub(super) number: u32,
    pub(super) decode_time: u64,
    /// Offset of the next sample, unless a chunk begins with it.
    offset: u64,
    /// Number of `stts` entries begun, and the number of samples left in the last of them.
    durations: u32,
    durations_left: u32,
    /// Number of `ctts` entries begun, and the number of samples left in the last of them.
    compositions: u32,
    compositions_left: u32,
    /// Number of chunks begun, and the number of samples left in the last of them.
    chunks: u32,
    chunk_left: u32,
    /// Number of `stsc` entries begun.
    runs: u32,
    /// Number of `stss` entries passed.
    syncs: u32,
}

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Number of the sample, from 0.
    pub number: u32,
    /// Offset of its first byte in the object; the whole sample lies within the object.
    pub offset: u64,
    /// Size of the sample; may be 0.
    pub size_bytes: u32,
    /// Decode time, in the track's timescale.
    pub decode_time: u64,
    /// Time to the next sample's decode time.
    pub duration: u32,
    /// Offset added to the decode time; may be negative, also in version 0 of `ctts`.
    pub composition_offset: i32,
    /// True if decoding may begin with it.
    pub is_sync: bool,
}

/// Samples of a track in decode order.
#[derive(Clone, Debug)]
pub struct Samples<'a> {
    tables: &'a Tables,
    cursor: Cursor,
    /// Number in the tables of the sample that has number 0.
    first: u32,
    /// Number in the tables of the first sample that is not yielded.
    end: u32,
}

impl<'a> Samples<'a> {
    /// Returns the samples from a cursor on, of a track that has `count` of them from number `first` in the tables on.
    pub(super) fn of(tables: &'a Tables, first: u32, count: u32, cursor: Cursor) -> Samples<'a> {
        Samples {
            tables,
            cursor,
            first,
            end: first.saturating_add(count),
        }
    }

    /// Returns all samples of the tables, shown or not.
    pub(super) fn of_tables(tables: &'a Tables) -> Samples<'a> {
        Samples {
            tables,
            cursor: Cursor::default(),
            first: 0,
            end: tables.sample_count,
        }
    }

    /// Returns the cursor of the next sample.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }
}

impl Iterator for Samples<'_> {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        let cursor = &mut self.cursor;
        if cursor.number >= self.end {
            return None;
        }
        let duration = cursor.next_duration(&self.tables.durations)?;
        let composition_offset = match self.tables.compositions.is_empty() {
            true => 0,
            false => cursor.next_composition(&self.tables.compositions)?,
        };
        cursor.next_place(self.tables)?;
        let size_bytes = self.tables.sizes.get(cursor.number)?;
        let sample = Sample {
            number: cursor.number - self.first,
            offset: cursor.offset,
            size_bytes,
            decode_time: cursor.decode_time,
            duration,
            composition_offset,
            is_sync: cursor.next_is_sync(self.tables),
        };
        cursor.number += 1;
        cursor.offset += u64::from(size_bytes);
        cursor.decode_time += u64::from(duration);
        Some(sample)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.cursor.number) as usize;
        (left, Some(left))
    }
}

impl Cursor {
    /// Returns the decode time of the next sample, in the track's timescale.
    pub fn decode_time(&self) -> u64 {
        self.decode_time
    }

    fn next_duration(&mut self, table: &[u8]) -> Option<u32> {
        while self.durations_left == 0 {
            self.durations_left = entry_u32(table, 2, self.durations, 0)?;
            self.durations += 1;
        }
        self.durations_left -= 1;
        entry_u32(table, 2, self.durations - 1, 1)
    }

    fn next_composition(&mut self, table: &[u8]) -> Option<i32> {
        while self.compositions_left == 0 {
            self.compositions_left = entry_u32(table, 2, self.compositions, 0)?;
            self.compositions += 1;
        }
        self.compositions_left -= 1;
        entry_u32(table, 2, self.compositions - 1, 1).map(u32::cast_signed)
    }

    /// Begins the next chunk if the current one is at its end.
    fn next_place(&mut self, tables: &Tables) -> Option<()> {
        if self.chunk_left == 0 {
            self.offset = tables.chunks.get(self.chunks)?;
            self.chunks += 1;
            if entry_u32(&tables.runs, 3, self.runs, 0) == Some(self.chunks) {
                self.runs += 1;
            }
            self.chunk_left = entry_u32(&tables.runs, 3, self.runs.checked_sub(1)?, 1)?;
        }
        self.chunk_left = self.chunk_left.checked_sub(1)?;
        Some(())
    }

    fn next_is_sync(&mut self, tables: &Tables) -> bool {
        let Some(table) = &tables.syncs else {
            return true;
        };
        let is_sync = entry_u32(table, 1, self.syncs, 0) == Some(self.number + 1);
        self.syncs += u32::from(is_sync);
        is_sync
    }
}
