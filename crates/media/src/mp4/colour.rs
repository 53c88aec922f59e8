//! Colours of a picture: what its samples mean, so that a screen of a wider range is told (ISO 23091-2).
//!
//! The sample entry says it (`colr`, ISO 14496-12 12.1.5), or else what its decoder is told first.

use super::boxes::{Boxes, Fields};
use super::dolby_vision::DolbyVision;
use super::{Codec, av1, entry, parameter_sets};

/// Code points of ISO 23091-2 (ITU-T H.273). 2 means: not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour {
    /// `ColourPrimaries`: 1 is BT.709, 9 is BT.2020.
    pub primaries: u8,
    /// `TransferCharacteristics`: 16 is PQ, 18 is HLG.
    pub transfer: u8,
    /// `MatrixCoefficients`.
    pub matrix: u8,
}

/// The range of brightness that a picture was made for: VIDEO-RANGE of RFC 8216bis 4.4.6.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VideoRange {
    /// What every screen has.
    Sdr,
    /// Hybrid Log-Gamma, ITU-R BT.2100: cameras and broadcasting.
    Hlg,
    /// Perceptual Quantizer, ITU-R BT.2100: HDR10 and Dolby Vision.
    Pq,
}

impl Colour {
    /// A code point that says nothing.
    pub const UNSPECIFIED: u8 = 2;

    const PQ: u8 = 16;
    const HLG: u8 = 18;

    /// The range that the transfer characteristics say; `None` when they say nothing.
    pub fn range(&self) -> Option<VideoRange> {
        match self.transfer {
            // The others are reserved.
            0 | Colour::UNSPECIFIED | 3 | 19.. => None,
            Colour::PQ => Some(VideoRange::Pq),
            Colour::HLG => Some(VideoRange::Hlg),
            _ => Some(VideoRange::Sdr),
        }
    }

    /// The colours of a picture with this sample entry, a whole box.
    pub(super) fn of(codec: Codec, sample_entry: &[u8]) -> Option<Colour> {
        let inner = entry::inner_boxes(codec, sample_entry)?;
        let declared = declared(inner);
        let is_said = |colour: &Colour| colour.transfer != Colour::UNSPECIFIED;
        declared
            .filter(is_said)
            .or_else(|| coded(codec, sample_entry).filter(is_said))
            .or_else(|| DolbyVision::of(codec, sample_entry)?.colour())
            .or(declared)
    }

    /// Three code points in a row.
    pub(super) fn read(mut code_point: impl FnMut() -> Option<u32>) -> Option<Colour> {
        let mut next = || u8::try_from(code_point()?).ok();
        Some(Colour {
            primaries: next()?,
            transfer: next()?,
            matrix: next()?,
        })
    }

    /// Of a picture that says no more than that it is PQ.
    pub(super) fn pq() -> Colour {
        Colour {
            primaries: Colour::UNSPECIFIED,
            transfer: Colour::PQ,
            matrix: Colour::UNSPECIFIED,
        }
    }
}

/// What the first `colr` with code points says: `nclx`, or `nclc` of QuickTime. Profiles of the ICC say nothing here.
fn declared(inner: &[u8]) -> Option<Colour> {
    let boxes = Boxes::new(inner).map_while(Result::ok);
    let mut colours = boxes.filter(|(kind, _)| kind == b"colr");
    colours.find_map(|(_, payload)| {
        let mut fields = Fields::new(payload);
        let kind: [u8; 4] = fields.array()?;
        match &kind {
            b"nclx" | b"nclc" => Colour::read(|| fields.u16().map(u32::from)),
            _ => None,
        }
    })
}

/// What the decoder is told.
fn coded(codec: Codec, sample_entry: &[u8]) -> Option<Colour> {
    let config = |kind| entry::config(codec, sample_entry, kind);
    match codec {
        Codec::Avc => parameter_sets::avc_colour(config(b"avcC")?),
        Codec::Hevc => parameter_sets::hevc_colour(config(b"hvcC")?),
        Codec::Av1 => av1::colour(config(b"av1C")?),
        Codec::Vp9 => {
            // Behind version and flags: profile, level, and depth.
            let mut fields = Fields::new(config(b"vpcC")?.get(7..)?);
            Colour::read(|| fields.u8().map(u32::from))
        }
        Codec::Aac
        | Codec::Mp3
        | Codec::Ac3
        | Codec::Eac3
        | Codec::Opus
        | Codec::Flac
        | Codec::Tx3g
        | Codec::WebVtt
        | Codec::Other => None,
    }
}
