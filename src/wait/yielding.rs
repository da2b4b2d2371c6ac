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
    yield_within(PATIENCE)
}

/// The same; after a long yield no other follows for `patience` times as long.
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
    let took = yield_measured();
    if took <= SHORT {
        return true;
    }
    let _ = PAUSED_UNTIL.try_with(|paused| paused.set(Instant::now().checked_add(took * patience)));
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

/// [`PATIENCE`] of a thread that cannot be woken: the sleep that it takes instead may come at the wrong time.
const POLLING_PATIENCE: u32 = 2;
/// How often such a thread yields in one wait, before it is clear that yields do not help.
const YIELDS: u32 = 256;
/// The shortest sleep instead, and how often it may double.
const NAP: Duration = Duration::from_micros(50);
const DOUBLINGS: u32 = 4;

/// Yields, or sleeps for a bounded time: where yields have been long lately, and where `rounds` of them have not helped.
///
/// A thread of real-time priority that yields lets no ordinary thread run; one that sleeps does.
pub(crate) fn yield_or_sleep(rounds: u32) {
    if rounds < YIELDS && yield_within(POLLING_PATIENCE) || hint::tuned(false, true) {
        return;
    }
    thread::sleep(NAP * (1 << (rounds / YIELDS).min(DOUBLINGS)));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elapsed time is bounded from below only.
    #[test]
    fn a_wait_that_yields_do_not_help_sleeps() {
        for (rounds, doublings) in [(YIELDS, 1), (3 * YIELDS, 3), (u32::MAX, DOUBLINGS)] {
            let before = Instant::now();
            yield_or_sleep(rounds);
            assert!(before.elapsed() >= NAP * (1 << doublings), "after {rounds} yields");
        }
    }

    #[test]
    fn after_a_long_yield_none_follows_for_a_time() {
        PAUSED_UNTIL.set(Instant::now().checked_add(Duration::from_secs(3600)));
        assert!(!yield_if_short());
        let before = Instant::now();
        yield_or_sleep(0);
        assert!(before.elapsed() >= NAP, "a thread that cannot be woken sleeps instead");
        PAUSED_UNTIL.set(None);
    }
}
