//! Cuts the tracks of a video into segments.
//!
//! The lead track, which is the first video track or else the first audio track, is cut at its key frames; all others
//! are cut at the same times, so that all have the same number of segments. Text tracks have one.

use std::time::Duration;

use crate::Refusal;
use crate::mp4::{Codec, Cursor, Index, Limits, Sample, Track, TrackKind};

/// The segments of all tracks that are offered.
#[derive(Debug, PartialEq, Eq)]
pub struct Segmentation {
    /// Offered tracks, ordered by number.
    pub tracks: Vec<PlannedTrack>,
    /// Number of segments of each track that is not text.
    pub segment_count: u32,
    /// Index of the lead track in `tracks`.
    lead: usize,
}

/// The segments of one track.
#[derive(Debug, PartialEq, Eq)]
pub struct PlannedTrack {
    /// Number of the [`crate::mp4::Track`].
    pub number: u32,
    /// Segments in order; the first has number 1 in names.
    pub segments: Vec<PlannedSegment>,
}

/// One segment of one track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedSegment {
    /// Cursor of its first sample.
    pub cursor: Cursor,
    /// Number of samples; 0 where the track has none.
    pub sample_count: u32,
    /// Decode time of the first sample with the edit's delay added, in the track's timescale: the value of `tfdt`. The
    /// edit's media start stays in the edit list of the init segment.
    pub decode_time: u64,
    /// Time at which it is first shown, in the track's timescale.
    pub start: u64,
    /// Time until the next segment's start, in the track's timescale.
    pub duration: u64,
    /// Size of all its samples.
    pub size_bytes: u64,
    /// Size of the first sample, for I-frame playlists; 0 without samples.
    pub first_sample_size_bytes: u32,
    /// True if decoding may begin with its first sample.
    pub starts_with_sync: bool,
}

impl PlannedSegment {
    /// A segment that begins at `start` with the sample at `cursor`, and has none yet.
    fn begin_at(track: &Track, cursor: Cursor, start: u64) -> Self {
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

    /// The one segment of a text track, with all there is.
    fn of_text(track: &Track) -> Self {
        let mut segment = PlannedSegment::begin_at(track, track.samples().cursor(), 0);
        for sample in track.samples() {
            segment.push(&sample);
        }
        segment.duration = track.end();
        segment
    }

    fn push(&mut self, sample: &Sample) {
        if self.sample_count == 0 {
            self.first_sample_size_bytes = sample.size_bytes;
            self.starts_with_sync = sample.is_sync;
        }
        self.sample_count += 1;
        self.size_bytes += u64::from(sample.size_bytes);
    }
}

/// The range of the target duration.
const TARGET_MIN: Duration = Duration::from_secs(2);
const TARGET_MAX: Duration = Duration::from_secs(10);

impl Segmentation {
    /// Cuts at the first key frame at or after `target`, which is clamped to 2 to 10 s. Other tracks that continue
    /// after the lead track's end are cut every `target` from there on.
    ///
    /// # Errors
    ///
    /// `NoTrack` if there is neither a video nor an audio track, `TooLarge` beyond the limits.
    pub fn of(index: &Index, target: Duration, limits: &Limits) -> Result<Segmentation, Refusal> {
        let target = target.clamp(TARGET_MIN, TARGET_MAX);
        let offered = || index.tracks.iter().filter(|track| is_offered(track));
        let first_of = |kind| offered().find(|track| track.kind == kind);
        let lead = first_of(TrackKind::Video).or_else(|| first_of(TrackKind::Audio));
        let lead = lead.ok_or(Refusal::NoTrack)?;
        let cuts = Cuts::of(lead, index, target, limits)?;
        let mut tracks = Vec::new();
        for track in offered() {
            let segments = match track.kind {
                TrackKind::Video | TrackKind::Audio => Cutter::new(track, &cuts).cut(limits)?,
                TrackKind::Text => vec![PlannedSegment::of_text(track)],
            };
            tracks.push(PlannedTrack {
                number: track.number,
                segments,
            });
        }
        Ok(Segmentation {
            segment_count: u32::try_from(cuts.starts.len()).unwrap_or(u32::MAX),
            lead: offered()
                .take_while(|track| track.number != lead.number)
                .count(),
            tracks,
        })
    }

