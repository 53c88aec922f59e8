//! One track as messages: the positions at which a viewer may begin, and the timestamp of each sample.

use bytes::Bytes;

use super::{Message, MessageKind};
use crate::mp4::{Codec, Cursor, Index, Sample, Track, TrackKind};
use crate::stream::flv::{
    AAC_HEAD, AVC_HEAD_SIZE_BYTES, BODY_SIZE_BYTES_MAX, PACKET_SAMPLES, avc_head, mp3_head,
};
use crate::{Parts, Refusal};

/// Minimum time between entries, at which a viewer may begin; between them the samples are walked over.
const ENTRY_GAP_MS: i64 = 1_000;

/// Number of samples walked over at most to find the last key frame before a time.
const WALK_SAMPLES_MAX: usize = 1_024;

/// Time by which samples are decoded earlier, at most, than the object says.
const EARLY_MS_MAX: i64 = 10_000;

/// Number of messages at the beginning that are spaced by a millisecond each, as their times would be negative.
const LEAD_IN_SAMPLES_MAX: u32 = 64;

/// One track.
#[derive(Debug)]
pub(super) struct Line {
    /// Index of the track in the index's tracks.
    place: usize,
    coding: Coding,
    /// Size of all samples.
    pub size_bytes: u64,
    /// Entries by time; the first is the first sample.
    entries: Vec<Entry>,
    /// Time by which samples are decoded earlier than the object says, so that none is shown before it is decoded: some
    /// writers count decode times from the first sample shown.
    early_ms: i64,
}

/// The header before each sample.
#[derive(Debug)]
enum Coding {
    Avc,
    /// Header that is the same for all samples.
    Audio(Bytes),
}

/// A sample at which a viewer may begin.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Time at which it is shown.
    shown_ms: i64,
    cursor: Cursor,
}

/// One viewer's position in a track.
#[derive(Clone, Debug)]
pub(super) struct Walker {
    /// Next sample, and its decode time as a message.
    next: Option<(u32, Sample)>,
    /// Cursor after the next sample.
    cursor: Cursor,
}

impl Walker {
    /// Returns the decode time of the next sample, as a message.
    pub fn due_ms(&self) -> Option<u32> {
        self.next.as_ref().map(|(due_ms, _)| *due_ms)
    }
}

impl Line {
    /// Reads all samples of the track, which has the index `place`.
    pub fn survey(place: usize, track: &Track) -> Result<Line, Refusal> {
        let mut line = Line {
            place,
            coding: Coding::of(track),
            size_bytes: 0,
            entries: Vec::new(),
            early_ms: 0,
        };
        let mut samples = track.samples();
        let mut cursor = samples.cursor();
        let mut next_entry_ms = i64::MIN;
        while let Some(sample) = samples.next() {
            let shown_ms = shown_ms(track, &sample);
            if u64::from(sample.size_bytes) + AVC_HEAD_SIZE_BYTES > BODY_SIZE_BYTES_MAX {
                return Err(Refusal::TooLarge("sample for rtmp"));
            }
            if line.entries.is_empty() || shown_ms >= next_entry_ms && line.begins_with(&sample) {
                line.entries.push(Entry { shown_ms, cursor });
                next_entry_ms = shown_ms.saturating_add(ENTRY_GAP_MS);
            }
            let late_ms = decoded_ms(track, &sample).saturating_sub(shown_ms);
            line.early_ms = line.early_ms.max(late_ms);
            line.size_bytes += u64::from(sample.size_bytes);
            cursor = samples.cursor();
        }
        line.early_ms = line.early_ms.min(EARLY_MS_MAX);
        line.entries.shrink_to_fit();
        Ok(line)
    }

