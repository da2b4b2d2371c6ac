//! A small number for the current thread, by which it picks its stripe.
//!
//! With `std` the number is leased: the lowest of 64 that no living thread has, and free again when the thread ends. So
//! threads share a number only when more than 64 live at once, and then evenly. Without `std` there is no place to keep
//! it, and the number is hashed from where the thread's stack lies.
//!
//! Numbers are a matter of cost, not of correctness: whatever two threads do with the same number has to be right.

/// How many numbers there are.
pub(super) const SLOTS: usize = 64;

#[cfg(feature = "std")]
pub(super) use leased::current;

#[cfg(not(feature = "std"))]
#[inline]
pub(super) fn current() -> usize {
    /// The smallest stack that is told apart from its neighbour: 8 KiB.
    const STACK_SHIFT: u32 = 13;
    let here = 0_u8;
    let stack = (&raw const here).addr() >> STACK_SHIFT;
    // Fibonacci hashing: the golden ratio of the range spreads equidistant stacks; the high bits are the good ones.
    let hashed = (stack as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (hashed >> (u64::BITS - SLOTS.ilog2())) as usize
}

#[cfg(feature = "std")]
mod leased {
    use core::cell::{Cell, OnceCell};

    use super::SLOTS;
    use crate::backend::atomic::{AtomicU64, AtomicUsize, Relaxed};
    use crate::backend::{Global, global, per_thread};

    const NONE: usize = usize::MAX;

    per_thread! {
        // Two, so that the one which every add reads has no destructor, and with it no state to check.
        static SLOT: Cell<usize> = Cell::new(NONE);
        static LEASE: OnceCell<Lease> = OnceCell::new();
    }

    global! {
        /// Bit `n` is set while a thread has the number `n`.
        fn taken() -> AtomicU64 = AtomicU64::new(0);

        /// How many threads have found all numbers taken.
        fn crowd() -> AtomicUsize = AtomicUsize::new(0);
    }

    /// A number, until the thread ends.
    struct Lease {
        number: usize,
        taken: Global<AtomicU64>,
    }

    impl Lease {
        /// Takes the lowest number that is free, if there is one.
        fn take() -> Option<Self> {
            let taken = taken();
            loop {
                // Relaxed, both: the RMW alone decides who has the number, and it carries no data.
                let number = (!taken.load(Relaxed)).trailing_zeros() as usize;
                if number == SLOTS {
                    return None;
                }
                if taken.fetch_or(1 << number, Relaxed) & (1 << number) == 0 {
                    return Some(Lease { number, taken });
                }
            }
        }
    }

    impl Drop for Lease {
        fn drop(&mut self) {
            // Relaxed: the number carries no data. What its stripe holds stays there, and is only changed by RMWs.
            self.taken.fetch_and(!(1 << self.number), Relaxed);
        }
    }

    /// The number of this thread, below [`SLOTS`].
    #[inline]
    pub(in super::super) fn current() -> usize {
        match SLOT.try_with(Cell::get) {
            Ok(NONE) | Err(_) => assign(),
            Ok(slot) => slot,
        }
    }

    #[cold]
    fn assign() -> usize {
        // A thread that is past its destructors could not give a number back, so it takes none.
        let leased = LEASE.try_with(|lease| {
            let lease = Lease::take().map(|new| lease.get_or_init(|| new));
            lease.map(|lease| lease.number)
        });
        // Relaxed: only spreads the crowd over the numbers.
        let slot = leased
            .ok()
            .flatten()
            .unwrap_or_else(|| crowd().fetch_add(1, Relaxed) % SLOTS);
        let _ = SLOT.try_with(|own| own.set(slot));
        slot
    }
}
