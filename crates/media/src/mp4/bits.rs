//! Reads a decoder configuration bit by bit.

/// The bits of a configuration; reading past its end returns `None`.
#[derive(Clone, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Position of the next bit.
    position: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, position: 0 }
    }

    /// Returns the next `count` bits, at most 32, the most significant first.
    pub(super) fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.position / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.position % 8) & 1);
            self.position += 1;
        }
        Some(value)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// Skips `count` bits; if that goes past the end, the next read returns `None`.
    pub(super) fn skip(&mut self, count: usize) {
        self.position = self.position.saturating_add(count);
    }

    /// Returns the next number in Exp-Golomb code, ITU-T H.264 9.1; it has at most 32 bits.
    pub(super) fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }

    /// Skips `count` numbers in Exp-Golomb code, signed ones too: they have the same length.
    pub(super) fn skip_exp_golomb(&mut self, count: u32) -> Option<()> {
        for _ in 0..count {
            self.exp_golomb()?;
        }
        Some(())
    }
}
