//! The sample tables of a track, ISO 14496-12 8.6 and 8.7: stored as they are in the file, and validated once.

use std::ops::Range;

use bytes::Bytes;

use super::boxes::{self, Fields, entry_u32};
use super::{Limits, TrackKind};
use crate::Refusal;

/// The tables of a track, big-endian and without the headers of their boxes.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(super) sample_count: u32,
    /// Entries of `stts`: count, duration.
    pub(super) durations: Bytes,
    /// Entries of `ctts`: count, offset. Empty if there is none.
    pub(super) compositions: Bytes,
    pub(super) sizes: Sizes,
    /// Entries of `stsc`: first chunk, samples per chunk, number of the description.
    pub(super) runs: Bytes,
    /// Number of descriptions in `stsd`; all are the same.
    pub(super) description_count: u32,
    pub(super) chunks: Chunks,
    /// Entries of `stss`; `None` if decoding may begin with any sample.
    pub(super) syncs: Option<Bytes>,
}

/// The sizes in `stsz`.
#[derive(Debug)]
pub(crate) enum Sizes {
    /// One size for all samples.
    Same(u32),
    Each(Bytes),
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes::Same(0)
    }
}

impl Sizes {
    pub(super) fn get(&self, number: u32) -> Option<u32> {
        match self {
            Sizes::Same(size_bytes) => Some(*size_bytes),
            Sizes::Each(table) => entry_u32(table, 1, number, 0),
        }
    }

    /// Returns the total size of `count` samples from `number` on.
    fn sum(&self, number: u32, count: u32) -> Option<u64> {
        match self {
            Sizes::Same(size_bytes) => Some(u64::from(*size_bytes) * u64::from(count)),
            Sizes::Each(table) => {
                let start = (number as usize).checked_mul(4)?;
                let end = (count as usize).checked_mul(4)?.checked_add(start)?;
                let (entries, _) = table.get(start..end)?.as_chunks();
                let sizes = entries.iter().map(|entry| u32::from_be_bytes(*entry));
                Some(sizes.map(u64::from).sum())
            }
        }
    }
}

/// The offsets of chunks in the object: `stco` or `co64`.
#[derive(Debug)]
pub(crate) enum Chunks {
    Narrow(Bytes),
    Wide(Bytes),
}

impl Default for Chunks {
    fn default() -> Chunks {
        Chunks::Narrow(Bytes::new())
    }
}

impl Chunks {
    /// Returns the offset of chunk `index`, from 0.
    pub(super) fn get(&self, index: u32) -> Option<u64> {
        match self {
            Chunks::Narrow(table) => entry_u32(table, 1, index, 0).map(u64::from),
            Chunks::Wide(table) => {
                let high = entry_u32(table, 2, index, 0)?;
                let low = entry_u32(table, 2, index, 1)?;
                Some(u64::from(high) << 32 | u64::from(low))
            }
        }
    }

    fn count(&self) -> u32 {
        let count = match self {
            Chunks::Narrow(table) => table.len() / 4,
            Chunks::Wide(table) => table.len() / 8,
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// The facts against which the tables of a track are checked.
pub(super) struct Surroundings<'a> {
    pub(super) kind: TrackKind,
    /// Timescale of the track; not 0.
    pub(super) timescale: u32,
    pub(super) object_size_bytes: u64,
    /// Range of the index, in which no sample may lie.
    pub(super) index: Range<u64>,
    pub(super) limits: &'a Limits,
}

impl Surroundings<'_> {
    /// Returns the limit of the duration, in the track's timescale.
    pub(super) fn duration_max(&self) -> u64 {
        self.limits
            .duration_max
            .as_secs()
            .saturating_mul(u64::from(self.timescale))
    }
}

/// The totals of a track's tables.
pub(super) struct Sums {
    pub(super) media_duration: u64,
    pub(super) size_bytes: u64,
}

impl Tables {
    /// Reads the tables of an `stbl`, which is a part of `movie`.
    pub(super) fn read(movie: &Bytes, sample_table: &[u8]) -> Result<Tables, Refusal> {
        let durations = boxes::require(sample_table, b"stts", "no stts")?;
        let (sample_count, sizes) = read_sizes(movie, sample_table)?;
        let compositions = match boxes::find(sample_table, b"ctts")? {
            None => Bytes::new(),
            Some(payload) => movie.slice_ref(table(payload, 8)?),
        };
        let runs = boxes::require(sample_table, b"stsc", "no stsc")?;
        let descriptions = boxes::find(sample_table, b"stsd")?.unwrap_or_default();
        let chunks = match boxes::find(sample_table, b"stco")? {
            Some(payload) => Chunks::Narrow(movie.slice_ref(table(payload, 4)?)),
            None => {
                let payload = boxes::require(sample_table, b"co64", "no stco")?;
                Chunks::Wide(movie.slice_ref(table(payload, 8)?))
            }
        };
        let syncs = match boxes::find(sample_table, b"stss")? {
            None => None,
            Some(payload) => Some(movie.slice_ref(table(payload, 4)?)),
        };
        Ok(Tables {
            sample_count,
            durations: movie.slice_ref(table(durations, 8)?),
            compositions,
            sizes,
            runs: movie.slice_ref(table(runs, 12)?),
            description_count: entry_u32(descriptions, 1, 1, 0).unwrap_or(1),
            chunks,
            syncs,
        })
    }

