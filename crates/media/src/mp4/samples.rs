//! Walks over the samples of a track, in the tables as they are.

use super::boxes::entry_u32;
use super::tables::Tables;

/// A place in the tables of a track, at a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Of the sample that comes next, in the tables.
    pub(super) number: u32,
    pub(super) decode_time: u64,
    /// Where the next sample is, unless a chunk begins with it.
    offset: u64,
    /// How many entries of `stts` were begun, and how many samples the last of them still has.
    durations: u32,
    durations_left: u32,
    /// The same of `ctts`.
    compositions: u32,
    compositions_left: u32,
    /// How many chunks were begun, and how many samples the last of them still has.
    chunks: u32,
    chunk_left: u32,
    /// How many entries of `stsc` were begun.
    runs: u32,
    /// How many entries of `stss` were passed.
    syncs: u32,
}

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// From 0.
    pub number: u32,
    /// Of its first byte in the object; the whole sample lies within it.
    pub offset: u64,
    /// May be 0.
    pub size_bytes: u32,
    /// In the track's timescale.
    pub decode_time: u64,
    /// To the next sample's decode time.
    pub duration: u32,
    /// Added to the decode time; negative in version 1 of `ctts`.
    pub composition_offset: i32,
    /// Whether decoding may begin with it.
    pub is_sync: bool,
}

/// Samples of a track in decode order.
#[derive(Clone, Debug)]
pub struct Samples<'a> {
    tables: &'a Tables,
    cursor: Cursor,
    /// Number in the tables of the sample that has number 0.
    first: u32,
    /// Number in the tables of the first sample that is not given.
    end: u32,
}

impl<'a> Samples<'a> {
    /// The samples from a cursor on, of a track that has `count` of them from number `first` in the tables on.
    pub(super) fn of(tables: &'a Tables, first: u32, count: u32, cursor: Cursor) -> Samples<'a> {
        Samples {
            tables,
            cursor,
            first,
            end: first.saturating_add(count),
        }
    }

    /// The samples of tables, whatever is shown of them.
    pub(super) fn of_tables(tables: &'a Tables) -> Samples<'a> {
        Samples {
            tables,
            cursor: Cursor::default(),
            first: 0,
            end: tables.sample_count,
        }
    }

    /// The place of the sample that comes next.
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
    /// Of the sample that comes next, in the track's timescale.
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

    /// Begins the next chunk, when the last one is at its end.
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
