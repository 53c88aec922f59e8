//! Bits of a decoder's configuration, from the first on.

/// Bits of a configuration; `None` behind its end.
#[derive(Clone, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Of the next bit.
    position: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, position: 0 }
    }

    /// The next `count` bits, at most 32 of them, the first of which counts most.
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

    /// Passes over `count` bits; that it went too far is found by the next who takes one.
    pub(super) fn skip(&mut self, count: usize) {
        self.position = self.position.saturating_add(count);
    }

    /// The next number in Exp-Golomb code, ITU-T H.264 9.1; no larger than 32 bits.
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

    /// Passes over `count` numbers in Exp-Golomb code, signed ones too: they are as long.
    pub(super) fn skip_exp_golomb(&mut self, count: u32) -> Option<()> {
        for _ in 0..count {
            self.exp_golomb()?;
        }
        Some(())
    }
}
