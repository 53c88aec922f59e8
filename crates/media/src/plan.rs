//! Cuts the tracks of a film into segments.
//!
//! The lead track, the first with a picture, is cut at its key frames; all others are cut at the same times, so that all
//! have the same number of segments. Text tracks have one.

use std::time::Duration;

use crate::Refusal;
use crate::mp4::{self, Codec, Cursor, Index, Limits, Track, TrackKind};

/// The segments of all tracks that are offered.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// Offered tracks only, by number.
    pub tracks: Vec<PlannedTrack>,
    /// Of each track that is not text.
    pub segment_count: u32,
    /// Place of the lead track among `tracks`.
    lead: usize,
}

/// The segments of one track.
#[derive(Debug, PartialEq, Eq)]
pub struct PlannedTrack {
    /// Of the [`crate::mp4::Track`].
    pub number: u32,
    /// In order; the first has number 1 in names.
    pub segments: Vec<PlannedSegment>,
}

/// One segment of one track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedSegment {
    /// Of its first sample.
    pub cursor: Cursor,
    /// 0 where the track has nothing.
    pub sample_count: u32,
    /// Of the first sample with the edit's delay added, in the track's timescale: what `tfdt` says. The edit's media
    /// start stays in the edit list of the init segment.
    pub decode_time: u64,
    /// When it is shown first, in the track's timescale.
    pub start: u64,
    /// Until the next one's start, in the track's timescale.
    pub duration: u64,
    /// Of all its samples.
    pub size_bytes: u64,
    /// For lists of key frames; 0 without samples.
    pub first_sample_size_bytes: u32,
    /// Whether decoding may begin with it.
    pub starts_with_sync: bool,
}

/// The range of the length at which a segment may end.
const TARGET_MIN: Duration = Duration::from_secs(2);
const TARGET_MAX: Duration = Duration::from_secs(10);

impl Plan {
    /// Cuts at the first key frame at or after `target`, which is brought into 2 to 10 s. Where other tracks go on behind
    /// the lead track, they are cut at each `target` from there on.
    ///
    /// # Errors
    ///
    /// `NoTrack` when there is neither picture nor sound, `TooLarge` beyond the limits.
    pub fn of(index: &Index, target: Duration, limits: &Limits) -> Result<Plan, Refusal> {
        let target = target.clamp(TARGET_MIN, TARGET_MAX);
        let offered = || index.tracks.iter().filter(|track| is_offered(track));
        let first_of = |kind| offered().find(|track| track.kind == kind);
        let lead = first_of(TrackKind::Video).or_else(|| first_of(TrackKind::Audio));
        let lead = lead.ok_or(Refusal::NoTrack)?;
        let cuts = Cuts::of(lead, index, target, limits)?;
        let mut tracks = Vec::new();
        for track in offered() {
            let segments = match track.kind {
                TrackKind::Video | TrackKind::Audio => cut(track, &cuts, limits)?,
                TrackKind::Text => vec![whole(track)],
            };
            tracks.push(PlannedTrack {
                number: track.number,
                segments,
            });
        }
        Ok(Plan {
            segment_count: u32::try_from(cuts.starts.len()).unwrap_or(u32::MAX),
            lead: offered()
                .take_while(|track| track.number != lead.number)
                .count(),
            tracks,
        })
    }

    /// The track of this number, when it is offered.
    pub fn track(&self, number: u32) -> Option<&PlannedTrack> {
        self.tracks.iter().find(|track| track.number == number)
    }

    /// The first track with a picture, else the first with sound: its cuts are everyone's.
    pub fn lead(&self) -> &PlannedTrack {
        &self.tracks[self.lead]
    }

    /// Memory that the plan takes, for a weighted cache.
    pub fn size_bytes(&self) -> usize {
        let tracks = self.tracks.iter();
        let segments: usize = tracks.map(|track| track.segments.capacity()).sum();
        size_of::<Plan>()
            + self.tracks.capacity() * size_of::<PlannedTrack>()
            + segments * size_of::<PlannedSegment>()
    }
}

fn is_offered(track: &Track) -> bool {
    track.codec != Codec::Other && track.sample_count > 0
}

/// The times at which segments begin, in the lead track's timescale.
struct Cuts {
    starts: Vec<u64>,
    /// When the last track ends.
    end: u64,
    timescale: u32,
}

impl Cuts {
    fn of(lead: &Track, index: &Index, target: Duration, limits: &Limits) -> Result<Cuts, Refusal> {
        let target = in_units(target, lead.timescale);
        let mut cuts = Cuts {
            starts: Vec::new(),
            end: film_end(index, lead),
            timescale: lead.timescale,
        };
        let mut next = 0;
        for sample in lead.samples() {
            let start = lead.presentation_time(&sample).max(0).cast_unsigned();
            if cuts.starts.is_empty() || (sample.is_sync && start >= next) {
                cuts.push(start, limits)?;
                next = start + target;
            }
        }
        // Behind the last picture sound goes on in segments of its own, unless there is little of it.
        let mut start = lead.end();
        while start.saturating_add(target) < cuts.end {
            cuts.push(start, limits)?;
            start += target;
        }
        Ok(cuts)
    }

