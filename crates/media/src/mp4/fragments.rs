//! Fragments, ISO 14496-12 8.8: converts their runs of samples to the tables that other videos have, so that all later
//! code has one path.

use super::boxes::{self, Boxes, Fields};
use super::fragmented_track::{Defaults, FragmentedTrack};
use super::held::Held;
use super::samples::Sample;
use super::{Limits, edits};
use crate::Refusal;

/// Flag of a sample with which decoding cannot begin: `sample_is_non_sync_sample`.
const IS_NOT_SYNC: u32 = 0x0001_0000;

/// Returns how much later than the earliest track each one begins, in its own timescale: a live recording begins with
/// its first fragment, whatever the decode time was then.
pub(super) fn starts(tracks: &[FragmentedTrack]) -> Vec<u64> {
    let known = || tracks.iter().filter(|track| track.is_known);
    let first = known()
        .filter_map(|track| Some((track.start?, track.timescale)))
        .min_by(|(left, left_scale), (right, right_scale)| {
            let left = u128::from(*left) * u128::from(*right_scale);
            left.cmp(&(u128::from(*right) * u128::from(*left_scale)))
        });
    let start_of = |track: &FragmentedTrack| {
        let (first, timescale) = first?;
        let first = edits::rescale(first, timescale, track.timescale)?;
        Some(track.start?.saturating_sub(first))
    };
    tracks
        .iter()
        .map(|track| start_of(track).unwrap_or_default())
        .collect()
}

/// Refuses tables larger than an index may be: a few bytes of a fragment can describe many samples.
pub(super) fn check_size(tracks: &[FragmentedTrack], limits: &Limits) -> Result<(), Refusal> {
    let size_bytes: u64 = tracks.iter().map(FragmentedTrack::size_bytes).sum();
    match size_bytes <= limits.index_size_bytes_max {
        true => Ok(()),
        false => Err(Refusal::TooLarge("index")),
    }
}

/// Reads all fragments into the tables of the tracks.
pub(super) fn read(
    tracks: &mut [FragmentedTrack],
    extends: &[u8],
    fragments: &[Held],
    limits: &Limits,
) -> Result<(), Refusal> {
    read_defaults(tracks, extends)?;
    for fragment in fragments {
        // The media of a track fragment without a base offset follows that of the previous one.
        let mut data_end = fragment.range.start;
        for inner in Boxes::new(&fragment.payload) {
            let (kind, payload) = inner?;
            if &kind == b"traf" {
                data_end =
                    read_track_fragment(tracks, payload, fragment.range.start, data_end, limits)?;
            }
        }
    }
    Ok(())
}

/// Reads the `trex` of each track, ISO 14496-12 8.8.3.
fn read_defaults(tracks: &mut [FragmentedTrack], extends: &[u8]) -> Result<(), Refusal> {
    for inner in Boxes::new(extends) {
        let (kind, payload) = inner?;
        if &kind != b"trex" {
            continue;
        }
        let mut fields = Fields::new(payload);
        let mut read = || {
            let _ = fields.version_and_flags()?;
            let id = fields.u32()?;
            let _ = fields.u32()?;
            let defaults = Defaults {
                duration: fields.u32()?,
                size_bytes: fields.u32()?,
                flags: fields.u32()?,
            };
            Some((id, defaults))
        };
        let (id, defaults) = read().ok_or(Refusal::Corrupt("trex is too short"))?;
        if let Some(track) = tracks.iter_mut().find(|track| track.id == id) {
            track.defaults = defaults;
        }
    }
    Ok(())
}

/// The fields of a `tfhd`, ISO 14496-12 8.8.7.
struct TrackFragment {
    id: u32,
    base: u64,
    defaults: Defaults,
}

fn read_track_fragment_header(
    tracks: &[FragmentedTrack],
    payload: &[u8],
    fragment_start: u64,
    data_end: u64,
) -> Option<TrackFragment> {
    const BASE: u32 = 0x1;
    const DESCRIPTION: u32 = 0x2;
    const DURATION: u32 = 0x8;
    const SIZE: u32 = 0x10;
    const FLAGS: u32 = 0x20;
    const BASE_IS_FRAGMENT: u32 = 0x2_0000;
    let mut fields = Fields::new(payload);
    let (_, flags) = fields.version_and_flags()?;
    let id = fields.u32()?;
    let track = tracks.iter().find(|track| track.id == id);
    let mut defaults = track.map(|track| track.defaults).unwrap_or_default();
    let base = match (flags & BASE, flags & BASE_IS_FRAGMENT) {
        (0, 0) => data_end,
        (0, _) => fragment_start,
        (_, _) => fields.u64()?,
    };
    if flags & DESCRIPTION != 0 {
        fields.skip(4)?;
    }
    for (flag, field) in [
        (DURATION, &mut defaults.duration),
        (SIZE, &mut defaults.size_bytes),
        (FLAGS, &mut defaults.flags),
    ] {
        if flags & flag != 0 {
            *field = fields.u32()?;
        }
    }
    Some(TrackFragment { id, base, defaults })
}

