//! Objects with a few bytes changed, for tests.

/// Random numbers from a fixed seed (xorshift), the same on every run.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new() -> Random {
        Random(0x9e37_79b9_7f4a_7c15)
    }

    /// Returns a number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end
    }

    /// Returns the object with one to four changes: other bytes, other bits, an end cut off.
    pub(super) fn mutated(&mut self, object: &[u8]) -> Vec<u8> {
        let mut mutated = object.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(mutated.len());
            match self.below(8) {
                0..=2 => mutated[at] = self.below(256) as u8,
                3..=4 => mutated[at] ^= 1 << self.below(8),
                5..=6 => mutated[at] = 0xff,
                _ => mutated.truncate(at.max(1)),
            }
        }
        mutated
    }
}
