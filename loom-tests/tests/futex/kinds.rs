//! Models of the mutexes that are made of the one.

use std::sync::Arc;

use linchpin::futex::{FairMutex, RawFairMutex, RawMutex, RawThreadId, ReentrantMutex};
use loom_tests::{Watched, explore_within_to, spawn};

use super::PREEMPTIONS;

/// Three threads lock and add, and each unlock hands off to the first that is parked.
pub(super) fn fair_mutex_hands_off() -> usize {
    explore_within_to(PREEMPTIONS, [3], || {
        let total: Arc<FairMutex<Watched>> = Arc::new(FairMutex::from_raw(RawFairMutex::new(), Watched::default()));
        let others = [(), ()].map(|()| {
            let total = Arc::clone(&total);
            spawn(move || total.lock().add(1))
        });
        total.lock().add(1);
        for other in others {
            other.join().expect("it only adds");
        }
        total.try_lock().expect("all have unlocked").get()
    })
}

/// Two threads lock, and lock again what they hold: neither is taken for the other.
pub(super) fn reentrant_mutex_excludes() -> usize {
    explore_within_to(PREEMPTIONS, [4], || {
        let lock = ReentrantMutex::from_raw(RawMutex::new(), RawThreadId::new(), Watched::default());
        let total: Arc<ReentrantMutex<Watched>> = Arc::new(lock);
        let add_twice = |total: &ReentrantMutex<Watched>| {
            let outer = total.lock();
            outer.add(1);
            // `lock_api` keeps the owner in an atomic that loom does not see: this is where the other may look at it.
            loom::thread::yield_now();
            total.lock().add(1);
        };
        let other = spawn({
            let total = Arc::clone(&total);
            move || add_twice(&total)
        });
        add_twice(&total);
        other.join().expect("it only adds");
        total.try_lock().expect("both have unlocked").get()
    })
}
