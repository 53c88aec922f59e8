//! Pseudo-random numbers, the same on each run.

pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn new() -> Numbers {
        Numbers(0x9e37_79b9_7f4a_7c15)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        // Marsaglia, "Xorshift RNGs", 2003.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