    fn push(&mut self, start: u64, limits: &Limits) -> Result<(), Refusal> {
        if self.starts.len() >= limits.segments_max as usize {
            return Err(Refusal::TooLarge("segments"));
        }
        self.starts.push(start);
        Ok(())
    }

    /// When segment `index`, from 0, begins in another timescale; the end of the film behind the last. Rounded up.
    fn start(&self, index: usize, timescale: u32) -> u64 {
        let start = self.starts.get(index).copied().unwrap_or(self.end);
        if timescale == self.timescale {
            return start;
        }
        let product = u128::from(start) * u128::from(timescale);
        u64::try_from(product.div_ceil(u128::from(self.timescale))).unwrap_or(u64::MAX)
    }
}

fn in_units(time: Duration, timescale: u32) -> u64 {
    // Seconds are at most 10 here.
    (time.as_millis() as u64 * u64::from(timescale) / 1000).max(1)
}

/// When the last track with a picture or sound ends, in the lead track's timescale.
fn film_end(index: &Index, lead: &Track) -> u64 {
    let tracks = index.tracks.iter();
    let played = tracks.filter(|track| is_offered(track) && track.kind != TrackKind::Text);
    let ends =
        played.filter_map(|track| mp4::rescale(track.end(), track.timescale, lead.timescale));
    ends.max().unwrap_or_default().max(lead.end())
}

/// A text track: one segment with all there is.
fn whole(track: &Track) -> PlannedSegment {
    let mut segment = begin(track, track.samples().cursor(), 0);
    for sample in track.samples() {
        add(&mut segment, &sample);
    }
    segment.duration = track.end();
    segment
}

fn begin(track: &Track, cursor: Cursor, start: u64) -> PlannedSegment {
    PlannedSegment {
        cursor,
        sample_count: 0,
        decode_time: cursor.decode_time() + track.edit.delay,
        start,
        duration: 0,
        size_bytes: 0,
        first_sample_size_bytes: 0,
        starts_with_sync: false,
    }
}

fn add(segment: &mut PlannedSegment, sample: &mp4::Sample) {
    if segment.sample_count == 0 {
        segment.first_sample_size_bytes = sample.size_bytes;
        segment.starts_with_sync = sample.is_sync;
    }
    segment.sample_count += 1;
    segment.size_bytes += u64::from(sample.size_bytes);
}

/// Cuts a track at the first sample that decoding may begin with at or after each time.
fn cut(track: &Track, cuts: &Cuts, limits: &Limits) -> Result<Vec<PlannedSegment>, Refusal> {
    let mut segments = Vec::with_capacity(cuts.starts.len());
    let mut samples = track.samples();
    let mut segment = begin(track, samples.cursor(), cuts.start(0, track.timescale));
    let mut next = cuts.start(1, track.timescale);
    loop {
        let cursor = samples.cursor();
        let Some(sample) = samples.next() else {
            break;
        };
        let start = track.presentation_time(&sample).max(0).cast_unsigned();
        while sample.is_sync && start >= next && segments.len() + 1 < cuts.starts.len() {
            // A segment follows without a gap on one that has samples; all others begin with their cut.
            let next_but_one = cuts.start(segments.len() + 2, track.timescale);
            let is_followed = segments.len() + 2 < cuts.starts.len() && start >= next_but_one;
            let begins_at = match segment.sample_count {
                0 => next,
                _ if is_followed => next,
                _ => start,
            };
            let following = begin(track, cursor, begins_at);
            segments.push(std::mem::replace(&mut segment, following));
            next = cuts.start(segments.len() + 1, track.timescale);
        }
        segment.start = match segment.sample_count {
            0 => segment.start.min(start),
            _ => segment.start,
        };
        add(&mut segment, &sample);
        if segment.sample_count > limits.segment_samples_max {
            return Err(Refusal::TooLarge("samples of a segment"));
        }
    }
    segments.push(segment);
    while segments.len() < cuts.starts.len() {
        let start = cuts.start(segments.len(), track.timescale);
        segments.push(begin(track, samples.cursor(), start));
    }
    set_durations(&mut segments, track, cuts);
    Ok(segments)
}

/// Has each segment last until the next one begins, and the last one until the track or the film ends.
fn set_durations(segments: &mut [PlannedSegment], track: &Track, cuts: &Cuts) {
    let mut end = match segments.last() {
        Some(last) if last.sample_count > 0 => track.end(),
        Some(_) | None => cuts.start(cuts.starts.len(), track.timescale),
    };
    for segment in segments.iter_mut().rev() {
        // A track that ended within the segment before may reach a little behind the cut.
        segment.start = segment.start.min(end);
        segment.duration = end - segment.start;
        end = segment.start;
    }
}
