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
    /// 1 is the first `trak` of the file.
    pub number: u32,
    /// Of `tkhd`.
    pub id: u32,
    /// What it is for.
    pub kind: TrackKind,
    /// How it is coded.
    pub codec: Codec,
    /// Units in a second of all its times; not 0, unless the codec is [`Codec::Other`].
    pub timescale: u32,
    /// How many samples [`Self::samples`] gives; 0 of [`Codec::Other`].
    pub sample_count: u32,
    /// Sum of the samples' durations, in the track's timescale.
    pub media_duration: u64,
    /// ISO 639-2; `None` when undetermined.
    pub language: Option<String>,
    /// Of `hdlr`, without control characters.
    pub name: Option<String>,
    /// Whether `tkhd` enables it.
    pub is_default: bool,
    /// What it is for beside its kind, as far as the file says so.
    pub roles: Roles,
    /// The one box in `stsd`, verbatim: `hev1` is not yet rewritten. Only the QuickTime form of `mp4a` was brought into
    /// that of ISO 14496-14.
    pub sample_entry: Bytes,
    /// Pixels, of the sample entry; 0 for sound.
    pub width: u32,
    /// Pixels, of the sample entry; 0 for sound.
    pub height: u32,
    /// Colours of the picture, as far as the file says them.
    pub colour: Option<Colour>,
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
    /// Lowest composition offset of a sample, at most 0: how much earlier decoding has to begin where no picture may be
    /// shown before it is decoded.
    pub(crate) composition_offset_min: i32,
    pub(super) tables: Tables,
    /// Of the sample that has number 0.
    pub(super) first: Cursor,
    /// When the last picture or sound ends, in the track's timescale.
    pub(super) end: u64,
}

impl Track {
    /// All samples in decode order. The first one's decode time is 0: samples before a moved start are left out.
    pub fn samples(&self) -> Samples<'_> {
        self.samples_at(&self.first)
    }

    /// The samples from a cursor of this track on.
    pub fn samples_at(&self, cursor: &Cursor) -> Samples<'_> {
        Samples::of(&self.tables, self.first.number, self.sample_count, *cursor)
    }

    /// When a sample is shown, in the track's timescale; negative for what is decoded and not shown.
    pub fn presentation_time(&self, sample: &Sample) -> i64 {
        // The times of an index are less than 2^62.
        sample.decode_time.cast_signed() + i64::from(sample.composition_offset)
            - self.edit.media_start.cast_signed()
            + self.edit.delay.cast_signed()
    }

    /// When the last picture or sound ends, in the track's timescale.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// RFC 6381: `avc1.64001e`, `mp4a.40.2`. Of [`Codec::Other`] the bare name of the sample entry; `hvc1` also of an
    /// `hev1` entry that may be renamed.
    pub fn codec_string(&self) -> String {
        codecs::codec_string(self)
    }

    /// What SUPPLEMENTAL-CODECS of HLS says (RFC 8216bis 4.4.6.2): that of Dolby Vision upon a picture that others show too.
    pub fn supplemental_codecs(&self) -> Option<String> {
        DolbyVision::of(self.codec, &self.sample_entry)?.supplemental_codecs(self.codec)
    }

    /// Payload of a box within the sample entry: `avcC`, `hvcC`, `esds`, `dOps`. Of full boxes with version and flags.
    pub fn decoder_config(&self, kind: &[u8; 4]) -> Option<&[u8]> {
        entry_boxes::config(self.codec, &self.sample_entry, kind)
    }

    /// The AudioSpecificConfig of an `esds`, ISO 14496-3 1.6.2.1.
    pub fn audio_specific_config(&self) -> Option<Vec<u8>> {
        let config = self.decoder_config(b"esds")?;
        audio::audio_specific_config(config).map(<[u8]>::to_vec)
    }

    /// The head of the WebVTT text that a `wvtt` track was made of: payload of `vttC`.
    pub fn text_config(&self) -> Option<&[u8]> {
        self.decoder_config(b"vttC")
    }

    /// Memory that the track takes.
    pub(super) fn size_bytes(&self) -> usize {
        size_of::<Track>() + self.sample_entry.len() + self.tables.size_bytes()
    }
}
