//! Writes small mp4 objects for tests: whole or in fragments, with the samples, edits and entries that a test needs.

use super::super::{Index, Limits, Locator, Step, TrackKind};
use crate::Refusal;

/// An object to be written.
#[derive(Clone, Debug)]
pub(crate) struct Video {
    pub(crate) movie_timescale: u32,
    pub(crate) tracks: Vec<VideoTrack>,
    /// Number of samples per chunk.
    pub(crate) chunk_sample_count: usize,
}

/// A track to be written.
#[derive(Clone, Debug)]
pub(crate) struct VideoTrack {
    pub(crate) kind: TrackKind,
    pub(crate) timescale: u32,
    pub(crate) samples: Vec<VideoSample>,
    /// Sample entry, a whole box.
    pub(crate) entry: Vec<u8>,
    /// Edits: duration in the movie's timescale, and media time, which is -1 for an empty edit.
    pub(crate) edits: Vec<(u32, i32)>,
    pub(crate) language: [u8; 3],
    pub(crate) name: &'static str,
    /// Boxes of `udta`.
    pub(crate) user_data: Vec<u8>,
}

/// A sample to be written. Each of its bytes is the last byte of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VideoSample {
    pub(crate) size_bytes: u32,
    pub(crate) duration: u32,
    pub(crate) composition_offset: i32,
    pub(crate) is_sync: bool,
}

pub(crate) fn sample(size_bytes: u32, duration: u32, is_sync: bool) -> VideoSample {
    VideoSample {
        size_bytes,
        duration,
        composition_offset: 0,
        is_sync,
    }
}

impl VideoTrack {
    /// Makes an H.264 track with 25 frames per second, a key frame at every `group`th and no reordering.
    pub(crate) fn video(count: u32, group: u32) -> VideoTrack {
        VideoTrack {
            kind: TrackKind::Video,
            timescale: 25,
            samples: (0..count)
                .map(|number| sample(100 + number % 7, 1, number % group == 0))
                .collect(),
            entry: avc_entry(),
            edits: Vec::new(),
            language: *b"und",
            name: "picture",
            user_data: Vec::new(),
        }
    }

    /// Makes an AAC track with 50 samples per second.
    pub(crate) fn audio(count: u32) -> VideoTrack {
        VideoTrack {
            kind: TrackKind::Audio,
            timescale: 51_200,
            samples: (0..count)
                .map(|number| sample(20 + number % 3, 1024, true))
                .collect(),
            entry: aac_entry(),
            edits: Vec::new(),
            language: *b"slv",
            name: "audio",
            user_data: Vec::new(),
        }
    }

    /// Makes a timed text track with a cue or a pause each second.
    pub(crate) fn text(count: u32) -> VideoTrack {
        VideoTrack {
            kind: TrackKind::Text,
            timescale: 1000,
            samples: (0..count)
                .map(|number| sample(2 + number % 2 * 5, 1000, true))
                .collect(),
            entry: boxed(b"tx3g", &[&[0, 0, 0, 0, 0, 0, 0, 1], &[0; 30]]),
            edits: Vec::new(),
            language: *b"eng",
            name: "text",
            user_data: Vec::new(),
        }
    }

    fn is_all_sync(&self) -> bool {
        self.samples.iter().all(|sample| sample.is_sync)
    }
}

impl Video {
    pub(crate) fn new(tracks: Vec<VideoTrack>) -> Video {
        Video {
            movie_timescale: 1000,
            tracks,
            chunk_sample_count: 5,
        }
    }

