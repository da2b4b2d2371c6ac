//! Beyond the bounds of most models.

use loom_tests::{Bounds, found_behind_spins};

use super::reads_beside_a_write;

/// It is never the turn of the first in the queue: what an unlock finds there it wakes.
pub(super) const NO_TURNS: Bounds = Bounds {
    decides: false,
    ..Bounds::SMALL
};

/// The threads that wait for a lock and the writer that drains it are in different buckets.
pub(super) const BY_KIND: Bounds = Bounds {
    two_buckets: true,
    ..Bounds::SMALL
};

/// A thread may read two locks at one time.
pub(super) const TWO_SLOTS: Bounds = Bounds {
    places: 2,
    ..Bounds::SMALL
};

#[test]
fn a_writer_that_spins_for_readers_sees_them_leave() {
    found_behind_spins(
        "src/futex/rwlock/slots.rs",
        "self.identity.load(Acquire) == identity",
        "src/futex/park/spin_then_park.rs",
        |bounds| reads_beside_a_write(bounds, 2),
    );
}

#[test]
fn a_thread_that_spins_for_the_lock_acquires_it() {
    found_behind_spins(
        "src/futex/rwlock/read.rs",
        ".compare_exchange(state.bits(), entered.bits(), Acquire, Relaxed)",
        "src/futex/park/spin_then_park.rs",
        |bounds| reads_beside_a_write(bounds, 0),
    );
}
