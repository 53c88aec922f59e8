//! One track of an index.

use bytes::Bytes;

use super::dolby_vision::DolbyVision;
use super::roles::Roles;
use super::samples::{Cursor, Sample, Samples};
use super::tables::Tables;
use super::{Codec, Colour, Edit, TrackKind, audio, entry_boxes};

mod codecs;

/// One track.
#[derive(Debug)]
pub struct Track {
    /// Number of the track; 1 is the first `trak` of the file.
    pub number: u32,
    /// Track id of `tkhd`.
    pub id: u32,
    /// Media type of the track.
    pub kind: TrackKind,
    /// Coding of its samples.
    pub codec: Codec,
    /// Timescale: units per second of all its times; not 0, unless the codec is [`Codec::Other`].
    pub timescale: u32,
    /// Number of samples that [`Self::samples`] yields; 0 for [`Codec::Other`].
    pub sample_count: u32,
    /// Sum of the samples' durations, in the track's timescale.
    pub media_duration: u64,
    /// Language by ISO 639-2; `None` if undetermined.
    pub language: Option<String>,
    /// Name in `hdlr`, without control characters.
    pub name: Option<String>,
    /// True if `tkhd` enables the track.
    pub is_default: bool,
    /// Roles beside its kind, as far as the file states them.
    pub roles: Roles,
    /// The one box in `stsd`, verbatim: an `hev1` entry is not yet rewritten. Only the QuickTime form of `mp4a` has
    /// been converted to that of ISO 14496-14.
    pub sample_entry: Bytes,
    /// Width in pixels, from the sample entry; 0 for audio.
    pub width: u32,
    /// Height in pixels, from the sample entry; 0 for audio.
    pub height: u32,
    /// Colours of the video, as far as the file states them.
    pub colour: Option<Colour>,
    /// Matrix of `tkhd`, verbatim.
    pub matrix: [u8; 36],
    /// Display width of `tkhd`, 16.16 fixed-point.
    pub display_width: u32,
    /// Display height of `tkhd`, 16.16 fixed-point.
    pub display_height: u32,
    /// Number of audio channels; 0 for other tracks.
    pub channels: u16,
    /// Audio samples per second; 0 for other tracks.
    pub sample_rate: u32,
    /// Part of the track that is shown, and its start.
    pub edit: Edit,
    /// Lowest composition offset of a sample, at most 0: how much earlier decoding has to begin where no sample may be
    /// shown before it is decoded.
    pub(crate) composition_offset_min: i32,
    pub(super) tables: Tables,
    /// Cursor of the sample that has number 0.
    pub(super) first: Cursor,
    /// Time at which the last sample ends, in the track's timescale.
    pub(super) end: u64,
}

impl Track {
    /// Returns all samples in decode order. The first one's decode time is 0: samples before a moved start are left
    /// out.
    pub fn samples(&self) -> Samples<'_> {
        self.samples_at(&self.first)
    }

    /// Returns the samples from a cursor of this track on.
    pub fn samples_at(&self, cursor: &Cursor) -> Samples<'_> {
        Samples::of(&self.tables, self.first.number, self.sample_count, *cursor)
    }

    /// Returns the presentation time of a sample, in the track's timescale; it is negative if the sample is only
    /// decoded.
    pub fn presentation_time(&self, sample: &Sample) -> i64 {
        // The times of an index are less than 2^62.
        sample.decode_time.cast_signed() + i64::from(sample.composition_offset)
            - self.edit.media_start.cast_signed()
            + self.edit.delay.cast_signed()
    }

    /// Returns the time at which the last sample ends, in the track's timescale.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Returns the codec string of RFC 6381: `avc1.64001e`, `mp4a.40.2`. For [`Codec::Other`] it is the bare name of
    /// the sample entry; it is `hvc1` also for an `hev1` entry that may be renamed.
    pub fn codec_string(&self) -> String {
        codecs::codec_string(self)
    }

    /// Returns HLS's SUPPLEMENTAL-CODECS (RFC 8216bis 4.4.6.2): Dolby Vision on top of a base layer that other players
    /// show.
    pub fn supplemental_codecs(&self) -> Option<String> {
        DolbyVision::of(self.codec, &self.sample_entry)?.supplemental_codecs(self.codec)
    }

    /// Returns the payload of a box within the sample entry: `avcC`, `hvcC`, `esds`, `dOps`. A full box's includes
    /// version and flags.
    pub fn decoder_config(&self, kind: &[u8; 4]) -> Option<&[u8]> {
        entry_boxes::config(self.codec, &self.sample_entry, kind)
    }

    /// Returns the AudioSpecificConfig of an `esds` (ISO 14496-3 1.6.2.1).
    pub fn audio_specific_config(&self) -> Option<Vec<u8>> {
        let config = self.decoder_config(b"esds")?;
        audio::audio_specific_config(config).map(<[u8]>::to_vec)
    }

    /// Returns the header of the WebVTT text that a `wvtt` track was made from: the payload of `vttC`.
    pub fn text_config(&self) -> Option<&[u8]> {
        self.decoder_config(b"vttC")
    }

    /// Returns the memory that the track takes.
    pub(super) fn size_bytes(&self) -> usize {
        size_of::<Track>() + self.sample_entry.len() + self.tables.size_bytes()
    }
}
