//! Edit lists, ISO 14496-12 8.6.6: reads them, and converts them to the one form that players of segments understand.
//!
//! An edit that begins inside a group of pictures cannot be shown from there on: the start of all tracks moves back to
//! the key frame before it, in the movie's time, and samples that were to be hidden before it become visible. Samples
//! before that start, and after the end of an edit, are left out.

use super::boxes::{self, Fields};
use super::samples::{Cursor, Samples};
use super::{Edit, Track, TrackKind};
use crate::Refusal;

/// An edit list of the file: at most one range of media, possibly with an empty edit before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EditList {
    /// Length of the empty edits, in the movie's timescale.
    delay: u64,
    /// Media time at which the edit begins, in the track's timescale.
    media_start: u64,
    /// Length of the edit, in the movie's timescale; 0 means to the end.
    duration: u64,
}

/// Time for which audio before an edit is decoded but not played, in milliseconds: longer than any codec's priming.
const PREROLL_MS_MAX: u64 = 200;

impl EditList {
    /// Reads the edit list of a `trak`, if it has one.
    pub(super) fn read(track: &[u8]) -> Result<EditList, Refusal> {
        let Some(container) = boxes::find(track, b"edts")? else {
            return Ok(EditList::default());
        };
        let Some(payload) = boxes::find(container, b"elst")? else {
            return Ok(EditList::default());
        };
        let mut fields = Fields::new(payload);
        let short = Refusal::Corrupt("elst is too short");
        let (version, _) = fields.version_and_flags().ok_or(short)?;
        let count = fields.u32().ok_or(short)?;
        let mut list = EditList::default();
        for index in 0..count {
            let duration = fields.time(version).ok_or(short)?;
            let media_time = fields.time(version).ok_or(short)?;
            let rate = fields.u32().ok_or(short)?;
            let is_last = index + 1 == count;
            let is_empty = match version {
                0 => media_time == u64::from(u32::MAX),
                _ => media_time == u64::MAX,
            };
            match (is_empty, is_last) {
                (true, false) => list.delay = list.delay.saturating_add(duration),
                (true, true) => return Err(Refusal::Unsupported("an edit list without media")),
                (false, false) => return Err(Refusal::Unsupported("more than one edit")),
                (false, true) if rate != 1 << 16 => {
                    return Err(Refusal::Unsupported("an edit with another rate"));
                }
                (false, true) => {
                    list.media_start = media_time;
                    list.duration = duration;
                }
            }
        }
        Ok(list)
    }

    /// Returns the edit in the track's timescale.
    pub(super) fn edit(&self, movie_timescale: u32, timescale: u32) -> Option<Edit> {
        Some(Edit {
            media_start: self.media_start,
            delay: rescale(self.delay, movie_timescale, timescale)?,
        })
    }

    /// Returns the media time at which the edit ends; `None` if it extends to the end of the media.
    pub(super) fn media_end(&self, movie_timescale: u32, timescale: u32) -> Option<u64> {
        if self.duration == 0 {
            return None;
        }
        let duration = rescale(self.duration, movie_timescale, timescale)?;
        self.media_start.checked_add(duration)
    }
}

/// Converts a time to another timescale, rounded; returns `None` if it does not fit.
pub(crate) fn rescale(time: u64, from: u32, to: u32) -> Option<u64> {
    let product = u128::from(time) * u128::from(to) + u128::from(from / 2);
    u64::try_from(product.checked_div(u128::from(from))?).ok()
}

/// Moves the start of all tracks back to the sample from which the first video track can be shown, and leaves out the
/// samples that are then not needed. `media_ends` has an entry for each track.
pub(super) fn settle(tracks: &mut [Track], media_ends: &[Option<u64>]) -> Result<(), Refusal> {
    let lead = tracks
        .iter()
        .find(|track| track.kind == TrackKind::Video && track.sample_count > 0);
    let moved = lead.map_or((0, 1), |lead| {
        let start = lead.edit.media_start;
        let key = start_with_key(lead).map_or(start, |(_, key)| key);
        (start.saturating_sub(key), lead.timescale)
    });
    for (track, media_end) in tracks.iter_mut().zip(media_ends) {
        if track.sample_count > 0 {
            let moved = rescale(moved.0, moved.1, track.timescale)
                .ok_or(Refusal::Corrupt("an edit outside the media"))?;
            move_start(&mut track.edit, moved);
            leave_out_before_start(track);
            leave_out_behind_end(track, *media_end)?;
        }
    }
    Ok(())
}

