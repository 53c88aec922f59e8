//! The tables of a track that are written fragment by fragment.

use bytes::Bytes;

use super::Track;
use super::samples::{Sample, Samples};
use super::tables::{Chunks, Sizes, Tables};
use crate::Refusal;

/// The values of samples for which a fragment has none of its own.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Defaults {
    pub(super) duration: u32,
    pub(super) size_bytes: u32,
    pub(super) flags: u32,
}

/// The tables of a track that are being written.
#[derive(Debug)]
pub(super) struct FragmentedTrack {
    pub(super) id: u32,
    pub(super) timescale: u32,
    pub(super) is_known: bool,
    pub(super) defaults: Defaults,
    durations: Runs,
    compositions: Runs,
    has_compositions: bool,
    sizes: Vec<u8>,
    chunk_runs: Vec<u8>,
    /// Number of samples of the last chunk.
    chunk_sample_count: u32,
    chunks: Vec<u8>,
    chunk_count: u32,
    syncs: Vec<u8>,
    pub(super) sample_count: u32,
    /// Decode time of the first sample; `next_decode_time` is that of the next one.
    pub(super) start: Option<u64>,
    next_decode_time: u64,
    last_duration: u32,
}

impl FragmentedTrack {
    /// Begins with the samples that the track has in its tables, which were checked.
    pub(super) fn new(track: &Track, is_known: bool) -> FragmentedTrack {
        let mut fragmented = FragmentedTrack {
            id: track.id,
            timescale: track.timescale,
            is_known,
            defaults: Defaults::default(),
            durations: Runs::default(),
            compositions: Runs::default(),
            has_compositions: false,
            sizes: Vec::new(),
            chunk_runs: Vec::new(),
            chunk_sample_count: 0,
            chunks: Vec::new(),
            chunk_count: 0,
            syncs: Vec::new(),
            sample_count: 0,
            start: None,
            next_decode_time: 0,
            last_duration: 0,
        };
        if is_known {
            for sample in Samples::of_tables(&track.tables) {
                fragmented.start = Some(0);
                fragmented.push_chunk(sample.offset, 1);
                fragmented.push(sample);
            }
        }
        fragmented
    }

    pub(super) fn push(&mut self, sample: Sample) {
        self.sample_count += 1;
        self.durations.push(sample.duration);
        self.compositions
            .push(sample.composition_offset.cast_unsigned());
        self.has_compositions |= sample.composition_offset != 0;
        self.sizes
            .extend_from_slice(&sample.size_bytes.to_be_bytes());
        if sample.is_sync {
            self.syncs
                .extend_from_slice(&self.sample_count.to_be_bytes());
        }
        self.next_decode_time += u64::from(sample.duration);
        self.last_duration = sample.duration;
    }

    pub(super) fn push_chunk(&mut self, offset: u64, sample_count: u32) {
        self.chunk_count += 1;
        self.chunks.extend_from_slice(&offset.to_be_bytes());
        if self.chunk_sample_count != sample_count {
            self.chunk_sample_count = sample_count;
            for number in [self.chunk_count, sample_count, 1] {
                self.chunk_runs.extend_from_slice(&number.to_be_bytes());
            }
        }
    }

    /// Sets the decode time at which a fragment begins: a gap before it extends the previous sample.
    pub(super) fn begin_at(&mut self, decode_time: u64) -> Result<(), Refusal> {
        if self.sample_count == 0 {
            self.start = Some(decode_time);
            self.next_decode_time = decode_time;
            return Ok(());
        }
        let last_start = self.next_decode_time - u64::from(self.last_duration);
        let duration = decode_time.checked_sub(last_start);
        let duration = duration.ok_or(Refusal::Corrupt("fragments go back in time"))?;
        let duration = u32::try_from(duration).map_err(|_| Refusal::TooLarge("duration"))?;
        if duration != self.last_duration {
            self.durations.replace_last(duration);
            self.last_duration = duration;
            self.next_decode_time = decode_time;
        }
        Ok(())
    }

    pub(super) fn size_bytes(&self) -> u64 {
        let parts = [
            &self.durations.bytes,
            &self.compositions.bytes,
            &self.sizes,
            &self.chunk_runs,
            &self.chunks,
            &self.syncs,
        ];
        parts.into_iter().map(|part| part.len() as u64).sum()
    }

    /// Returns the tables in the form of an object without fragments.
    pub(super) fn into_tables(self) -> Tables {
        let all_sync = self.syncs.len() as u64 == u64::from(self.sample_count) * 4;
        Tables {
            sample_count: self.sample_count,
            durations: self.durations.into_bytes(),
            compositions: match self.has_compositions {
                true => self.compositions.into_bytes(),
                false => Bytes::new(),
            },
            sizes: Sizes::Each(self.sizes.into()),
            runs: self.chunk_runs.into(),
            description_count: 1,
            chunks: Chunks::Wide(self.chunks.into()),
            syncs: (!all_sync).then(|| self.syncs.into()),
        }
    }
}

/// A table of pairs: the number of repetitions, and the value.
#[derive(Debug, Default)]
struct Runs {
    bytes: Vec<u8>,
    count: u32,
    value: u32,
}

impl Runs {
    fn push(&mut self, value: u32) {
        if self.value != value {
            self.flush();
            self.value = value;
        }
        self.count += 1;
    }

    /// Replaces the last value.
    fn replace_last(&mut self, value: u32) {
        self.count = self.count.saturating_sub(1);
        self.flush();
        self.value = value;
        self.count = 1;
    }

    fn flush(&mut self) {
        if self.count > 0 {
            self.bytes.extend_from_slice(&self.count.to_be_bytes());
            self.bytes.extend_from_slice(&self.value.to_be_bytes());
            self.count = 0;
        }
    }

    fn into_bytes(mut self) -> Bytes {
        self.flush();
        self.bytes.into()
    }
}
