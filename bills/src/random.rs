//! Random numbers by which simulated threads choose and pause: a schedule is found again by its seed.

use std::cell::Cell;

use coherence::hint::spin_loop;

/// xorshift64*.
#[derive(Debug)]
pub struct Random(Cell<u64>);

impl Random {
    /// Those of a thread, under a seed.
    #[must_use]
    pub fn new(seed: u64, thread: usize) -> Self {
        let random = Random(Cell::new(
            (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (thread as u64) << 32,
        ));
        (0..4).for_each(|_| _ = random.below(2));
        random
    }

    /// One below `end`.
    #[must_use]
    pub fn below(&self, end: u64) -> u64 {
        let mut value = self.0.get();
        value ^= value >> 12;
        value ^= value << 25;
        value ^= value >> 27;
        self.0.set(value);
        (value.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }

    /// Pauses for fewer than `most` rounds.
    pub fn pause(&self, most: u64) {
        (0..self.below(most)).for_each(|_| spin_loop());
    }
}
