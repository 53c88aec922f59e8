//! Dolby Vision in a sample entry: `dvcC` and `dvvC` ("Dolby Vision Streams Within the ISO Base Media File Format").

use super::bits::Bits;
use super::colour::Colour;
use super::{Codec, entry_boxes};

/// What a decoder of Dolby Vision is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DolbyVision {
    profile: u32,
    level: u32,
    /// What a decoder without Dolby Vision shows: 0 nothing, 1 HDR10, 2 SDR, 4 HLG.
    compatibility: u32,
}

impl DolbyVision {
    pub(super) fn of(codec: Codec, sample_entry: &[u8]) -> Option<DolbyVision> {
        let config = |kind| entry_boxes::config(codec, sample_entry, kind);
        let config = config(b"dvcC").or_else(|| config(b"dvvC"))?;
        let mut bits = Bits::new(config);
        // The version; behind the level, flags of what there is.
        bits.skip(16);
        let (profile, level) = (bits.take(7)?, bits.take(6)?);
        bits.skip(3);
        Some(DolbyVision {
            profile,
            level,
            compatibility: bits.take(4)?,
        })
    }

    /// The codec string of a track that only decoders of Dolby Vision can show: `dvh1.05.06`.
    pub(super) fn codec_string(&self, name: &str) -> String {
        format!("{name}.{:02}.{:02}", self.profile, self.level)
    }

    /// What SUPPLEMENTAL-CODECS of HLS says of a track that others can show too, with the brand of what they show:
    /// `dvh1.08.07/db4h`.
    pub(super) fn supplemental_codecs(&self, codec: Codec) -> Option<String> {
        let name = match (codec, self.profile) {
            (Codec::Hevc, 8) => "dvh1",
            (Codec::Av1, 10) => "dav1",
            _ => return None,
        };
        let brand = match self.compatibility {
            1 => "db1p",
            2 => "db2g",
            4 => "db4h",
            _ => return None,
        };
        Some(format!("{}/{brand}", self.codec_string(name)))
    }

    /// Colours of the profile that is PQ though the picture does not say so.
    pub(super) fn colour(&self) -> Option<Colour> {
        const PQ_BY_ITSELF: u32 = 5;
        (self.profile == PQ_BY_ITSELF).then(Colour::pq)
    }
}
