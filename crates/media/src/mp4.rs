//! The index of an mp4 object: where its samples are and when they are shown.
//!
//! A [`Locator`] finds the index with few ranged reads, and checks it once and whole, so that [`Samples`] never fail.
//! What is cut where is [`crate::plan`]'s matter.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use crate::Refusal;

/// What an index may need; more is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of the box with the index (`moov`).
    pub index_size_bytes_max: u64,
    /// Tracks of any kind.
    pub tracks_max: usize,
    /// Samples of one track.
    pub samples_max: u32,
    /// Samples of one segment of one track.
    pub segment_samples_max: u32,
    /// Segments of a film.
    pub segments_max: u32,
    /// Length of a film.
    pub duration_max: Duration,
    /// Boxes passed at top level before the index is found.
    pub boxes_max: u32,
    /// Fragments (`moof`) of an object.
    pub fragments_max: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            index_size_bytes_max: 64 << 20,
            tracks_max: 32,
            samples_max: 4_000_000,
            segment_samples_max: 65_536,
            segments_max: 100_000,
            duration_max: Duration::from_hours(48),
            boxes_max: 64,
            fragments_max: 100_000,
        }
    }
}

/// What a [`Locator`] wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// These bytes of the object: within it, not empty, no more than `index_size_bytes_max`.
    Read(Range<u64>),
    /// Nothing: [`Locator::finish`] may be called.
    Done,
}

/// Finds the index of an object with few ranged reads.
#[derive(Debug)]
pub struct Locator {
    object_size_bytes: u64,
    limits: Limits,
}

impl Locator {
    /// Begins with an object of this size.
    pub fn new(object_size_bytes: u64, limits: Limits) -> Locator {
        Locator {
            object_size_bytes,
            limits,
        }
    }

    /// What is wanted next.
    pub fn step(&self) -> Step {
        match self.object_size_bytes {
            0 => Step::Done,
            size_bytes => Step::Read(0..size_bytes.min(self.limits.index_size_bytes_max)),
        }
    }

    /// Takes exactly the bytes of the range of [`Self::step`].
    ///
    /// # Errors
    ///
    /// Any [`Refusal`] that these bytes already give a reason for.
    pub fn supply(&mut self, _bytes: &[u8]) -> Result<(), Refusal> {
        Err(Refusal::NotAFilm)
    }

    /// Reads and checks the index; up to tens of milliseconds for a film of hours.
    ///
    /// # Errors
    ///
    /// Why no film can be made of the object.
    pub fn finish(self) -> Result<Index, Refusal> {
        Err(Refusal::NotAFilm)
    }
}

/// The index of an object: sound, and in memory as a whole.
#[derive(Debug)]
pub struct Index {
    /// All tracks, as the file orders them.
    pub tracks: Vec<Track>,
    /// Length of the object.
    pub object_size_bytes: u64,
}

impl Index {
    /// The track of this number; 1 is the first.
    pub fn track(&self, number: u32) -> Option<&Track> {
        self.tracks.iter().find(|track| track.number == number)
    }

    /// Memory that the index takes, for a weighted cache.
    pub fn size_bytes(&self) -> usize {
        size_of::<Index>() + self.tracks.len() * size_of::<Track>()
    }

    /// How long the longest track is shown.
    pub fn duration(&self) -> Duration {
        Duration::ZERO
    }
}

/// What a track is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// Picture.
    Video,
    /// Sound.
    Audio,
    /// Subtitles.
    Text,
}

/// How the samples of a track are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264: `avc1`, `avc3`.
    Avc,
    /// H.265: `hvc1`, `hev1`.
    Hevc,
    /// `vp09`.
    Vp9,
    /// `av01`.
    Av1,
    /// `mp4a` with object type 40.
    Aac,
    /// `mp4a` with object type 69 or 6b, and `.mp3`.
    Mp3,
    /// `ac-3`.
    Ac3,
    /// `ec-3`.
    Eac3,
    /// `Opus`.
    Opus,
    /// `fLaC`.
    Flac,
    /// 3GPP timed text, `tx3g`.
    Tx3g,
    /// `wvtt`.
    WebVtt,
    /// Any other: the track is never offered.
    Other,
}

