//! Dolby Vision in a sample entry: `dvcC` and `dvvC` ("Dolby Vision Streams Within the ISO Base Media File Format").

use super::bits::Bits;
use super::colour::Colour;
use super::{Codec, entry_boxes};

/// The decoder configuration of Dolby Vision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DolbyVision {
    profile: u32,
    level: u32,
    /// Base layer that a decoder without Dolby Vision shows: 0 none, 1 HDR10, 2 SDR, 4 HLG.
    compatibility: u32,
}

impl DolbyVision {
    pub(super) fn of(codec: Codec, sample_entry: &[u8]) -> Option<DolbyVision> {
        let config = |kind| entry_boxes::config(codec, sample_entry, kind);
        let config = config(b"dvcC").or_else(|| config(b"dvvC"))?;
        let mut bits = Bits::new(config);
        // The version comes first; after the level, flags state what is present.
        bits.skip(16);
        let (profile, level) = (bits.take(7)?, bits.take(6)?);
        bits.skip(3);
        Some(DolbyVision {
            profile,
            level,
            compatibility: bits.take(4)?,
        })
    }

    /// Returns the codec string of a track that only decoders of Dolby Vision can show: `dvh1.05.06`.
    pub(super) fn codec_string(&self, name: &str) -> String {
        format!("{name}.{:02}.{:02}", self.profile, self.level)
    }

    /// Returns HLS's SUPPLEMENTAL-CODECS for a track that other decoders can show too, with the brand of its base
    /// layer: `dvh1.08.07/db4h`.
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

    /// Returns the colours of the profile that is PQ although its parameter sets do not say so.
    pub(super) fn colour(&self) -> Option<Colour> {
        const PQ_BY_ITSELF: u32 = 5;
        (self.profile == PQ_BY_ITSELF).then(Colour::pq)
    }
}
