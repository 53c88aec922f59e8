//! Colours of a video track (ISO 23091-2): how its samples are to be interpreted, so that a display with a wider range
//! uses it.

/// The code points of ISO 23091-2 (ITU-T H.273); 2 means unspecified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour {
    /// `ColourPrimaries`: 1 is BT.709, 9 is BT.2020.
    pub primaries: u8,
    /// `TransferCharacteristics`: 16 is PQ, 18 is HLG.
    pub transfer: u8,
    /// `MatrixCoefficients`.
    pub matrix: u8,
}

/// The dynamic range that a video was made for: VIDEO-RANGE of RFC 8216bis 4.4.6.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VideoRange {
    /// Standard dynamic range, which every display has.
    Sdr,
    /// Hybrid Log-Gamma, ITU-R BT.2100: cameras and broadcasting.
    Hlg,
    /// Perceptual Quantizer, ITU-R BT.2100: HDR10 and Dolby Vision.
    Pq,
}

impl Colour {
    /// The code point for unspecified.
    pub const UNSPECIFIED: u8 = 2;

    const PQ: u8 = 16;
    const HLG: u8 = 18;

    /// Returns the range of the transfer characteristics; `None` if they are unspecified.
    pub fn range(&self) -> Option<VideoRange> {
        match self.transfer {
            // 0, 3 and those from 19 on are reserved.
            0 | Colour::UNSPECIFIED | 3 | 19.. => None,
            Colour::PQ => Some(VideoRange::Pq),
            Colour::HLG => Some(VideoRange::Hlg),
            _ => Some(VideoRange::Sdr),
        }
    }

    /// Reads three code points in sequence.
    pub(super) fn read(mut code_point: impl FnMut() -> Option<u32>) -> Option<Colour> {
        let mut next = || u8::try_from(code_point()?).ok();
        Some(Colour {
            primaries: next()?,
            transfer: next()?,
            matrix: next()?,
        })
    }

    /// Returns the colours of a video track of which only PQ is known.
    pub(super) fn pq() -> Colour {
        Colour {
            primaries: Colour::UNSPECIFIED,
            transfer: Colour::PQ,
            matrix: Colour::UNSPECIFIED,
        }
    }
}