/// Which stretch of a track is shown, and when. As [`Index`] holds it, it is simple: where the file's edit begins inside a
/// group of pictures, all tracks were moved back to the key frame before it.
///
/// A sample is shown at `decode_time + composition_offset - media_start + delay`; what comes out negative is decoded and
/// not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Media time that is shown first, in the track's timescale.
    pub media_start: u64,
    /// How long nothing is shown before, in the track's timescale: of an empty edit.
    pub delay: u64,
}

/// One track.
#[derive(Debug)]
pub struct Track {
    /// 1 is the first `trak` of the file.
    pub number: u32,
    /// Of `tkhd`.
    pub id: u32,
    /// What it is for.
    pub kind: TrackKind,
    /// How it is coded.
    pub codec: Codec,
    /// Units in a second of all its times; not 0.
    pub timescale: u32,
    /// How many samples [`Self::samples`] gives.
    pub sample_count: u32,
    /// Sum of the samples' durations, in the track's timescale.
    pub media_duration: u64,
    /// ISO 639-2; `None` when undetermined.
    pub language: Option<String>,
    /// Of `hdlr`.
    pub name: Option<String>,
    /// Whether `tkhd` enables it.
    pub is_default: bool,
    /// The one box in `stsd`, verbatim: `hev1` is not yet rewritten.
    pub sample_entry: Bytes,
    /// Pixels, of the sample entry; 0 for sound.
    pub width: u32,
    /// Pixels, of the sample entry; 0 for sound.
    pub height: u32,
    /// Of `tkhd`, verbatim.
    pub matrix: [u8; 36],
    /// Of `tkhd`, 16.16.
    pub display_width: u32,
    /// Of `tkhd`, 16.16.
    pub display_height: u32,
    /// Channels of sound; 0 for others.
    pub channels: u16,
    /// Sound samples in a second; 0 for others.
    pub sample_rate: u32,
    /// Which stretch is shown, and when.
    pub edit: Edit,
}

impl Track {
    /// All samples in decode order. The first one's decode time is 0: samples before a moved start are left out.
    pub fn samples(&self) -> Samples<'_> {
        self.samples_at(&Cursor { number: 0 })
    }

    /// The samples from a cursor of this track on.
    pub fn samples_at(&self, cursor: &Cursor) -> Samples<'_> {
        Samples {
            track: self,
            cursor: *cursor,
        }
    }

    /// When a sample is shown, in the track's timescale; negative for what is decoded and not shown.
    pub fn presentation_time(&self, sample: &Sample) -> i64 {
        sample.decode_time as i64 + i64::from(sample.composition_offset)
            - self.edit.media_start as i64
            + self.edit.delay as i64
    }

    /// RFC 6381: `avc1.64001e`, `mp4a.40.2`. Of [`Codec::Other`] the bare sample entry's name.
    pub fn codec_string(&self) -> String {
        String::new()
    }

    /// Payload of a box within the sample entry: `avcC`, `hvcC`, `esds`, `dOps`. Of full boxes with version and flags.
    pub fn decoder_config(&self, _kind: &[u8; 4]) -> Option<&[u8]> {
        None
    }

    /// The AudioSpecificConfig of an `esds`, ISO 14496-3 1.6.2.1.
    pub fn audio_specific_config(&self) -> Option<Vec<u8>> {
        None
    }

    /// The head of the WebVTT text that a `wvtt` track was made of: payload of `vttC`.
    pub fn text_config(&self) -> Option<&[u8]> {
        self.decoder_config(b"vttC")
    }
}

/// A place in the tables of a track, at a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    number: u32,
}

/// Samples of a track in decode order.
#[derive(Clone, Debug)]
pub struct Samples<'a> {
    track: &'a Track,
    cursor: Cursor,
}

impl Samples<'_> {
    /// The place of the sample that comes next.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }
}

impl Iterator for Samples<'_> {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        if self.cursor.number >= self.track.sample_count {
            return None;
        }
        None
    }
}

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// From 0.
    pub number: u32,
    /// Of its first byte in the object; the whole sample lies within it.
    pub offset: u64,
    /// May be 0.
    pub size_bytes: u32,
    /// In the track's timescale.
    pub decode_time: u64,
    /// To the next sample's decode time.
    pub duration: u32,
    /// Added to the decode time; negative in version 1 of `ctts`.
    pub composition_offset: i32,
    /// Whether decoding may begin with it.
    pub is_sync: bool,
}
