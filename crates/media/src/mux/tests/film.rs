//! Small films, written as mp4 objects and read again.

use std::time::Duration;

use crate::mp4::{Index, Limits, Locator, Step, TrackKind};
use crate::mux::boxes::{write_box, write_full_box, write_u16, write_u32, write_u64, write_zeros};
use crate::plan::Plan;
use crate::{Part, Parts};

/// A track of a small film.
#[derive(Clone, Debug)]
pub struct TestTrack {
    pub kind: TrackKind,
    pub timescale: u32,
    pub entry: Vec<u8>,
    pub media_start: u64,
    pub samples: Vec<TestSample>,
}

/// A sample of a small film.
#[derive(Clone, Copy, Debug)]
pub struct TestSample {
    pub size_bytes: u32,
    pub duration: u32,
    pub composition_offset: i32,
    pub is_sync: bool,
}

/// A film: the object, its index, and its plan with segments of two seconds.
pub struct Film {
    pub object: Vec<u8>,
    pub index: Index,
    pub plan: Plan,
}

impl Film {
    pub fn of(tracks: &[TestTrack]) -> Film {
        let object = object(tracks);
        let limits = Limits::default();
        let index = read(&object);
        let plan = Plan::of(&index, Duration::from_secs(2), &limits).expect("a plan");
        Film {
            object,
            index,
            plan,
        }
    }

    /// What a viewer gets; every stretch must lie within the object.
    pub fn gather(&self, parts: &Parts) -> Vec<u8> {
        let mut out = Vec::new();
        for part in parts.as_slice() {
            match part {
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
                Part::Source { offset, size_bytes } => out.extend_from_slice(
                    &self.object[*offset as usize..(*offset + *size_bytes) as usize],
                ),
            }
        }
        assert_eq!(out.len() as u64, parts.size_bytes());
        out
    }
}

/// Reads the index of an object.
pub fn read(object: &[u8]) -> Index {
    let mut locator = Locator::new(object.len() as u64, Limits::default());
    while let Step::Read(range) = locator.step() {
        let bytes = &object[range.start as usize..range.end as usize];
        locator.supply(bytes).expect("an index");
    }
    locator.finish().expect("a sound index")
}

/// Three seconds of picture, and sound beneath it.
pub fn talk() -> Film {
    let sizes: Vec<u32> = (0..75).map(|place| 100 + 37 * (place % 11)).collect();
    let frames: Vec<u32> = (0..140).map(|place| 20 + place).collect();
    Film::of(&[picture(&sizes), sound(&frames)])
}

/// H.264 at 25 pictures a second, with a key frame each second and two B frames between the others.
pub fn picture(sizes_bytes: &[u32]) -> TestTrack {
    let samples = sizes_bytes.iter().enumerate();
    TestTrack {
        kind: TrackKind::Video,
        timescale: 12_800,
        entry: avc_entry(),
        media_start: priming(sizes_bytes),
        samples: samples
            .map(|(place, size_bytes)| TestSample {
                size_bytes: *size_bytes,
                duration: 512,
                composition_offset: [1024, 1536, 0, 0]
                    [place % 25 % 3 + usize::from(place % 25 == 0)],
                is_sync: place % 25 == 0,
            })
            .collect(),
    }
}

/// AAC at 48 kHz.
pub fn sound(sizes_bytes: &[u32]) -> TestTrack {
    let samples = sizes_bytes.iter();
    TestTrack {
        kind: TrackKind::Audio,
        timescale: 48_000,
        entry: aac_entry(),
        media_start: priming(sizes_bytes),
        samples: samples
            .map(|size_bytes| TestSample {
                size_bytes: *size_bytes,
                duration: 1024,
                composition_offset: 0,
                is_sync: true,
            })
            .collect(),
    }
}

/// What is decoded and not shown, in a film that is longer than that.
fn priming(sizes_bytes: &[u32]) -> u64 {
    match sizes_bytes.len() {
        0..4 => 0,
        _ => 1024,
    }
}

fn avc_entry() -> Vec<u8> {
    let mut out = Vec::new();
    write_box(&mut out, *b"avc1", |out| {
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
        write_zeros(out, 16);
        write_u16(out, 320);
        write_u16(out, 180);
        write_u32(out, 72 << 16);
        write_u32(out, 72 << 16);
        write_u32(out, 0);
        write_u16(out, 1);
        write_zeros(out, 32);
        write_u16(out, 24);
        write_u16(out, 0xffff);
        write_box(out, *b"avcC", |out| {
            out.extend_from_slice(&[1, 100, 0, 31, 0xff, 0xe1]);
            out.extend_from_slice(b"\0\x04\x67\x64\x00\x1f\x01\0\x02\x68\xeb");
        });
    });
    out
}

fn aac_entry() -> Vec<u8> {
    let mut out = Vec::new();
    write_box(&mut out, *b"mp4a", |out| {
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
        write_zeros(out, 8);
        write_u16(out, 2);
        write_u16(out, 16);
        write_u32(out, 0);
        write_u32(out, 48_000 << 16);
        write_full_box(out, *b"esds", 0, 0, |out| {
            out.extend_from_slice(&[3, 25, 0, 1, 0, 4, 17, 0x40, 0x15]);
            write_zeros(out, 11);
            out.extend_from_slice(&[5, 2, 0x11, 0x90, 6, 1, 2]);
        });
    });
    out
}

