//! Colours of a picture: what its samples mean, so that a screen of a wider range is told (ISO 23091-2).

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
