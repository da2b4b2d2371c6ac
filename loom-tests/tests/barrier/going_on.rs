//! The central barrier where a thread goes on to the episodes of others, and it is poisoned.

use std::sync::Arc;

use linchpin::barrier::Barrier;
use loom_tests::{explore_to, spawn};

/// A thread goes on to the episode of another, and wakes it for that, or because the barrier is poisoned meanwhile. (With a
/// step it would have woken it before.)
pub fn goes_on_to_poison() -> usize {
    explore_to([(true, true), (true, false), (false, true), (false, false)], || {
        let barrier = Arc::new(Barrier::new(1));
        let poisoner = spawn({
            let barrier = Arc::clone(&barrier);
            move || barrier.poison()
        });
        let other = spawn({
            let barrier = Arc::clone(&barrier);
            move || barrier.wait_checked().is_ok()
        });
        let mine = barrier.wait_checked().is_ok();
        let outcome = (mine, other.join().expect("it only waits"));
        poisoner.join().expect("it only poisons");
        outcome
    })
}