/// Makes an edit begin earlier; where the media does not reach back far enough, the delay grows instead.
fn move_start(edit: &mut Edit, duration: u64) {
    let media_start = edit.media_start.saturating_sub(duration);
    edit.delay += duration - (edit.media_start - media_start);
    edit.media_start = media_start;
}

/// Returns the last key frame that is shown at or before the start of a track's edit, and its composition time.
fn start_with_key(track: &Track) -> Option<(Cursor, u64)> {
    let mut samples = Samples::of_tables(&track.tables);
    let mut found = None;
    loop {
        let cursor = samples.cursor();
        let Some(sample) = samples.next() else {
            return found;
        };
        if sample.decode_time > track.edit.media_start {
            return found;
        }
        let composition = sample
            .decode_time
            .saturating_add_signed(sample.composition_offset.into());
        if sample.is_sync && composition <= track.edit.media_start {
            found = Some((cursor, composition));
        }
    }
}

/// Returns the first sample that ends after a media time.
fn first_behind(track: &Track, media_time: u64) -> Option<Cursor> {
    let mut samples = Samples::of_tables(&track.tables);
    loop {
        let cursor = samples.cursor();
        let sample = samples.next()?;
        if sample.decode_time + u64::from(sample.duration) > media_time {
            return Some(cursor);
        }
    }
}

fn leave_out_before_start(track: &mut Track) {
    let start = track.edit.media_start;
    let first = match track.kind {
        TrackKind::Video => start_with_key(track).map(|(cursor, _)| cursor),
        TrackKind::Audio => {
            let preroll = PREROLL_MS_MAX * u64::from(track.timescale) / 1000;
            match start.checked_sub(preroll) {
                None | Some(0) => None,
                Some(before) => first_behind(track, before),
            }
        }
        TrackKind::Text => first_behind(track, start),
    };
    let mut first = first.unwrap_or_default();
    // Decode times count from the first sample left.
    let passed = std::mem::take(&mut first.decode_time);
    track.edit.media_start = start.saturating_sub(passed);
    track.edit.delay += passed.saturating_sub(start);
    track.sample_count -= first.number;
    track.first = first;
}

/// Leaves out the samples after the last one, in decode order, that begins before the end of the edit.
fn leave_out_behind_end(track: &mut Track, media_end: Option<u64>) -> Result<(), Refusal> {
    let passed = Samples::of_tables(&track.tables)
        .take(track.first.number as usize)
        .map(|sample| u64::from(sample.duration))
        .sum();
    let media_end = media_end.map(|end| end.saturating_sub(passed).cast_signed());
    let mut kept_count = 0;
    let mut kept_duration = 0;
    let mut end = 0;
    let mut kept_end = 0;
    let mut lowest = 0;
    for sample in track.samples() {
        let decoded = sample.decode_time + u64::from(sample.duration);
        end = end.max(track.presentation_time(&sample) + i64::from(sample.duration));
        let composition = sample.decode_time.cast_signed() + i64::from(sample.composition_offset);
        if media_end.is_none_or(|media_end| composition < media_end) {
            kept_count = sample.number + 1;
            kept_duration = decoded;
            kept_end = end;
        }
        lowest = lowest.min(sample.composition_offset);
    }
    if kept_end <= 0 {
        return Err(Refusal::Corrupt("an edit outside the media"));
    }
    track.sample_count = kept_count;
    track.media_duration = kept_duration;
    track.composition_offset_min = lowest;
    track.end = kept_end.cast_unsigned();
    Ok(())
}
