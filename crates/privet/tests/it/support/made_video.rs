//! Small mp4 videos whose every sample is known, and origins that serve them.

use crate::support::{OriginAnswer, OriginAsk};
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// Number of pictures per second.
const RATE: u32 = 24;
/// Audio sample rate in Hz; with frames of 1,024 samples, about 47 audio frames per second.
const AUDIO_SCALE: u32 = 48_000;
const AUDIO_FRAME: u32 = 1_024;

/// A video as an object: video with a key frame every two seconds, and audio, interleaved second by second.
#[derive(Clone, Debug)]
pub struct MadeVideo {
    pub bytes: Vec<u8>,
    /// Positions of the video samples.
    pub video: Vec<Range<usize>>,
    /// Positions of the audio samples.
    pub audio: Vec<Range<usize>>,
}

/// Position of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexAt {
    Start,
    End,
}

impl MadeVideo {
    /// Makes a video of `secs` seconds with `picture_size_bytes` per picture. Every `version` has different bytes.
    pub fn new(secs: u32, picture_size_bytes: usize, version: u8) -> Self {
        MadeVideo::with_index_at(IndexAt::Start, secs, picture_size_bytes, version)
    }

    pub fn with_index_at(at: IndexAt, secs: u32, picture_size_bytes: usize, version: u8) -> Self {
        let mut media = Media::new(secs, picture_size_bytes, version);
        let head = boxed(b"ftyp", b"isom\0\0\x02\0isomiso2avc1mp41");
        let index_size_bytes = media.index(0).len();
        let before = match at {
            IndexAt::Start => head.len() + index_size_bytes,
            IndexAt::End => head.len(),
        };
        let index = media.index(before + 8);
        let body = boxed(b"mdat", &media.bytes);
        let bytes = match at {
            IndexAt::Start => [head, index, body].concat(),
            IndexAt::End => [head, body, index].concat(),
        };
        let moved = |ranges: Vec<Range<usize>>| {
            let moved = ranges.into_iter();
            moved
                .map(|range| range.start + before + 8..range.end + before + 8)
                .collect()
        };
        MadeVideo {
            bytes,
            video: moved(std::mem::take(&mut media.video)),
            audio: moved(std::mem::take(&mut media.audio)),
        }
    }

    /// Returns the bytes of the video samples in a segment of two seconds; segments are numbered from 1.
    pub fn picture(&self, segment: usize) -> Vec<u8> {
        let samples = 2 * RATE as usize;
        let wanted = &self.video[(segment - 1) * samples..segment * samples];
        wanted
            .iter()
            .flat_map(|range| self.bytes[range.clone()].to_vec())
            .collect()
    }
}

/// Returns what follows the header of `mdat` in a segment.
#[track_caller]
pub fn samples_of(segment: &[u8]) -> &[u8] {
    let mut rest = segment;
    loop {
        let (head, _) = rest.split_first_chunk::<8>().expect("a box");
        let size = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        assert!(
            (8..=rest.len()).contains(&size),
            "a box of {size} bytes in {}",
            rest.len()
        );
        if &head[4..] == b"mdat" {
            return &rest[8..size];
        }
        rest = &rest[size..];
    }
}

struct Media {
    secs: u32,
    bytes: Vec<u8>,
    video: Vec<Range<usize>>,
    audio: Vec<Range<usize>>,
    /// Number of the first sample after each chunk, and the chunk's offset.
    video_chunks: Vec<(usize, usize)>,
    audio_chunks: Vec<(usize, usize)>,
}

impl Media {
    fn new(secs: u32, picture_size_bytes: usize, version: u8) -> Self {
        let mut media = Media {
            secs,
            bytes: Vec::new(),
            video: Vec::new(),
            audio: Vec::new(),
            video_chunks: Vec::new(),
            audio_chunks: Vec::new(),
        };
        for second in 0..secs {
            let start = media.bytes.len();
            for picture in second * RATE..(second + 1) * RATE {
                let is_key = picture.is_multiple_of(2 * RATE);
                let unit = if is_key { 0x65 } else { 0x41 };
                media.push_unit(unit, picture_size_bytes, picture, version);
            }
            media.video_chunks.push((media.video.len(), start));
            let start = media.bytes.len();
            while (media.audio.len() as u32) * AUDIO_FRAME < (second + 1) * AUDIO_SCALE {
                let frame = media.audio.len() as u32;
                let at = media.bytes.len();
                media
                    .bytes
                    .extend((0..200).map(|place| filler(frame, place, version)));
                media.audio.push(at..media.bytes.len());
            }
            media.audio_chunks.push((media.audio.len(), start));
        }
        media
    }

