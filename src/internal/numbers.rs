//! Numbers that threads lease: each is given the lowest that is free, and gives it back when it ends.

use crate::backend::atomic::{Acquire, AtomicU64, Relaxed, Release};
use crate::backend::{Global, array, const_fn, hint};

const BITS: usize = u64::BITS as usize;

/// `64 * WORDS` numbers: bit `n % 64` of word `n / 64` is set while a thread has the number `n`.
pub(crate) struct Numbers<const WORDS: usize>([AtomicU64; WORDS]);

impl<const WORDS: usize> Numbers<WORDS> {
    const_fn! {
        /// All of them free.
        pub(crate) const fn new() -> Self {
            Numbers(array![AtomicU64::new(0); WORDS])
        }
    }

    /// Leases the lowest number that is free, if there is one.
    pub(crate) fn lease(numbers: Global<Self>) -> Option<NumberLease<WORDS>> {
        for (place, word) in numbers.0.iter().enumerate() {
            loop {
                // Relaxed: only proposes a bit to the RMW.
                let bit = (!word.load(Relaxed)).trailing_zeros() as usize;
                if bit == BITS {
                    break;
                }
                // Acquire: synchronizes with the Release RMW in `drop`, so that what the number's
                // last thread has left under it is seen. One RMW, so that no two threads take the
                // same bit.
                // model: stack::a_departed_thread_leaves_its_nodes
                if word.fetch_or(1 << bit, Acquire) & (1 << bit) == 0 {
                    let number = place * BITS + bit;
                    return Some(NumberLease { number, numbers });
                }
            }
        }
        None
    }
}

/// A number, until this is dropped.
pub(crate) struct NumberLease<const WORDS: usize> {
    number: usize,
    numbers: Global<Numbers<WORDS>>,
}

impl<const WORDS: usize> NumberLease<WORDS> {
    /// The number, from 0.
    pub(crate) fn number(&self) -> usize {
        self.number
    }
}

impl<const WORDS: usize> Drop for NumberLease<WORDS> {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        // Release: synchronizes with the Acquire RMW in `lease`.
        // model: stack::a_departed_thread_leaves_its_nodes
        self.numbers.0[self.number / BITS].fetch_and(!(1 << (self.number % BITS)), Release);
    }
}