    /// Returns the track that was surveyed.
    pub fn track<'a>(&self, index: &'a Index) -> &'a Track {
        &index.tracks[self.place]
    }

    /// Returns the memory that the line takes.
    pub fn memory_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + size_of::<Line>()
    }

    #[cfg(test)]
    pub fn entry_count(&self) -> usize {
        self.entries.len()
    }

    /// Begins with the last sync sample that is shown at or before this time; at 0 with the first sample, since those
    /// before the video's beginning are for the decoders.
    pub fn walk_from(&self, track: &Track, at_ms: u32) -> Walker {
        let mut walker = Walker {
            next: None,
            cursor: match at_ms {
                0 => track.samples().cursor(),
                _ => self.cursor_at(track, i64::from(at_ms)),
            },
        };
        self.advance(track, &mut walker);
        walker
    }

    fn cursor_at(&self, track: &Track, at_ms: i64) -> Cursor {
        let following = self
            .entries
            .partition_point(|entry| entry.shown_ms <= at_ms);
        let entry = self.entries.get(following.saturating_sub(1));
        let mut samples = match entry {
            Some(entry) => track.samples_at(&entry.cursor),
            None => track.samples(),
        };
        let mut begin = samples.cursor();
        for _ in 0..WALK_SAMPLES_MAX {
            let cursor = samples.cursor();
            let Some(sample) = samples.next() else { break };
            if decoded_ms(track, &sample).saturating_sub(self.early_ms) > at_ms {
                break;
            }
            if self.begins_with(&sample) && shown_ms(track, &sample) <= at_ms {
                begin = cursor;
            }
        }
        begin
    }

    /// Returns true if decoding may begin with a sample: any sample of audio does.
    fn begins_with(&self, sample: &Sample) -> bool {
        match self.coding {
            Coding::Avc => sample.is_sync,
            Coding::Audio(_) => true,
        }
    }

    /// Advances to the next sample that is not empty.
    pub fn advance(&self, track: &Track, walker: &mut Walker) {
        let mut samples = track.samples_at(&walker.cursor);
        let next = samples.find(|sample| sample.size_bytes > 0);
        walker.next = next.map(|sample| (self.due_ms(track, &sample), sample));
        walker.cursor = samples.cursor();
    }

    /// Returns the decode time of a sample, as a message.
    ///
    /// Video samples are decoded before they are shown, the first ones before the video begins, but RTMP has no
    /// negative times. Those get timestamps a millisecond apart instead, and their composition times make up for it.
    /// Audio from before the beginning, which decoders need and do not play, goes out at the beginning.
    fn due_ms(&self, track: &Track, sample: &Sample) -> u32 {
        let earliest_ms = match self.coding {
            Coding::Avc => sample.number.min(LEAD_IN_SAMPLES_MAX),
            Coding::Audio(_) => 0,
        };
        message_ms(decoded_ms(track, sample).saturating_sub(self.early_ms)).max(earliest_ms)
    }

    /// Returns the presentation time of the next sample, as a message.
    pub fn next_shown_ms(&self, track: &Track, walker: &Walker) -> Option<u32> {
        let (_, sample) = walker.next.as_ref()?;
        Some(message_ms(shown_ms(track, sample)))
    }

    /// Returns the next sample as a message with this timestamp.
    pub fn message(&self, track: &Track, walker: &Walker, timestamp_ms: u32) -> Option<Message> {
        let (_, sample) = walker.next.as_ref()?;
        let mut body = Parts::default();
        let kind = match &self.coding {
            Coding::Avc => {
                let composition_ms =
                    message_ms(shown_ms(track, sample)).saturating_sub(timestamp_ms);
                let head = avc_head(sample.is_sync, PACKET_SAMPLES, composition_ms);
                body.push_bytes(Bytes::copy_from_slice(&head));
                MessageKind::Video
            }
            Coding::Audio(head) => {
                body.push_bytes(head.clone());
                MessageKind::Audio
            }
        };
        body.push_source(sample.offset, u64::from(sample.size_bytes));
        Some(Message {
            kind,
            timestamp_ms,
            body,
            is_key: self.begins_with(sample),
        })
    }
}

impl Coding {
    /// Returns the coding of a track that FLV can carry.
    fn of(track: &Track) -> Coding {
        match (track.kind, track.codec) {
            (TrackKind::Video, _) => Coding::Avc,
            (TrackKind::Audio | TrackKind::Text, Codec::Mp3) => {
                let head = mp3_head(track.sample_rate, track.channels);
                Coding::Audio(Bytes::copy_from_slice(&head))
            }
            (TrackKind::Audio | TrackKind::Text, _) => Coding::Audio(Bytes::from_static(&AAC_HEAD)),
        }
    }
}

/// Returns the presentation time of a sample; it is negative before the video begins.
fn shown_ms(track: &Track, sample: &Sample) -> i64 {
    milliseconds(track.presentation_time(sample), track.timescale)
}

/// Returns the decode time of a sample, as the object states it. Audio is decoded when it is played.
fn decoded_ms(track: &Track, sample: &Sample) -> i64 {
    let offset = match track.kind {
        TrackKind::Video => i64::from(sample.composition_offset),
        TrackKind::Audio | TrackKind::Text => 0,
    };
    let shown = track.presentation_time(sample);
    milliseconds(shown.saturating_sub(offset), track.timescale)
}

/// Returns a time as messages have it: not before the video begins.
fn message_ms(time_ms: i64) -> u32 {
    u32::try_from(time_ms.max(0)).unwrap_or(u32::MAX)
}

/// Converts to milliseconds, rounded to the nearest.
fn milliseconds(time: i64, timescale: u32) -> i64 {
    let timescale = i64::from(timescale.max(1));
    time.saturating_mul(1000)
        .saturating_add(timescale / 2)
        .div_euclid(timescale)
}
