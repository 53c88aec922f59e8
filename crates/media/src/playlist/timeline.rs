//! When the segments of a track begin: what lists tell players, so that a time asked for leads to the right segment.

use crate::describe::TrackDescription;

/// Begin of each segment and end of the last one, in the track's timescale: never falling, and from 0.
///
/// Players find a segment by adding up the lengths of those before it, so that a track which begins late has to say so:
/// its first segment counts from the video's beginning.
pub(super) struct Timeline {
    boundaries: Vec<u64>,
    timescale: u64,
}

impl Timeline {
    pub(super) fn of(track: &TrackDescription) -> Timeline {
        let mut boundaries = Vec::with_capacity(track.segments.len() + 1);
        boundaries.push(0);
        let mut last = 0;
        for (place, segment) in track.segments.iter().enumerate() {
            if place > 0 {
                last = segment.start.max(last);
                boundaries.push(last);
            }
        }
        if let Some(segment) = track.segments.last() {
            boundaries.push(segment.start.saturating_add(segment.duration).max(last));
        }
        // Where a track ends before the others, nothing is there to be asked for.
        while let [.., before, end] = boundaries.as_slice()
            && before == end
        {
            boundaries.pop();
        }
        Timeline {
            boundaries,
            timescale: u64::from(track.timescale.max(1)),
        }
    }

    /// Lengths in the track's timescale.
    pub(super) fn durations(&self) -> impl Iterator<Item = u64> {
        self.boundaries.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// Lengths in milliseconds; what is lost by rounding one is made up for by the next.
    pub(super) fn durations_ms(&self) -> impl Iterator<Item = u64> {
        let times = self.boundaries.iter().map(|time| self.milliseconds(*time));
        times
            .clone()
            .zip(times.skip(1))
            .map(|(start, end)| end - start)
    }

    /// How many segments there are.
    pub(super) fn segment_count(&self) -> usize {
        self.boundaries.len() - 1
    }

    /// The end of the last segment, in milliseconds.
    pub(super) fn end_ms(&self) -> u64 {
        self.boundaries
            .last()
            .map_or(0, |time| self.milliseconds(*time))
    }

    fn milliseconds(&self, time: u64) -> u64 {
        let timescale = u128::from(self.timescale);
        let rounded = (u128::from(time) * 1000 + timescale / 2) / timescale;
        u64::try_from(rounded).unwrap_or(u64::MAX)
    }
}