/// Reads a `traf`, and returns the end of its media.
fn read_track_fragment(
    tracks: &mut [FragmentedTrack],
    payload: &[u8],
    fragment_start: u64,
    data_end: u64,
    limits: &Limits,
) -> Result<u64, Refusal> {
    let header = boxes::require(payload, b"tfhd", "no tfhd")?;
    let header = read_track_fragment_header(tracks, header, fragment_start, data_end)
        .ok_or(Refusal::Corrupt("tfhd is too short"))?;
    let position = tracks.iter().position(|track| track.id == header.id);
    let position = position.ok_or(Refusal::Corrupt("a fragment of no track"))?;
    if let Some(payload) = boxes::find(payload, b"tfdt")? {
        let mut fields = Fields::new(payload);
        let mut read = || {
            let (version, _) = fields.version_and_flags()?;
            fields.time(version)
        };
        let decode_time = read().ok_or(Refusal::Corrupt("tfdt is too short"))?;
        if decode_time >= 1 << 62 {
            return Err(Refusal::TooLarge("duration"));
        }
        tracks[position].begin_at(decode_time)?;
    }
    let mut data_end = header.base;
    for inner in Boxes::new(payload) {
        let (kind, payload) = inner?;
        if &kind == b"trun" {
            data_end = read_run(&mut tracks[position], payload, &header, data_end, limits)?;
            check_size(tracks, limits)?;
        }
    }
    Ok(data_end)
}

/// Reads a `trun`, ISO 14496-12 8.8.8, and returns the end of its media.
fn read_run(
    track: &mut FragmentedTrack,
    payload: &[u8],
    header: &TrackFragment,
    data_end: u64,
    limits: &Limits,
) -> Result<u64, Refusal> {
    const OFFSET: u32 = 0x1;
    const FIRST_FLAGS: u32 = 0x4;
    let short = Refusal::Corrupt("trun is too short");
    let outside = Refusal::Corrupt("samples beyond the end of the object");
    let mut fields = Fields::new(payload);
    let (_, flags) = fields.version_and_flags().ok_or(short)?;
    let count = fields.u32().ok_or(short)?;
    let mut offset = match flags & OFFSET {
        0 => data_end,
        _ => {
            let distance = fields.u32().ok_or(short)?.cast_signed();
            let start = header.base.checked_add_signed(distance.into());
            start.ok_or(outside)?
        }
    };
    let first_flags = match flags & FIRST_FLAGS {
        0 => None,
        _ => Some(fields.u32().ok_or(short)?),
    };
    if count == 0 {
        return Ok(offset);
    }
    if !track.is_known {
        let size_bytes = run_size_bytes(&mut fields, flags, header.defaults, count);
        return offset.checked_add(size_bytes.ok_or(short)?).ok_or(outside);
    }
    if count > limits.samples_max - track.sample_count.min(limits.samples_max) {
        return Err(Refusal::TooLarge("samples"));
    }
    track.start.get_or_insert(0);
    track.push_chunk(offset, count);
    for number in 0..count {
        let mut sample =
            read_run_sample(&mut fields, flags, header.defaults, offset).ok_or(short)?;
        if let (0, Some(first_flags)) = (number, first_flags) {
            sample.is_sync = first_flags & IS_NOT_SYNC == 0;
        }
        offset = offset
            .checked_add(sample.size_bytes.into())
            .ok_or(outside)?;
        track.push(sample);
    }
    Ok(offset)
}

/// Returns the size of the media of a run in an unknown track, of which nothing else is used.
fn run_size_bytes(
    fields: &mut Fields<'_>,
    flags: u32,
    defaults: Defaults,
    count: u32,
) -> Option<u64> {
    const EACH: u32 = 0xf00;
    if flags & EACH == 0 {
        return Some(u64::from(count) * u64::from(defaults.size_bytes));
    }
    let mut size_bytes = 0;
    for _ in 0..count {
        size_bytes += u64::from(read_run_sample(fields, flags, defaults, 0)?.size_bytes);
    }
    Some(size_bytes)
}

fn read_run_sample(
    fields: &mut Fields<'_>,
    flags: u32,
    mut defaults: Defaults,
    offset: u64,
) -> Option<Sample> {
    const COMPOSITION: u32 = 0x800;
    for (flag, field) in [
        (0x100, &mut defaults.duration),
        (0x200, &mut defaults.size_bytes),
        (0x400, &mut defaults.flags),
    ] {
        if flags & flag != 0 {
            *field = fields.u32()?;
        }
    }
    let composition_offset = match flags & COMPOSITION {
        0 => 0,
        // As in `ctts`, offsets of version 0 are read as signed.
        _ => fields.u32()?.cast_signed(),
    };
    Some(Sample {
        number: 0,
        offset,
        size_bytes: defaults.size_bytes,
        decode_time: 0,
        duration: defaults.duration,
        composition_offset,
        is_sync: defaults.flags & IS_NOT_SYNC == 0,
    })
}