    /// Checks the tables against each other and against the object, once, so that no iteration over them fails.
    pub(super) fn check(&self, around: &Surroundings<'_>) -> Result<Sums, Refusal> {
        if self.sample_count > around.limits.samples_max {
            return Err(Refusal::TooLarge("samples"));
        }
        if self.sample_count == 0 {
            return Ok(Sums {
                media_duration: 0,
                size_bytes: 0,
            });
        }
        let media_duration = self.check_durations(around)?;
        self.check_compositions(around)?;
        self.check_syncs(around.kind)?;
        let size_bytes = self.check_chunks(around)?;
        Ok(Sums {
            media_duration,
            size_bytes,
        })
    }

    fn check_durations(&self, around: &Surroundings<'_>) -> Result<u64, Refusal> {
        let mut count = 0_u64;
        let mut duration = 0_u64;
        for (entry_count, entry_duration) in pairs(&self.durations) {
            count += u64::from(entry_count);
            // Neither factor has more than 32 bits, so the product fits; the sum saturates beyond every limit.
            duration = duration.saturating_add(u64::from(entry_count) * u64::from(entry_duration));
        }
        if count != u64::from(self.sample_count) {
            return Err(Refusal::Corrupt("stts counts other samples than stsz"));
        }
        if duration > around.duration_max() {
            return Err(Refusal::TooLarge("duration"));
        }
        if duration == 0 {
            return Err(Refusal::Corrupt("stts has no duration"));
        }
        Ok(duration)
    }

    fn check_compositions(&self, around: &Surroundings<'_>) -> Result<(), Refusal> {
        if self.compositions.is_empty() {
            return Ok(());
        }
        let mut count = 0_u64;
        for (entry_count, offset) in pairs(&self.compositions) {
            count += u64::from(entry_count);
            // Offsets of version 0 are unsigned in the standard, but files have signed ones.
            if u64::from(offset.cast_signed().unsigned_abs()) > around.duration_max() {
                return Err(Refusal::TooLarge("composition offset"));
            }
        }
        match count == u64::from(self.sample_count) {
            true => Ok(()),
            false => Err(Refusal::Corrupt("ctts counts other samples than stsz")),
        }
    }

    fn check_syncs(&self, kind: TrackKind) -> Result<(), Refusal> {
        let Some(table) = &self.syncs else {
            return Ok(());
        };
        let mut last = 0;
        for entry in table.as_chunks().0 {
            let number = u32::from_be_bytes(*entry);
            if number <= last || number > self.sample_count {
                return Err(Refusal::Corrupt("stss names no sample"));
            }
            last = number;
        }
        match (kind, last) {
            (TrackKind::Video, 0) => Err(Refusal::Unsupported("video track without a key frame")),
            (TrackKind::Video | TrackKind::Audio | TrackKind::Text, _) => Ok(()),
        }
    }

    /// Returns the sum of all sizes, if all samples lie within the object and outside the index.
    fn check_chunks(&self, around: &Surroundings<'_>) -> Result<u64, Refusal> {
        let mut sample = 0_u32;
        let mut total = 0_u64;
        let mut next_chunk = 0_u32;
        for run in 0.. {
            let Some(chunk_sample_count) = self.check_run(run, next_chunk)? else {
                break;
            };
            let end = match entry_u32(&self.runs, 3, run + 1, 0) {
                None => self.chunks.count(),
                Some(first) => first.saturating_sub(1),
            };
            if end <= next_chunk || end > self.chunks.count() {
                return Err(Refusal::Corrupt("stsc names no chunk"));
            }
            for chunk in next_chunk..end {
                let following = sample.checked_add(chunk_sample_count);
                let following = following.filter(|following| *following <= self.sample_count);
                let following =
                    following.ok_or(Refusal::Corrupt("stsc has more samples than stsz"))?;
                total += self.check_chunk(around, chunk, sample, chunk_sample_count)?;
                sample = following;
            }
            next_chunk = end;
        }
        match sample == self.sample_count {
            true => Ok(total),
            false => Err(Refusal::Corrupt("stsc has fewer samples than stsz")),
        }
    }

