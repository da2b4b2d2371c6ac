//! Numbers at random, the same in each run, for a nanosecond each.

/// xorshift, from a fixed seed.
pub struct Numbers(u64);

impl Numbers {
    /// From the beginning.
    #[allow(clippy::new_without_default, reason = "a seed is no default")]
    pub fn new() -> Self {
        Numbers(0x9E37_79B9_7F4A_7C15)
    }

    /// The next, below `bound`.
    #[inline]
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The upper half times the bound: no division.
        ((u128::from(self.0) * bound as u128) >> 64) as usize
    }
}