    /// Returns the track of this number, if it is offered.
    pub fn track(&self, number: u32) -> Option<&PlannedTrack> {
        self.tracks.iter().find(|track| track.number == number)
    }

    /// Returns the first video track, else the first audio track: its cuts apply to all tracks.
    pub fn lead(&self) -> &PlannedTrack {
        &self.tracks[self.lead]
    }

    /// Returns the memory that the segmentation takes, for a weighted cache.
    pub fn size_bytes(&self) -> usize {
        let tracks = self.tracks.iter();
        let segments: usize = tracks.map(|track| track.segments.capacity()).sum();
        size_of::<Segmentation>()
            + self.tracks.capacity() * size_of::<PlannedTrack>()
            + segments * size_of::<PlannedSegment>()
    }
}

fn is_offered(track: &Track) -> bool {
    track.codec != Codec::Other && track.sample_count > 0
}

fn is_played(track: &Track) -> bool {
    is_offered(track) && track.kind != TrackKind::Text
}

/// The times at which segments begin, in the lead track's timescale.
struct Cuts {
    starts: Vec<u64>,
    /// Time at which the last track ends.
    end: u64,
    timescale: u32,
}

impl Cuts {
    fn of(lead: &Track, index: &Index, target: Duration, limits: &Limits) -> Result<Cuts, Refusal> {
        let target = in_units(target, lead.timescale);
        let played = index.tracks.iter().filter(|track| is_played(track));
        // All tracks have as many segments as the lead track, and the limit is for all of them together.
        let count_max = limits.segments_max as usize / played.clone().count().max(1);
        let mut cuts = Cuts {
            starts: Vec::new(),
            end: lead.end(),
            timescale: lead.timescale,
        };
        cuts.cut_by(lead, 0, target, count_max)?;
        let longest = played.max_by_key(|track| cuts.time_of(track.end(), track));
        if let Some(longest) = longest {
            cuts.end = cuts.end.max(cuts.time_of(longest.end(), longest));
            // After the last video sample, audio continues in segments of its own, unless little of it is left.
            if lead.end() + target / 2 < cuts.end {
                cuts.cut_by(longest, lead.end(), target, count_max)?;
            }
        }
        Ok(cuts)
    }

    /// Cuts at sync samples of a track, `target` apart, from a time on.
    fn cut_by(
        &mut self,
        track: &Track,
        from: u64,
        target: u64,
        count_max: usize,
    ) -> Result<(), Refusal> {
        let mut next = from;
        for sample in track.samples() {
            let start = track.presentation_time(&sample).max(0).cast_unsigned();
            let start = self.time_of(start, track);
            let is_first = self.starts.is_empty();
            let is_due = sample.is_sync && start >= next;
            let is_left = from == 0 || start.saturating_add(target / 2) < self.end;
            if is_first || (is_due && is_left) {
                if self.starts.len() >= count_max {
                    return Err(Refusal::TooLarge("segments"));
                }
                self.starts.push(start);
                next = start + target;
            }
        }
        Ok(())
    }

    /// Converts a time of a track to the lead track's timescale, rounded down.
    fn time_of(&self, time: u64, track: &Track) -> u64 {
        if track.timescale == self.timescale {
            return time;
        }
        let product = u128::from(time) * u128::from(self.timescale);
        u64::try_from(product / u128::from(track.timescale)).unwrap_or(u64::MAX)
    }

    /// Returns the start of segment `index`, from 0, in another timescale; after the last, the end of the video.
    /// Rounded up.
    fn start_of(&self, index: usize, timescale: u32) -> u64 {
        let start = self.starts.get(index).copied().unwrap_or(self.end);
        if timescale == self.timescale {
            return start;
        }
        let product = u128::from(start) * u128::from(timescale);
        u64::try_from(product.div_ceil(u128::from(self.timescale))).unwrap_or(u64::MAX)
    }
}

fn in_units(time: Duration, timescale: u32) -> u64 {
    // The time is at most 10 s here.
    (time.as_millis() as u64 * u64::from(timescale) / 1000).max(1)
}

/// Cuts a track at the first sample that decoding may begin with at or after each time.
struct Cutter<'a> {
    track: &'a Track,
    cuts: &'a Cuts,
    closed: Vec<PlannedSegment>,
    open: PlannedSegment,
    /// The cut at which the open segment ends.
    next_cut: u64,
}

