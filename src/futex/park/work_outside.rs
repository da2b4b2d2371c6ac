//! How long this thread works between two acquisitions of a contended lock, by samples.

use core::cell::Cell;

use crate::backend::time::Instant;
use crate::backend::{hint, per_thread, thread};

/// Every how manieth unlock is sampled. A power of two.
const SAMPLE: u32 = 32;
/// Work that takes longer than a change of hands is long, in nanoseconds.
const LONG: u32 = 250;

per_thread! {
    static UNLOCKS: Cell<u32> = Cell::new(0);
    static UNLOCKED_AT: Cell<Option<Instant>> = Cell::new(None);
    /// The average of the last samples, in nanoseconds.
    static AVERAGE: Cell<u32> = Cell::new(0);
}

/// To be called as a contended lock is unlocked.
#[inline]
pub(in crate::futex) fn note_unlock() {
    let _ = UNLOCKS.try_with(|unlocks| {
        unlocks.set(unlocks.get().wrapping_add(1));
        if unlocks.get().is_multiple_of(SAMPLE) {
            let _ = UNLOCKED_AT.try_with(|at| at.set(Some(Instant::now())));
        }
    });
}

/// To be called when a thread comes back to a contended lock: before it waits, or as soon as it has it.
#[inline]
pub(in crate::futex) fn note_lock() {
    let _ = UNLOCKS.try_with(|unlocks| {
        if unlocks.get().is_multiple_of(SAMPLE) {
            take_sample();
        }
    });
}

#[cold]
fn take_sample() {
    let Some(start) = UNLOCKED_AT.try_with(Cell::take).ok().flatten() else {
        return;
    };
    let took = u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX);
    let _ = AVERAGE.try_with(|average| {
        // Not more than a few times as long as matters: a thread that was preempted has not worked.
        average.set((3 * average.get() + took.min(8 * LONG)) / 4);
    });
}

/// Takes a sample, and answers whether this thread works for long between two acquisitions, on average, and no more than two can run at once: where
/// more threads look often, they only take the line from one another.
pub(in crate::futex) fn is_long() -> bool {
    note_lock();
    AVERAGE.try_with(Cell::get).unwrap_or(0) >= LONG && hint::tuned(thread::parallelism() <= 2, false)
}