    /// Appends one NAL unit, preceded by its length.
    fn push_unit(&mut self, kind: u8, size_bytes: usize, number: u32, version: u8) {
        let at = self.bytes.len();
        let length = u32::try_from(size_bytes - 4).unwrap();
        self.bytes.extend(length.to_be_bytes());
        self.bytes.push(kind);
        let rest = size_bytes - 5;
        self.bytes
            .extend((0..rest).map(|place| filler(number, place, version)));
        self.video.push(at..self.bytes.len());
    }

    fn index(&self, media_at: usize) -> Vec<u8> {
        let mut header = vec![0; 4 + 8];
        header.extend(1_000u32.to_be_bytes());
        header.extend((self.secs * 1_000).to_be_bytes());
        header.extend([0, 1, 0, 0, 1, 0, 0, 0, 0, 0]);
        header.extend([0; 8]);
        header.extend(MATRIX);
        header.extend([0; 24]);
        header.extend(3u32.to_be_bytes());
        let picture = self.track(1, &self.video, &self.video_chunks, media_at);
        let audio = self.track(2, &self.audio, &self.audio_chunks, media_at);
        boxed(b"moov", &[boxed(b"mvhd", &header), picture, audio].concat())
    }

    fn track(
        &self,
        id: u32,
        samples: &[Range<usize>],
        chunks: &[(usize, usize)],
        media_at: usize,
    ) -> Vec<u8> {
        let is_video = id == 1;
        let (scale, delta) = if is_video {
            (RATE, 1)
        } else {
            (AUDIO_SCALE, AUDIO_FRAME)
        };
        let mut head = vec![0, 0, 0, 3];
        head.extend([0; 8]);
        head.extend(id.to_be_bytes());
        head.extend([0; 4]);
        head.extend((self.secs * 1_000).to_be_bytes());
        head.extend([0; 16]);
        head.extend(MATRIX);
        let (width, height) = if is_video {
            (640u32 << 16, 360u32 << 16)
        } else {
            (0, 0)
        };
        head.extend(width.to_be_bytes());
        head.extend(height.to_be_bytes());
        let mut media_head = vec![0; 12];
        media_head.extend(scale.to_be_bytes());
        media_head.extend((samples.len() as u32 * delta).to_be_bytes());
        media_head.extend([0x55, 0xc4, 0, 0]);
        let mut handler = vec![0; 8];
        handler.extend(if is_video { b"vide" } else { b"soun" });
        handler.extend([0; 13]);
        let media_header = if is_video {
            boxed(b"vmhd", &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        } else {
            boxed(b"smhd", &[0; 8])
        };
        let reference = [
            &[0, 0, 0, 0, 0, 0, 0, 1][..],
            &boxed(b"url ", &[0, 0, 0, 1]),
        ]
        .concat();
        let data = boxed(b"dinf", &boxed(b"dref", &reference));
        let tables = boxed(b"stbl", &tables(samples, chunks, delta, is_video, media_at));
        let information = boxed(b"minf", &[media_header, data, tables].concat());
        let media = [
            boxed(b"mdhd", &media_head),
            boxed(b"hdlr", &handler),
            information,
        ]
        .concat();
        boxed(
            b"trak",
            &[boxed(b"tkhd", &head), boxed(b"mdia", &media)].concat(),
        )
    }
}

fn tables(
    samples: &[Range<usize>],
    chunks: &[(usize, usize)],
    delta: u32,
    is_video: bool,
    media_at: usize,
) -> Vec<u8> {
    let entry = if is_video {
        picture_entry()
    } else {
        audio_entry()
    };
    let mut out = boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &entry].concat());
    out.extend(table(b"stts", &[1, samples.len() as u32, delta]));
    if is_video {
        let keys: Vec<u32> = (0..samples.len() as u32)
            .step_by(2 * RATE as usize)
            .collect();
        let keys = keys.iter().map(|key| key + 1);
        let entries: Vec<u32> = std::iter::once(keys.len() as u32).chain(keys).collect();
        out.extend(table(b"stss", &entries));
    }
    let mut runs = vec![chunks.len() as u32];
    let mut first = 0;
    for (number, (behind, _)) in chunks.iter().enumerate() {
        runs.extend([number as u32 + 1, (behind - first) as u32, 1]);
        first = *behind;
    }
    out.extend(table(b"stsc", &runs));
    let sizes = samples.iter().map(|range| range.len() as u32);
    let entries: Vec<u32> = [0, samples.len() as u32].into_iter().chain(sizes).collect();
    out.extend(table(b"stsz", &entries));
    let places = chunks.iter().map(|(_, start)| (media_at + start) as u32);
    let entries: Vec<u32> = std::iter::once(chunks.len() as u32).chain(places).collect();
    out.extend(table(b"stco", &entries));
    out
}

