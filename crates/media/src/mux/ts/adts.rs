//! ADTS, ISO 14496-3 1.A.2: the header of each AAC frame in a transport stream.

/// Size of a header without a checksum.
pub const ADTS_HEADER_SIZE_BYTES: u32 = 7;
/// Size limit of a frame: its length, header included, has 13 bits.
const FRAME_SIZE_BYTES_MAX: u32 = (1 << 13) - 1;
/// Sample rates of ISO 14496-3 table 1.18.
const SAMPLE_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// The part that all headers of a track share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adts {
    /// Header of a frame of length 0.
    template: [u8; 7],
}

impl Adts {
    /// Reads an AudioSpecificConfig, ISO 14496-3 1.6.2.1. Returns `None` if ADTS cannot describe it: object types other
    /// than Main, LC, SSR and LTP (decoders detect SBR and PS on top of them), frames of 960 samples, and channels
    /// defined by a program config element.
    pub fn of(audio_specific_config: &[u8]) -> Option<Adts> {
        let mut bits = Bits {
            bytes: audio_specific_config,
            position: 0,
        };
        let mut object = bits.object_type()?;
        let rate = bits.sample_rate_index()?;
        let channels = bits.take(4)?;
        // Explicitly signalled SBR and PS: the object type that follows is the one beneath.
        if matches!(object, 5 | 29) {
            bits.sample_rate_index()?;
            object = bits.object_type()?;
        }
        let has_short_frames = bits.take(1)? == 1;
        if !(1..=4).contains(&object) || !(1..=7).contains(&channels) || has_short_frames {
            return None;
        }
        // Sync word, MPEG-4, no checksum; profile, rate and channels; a buffer of unknown fullness; one frame.
        let fixed = 0xfff1 << 40 | (object - 1) << 38 | rate << 34 | channels << 30 | 0x7ff << 2;
        let mut template = [0; 7];
        template.copy_from_slice(&fixed.to_be_bytes()[1..]);
        Some(Adts { template })
    }

    /// Returns true if a frame of this size fits.
    pub fn carries(size_bytes: u32) -> bool {
        size_bytes <= FRAME_SIZE_BYTES_MAX - ADTS_HEADER_SIZE_BYTES
    }

    /// Returns the header of a frame of `size_bytes`, which fits.
    pub fn header(&self, size_bytes: u32) -> [u8; 7] {
        let length = (size_bytes + ADTS_HEADER_SIZE_BYTES) & FRAME_SIZE_BYTES_MAX;
        let mut header = self.template;
        // The length has bits 30 to 42 of the header.
        let [_, high, middle, low] = (length << 5).to_be_bytes();
        header[3] |= high;
        header[4] |= middle;
        header[5] |= low;
        header
    }
}

/// A reader of a few bits at a time.
struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u64> {
        let mut value = 0;
        for _ in 0..count {
            let byte = *self.bytes.get(self.position / 8)?;
            value = value << 1 | u64::from(byte >> (7 - self.position % 8) & 1);
            self.position += 1;
        }
        Some(value)
    }

    fn object_type(&mut self) -> Option<u64> {
        match self.take(5)? {
            31 => Some(32 + self.take(6)?),
            object => Some(object),
        }
    }

    /// Returns the index of the sample rate; if the rate is given explicitly, the index of the same rate.
    fn sample_rate_index(&mut self) -> Option<u64> {
        let index = self.take(4)?;
        if index < 13 {
            return Some(index);
        }
        if index < 15 {
            return None;
        }
        let rate = self.take(24)?;
        let place = SAMPLE_RATES
            .iter()
            .position(|known| u64::from(*known) == rate)?;
        u64::try_from(place).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: &[u8], expected: Option<[u8; 7]>) {
        let header = Adts::of(config).map(|adts| adts.header(93));
        assert_eq!(header, expected, "{config:02x?}");
    }

    #[test]
    fn what_adts_cannot_say_is_refused() {
        for config in [
            &[][..],
            &[0x12],
            // Object 0, and 42 (xHE-AAC).
            &[0x02, 0x10],
            &[0xf9, 0x48, 0x40],
            // Frames of 960 samples.
            &[0x12, 0x14],
            // Channels defined by a program config element.
            &[0x12, 0x00],
            // A reserved rate, and one that has no index.
            &[0x16, 0x90],
            &[0x17, 0x80, 0x00, 0x80, 0x90],
            // SBR on top of an object type that ADTS does not support.
            &[0x2b, 0x11, 0xb8],
        ] {
            check(config, None);
        }
    }

    #[test]
    fn headers_are_those_of_the_standard() {
        let lc_44100_stereo = Some([0xff, 0xf1, 0x50, 0x80, 0x0c, 0x9f, 0xfc]);
        check(&[0x12, 0x10], lc_44100_stereo);
        // The same rate, given explicitly.
        check(&[0x17, 0x80, 0x56, 0x22, 0x10], lc_44100_stereo);
        // LC, 48 kHz, 5.1.
        check(
            &[0x11, 0xb0],
            Some([0xff, 0xf1, 0x4d, 0x80, 0x0c, 0x9f, 0xfc]),
        );
        // SBR signalled on top of LC at 24 kHz, stereo.
        check(
            &[0x2b, 0x11, 0x88, 0x00],
            Some([0xff, 0xf1, 0x58, 0x80, 0x0c, 0x9f, 0xfc]),
        );
    }

    #[test]
    fn the_longest_frame_fills_the_length() {
        assert!(Adts::carries(8184));
        assert!(!Adts::carries(8185));
        let header = Adts::of(&[0x12, 0x10]).expect("LC").header(8184);
        assert_eq!(header[3..], [0x83, 0xff, 0xff, 0xfc]);
    }
}
