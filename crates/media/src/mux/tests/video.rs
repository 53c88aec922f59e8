//! Small videos whose samples are NAL units, cut into segments of two seconds.

use std::time::Duration;

use crate::mp4::tests::builder::{self, VideoSample, VideoTrack, read};
use crate::mp4::{Index, Limits, TrackKind};
use crate::segmentation::Segmentation;
use crate::{Part, Parts};

/// An object, its index, and its segmentation.
pub struct Video {
    pub object: Vec<u8>,
    pub index: Index,
    pub segmentation: Segmentation,
}

impl Video {
    pub fn of(tracks: &[VideoTrack]) -> Video {
        let mut video = builder::Video::new(tracks.to_vec());
        video.chunk_sample_count = 1;
        let mut object = video.bytes();
        let index = read(&object).expect("an index of the audio");
        let pictures = index.tracks.iter();
        for track in pictures.filter(|track| track.kind == TrackKind::Video) {
            for sample in track.samples() {
                let at = sample.offset as usize;
                write_picture(&mut object[at..at + sample.size_bytes as usize]);
            }
        }
        let limits = Limits::default();
        let segmentation =
            Segmentation::of(&index, Duration::from_secs(2), &limits).expect("a segmentation");
        Video {
            object,
            index,
            segmentation,
        }
    }

    /// Returns the bytes that a viewer gets; every range must lie within the object.
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

/// Writes one NAL unit with its length; below five bytes only zeros.
fn write_picture(sample: &mut [u8]) {
    let size_bytes = sample.len() as u32;
    for (place, byte) in sample.iter_mut().enumerate() {
        *byte = place as u8 | 4;
    }
    match sample.get_mut(..5) {
        Some(head) => {
            head[..4].copy_from_slice(&(size_bytes - 4).to_be_bytes());
            head[4] = 0x41;
        }
        None => sample.fill(0),
    }
}

/// Makes three seconds of video, with audio.
pub fn talk() -> Video {
    let sizes: Vec<u32> = (0..75).map(|place| 100 + 37 * (place % 11)).collect();
    let frames: Vec<u32> = (0..140).map(|place| 20 + place).collect();
    Video::of(&[picture(&sizes), audio(&frames)])
}

/// Makes an H.264 track with 25 frames per second, a key frame each second, and two B frames between the others.
pub fn picture(sizes_bytes: &[u32]) -> VideoTrack {
    let samples = (0..).zip(sizes_bytes);
    VideoTrack {
        timescale: 12_800,
        samples: samples
            .map(|(place, size_bytes)| VideoSample {
                size_bytes: *size_bytes,
                duration: 512,
                composition_offset: match (place % 25, place % 25 % 3) {
                    (0, _) => 1024,
                    (_, 1) => 2560,
                    (_, _) => 0,
                },
                is_sync: place % 25 == 0,
            })
            .collect(),
        edits: edits(sizes_bytes),
        language: *b"eng",
        name: "a track",
        ..VideoTrack::video(0, 1)
    }
}

/// Makes an AAC track at 48 kHz.
pub fn audio(sizes_bytes: &[u32]) -> VideoTrack {
    let samples = sizes_bytes.iter();
    VideoTrack {
        timescale: 48_000,
        samples: samples
            .map(|size_bytes| builder::sample(*size_bytes, 1024, true))
            .collect(),
        edits: edits(sizes_bytes),
        language: *b"eng",
        name: "a track",
        ..VideoTrack::audio(0)
    }
}

/// Returns an edit that hides the first samples, in a video that is long enough.
fn edits(sizes_bytes: &[u32]) -> Vec<(u32, i32)> {
    match sizes_bytes.len() {
        0..4 => Vec::new(),
        _ => vec![(0, 1024)],
    }
}
