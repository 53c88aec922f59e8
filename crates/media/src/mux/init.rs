//! The init segment of a track: `ftyp`, and a `moov` whose tables are empty.

use bytes::Bytes;

use crate::mp4::{Edit, Track, TrackKind};
use crate::mux::boxes::{write_box, write_full_box, write_u16, write_u32, write_u64, write_zeros};
use crate::mux::sample_entry::sample_entry;

/// Size up to which the name of a track is written.
const NAME_SIZE_BYTES_MAX: usize = 255;
/// The matrix without rotation: 16.16, save the last column, which is 2.30.
const UNITY_MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// Makes the init segment of a track (ISO 14496-12, and CMAF, ISO 23000-19 7.3).
///
/// The edit of the track is unchanged, so that the first times are those of the object; its delay is in the segments'
/// decode times (`tfdt`). The sample entry is the object's, with `hev1` rewritten to `hvc1` where that is allowed.
pub fn init_segment(track: &Track) -> Bytes {
    let mut out = Vec::with_capacity(1024 + track.sample_entry.len());
    write_box(&mut out, *b"ftyp", |out| {
        out.extend_from_slice(b"iso6\0\0\0\0iso6cmfcdash");
    });
    write_box(&mut out, *b"moov", |out| {
        write_movie_header(out, track);
        write_box(out, *b"trak", |out| write_track(out, track));
        write_box(out, *b"mvex", |out| write_movie_extends(out, track));
    });
    Bytes::from(out)
}

/// Writes the `mvhd`. The movie's timescale is the track's, as there is only one.
fn write_movie_header(out: &mut Vec<u8>, track: &Track) {
    write_full_box(out, *b"mvhd", 0, 0, |out| {
        write_zeros(out, 8);
        write_u32(out, track.timescale);
        write_u32(out, 0);
        write_u32(out, 0x1_0000);
        write_u16(out, 0x0100);
        write_zeros(out, 10);
        for value in UNITY_MATRIX {
            write_u32(out, value);
        }
        write_zeros(out, 24);
        write_u32(out, track.number.saturating_add(1));
    });
}

fn write_track(out: &mut Vec<u8>, track: &Track) {
    write_track_header(out, track);
    if track.edit.media_start > 0 {
        write_box(out, *b"edts", |out| write_edit_list(out, track.edit));
    }
    write_box(out, *b"mdia", |out| {
        write_full_box(out, *b"mdhd", 0, 0, |out| {
            write_zeros(out, 8);
            write_u32(out, track.timescale);
            write_u32(out, 0);
            write_u16(out, packed_language(track.language.as_deref()));
            write_u16(out, 0);
        });
        write_handler(out, track);
        write_box(out, *b"minf", |out| write_media_information(out, track));
    });
}

fn write_track_header(out: &mut Vec<u8>, track: &Track) {
    // Enabled, in the movie, in the preview: it is the only track of its file.
    write_full_box(out, *b"tkhd", 0, 7, |out| {
        write_zeros(out, 8);
        write_u32(out, track.number);
        write_zeros(out, 4 + 4 + 8 + 2 + 2);
        let volume = match track.kind {
            TrackKind::Audio => 0x0100,
            TrackKind::Video | TrackKind::Text => 0,
        };
        write_u16(out, volume);
        write_zeros(out, 2);
        out.extend_from_slice(&track.matrix);
        write_u32(out, track.display_width);
        write_u32(out, track.display_height);
    });
}

/// Writes one edit that extends to the end, for which a fragmented file has the duration 0.
fn write_edit_list(out: &mut Vec<u8>, edit: Edit) {
    write_full_box(out, *b"elst", 1, 0, |out| {
        write_u32(out, 1);
        write_u64(out, 0);
        write_u64(out, edit.media_start);
        write_u32(out, 0x1_0000);
    });
}

fn write_handler(out: &mut Vec<u8>, track: &Track) {
    write_full_box(out, *b"hdlr", 0, 0, |out| {
        write_u32(out, 0);
        out.extend_from_slice(match track.kind {
            TrackKind::Video => b"vide",
            TrackKind::Audio => b"soun",
            TrackKind::Text => b"text",
        });
        write_zeros(out, 12);
        let name = track.name.as_deref().unwrap_or_default();
        if name.len() <= NAME_SIZE_BYTES_MAX {
            out.extend_from_slice(name.as_bytes());
        }
        write_zeros(out, 1);
    });
}

fn write_media_information(out: &mut Vec<u8>, track: &Track) {
    match track.kind {
        TrackKind::Video => write_full_box(out, *b"vmhd", 0, 1, |out| write_zeros(out, 8)),
        TrackKind::Audio => write_full_box(out, *b"smhd", 0, 0, |out| write_zeros(out, 4)),
        TrackKind::Text => write_full_box(out, *b"nmhd", 0, 0, |_| {}),
    }
    write_box(out, *b"dinf", |out| {
        write_full_box(out, *b"dref", 0, 0, |out| {
            write_u32(out, 1);
            // The flag means: in this file.
            write_full_box(out, *b"url ", 0, 1, |_| {});
        });
    });
    write_box(out, *b"stbl", |out| {
        write_full_box(out, *b"stsd", 0, 0, |out| {
            write_u32(out, 1);
            out.extend_from_slice(&sample_entry(track));
        });
        write_full_box(out, *b"stts", 0, 0, |out| write_u32(out, 0));
        write_full_box(out, *b"stsc", 0, 0, |out| write_u32(out, 0));
        write_full_box(out, *b"stsz", 0, 0, |out| write_u64(out, 0));
        write_full_box(out, *b"stco", 0, 0, |out| write_u32(out, 0));
    });
}

/// Writes the `mvex` with a duration, so that players do not take the video for a live stream.
fn write_movie_extends(out: &mut Vec<u8>, track: &Track) {
    let shown = track.media_duration.saturating_sub(track.edit.media_start);
    write_full_box(out, *b"mehd", 1, 0, |out| {
        write_u64(out, shown.saturating_add(track.edit.delay));
    });
    write_full_box(out, *b"trex", 0, 0, |out| {
        write_u32(out, track.number);
        write_u32(out, 1);
        write_zeros(out, 12);
    });
}

/// Packs an ISO 639-2 code into three times five bits; `und` if undetermined.
fn packed_language(language: Option<&str>) -> u16 {
    let letters = match language.map(str::as_bytes) {
        Some(&[a, b, c]) if [a, b, c].iter().all(u8::is_ascii_lowercase) => [a, b, c],
        Some(_) | None => *b"und",
    };
    letters
        .iter()
        .fold(0, |packed, letter| packed << 5 | u16::from(letter - 0x60))
}