/// Returns the sample entry of the video: High profile, level 3.0, lengths of four bytes.
fn picture_entry() -> Vec<u8> {
    let mut entry = vec![0, 0, 0, 0, 0, 0, 0, 1];
    entry.extend([0; 16]);
    entry.extend([
        0x02, 0x80, 0x01, 0x68, 0, 0x48, 0, 0, 0, 0x48, 0, 0, 0, 0, 0, 0, 0, 1,
    ]);
    entry.extend([0; 32]);
    entry.extend([0, 0x18, 0xff, 0xff]);
    let configuration = [
        1, 0x64, 0, 0x1e, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1e, 1, 0, 4, 0x68, 0xee, 0x3c, 0x80,
    ];
    entry.extend(boxed(b"avcC", &configuration));
    boxed(b"avc1", &entry)
}

/// Returns the sample entry of the audio: AAC LC, 48,000 Hz, two channels.
fn audio_entry() -> Vec<u8> {
    let mut entry = vec![0, 0, 0, 0, 0, 0, 0, 1];
    entry.extend([0; 8]);
    entry.extend([0, 2, 0, 16, 0, 0, 0, 0, 0xbb, 0x80, 0, 0]);
    let decoder = [
        3, 25, 0, 2, 0, 4, 17, 0x40, 0x15, 0, 0, 0, 0, 1, 0xf4, 0, 0, 1, 0xf4, 0, 5, 2, 0x11, 0x90,
        6, 1, 2,
    ];
    entry.extend(boxed(b"esds", &[&[0; 4][..], &decoder].concat()));
    boxed(b"mp4a", &entry)
}

const MATRIX: [u8; 36] = {
    let mut matrix = [0; 36];
    matrix[1] = 1;
    matrix[17] = 1;
    matrix[32] = 0x40;
    matrix
};

fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len() + 8).unwrap();
    [&size.to_be_bytes()[..], kind, payload].concat()
}

fn table(kind: &[u8; 4], entries: &[u32]) -> Vec<u8> {
    let mut payload = vec![0; 4];
    payload.extend(entries.iter().flat_map(|entry| entry.to_be_bytes()));
    boxed(kind, &payload)
}

/// Returns a byte that is never part of a start code and that differs between versions.
fn filler(number: u32, place: usize, version: u8) -> u8 {
    let mixed = (number as usize).wrapping_mul(31) + place * 7 + place / 251;
    (mixed as u8) | 0x10 | version << 5
}

/// An object of an origin: its bytes, and how they are sent.
#[derive(Clone)]
pub struct HeldObject(Arc<Mutex<Held>>);

struct Held {
    bytes: Arc<Vec<u8>>,
    headers: Vec<(String, String)>,
    ranges: Ranges,
}

/// An origin's handling of `Range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranges {
    Served,
    Ignored,
}

impl HeldObject {
    pub fn new(bytes: Vec<u8>, headers: &[(&str, &str)]) -> Self {
        let object = HeldObject(Arc::new(Mutex::new(Held {
            bytes: Arc::default(),
            headers: Vec::new(),
            ranges: Ranges::Served,
        })));
        object.change_to(bytes, headers);
        object
    }

    pub fn ignoring_ranges(self) -> Self {
        self.0.lock().unwrap().ranges = Ranges::Ignored;
        self
    }

    /// Replaces the bytes and headers, from the next request on.
    pub fn change_to(&self, bytes: Vec<u8>, headers: &[(&str, &str)]) {
        let mut held = self.0.lock().unwrap();
        held.bytes = Arc::new(bytes);
        let headers = headers.iter();
        held.headers = headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
    }

    /// Responds as RFC 9110 13.2.2 and 14.2 say, for one range and entity tags.
    pub fn answer(&self, ask: &OriginAsk) -> OriginAnswer {
        let held = self.0.lock().unwrap();
        let headers: Vec<(&str, &str)> = held
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let etag = headers.iter().find(|(name, _)| *name == "ETag");
        let holds = |condition: &str| etag.is_some_and(|(_, etag)| condition.contains(etag));
        if ask.header("If-Match").is_some_and(|tag| !holds(tag)) {
            return OriginAnswer::whole(412, &[], "");
        }
        if ask.header("If-None-Match").is_some_and(holds) {
            return OriginAnswer::head(304, &headers);
        }
        let size_bytes = held.bytes.len() as u64;
        let range = ask.range(size_bytes);
        let Some(range) = range.filter(|_| held.ranges == Ranges::Served) else {
            return OriginAnswer::whole(200, &headers, held.bytes.as_slice());
        };
        let content_range = format!("bytes {}-{}/{size_bytes}", range.start, range.end - 1);
        let mut headers = headers;
        headers.push(("Content-Range", &content_range));
        let bytes = &held.bytes[range.start as usize..range.end as usize];
        OriginAnswer::whole(206, &headers, bytes)
    }
}
