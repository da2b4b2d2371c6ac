//! Yielding while that is short.
//!
//! A yield lets the thread run that is waited for, if that waits for a processor. It also lets any other thread run, and on
//! a current Linux for a whole time slice: beside busy processes a lock whose waiters yield passes hundreds of times a
//! second instead of a hundred thousand. A thread that sleeps and is woken, on the other hand, preempts a busy one. So each thread
//! measures its yields, and after a long one does without for a time in proportion: what long yields cost stays below
//! one part in [`PATIENCE`].

use core::cell::Cell;
use core::time::Duration;

use crate::backend::time::Instant;
use crate::backend::{hint, per_thread, thread};

/// A yield that takes longer was given to another thread for a time slice.
const SHORT: Duration = Duration::from_micros(50);
/// How many times as long as a long yield no other follows.
const PATIENCE: u32 = 64;

/// How many yields follow a measured one that was short before another is measured, where reading the clock counts.
const UNMEASURED: u32 = 7;

per_thread! {
    /// Until when this thread does not yield.
    static PAUSED_UNTIL: Cell<Option<Instant>> = Cell::new(None);
    /// How many yields need not be measured.
    static TRUSTED: Cell<u32> = Cell::new(0);
}

/// Yields, unless the yields of this thread have been long lately; answers whether it did and it was short.
pub(crate) fn yield_if_short() -> bool {
    if hint::tuned(false, true) {
        thread::yield_now();
        return true;
    }
    let paused = PAUSED_UNTIL.try_with(Cell::get).ok().flatten();
    let start = Instant::now();
    if paused.is_some_and(|until| start < until) {
        return false;
    }
    let took = yield_measured();
    if took <= SHORT {
        return true;
    }
    let _ = PAUSED_UNTIL.try_with(|paused| paused.set(Instant::now().checked_add(took * PATIENCE)));
    false
}

/// Yields; answers how long that took if it is known and longer than `short`. For waits whose yields pause together.
///
/// Measures one yield in a few: two looks at the clock cost a quarter of a context switch.
pub(crate) fn yield_sampled(short: Duration) -> Option<Duration> {
    if let Ok(trusted @ 1..) = TRUSTED.try_with(Cell::get) {
        let _ = TRUSTED.try_with(|left| left.set(trusted - 1));
        thread::yield_now();
        return None;
    }
    let took = yield_measured();
    if took > short {
        return Some(took);
    }
    let _ = TRUSTED.try_with(|left| left.set(UNMEASURED));
    None
}

/// Yields; answers how long that took.
pub(crate) fn yield_measured() -> Duration {
    let start = Instant::now();
    thread::yield_now();
    Instant::now().saturating_duration_since(start)
}
