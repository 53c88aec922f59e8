//! Reads an index: `moov`, ISO 14496-12 8.2, and the fragments if the object has any.

use std::time::Duration;

use bytes::Bytes;

use super::boxes::{self, Boxes, Fields};
use super::edits::{self, EditList};
use super::entry::SampleEntry;
use super::fragmented_track::FragmentedTrack;
use super::fragments;
use super::held::Held;
use super::roles::{Role, Roles};
use super::samples::Cursor;
use super::tables::{Surroundings, Tables};
use super::{Codec, Edit, Index, Limits, Track, TrackKind};
use crate::Refusal;

/// Size to which the name of a track is cut.
const NAME_SIZE_BYTES_MAX: usize = 256;

/// A track as its `trak` defines it.
struct Draft {
    track: Track,
    edits: EditList,
}

/// Reads and validates an index.
pub(super) fn read(
    movie: &Held,
    fragments: &[Held],
    object_size_bytes: u64,
    limits: &Limits,
) -> Result<Index, Refusal> {
    let payload = &movie.payload;
    if boxes::find(payload, b"cmov")?.is_some() {
        return Err(Refusal::Unsupported("compressed index"));
    }
    let header = boxes::require(payload, b"mvhd", "no mvhd")?;
    let movie_timescale = header_timescale(header)?;
    let mut drafts = Vec::new();
    for inner in Boxes::new(payload) {
        let (kind, track) = inner?;
        if &kind == b"trak" {
            if drafts.len() >= limits.tracks_max {
                return Err(Refusal::TooLarge("tracks"));
            }
            drafts.push(read_track(payload, track, drafts.len() as u32 + 1)?);
        }
    }
    let is_fragmented = !fragments.is_empty();
    if is_fragmented {
        read_fragments(movie, &mut drafts, fragments, limits)?;
    }
    let mut media_ends = Vec::new();
    let mut sum_size_bytes = 0_u64;
    for draft in &mut drafts {
        let around = Surroundings {
            kind: draft.track.kind,
            timescale: draft.track.timescale,
            object_size_bytes,
            index: movie.range.clone(),
            limits,
        };
        // The sum does not overflow: sizes have 32 bits, and samples and tracks are limited.
        sum_size_bytes += check(draft, &around, movie_timescale)?;
        media_ends.push(match is_fragmented {
            // In a fragmented object the edit list was written before the media was.
            true => None,
            false => draft
                .edits
                .media_end(movie_timescale, draft.track.timescale),
        });
    }
    // Overlapping chunks would make a video larger than its object.
    if sum_size_bytes > object_size_bytes {
        return Err(Refusal::Corrupt("more samples than the object has bytes"));
    }
    let mut tracks: Vec<Track> = drafts.into_iter().map(|draft| draft.track).collect();
    edits::settle(&mut tracks, &media_ends)?;
    refuse_unplayable(&tracks)?;
    detach(&mut tracks, payload);
    Ok(Index {
        duration: longest(&tracks),
        tracks,
        object_size_bytes,
    })
}

/// Returns the timescale of an `mvhd` or `mdhd`.
fn header_timescale(header: &[u8]) -> Result<u32, Refusal> {
    let mut fields = Fields::new(header);
    let mut read = || {
        let (version, _) = fields.version_and_flags()?;
        fields.time(version)?;
        fields.time(version)?;
        fields.u32()
    };
    match read() {
        None => Err(Refusal::Corrupt("a header is too short")),
        Some(0) => Err(Refusal::Corrupt("timescale 0")),
        Some(timescale) => Ok(timescale),
    }
}

