//! What a thread does whose compare-exchange has failed: it waits long enough for the thread that has succeeded to go on
//! alone for a while.
//!
//! Two threads that keep taking the top's line from each other spend their time on its transfers, 27 to 900 ns each way; one
//! that runs alone makes dozens of operations in that time. So the first wait is already longer than a transfer and the
//! operation after it, and the waits soon stop growing. Nothing depends on their length: the thread waits for no
//! other.

use crate::backend::hint;

/// The first wait is `1 << FIRST` pauses long, and each further one twice as long as the one before, up to `1 << LAST`.
const FIRST: u32 = 6;
const LAST: u32 = 8;

/// The waits of one operation.
#[derive(Clone, Copy)]
pub(super) struct Contention {
    next: u32,
}

impl Contention {
    #[inline]
    pub(super) const fn new() -> Self {
        Contention { next: FIRST }
    }

    /// Waits; returns what to wait next time. By value, so that an operation that succeeds at once keeps nothing in memory.
    #[cold]
    #[inline(never)]
    #[must_use]
    pub(super) fn back_off(self) -> Self {
        let pauses = hint::patience(1 << self.next);
        // In a model, what a thread finds after a wait it could find at once.
        if pauses > 0 {
            hint::spin_for(pauses);
        }
        Contention {
            next: (self.next + 1).min(LAST),
        }
    }
}