    /// Returns the object, with the index at its end.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut object = file_type();
        let (media, chunks) = self.media(object.len() + 8);
        object.extend(boxed(b"mdat", &[&media]));
        object.extend(self.index(&chunks, false));
        object
    }

    /// Returns the object, with the index before its media.
    pub(crate) fn bytes_with_index_first(&self) -> Vec<u8> {
        let mut object = file_type();
        let size_bytes = self.index(&self.media(0).1, false).len();
        let (media, chunks) = self.media(object.len() + size_bytes + 8);
        object.extend(self.index(&chunks, false));
        object.extend(boxed(b"mdat", &[&media]));
        object
    }

    /// Returns the object in fragments of this many samples of each track. `first_decode_time` is that of the first
    /// fragments, in seconds.
    pub(crate) fn bytes_in_fragments(
        &self,
        sample_count: usize,
        first_decode_time: u64,
    ) -> Vec<u8> {
        let mut object = file_type();
        let empty: Vec<_> = self.tracks.iter().map(|_| Vec::new()).collect();
        object.extend(self.index(&empty, true));
        let longest = self.tracks.iter().map(|track| track.samples.len()).max();
        let mut at = 0;
        while at < longest.unwrap_or_default() {
            object.extend(self.fragment(at, sample_count, first_decode_time));
            at += sample_count;
        }
        object
    }

    /// Returns the samples of all tracks in chunks, in turn, and the offsets of each track's chunks.
    fn media(&self, start: usize) -> (Vec<u8>, Vec<Vec<u64>>) {
        let mut media = Vec::new();
        let mut chunks: Vec<Vec<u64>> = self.tracks.iter().map(|_| Vec::new()).collect();
        let longest = self.tracks.iter().map(|track| track.samples.len()).max();
        let mut at = 0;
        while at < longest.unwrap_or_default() {
            for (track, chunks) in self.tracks.iter().zip(&mut chunks) {
                let samples = track.samples.iter().enumerate();
                let mut chunk = samples.skip(at).take(self.chunk_sample_count).peekable();
                if chunk.peek().is_some() {
                    chunks.push((start + media.len()) as u64);
                }
                for (number, sample) in chunk {
                    media.resize(media.len() + sample.size_bytes as usize, number as u8);
                }
            }
            at += self.chunk_sample_count;
        }
        (media, chunks)
    }

    fn index(&self, chunks: &[Vec<u64>], is_fragmented: bool) -> Vec<u8> {
        let mut inner = vec![full_box(
            b"mvhd",
            0,
            0,
            &[&[0; 8], &self.movie_timescale.to_be_bytes(), &[0; 84]],
        )];
        for (number, (track, chunks)) in self.tracks.iter().zip(chunks).enumerate() {
            let id = number as u32 + 1;
            inner.push(self.track_box(track, id, chunks, is_fragmented));
        }
        if is_fragmented {
            let extends = (1..=self.tracks.len() as u32)
                .map(|id| full_box(b"trex", 0, 0, &[&id.to_be_bytes(), &[0, 0, 0, 1], &[0; 12]]));
            let extends: Vec<u8> = extends.flatten().collect();
            inner.push(boxed(b"mvex", &[&extends]));
        }
        boxed(b"moov", &[&inner.concat()])
    }

    fn track_box(
        &self,
        track: &VideoTrack,
        id: u32,
        chunks: &[u64],
        is_fragmented: bool,
    ) -> Vec<u8> {
        let handler: &[u8; 4] = match track.kind {
            TrackKind::Video => b"vide",
            TrackKind::Audio => b"soun",
            TrackKind::Text => b"sbtl",
        };
        let language = track.language.iter();
        let language = language.fold(0_u16, |packed, letter| {
            packed << 5 | u16::from(letter - 0x60)
        });
        let header = full_box(
            b"tkhd",
            0,
            1,
            &[
                &[0; 8],
                &id.to_be_bytes(),
                &[0; 24],
                &[0; 36],
                &[0, 64, 0, 0],
                &[0, 48, 0, 0],
            ],
        );
        let media_header = full_box(
            b"mdhd",
            0,
            0,
            &[
                &[0; 8],
                &track.timescale.to_be_bytes(),
                &[0; 4],
                &language.to_be_bytes(),
                &[0; 2],
            ],
        );
        let handler = full_box(
            b"hdlr",
            0,
            0,
            &[&[0; 4], handler, &[0; 12], track.name.as_bytes(), &[0]],
        );
        let samples: &[VideoSample] = match is_fragmented {
            true => &[],
            false => &track.samples,
        };
        let tables = sample_table(track, samples, chunks, self.chunk_sample_count);
        let information = boxed(b"minf", &[&tables]);
        let media = boxed(b"mdia", &[&media_header, &handler, &information]);
        let user_data = match track.user_data.is_empty() {
            true => Vec::new(),
            false => boxed(b"udta", &[&track.user_data]),
        };
        boxed(
            b"trak",
            &[&header, &edits_box(&track.edits), &media, &user_data],
        )
    }

    fn fragment(&self, at: usize, sample_count: usize, first_decode_time: u64) -> Vec<u8> {
        let mut media = Vec::new();
        let mut tracks = Vec::new();
        for (number, track) in self.tracks.iter().enumerate() {
            let samples = track.samples.iter().enumerate();
            let samples: Vec<_> = samples.skip(at).take(sample_count).collect();
            if samples.is_empty() {
                continue;
            }
            let passed = track.samples.iter().take(at);
            let decode_time: u64 = passed.map(|sample| u64::from(sample.duration)).sum::<u64>()
                + first_decode_time * u64::from(track.timescale);
            let offset = media.len() as u32;
            let mut run = Vec::new();
            for (number, sample) in &samples {
                run.extend(sample.duration.to_be_bytes());
                run.extend(sample.size_bytes.to_be_bytes());
                run.extend((u32::from(!sample.is_sync) << 16).to_be_bytes());
                run.extend(sample.composition_offset.to_be_bytes());
                media.resize(media.len() + sample.size_bytes as usize, *number as u8);
            }
            tracks.push((
                number as u32 + 1,
                decode_time,
                samples.len() as u32,
                offset,
                run,
            ));
        }
        let written = |media_start: u32| {
            let tracks = tracks.iter().map(|(id, decode_time, count, offset, run)| {
                let header = full_box(b"tfhd", 0, 0x2_0000, &[&id.to_be_bytes()]);
                let start = full_box(b"tfdt", 1, 0, &[&decode_time.to_be_bytes()]);
                let offset = (media_start + offset).to_be_bytes();
                let run = full_box(b"trun", 1, 0xf01, &[&count.to_be_bytes(), &offset, run]);
                boxed(b"traf", &[&header, &start, &run])
            });
            let tracks: Vec<u8> = tracks.flatten().collect();
            let header = full_box(b"mfhd", 0, 0, &[&[0; 4]]);
            boxed(b"moof", &[&header, &tracks])
        };
        let media_start = written(0).len() as u32 + 8;
        let mut fragment = written(media_start);
        fragment.extend(boxed(b"mdat", &[&media]));
        fragment
    }
}

