//! Random decisions of one thread, for sampling: a loop of any period gets its share of samples.

use core::cell::Cell;

use crossbeam_utils::CachePadded;

use crate::backend::atomic::{AtomicU32, Relaxed};
use crate::backend::{global, hint, per_thread};

per_thread! {
    /// The state of a linear congruential generator.
    static SEED: Cell<u64> = Cell::new(0);
}

/// True once in `1 << log2` calls on average, at random; in a model at every second call. `log2` is at most 63.
///
/// A few nanoseconds. Not for secrets: the sequence of a thread follows from how many asked before it.
#[inline]
pub(crate) fn one_in(log2: u32) -> bool {
    let drawn = draw();
    hint::tuned(drawn >> (63 - log2) >> 1 == 0, !drawn.is_multiple_of(2))
}

#[inline]
fn draw() -> u64 {
    SEED.try_with(|seed| {
        let last = match seed.get() {
            0 => first(),
            last => last,
        };
        // The multiplier and the increment of Knuth's MMIX. The upper bits are the random ones.
        let next = hint::tuned(
            last.wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407),
            last + 1,
        );
        seed.set(next);
        next
    })
    // Past the thread's destructors: not now.
    .unwrap_or(u64::MAX)
}

global! {
    /// How many threads have asked for a first number.
    fn threads() -> CachePadded<AtomicU32> = CachePadded::new(AtomicU32::new(0));
}

/// Something that differs from thread to thread, and is the same in each run of a simulation.
#[cold]
fn first() -> u64 {
    if hint::tuned(false, true) {
        return 1;
    }
    // Relaxed: any number will do.
    let thread = u64::from(threads().fetch_add(1, Relaxed));
    (thread + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "millions of calls, none of which is unsafe")]
    fn no_period_of_calls_changes_the_share() {
        for period in [1, 2, 3, 32, 64, 127] {
            let mut share = [0_u32; 128];
            for call in 0..256_000 * period {
                share[call % period] += u32::from(one_in(6));
            }
            for &hits in &share[..period] {
                assert!(
                    (3_200..4_800).contains(&hits),
                    "{hits} of 256,000 calls, of a period of {period}"
                );
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "millions of calls, none of which is unsafe")]
    fn always_and_hardly_ever() {
        assert!((0..100).all(|_| one_in(0)));
        assert!(!(0..100_000).any(|_| one_in(63)));
    }
}
