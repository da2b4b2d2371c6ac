//! Beyond the bounds of most models: without turns, so that deputies are woken in place of hand-offs; with two buckets;
//! and with threads that spin.

use loom_tests::{Bounds, found_behind_spins};

use super::{condvar, mutex_becomes_contended_within, mutex_wakes_a_sleeper};

/// It is never the turn of the first in the queue: what an unlock finds there it wakes.
pub(super) const NO_TURNS: Bounds = Bounds {
    decides: false,
    ..Bounds::SMALL
};

/// A mutex and a condition variable are in different buckets.
pub(super) const BY_KIND: Bounds = Bounds {
    two_buckets: true,
    ..Bounds::SMALL
};

#[test]
fn a_thread_that_spins_for_a_mutex_acquires_it() {
    found_behind_spins(
        "src/futex/mutex/mod.rs",
        "compare_exchange(FREE, held, Acquire, Relaxed)",
        "src/futex/park/spin_then_park.rs",
        mutex_wakes_a_sleeper,
    );
}

#[test]
fn a_thread_that_spins_for_a_bucket_acquires_it() {
    found_behind_spins(
        "src/internal/word_lock.rs",
        "compare_exchange(FREE, HELD, Acquire, Relaxed)",
        "src/internal/word_lock.rs",
        mutex_wakes_a_sleeper,
    );
}

#[test]
fn a_thread_that_spins_for_a_notification_sees_it() {
    found_behind_spins(
        "src/wait/flag.rs",
        "self.word.load(Acquire) & !SLEEPING != epoch.0",
        "src/futex/park/spin_then_park.rs",
        condvar::notifies,
    );
}

#[test]
fn a_thread_that_looks_for_the_mode_again_relies_on_the_holder() {
    found_behind_spins(
        "src/futex/mutex/contend.rs",
        ".compare_exchange(state, state | PARKED, Relaxed, Relaxed)",
        "src/futex/mutex/contend.rs",
        |bounds| mutex_becomes_contended_within(bounds, 4),
    );
}