fn sample_table(
    track: &VideoTrack,
    samples: &[VideoSample],
    chunks: &[u64],
    chunk_sample_count: usize,
) -> Vec<u8> {
    let of = |column: fn(&VideoSample) -> u32| samples.iter().map(column).collect::<Vec<_>>();
    let pairs = |values: Vec<u32>| {
        let pairs = values.iter().flat_map(|value| [1, *value]);
        table(samples.len(), pairs)
    };
    let durations = full_box(b"stts", 0, 0, &[&pairs(of(|sample| sample.duration))]);
    let offsets = of(|sample| sample.composition_offset.cast_unsigned());
    let compositions = match offsets.iter().all(|offset| *offset == 0) {
        true => Vec::new(),
        false => full_box(b"ctts", 1, 0, &[&pairs(offsets)]),
    };
    let sizes = table(samples.len(), of(|sample| sample.size_bytes).into_iter());
    let sizes = full_box(b"stsz", 0, 0, &[&[0; 4], &sizes]);
    let last = samples.len() % chunk_sample_count;
    let whole = (samples.len() / chunk_sample_count) as u32;
    let mut runs = Vec::new();
    if whole > 0 {
        runs.extend([1, chunk_sample_count as u32, 1]);
    }
    if last > 0 {
        runs.extend([whole + 1, last as u32, 1]);
    }
    let runs = full_box(b"stsc", 0, 0, &[&table(runs.len() / 3, runs.into_iter())]);
    let offsets = chunks.iter().map(|offset| *offset as u32);
    let offsets = full_box(b"stco", 0, 0, &[&table(chunks.len(), offsets)]);
    let syncs: Vec<u32> = (1..)
        .zip(samples)
        .filter_map(|(number, sample)| sample.is_sync.then_some(number))
        .collect();
    let syncs = match track.is_all_sync() || samples.is_empty() {
        true => Vec::new(),
        false => full_box(b"stss", 0, 0, &[&table(syncs.len(), syncs.into_iter())]),
    };
    let descriptions = full_box(b"stsd", 0, 0, &[&[0, 0, 0, 1], &track.entry]);
    boxed(
        b"stbl",
        &[
            &descriptions,
            &durations,
            &compositions,
            &runs,
            &sizes,
            &offsets,
            &syncs,
        ],
    )
}

