//! Headers of MPEG audio frames, layer III: ISO 11172-3 2.4.2.3, ISO 13818-3 2.4.2.3, and the usual "MPEG 2.5".

/// Size of a frame's header.
pub(super) const HEADER_SIZE_BYTES: usize = 4;

/// The properties that all frames of an object share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Audio samples per second.
    pub sample_rate: u32,
    /// Audio samples per frame.
    pub samples: u32,
}

/// One frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub shape: Shape,
    pub channels: u16,
    /// Size of the frame with its header; at most 1,441.
    pub size_bytes: u16,
}

/// Thousands of bits per second, by index from 1, of MPEG 1 and of the other versions.
const KBITS: [[u32; 14]; 2] = [
    [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

impl Header {
    /// Reads a header; returns `None` if there is none. Frames in "free format" do not state their length, and count as
    /// none.
    pub fn read(bytes: &[u8]) -> Option<Header> {
        let &[0xff, kind, rates, channels] = bytes.first_chunk::<HEADER_SIZE_BYTES>()? else {
            return None;
        };
        // Eleven bits of synchronization, and layer III.
        if kind & 0xe6 != 0xe2 {
            return None;
        }
        let (is_first_version, divisor) = match kind >> 3 & 3 {
            3 => (true, 1),
            2 => (false, 2),
            0 => (false, 4),
            _ => return None,
        };
        let sample_rate = [44_100, 48_000, 32_000].get(usize::from(rates >> 2 & 3))? / divisor;
        let table = if is_first_version { KBITS[0] } else { KBITS[1] };
        let kbits = table.get(usize::from(rates >> 4).checked_sub(1)?)?;
        let samples = if is_first_version { 1152 } else { 576 };
        let padding = u32::from(rates >> 1 & 1);
        let size_bytes = samples / 8 * kbits * 1000 / sample_rate + padding;
        Some(Header {
            shape: Shape {
                sample_rate,
                samples,
            },
            channels: if channels >> 6 == 3 { 1 } else { 2 },
            size_bytes: u16::try_from(size_bytes).ok()?,
        })
    }

    /// Returns true if a frame holds a table about the audio instead of audio: "Xing", "Info" or "VBRI".
    pub fn is_table(&self, frame: &[u8]) -> bool {
        let side_size_bytes = match (self.shape.samples, self.channels) {
            (1152, 1) | (576, 2) => 17,
            (1152, _) => 32,
            _ => 9,
        };
        let named = |at: usize| frame.get(at..at + 4).unwrap_or_default();
        matches!(
            named(HEADER_SIZE_BYTES + side_size_bytes),
            b"Xing" | b"Info"
        ) || named(HEADER_SIZE_BYTES + 32) == b"VBRI"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: [u8; 4], expected: Option<(u32, u32, u16, u16)>) {
        let expected = expected.map(|(sample_rate, samples, channels, size_bytes)| Header {
            shape: Shape {
                sample_rate,
                samples,
            },
            channels,
            size_bytes,
        });
        assert_eq!(Header::read(&bytes), expected, "{bytes:02x?}");
    }

    #[test]
    fn what_is_no_header_is_none() {
        assert_eq!(Header::read(&[0xff, 0xfb, 0x90]), None);
        // No synchronization; reserved version; layers I and II; AAC's ADTS.
        check([0xfe, 0xfb, 0x90, 0], None);
        check([0xff, 0xdb, 0x90, 0], None);
        check([0xff, 0xeb, 0x90, 0], None);
        check([0xff, 0xff, 0x90, 0], None);
        check([0xff, 0xfd, 0x90, 0], None);
        check([0xff, 0xf1, 0x90, 0], None);
        // Free format, reserved bitrate, reserved sample rate.
        check([0xff, 0xfb, 0x00, 0], None);
        check([0xff, 0xfb, 0xf0, 0], None);
        check([0xff, 0xfb, 0x9c, 0], None);
    }

    #[test]
    fn all_versions_are_read() {
        check([0xff, 0xfb, 0x90, 0x00], Some((44_100, 1152, 2, 417)));
        check([0xff, 0xfa, 0x92, 0x40], Some((44_100, 1152, 2, 418)));
        check([0xff, 0xfb, 0xe4, 0xc0], Some((48_000, 1152, 1, 960)));
        check([0xff, 0xfb, 0xea, 0x00], Some((32_000, 1152, 2, 1441)));
        check([0xff, 0xf3, 0x80, 0xc0], Some((22_050, 576, 1, 208)));
        check([0xff, 0xe3, 0xe8, 0x80], Some((8_000, 576, 2, 1440)));
        check([0xff, 0xe3, 0x14, 0xc0], Some((12_000, 576, 1, 48)));
    }

    #[test]
    fn tables_are_found_behind_the_side_information() {
        for (header, at, name) in [
            ([0xff, 0xfb, 0x90, 0x00], 36, b"Xing"),
            ([0xff, 0xfb, 0x90, 0xc0], 21, b"Info"),
            ([0xff, 0xf3, 0x80, 0x00], 21, b"Info"),
            ([0xff, 0xf3, 0x80, 0xc0], 13, b"Xing"),
            ([0xff, 0xf3, 0x80, 0xc0], 36, b"VBRI"),
        ] {
            let mut frame = vec![0; at + 4];
            frame[..4].copy_from_slice(&header);
            let read = Header::read(&frame).unwrap();
            assert!(!read.is_table(&frame));
            frame[at..].copy_from_slice(name);
            assert!(read.is_table(&frame), "{header:02x?}");
            assert!(!read.is_table(&frame[..at + 3]));
        }
    }
}