    /// Returns the number of samples per chunk of an entry of `stsc`; `None` after the last entry.
    fn check_run(&self, run: u32, next_chunk: u32) -> Result<Option<u32>, Refusal> {
        let Some(first) = entry_u32(&self.runs, 3, run, 0) else {
            return Ok(None);
        };
        let count = entry_u32(&self.runs, 3, run, 1).unwrap_or_default();
        let description = entry_u32(&self.runs, 3, run, 2).unwrap_or_default();
        if first.checked_sub(1) != Some(next_chunk) {
            return Err(Refusal::Corrupt("stsc does not begin with chunk 1"));
        }
        if count == 0 {
            return Err(Refusal::Corrupt("stsc has a chunk without samples"));
        }
        if !(1..=self.description_count.max(1)).contains(&description) {
            return Err(Refusal::Corrupt("stsc names no sample description"));
        }
        Ok(Some(count))
    }

    fn check_chunk(
        &self,
        around: &Surroundings<'_>,
        chunk: u32,
        sample: u32,
        count: u32,
    ) -> Result<u64, Refusal> {
        let size_bytes = self.sizes.sum(sample, count);
        let size_bytes = size_bytes.ok_or(Refusal::Corrupt("stsz is too short"))?;
        let offset = self.chunks.get(chunk).unwrap_or(u64::MAX);
        let end = offset.checked_add(size_bytes);
        let end = end.filter(|end| *end <= around.object_size_bytes);
        let end = end.ok_or(Refusal::Corrupt("samples beyond the end of the object"))?;
        if size_bytes > 0 && offset < around.index.end && end > around.index.start {
            return Err(Refusal::Corrupt("samples within the index"));
        }
        Ok(size_bytes)
    }

    /// Returns the memory that the tables take.
    pub(super) fn size_bytes(&self) -> usize {
        self.parts().into_iter().map(|part| part.len()).sum()
    }

    /// Copies the tables out of the buffer that they were read from.
    pub(super) fn detach(&mut self) {
        for part in self.parts_mut().into_iter().flatten() {
            *part = Bytes::copy_from_slice(part);
        }
    }

    fn parts(&self) -> [&[u8]; 6] {
        [
            &self.durations,
            &self.compositions,
            match &self.sizes {
                Sizes::Same(_) => &[],
                Sizes::Each(table) => table,
            },
            &self.runs,
            match &self.chunks {
                Chunks::Narrow(table) | Chunks::Wide(table) => table,
            },
            self.syncs.as_deref().unwrap_or_default(),
        ]
    }

    fn parts_mut(&mut self) -> [Option<&mut Bytes>; 6] {
        [
            Some(&mut self.durations),
            Some(&mut self.compositions),
            match &mut self.sizes {
                Sizes::Same(_) => None,
                Sizes::Each(table) => Some(table),
            },
            Some(&mut self.runs),
            match &mut self.chunks {
                Chunks::Narrow(table) | Chunks::Wide(table) => Some(table),
            },
            self.syncs.as_mut(),
        ]
    }
}

fn read_sizes(movie: &Bytes, sample_table: &[u8]) -> Result<(u32, Sizes), Refusal> {
    let Some(payload) = boxes::find(sample_table, b"stsz")? else {
        return Err(match boxes::find(sample_table, b"stz2")? {
            Some(_) => Refusal::Unsupported("compact sample sizes"),
            None => Refusal::Corrupt("no stsz"),
        });
    };
    let mut fields = Fields::new(payload);
    let short = Refusal::Corrupt("stsz is too short");
    let _ = fields.version_and_flags().ok_or(short)?;
    let same = fields.u32().ok_or(short)?;
    let count = fields.u32().ok_or(short)?;
    let sizes = match same {
        0 => {
            let size_bytes = (count as usize).checked_mul(4).ok_or(short)?;
            Sizes::Each(movie.slice_ref(fields.bytes(size_bytes).ok_or(short)?))
        }
        same => Sizes::Same(same),
    };
    Ok((count, sizes))
}

/// Returns the entries of a full box that begins with their number.
fn table(payload: &[u8], entry_size_bytes: usize) -> Result<&[u8], Refusal> {
    let mut fields = Fields::new(payload);
    let mut entries = || {
        let _ = fields.version_and_flags()?;
        let count = fields.u32()? as usize;
        fields.bytes(count.checked_mul(entry_size_bytes)?)
    };
    entries().ok_or(Refusal::Corrupt("a table longer than its box"))
}

fn pairs(table: &[u8]) -> impl Iterator<Item = (u32, u32)> + '_ {
    table.as_chunks::<8>().0.iter().map(|entry| {
        let entry = u64::from_be_bytes(*entry);
        ((entry >> 32) as u32, entry as u32)
    })
}