fn edits_box(edits: &[(u32, i32)]) -> Vec<u8> {
    if edits.is_empty() {
        return Vec::new();
    }
    let list = edits.iter();
    let list = list.flat_map(|(duration, start)| [*duration, start.cast_unsigned(), 1 << 16]);
    let list = full_box(b"elst", 0, 0, &[&table(edits.len(), list)]);
    boxed(b"edts", &[&list])
}

fn table(count: usize, numbers: impl Iterator<Item = u32>) -> Vec<u8> {
    let count = (count as u32).to_be_bytes();
    count
        .into_iter()
        .chain(numbers.flat_map(u32::to_be_bytes))
        .collect()
}

fn file_type() -> Vec<u8> {
    boxed(b"ftyp", &[b"isom\0\0\0\0isom"])
}

/// Makes a box with this payload.
pub(crate) fn boxed(kind: &[u8; 4], payload: &[&[u8]]) -> Vec<u8> {
    let payload = payload.concat();
    let mut whole = (payload.len() as u32 + 8).to_be_bytes().to_vec();
    whole.extend(kind);
    whole.extend(payload);
    whole
}

/// Makes a box with version, flags and this payload.
pub(crate) fn full_box(kind: &[u8; 4], version: u8, flags: u32, payload: &[&[u8]]) -> Vec<u8> {
    let word = (u32::from(version) << 24 | flags).to_be_bytes();
    boxed(kind, &[&word, &payload.concat()])
}

/// Makes an `avc1` entry of 64 by 48 pixels, with NAL lengths of four bytes.
pub(crate) fn avc_entry() -> Vec<u8> {
    let config = boxed(
        b"avcC",
        &[&[
            1, 0x64, 0, 0x0a, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x0a, 1, 0, 2, 0x68, 0xeb,
        ]],
    );
    video_entry(b"avc1", &config)
}

/// Makes a video sample entry of 64 by 48 pixels.
pub(crate) fn video_entry(name: &[u8; 4], config: &[u8]) -> Vec<u8> {
    let head = [0, 0, 0, 0, 0, 0, 0, 1];
    boxed(name, &[&head, &[0; 16], &[0, 64, 0, 48], &[0; 50], config])
}

/// Makes an entry of AAC-LC with two channels, and 51,200 Hz in the entry but 48,000 Hz in the configuration.
pub(crate) fn aac_entry() -> Vec<u8> {
    let elementary = full_box(
        b"esds",
        0,
        0,
        &[
            &[3, 25, 0, 1, 0],
            &[4, 17, 0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[5, 2, 0x11, 0x90, 6, 1, 2],
        ],
    );
    audio_entry(b"mp4a", &elementary)
}

/// Makes an audio sample entry with two channels.
pub(crate) fn audio_entry(name: &[u8; 4], config: &[u8]) -> Vec<u8> {
    let head = [0, 0, 0, 0, 0, 0, 0, 1];
    boxed(
        name,
        &[
            &head,
            &[0; 8],
            &[0, 2, 0, 16],
            &[0; 4],
            &[0xc8, 0, 0, 0],
            config,
        ],
    )
}

/// Reads the index of an object, within the default limits.
pub(crate) fn read(object: &[u8]) -> Result<Index, Refusal> {
    read_within(object, Limits::default())
}

/// Reads the index of an object, within the given limits.
pub(crate) fn read_within(object: &[u8], limits: Limits) -> Result<Index, Refusal> {
    let mut locator = Locator::new(object.len() as u64, limits);
    while let Step::Read(range) = locator.step() {
        locator.supply(&object[range.start as usize..range.end as usize])?;
    }
    locator.finish()
}
