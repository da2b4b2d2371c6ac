//! What a thread does whose compare-exchange has failed: it waits long enough for the thread that has succeeded to go on
//! alone for a while.
//!
//! Two threads that keep taking the top's line from each other spend their time on its transfers, some 30 to 900 ns each way;
//! one that runs alone makes dozens of operations in that time. So the first wait is already longer than a transfer and the
//! operation after it, and each further wait of one operation is twice as long. Nothing depends on their length: the
//! thread waits for no other.

use super::policy::Head;
use crate::backend::atomic::Relaxed;
use crate::backend::hint;

/// The first wait is `1 << FIRST` pauses long, and each further one twice as long as the one before, up to `1 << LAST`.
const FIRST: u32 = 6;
const LAST: u32 = 11;

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

    /// Waits; then fetches the line of `head` to write to it, and leaves it as it is. `last` is what it has held. Returns
    /// what to wait next time. All by value, so that an operation that succeeds at once keeps nothing in memory.
    ///
    /// A thread that comes back and only reads the line has to fetch it once more to write. In between the thread that
    /// has gone on writes it again, each time, for ever.
    #[cold]
    #[inline(never)]
    #[must_use]
    pub(super) fn back_off<H: Head>(self, head: &H, last: H::Word) -> Self {
        let pauses = hint::patience(1 << self.next);
        // In a model, what a thread finds after a wait it could find at once.
        if pauses > 0 {
            hint::spin_for(pauses);
            // Relaxed: nothing is done with the result, nor does it matter whether the head is still the same: a processor that
            // compares and exchanges has the line.
            let _ = head.compare_exchange(last, last, Relaxed, Relaxed);
        }
        Contention {
            next: (self.next + 1).min(LAST),
        }
    }
}
