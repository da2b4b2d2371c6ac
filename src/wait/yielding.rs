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

per_thread! {
    /// Until when this thread does not yield.
    static PAUSED_UNTIL: Cell<Option<Instant>> = Cell::new(None);
}

/// Yields, unless the yields of this thread have been long lately; answers whether it did and it was short.
pub(crate) fn yield_if_short() -> bool {
    yield_within(PATIENCE)
}

fn yield_within(patience: u32) -> bool {
    if hint::tuned(false, true) {
        thread::yield_now();
        return true;
    }
    let paused = PAUSED_UNTIL.try_with(Cell::get).ok().flatten();
    let start = Instant::now();
    if paused.is_some_and(|until| start < until) {
        return false;
    }
    thread::yield_now();
    let end = Instant::now();
    let took = end.saturating_duration_since(start);
    if took <= SHORT {
        return true;
    }
    let _ = PAUSED_UNTIL.try_with(|paused| paused.set(end.checked_add(took * patience)));
    false
}

/// How often a thread that cannot be woken yields, before it takes it that yields do not help.
const YIELDS: u32 = 256;
/// The shortest sleep instead, and how often it may double.
const NAP: Duration = Duration::from_micros(50);
const DOUBLINGS: u32 = 4;

/// Yields, or sleeps for a bounded time where that gives slices away or has not helped `rounds` times: a real-time thread
/// that yields lets no ordinary one run.
pub(crate) fn yield_or_sleep(rounds: u32) {
    if rounds < YIELDS && yield_within(NAP_PATIENCE) || hint::tuned(false, true) {
        return;
    }
    thread::sleep(NAP * (1 << (rounds / YIELDS).min(DOUBLINGS)));
}

/// As [`PATIENCE`], where a sleep is all that can be done instead.
const NAP_PATIENCE: u32 = 2;
