//! Waits for a flag that a third thread can end: for barriers, whose participants may never come.
//!
//! The condition that ends such a wait lies outside the flag. The third thread makes it true and then [`nudge`](Flag::nudge)s
//! the flag; the waiter looks at it between setting `SLEEPING` and sleeping. Both change the flag's word by an RMW: if the
//! nudge comes first, the waiter's RMW synchronizes with it and the waiter sees the condition; if the waiter's comes first,
//! the nudge takes `SLEEPING` back, so that the kernel finds another word than the waiter expects, or wakes it.

use super::flag::{EPOCH, Epoch};
#[cfg(feature = "std")]
use super::flag::{Flag, SLEEPING};
#[cfg(feature = "std")]
use crate::backend::atomic::{Acquire, Relaxed, Release};
#[cfg(feature = "std")]
use crate::backend::futex;

impl Epoch {
    /// The epoch that follows. For a waiter that knows that it has missed none, when the setter may be one ahead.
    #[inline]
    pub(crate) fn next(self) -> Self {
        Epoch(self.0.wrapping_add(EPOCH))
    }
}

#[cfg(feature = "std")]
impl Flag {
    /// Sleeps while `epoch` lasts, unless `is_over`. May end for no reason; so it belongs into a loop.
    #[cold]
    pub(crate) fn sleep_unless(&self, epoch: Epoch, is_over: impl FnOnce() -> bool) {
        let asleep = epoch.0 | SLEEPING;
        // Acquire: synchronizes with the Release RMW in `nudge`, so that this thread sees that it
        // is over; Relaxed loses the wake-up. A compare-exchange, so that no set is taken back.
        // model: barrier::tree_breaks
        match self.word.compare_exchange(epoch.0, asleep, Acquire, Relaxed) {
            Err(word) if word != asleep => return,
            _ => {}
        }
        if !is_over() {
            futex::wait(&self.word, asleep);
        }
        // Relaxed: the caller looks at the flag again, with Acquire. An RMW, so that no set is taken back.
        self.word.fetch_and(!SLEEPING, Relaxed);
    }

    /// Ends a [`sleep_unless`](Self::sleep_unless) whose `is_over` this thread has made true.
    #[cold]
    pub(crate) fn nudge(&self) {
        // Release: synchronizes with the Acquire RMW in `sleep_unless`; Relaxed loses the wake-up.
        // An RMW, so that a waiter which falls asleep at the same time does not overlook it.
        // model: barrier::tree_breaks
        if self.word.fetch_and(!SLEEPING, Release) & SLEEPING != 0 {
            futex::wake_one(&self.word);
        }
    }
}