impl<'a> Cutter<'a> {
    fn new(track: &'a Track, cuts: &'a Cuts) -> Self {
        let start = cuts.start_of(0, track.timescale);
        Cutter {
            track,
            cuts,
            closed: Vec::with_capacity(cuts.starts.len()),
            open: PlannedSegment::begin_at(track, track.samples().cursor(), start),
            next_cut: cuts.start_of(1, track.timescale),
        }
    }

    /// The segments of the whole track, as many as there are cuts.
    fn cut(mut self, limits: &Limits) -> Result<Vec<PlannedSegment>, Refusal> {
        let mut samples = self.track.samples();
        loop {
            let cursor = samples.cursor();
            let Some(sample) = samples.next() else {
                break;
            };
            self.take(&sample, cursor);
            if self.open.sample_count > limits.segment_samples_max {
                return Err(Refusal::TooLarge("samples of a segment"));
            }
        }
        Ok(self.finish(samples.cursor()))
    }

    /// `cursor` is the place of the sample.
    fn take(&mut self, sample: &Sample, cursor: Cursor) {
        let start = self.track.presentation_time(sample).max(0);
        let start = start.cast_unsigned();
        while sample.is_sync && start >= self.next_cut && self.has_cut(1) {
            self.close_segment(start, cursor);
        }
        if self.open.sample_count == 0 {
            self.open.start = self.open.start.min(start);
        }
        self.open.push(sample);
    }

    /// Closes the open segment at the sample at `cursor`, which is shown at `start`.
    fn close_segment(&mut self, start: u64, cursor: Cursor) {
        let cut_after_next = self.cut_ahead(2);
        let stays_empty = self.has_cut(2) && start >= cut_after_next;
        // A segment follows without a gap on one that has samples; all others begin with their cut.
        let begins_at = if self.open.sample_count == 0 || stays_empty {
            self.next_cut
        } else {
            start
        };
        let following = PlannedSegment::begin_at(self.track, cursor, begins_at);
        self.closed
            .push(std::mem::replace(&mut self.open, following));
        self.next_cut = cut_after_next;
    }

    /// Closes the last segment, and adds empty ones for the cuts that are left.
    fn finish(self, end: Cursor) -> Vec<PlannedSegment> {
        let mut segments = self.closed;
        segments.push(self.open);
        while segments.len() < self.cuts.starts.len() {
            let start = self.cuts.start_of(segments.len(), self.track.timescale);
            segments.push(PlannedSegment::begin_at(self.track, end, start));
        }
        set_durations(&mut segments, self.track, self.cuts);
        segments
    }

    /// Whether a segment begins so many cuts after the open one.
    fn has_cut(&self, ahead: usize) -> bool {
        self.closed.len() + ahead < self.cuts.starts.len()
    }

    /// When a segment begins so many cuts after the open one.
    fn cut_ahead(&self, ahead: usize) -> u64 {
        let index = self.closed.len() + ahead;
        self.cuts.start_of(index, self.track.timescale)
    }
}

/// Makes each segment last until the next one begins, and the last one until the track or the video ends.
fn set_durations(segments: &mut [PlannedSegment], track: &Track, cuts: &Cuts) {
    let mut end = match segments.last() {
        Some(last) if last.sample_count > 0 => track.end(),
        Some(_) | None => cuts.start_of(cuts.starts.len(), track.timescale),
    };
    for segment in segments.iter_mut().rev() {
        // A track that ended within the previous segment may reach a little beyond the cut.
        segment.start = segment.start.min(end);
        segment.duration = end - segment.start;
        end = segment.start;
    }
}

#[cfg(test)]
mod tests;