/// Samples first, each a chunk of its own and the tracks by turns, then the index.
fn object(tracks: &[TestTrack]) -> Vec<u8> {
    let mut out = Vec::new();
    write_box(&mut out, *b"ftyp", |out| {
        out.extend_from_slice(b"isom\0\0\0\0isom");
    });
    let mut offsets = vec![Vec::new(); tracks.len()];
    write_box(&mut out, *b"mdat", |out| {
        let longest = tracks.iter().map(|track| track.samples.len()).max();
        for place in 0..longest.unwrap_or(0) {
            for (track, offsets) in tracks.iter().zip(&mut offsets) {
                if let Some(sample) = track.samples.get(place) {
                    offsets.push(out.len() as u64);
                    out.extend_from_slice(&content(sample.size_bytes as usize));
                }
            }
        }
    });
    write_box(&mut out, *b"moov", |out| {
        write_full_box(out, *b"mvhd", 0, 0, |out| {
            write_zeros(out, 8);
            write_u32(out, 1000);
            write_zeros(out, 84);
        });
        for ((number, track), offsets) in (1..).zip(tracks).zip(&offsets) {
            write_box(out, *b"trak", |out| {
                write_track(out, number, track, offsets);
            });
        }
    });
    out
}

/// One NAL unit with its length; below five bytes only zeros.
fn content(size_bytes: usize) -> Vec<u8> {
    let mut content = vec![0; size_bytes];
    if let Some(head) = content.get_mut(..5) {
        head[..4].copy_from_slice(&(size_bytes as u32 - 4).to_be_bytes());
        head[4] = 0x41;
    }
    for (place, byte) in content.iter_mut().enumerate().skip(5) {
        *byte = place as u8 | 4;
    }
    content
}

fn write_track(out: &mut Vec<u8>, number: u32, track: &TestTrack, offsets: &[u64]) {
    write_full_box(out, *b"tkhd", 0, 7, |out| {
        write_zeros(out, 8);
        write_u32(out, number);
        write_zeros(out, 24);
        for value in [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000] {
            write_u32(out, value);
        }
        write_u32(out, 320 << 16);
        write_u32(out, 180 << 16);
    });
    write_box(out, *b"edts", |out| {
        write_full_box(out, *b"elst", 1, 0, |out| {
            write_u32(out, 1);
            write_u64(out, 0);
            write_u64(out, track.media_start);
            write_u32(out, 0x1_0000);
        });
    });
    write_box(out, *b"mdia", |out| {
        write_full_box(out, *b"mdhd", 0, 0, |out| {
            write_zeros(out, 8);
            write_u32(out, track.timescale);
            let durations = track.samples.iter().map(|sample| sample.duration);
            write_u32(out, durations.sum());
            // "eng".
            write_u16(out, 0x15c7);
            write_u16(out, 0);
        });
        write_full_box(out, *b"hdlr", 0, 0, |out| {
            write_u32(out, 0);
            out.extend_from_slice(match track.kind {
                TrackKind::Video => b"vide",
                TrackKind::Audio => b"soun",
                TrackKind::Text => b"text",
            });
            write_zeros(out, 12);
            out.extend_from_slice(b"a track\0");
        });
        write_box(out, *b"minf", |out| {
            write_box(out, *b"stbl", |out| write_tables(out, track, offsets));
        });
    });
}

fn write_tables(out: &mut Vec<u8>, track: &TestTrack, offsets: &[u64]) {
    let count = track.samples.len() as u32;
    write_full_box(out, *b"stsd", 0, 0, |out| {
        write_u32(out, 1);
        out.extend_from_slice(&track.entry);
    });
    write_full_box(out, *b"stts", 0, 0, |out| {
        write_u32(out, count);
        for sample in &track.samples {
            write_u32(out, 1);
            write_u32(out, sample.duration);
        }
    });
    write_full_box(out, *b"ctts", 1, 0, |out| {
        write_u32(out, count);
        for sample in &track.samples {
            write_u32(out, 1);
            write_u32(out, sample.composition_offset.cast_unsigned());
        }
    });
    write_full_box(out, *b"stss", 0, 0, |out| {
        let syncs = (1..)
            .zip(&track.samples)
            .filter(|(_, sample)| sample.is_sync);
        let syncs: Vec<u32> = syncs.map(|(number, _)| number).collect();
        write_u32(out, syncs.len() as u32);
        for number in syncs {
            write_u32(out, number);
        }
    });
    write_full_box(out, *b"stsc", 0, 0, |out| {
        for value in [1, 1, 1, 1] {
            write_u32(out, value);
        }
    });
    write_full_box(out, *b"stsz", 0, 0, |out| {
        write_u32(out, 0);
        write_u32(out, count);
        for sample in &track.samples {
            write_u32(out, sample.size_bytes);
        }
    });
    write_full_box(out, *b"co64", 0, 0, |out| {
        write_u32(out, count);
        for offset in offsets {
            write_u64(out, *offset);
        }
    });
}
