//! The start times of a track's segments, as playlists state them, so that seeking to a time finds the right segment.

use crate::describe::TrackDescription;

/// The start of each segment and the end of the last one, in the track's timescale: never decreasing, and from 0.
///
/// Players find a segment by adding up the durations of those before it. So a track that begins late has to be padded:
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
        // A track that ends before the others has nothing to offer in its last segments.
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

    /// Returns the durations in the track's timescale.
    pub(super) fn durations(&self) -> impl Iterator<Item = u64> {
        self.boundaries.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// Returns the durations in milliseconds; their rounding errors do not add up.
    pub(super) fn durations_ms(&self) -> impl Iterator<Item = u64> {
        let times = self.boundaries.iter().map(|time| self.milliseconds(*time));
        times
            .clone()
            .zip(times.skip(1))
            .map(|(start, end)| end - start)
    }

    /// Returns the number of segments.
    pub(super) fn segment_count(&self) -> usize {
        self.boundaries.len() - 1
    }

    /// Returns the end of the last segment, in milliseconds.
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