fn read_track(movie: &Bytes, payload: &[u8], number: u32) -> Result<Draft, Refusal> {
    let media = boxes::require(payload, b"mdia", "no mdia")?;
    let (kind, name) = read_handler(boxes::require(media, b"hdlr", "no hdlr")?)?;
    let mut track = Track {
        number,
        id: 0,
        kind: kind.unwrap_or(TrackKind::Text),
        codec: Codec::Other,
        timescale: 0,
        sample_count: 0,
        media_duration: 0,
        language: None,
        name,
        is_default: false,
        roles: Roles::read(payload),
        sample_entry: Bytes::new(),
        width: 0,
        height: 0,
        colour: None,
        matrix: [0; 36],
        display_width: 0,
        display_height: 0,
        channels: 0,
        sample_rate: 0,
        edit: Edit::default(),
        tables: Tables::default(),
        composition_offset_min: 0,
        first: Cursor::default(),
        end: 0,
    };
    let mut edits = EditList::default();
    read_track_header(&mut track, payload)?;
    if let Some(kind) = kind {
        match read_media(&mut track, movie, payload, media, kind) {
            Ok((tables, list)) => {
                track.tables = tables;
                edits = list;
            }
            // Unsupported subtitles are left out; the video plays without them.
            Err(Refusal::Unsupported(_)) if kind == TrackKind::Text => track.codec = Codec::Other,
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(Draft { track, edits })
}

/// Returns the kind of a track, and its name.
fn read_handler(payload: &[u8]) -> Result<(Option<TrackKind>, Option<String>), Refusal> {
    let mut fields = Fields::new(payload);
    let handler = fields.skip(8).and_then(|()| fields.array());
    let handler: [u8; 4] = handler.ok_or(Refusal::Corrupt("hdlr is too short"))?;
    let kind = match &handler {
        b"vide" => Some(TrackKind::Video),
        b"soun" => Some(TrackKind::Audio),
        b"text" | b"sbtl" | b"subt" | b"clcp" => Some(TrackKind::Text),
        _ => None,
    };
    let name = fields.skip(12).map(|()| fields.rest()).unwrap_or_default();
    // QuickTime writes the length of the name first.
    let name = match name {
        [count, counted @ ..] if usize::from(*count) == counted.len() => counted,
        name => name.split(|byte| *byte == 0).next().unwrap_or_default(),
    };
    let name = String::from_utf8_lossy(&name[..name.len().min(NAME_SIZE_BYTES_MAX)]);
    let name: String = name.chars().filter(|letter| !letter.is_control()).collect();
    Ok((kind, Some(name).filter(|name| !name.trim().is_empty())))
}

fn read_track_header(track: &mut Track, payload: &[u8]) -> Result<(), Refusal> {
    const ENABLED: u32 = 1;
    let header = boxes::require(payload, b"tkhd", "no tkhd")?;
    let mut fields = Fields::new(header);
    let mut read = || {
        let (version, flags) = fields.version_and_flags()?;
        track.is_default = flags & ENABLED != 0;
        fields.time(version)?;
        fields.time(version)?;
        track.id = fields.u32()?;
        fields.skip(4)?;
        fields.time(version)?;
        fields.skip(16)?;
        track.matrix = fields.array()?;
        track.display_width = fields.u32()?;
        track.display_height = fields.u32()?;
        Some(())
    };
    read().ok_or(Refusal::Corrupt("tkhd is too short"))
}

/// Reads the sample entry of a track, and the tables and edits if its codec is known.
fn read_media(
    track: &mut Track,
    movie: &Bytes,
    payload: &[u8],
    media: &[u8],
    kind: TrackKind,
) -> Result<(Tables, EditList), Refusal> {
    let information = boxes::require(media, b"minf", "no minf")?;
    let sample_table = boxes::require(information, b"stbl", "no stbl")?;
    let descriptions = boxes::require(sample_table, b"stsd", "no stsd")?;
    let entry = SampleEntry::read(kind, descriptions)?;
    track.codec = entry.codec;
    track.sample_entry = entry.bytes;
    track.width = entry.width;
    track.height = entry.height;
    track.colour = entry.colour;
    track.channels = entry.channels;
    track.sample_rate = entry.sample_rate;
    if entry.is_forced {
        track.roles = track.roles.with(Role::ForcedSubtitle);
    }
    if entry.codec == Codec::Other {
        return Ok((Tables::default(), EditList::default()));
    }
    let header = boxes::require(media, b"mdhd", "no mdhd")?;
    track.timescale = header_timescale(header)?;
    track.language = read_language(header);
    Ok((Tables::read(movie, sample_table)?, EditList::read(payload)?))
}

/// Reads the packed letters of an `mdhd`, ISO 14496-12 8.4.2.
fn read_language(header: &[u8]) -> Option<String> {
    let mut fields = Fields::new(header);
    let (version, _) = fields.version_and_flags()?;
    fields.time(version)?;
    fields.time(version)?;
    fields.u32()?;
    fields.time(version)?;
    let packed = fields.u16()?;
    let letters = [packed >> 10, packed >> 5, packed].map(|letter| (letter & 0x1f) as u8 + 0x60);
    let is_language = packed < 0x8000 && letters.iter().all(u8::is_ascii_lowercase);
    let language = String::from_utf8(letters.to_vec()).ok()?;
    (is_language && language != "und").then_some(language)
}

/// Appends the samples of the fragments to those that the tracks have in their tables.
fn read_fragments(
    movie: &Held,
    drafts: &mut [Draft],
    fragments: &[Held],
    limits: &Limits,
) -> Result<(), Refusal> {
    let extends = boxes::find(&movie.payload, b"mvex")?.unwrap_or_default();
    let mut fragmented = Vec::new();
    for draft in &*drafts {
        let track = &draft.track;
        let is_known = track.codec != Codec::Other;
        if is_known && track.tables.sample_count > 0 {
            let around = Surroundings {
                kind: track.kind,
                timescale: track.timescale,
                object_size_bytes: u64::MAX,
                index: movie.range.clone(),
                limits,
            };
            track.tables.check(&around)?;
        }
        fragmented.push(FragmentedTrack::new(track, is_known));
        fragments::check_size(&fragmented, limits)?;
    }
    fragments::read(&mut fragmented, extends, fragments, limits)?;
    let starts = fragments::starts(&fragmented);
    for ((draft, fragmented), start) in drafts.iter_mut().zip(fragmented).zip(starts) {
        if draft.track.codec != Codec::Other {
            draft.track.tables = fragmented.into_tables();
            draft.track.edit.delay = start;
        }
    }
    Ok(())
}

/// Checks the tables of a track, and returns the total size of its samples.
fn check(
    draft: &mut Draft,
    around: &Surroundings<'_>,
    movie_timescale: u32,
) -> Result<u64, Refusal> {
    let track = &mut draft.track;
    let sums = track.tables.check(around)?;
    track.sample_count = track.tables.sample_count;
    if track.sample_count == 0 {
        return Ok(0);
    }
    let edit = draft.edits.edit(movie_timescale, track.timescale);
    let edit = edit.ok_or(Refusal::TooLarge("duration"))?;
    if edit.delay > around.duration_max() {
        return Err(Refusal::TooLarge("duration"));
    }
    if edit.media_start >= sums.media_duration {
        return Err(Refusal::Corrupt("an edit outside the media"));
    }
    track.edit.media_start = edit.media_start;
    track.edit.delay += edit.delay;
    Ok(sums.size_bytes)
}

/// Refuses a video with nothing to show, and one that would be played without its video track.
fn refuse_unplayable(tracks: &[Track]) -> Result<(), Refusal> {
    let has = |kind| {
        let mut tracks = tracks.iter();
        tracks.any(|track| track.kind == kind && track.sample_count > 0)
    };
    if has(TrackKind::Video) {
        return Ok(());
    }
    let is_unknown = |track: &Track| track.kind == TrackKind::Video && track.codec == Codec::Other;
    if tracks.iter().any(is_unknown) {
        return Err(Refusal::Unsupported("codec of the video track"));
    }
    match has(TrackKind::Audio) {
        true => Ok(()),
        false => Err(Refusal::NoTrack),
    }
}

/// Copies the tables out of the index if that frees more than a tenth of it.
fn detach(tracks: &mut [Track], movie: &Bytes) {
    let needed: usize = tracks.iter().map(|track| track.tables.size_bytes()).sum();
    if needed < movie.len() / 10 * 9 {
        for track in tracks {
            track.tables.detach();
        }
    }
}

fn longest(tracks: &[Track]) -> Duration {
    let ends = tracks.iter().filter(|track| track.sample_count > 0);
    let ends = ends.map(|track| super::time(track.end, track.timescale));
    ends.max().unwrap_or_default()
}
