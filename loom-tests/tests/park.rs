//! Models of the parking core by itself: a waiter and what takes it out of its queue, with nothing of a lock around
//! them.
#![cfg(linchpin_loom)]

// std's: loom's own aborts the process if it is dropped after a deadlock, which a fault may lead to.
use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use linchpin::futex::inside::{Decision, Kind, Object, Parked};
use linchpin::models::asymmetric;
use loom::sync::atomic::{AtomicU32, Ordering::Relaxed};
use loom_tests::{Bounds, Watched, explore_beyond_to, explore_within_to, models, spawn};

models! {
    park, sources: ["src/futex/park/mod.rs", "src/futex/park/table.rs", "src/futex/park/waiter.rs"]
    beyond [unpark_by_kind, fast_unlock_by_kind, requeue_by_kind, time_out_by_kind, refused_requeue_by_kind, beside_deputy_by_kind],
    park_meets_unpark => park_meets_unpark(Bounds::SMALL),
    park_meets_fast_unlock => park_meets_fast_unlock(Bounds::SMALL),
    time_out_meets_unpark => time_out_meets_unpark(Bounds::SMALL),
    time_out_meets_requeue => time_out_meets_requeue(Bounds::SMALL, true),
    time_out_meets_refused_requeue => time_out_meets_requeue(Bounds::SMALL, false),
    park_beside_deputy => park_beside_deputy(Bounds::SMALL),
    beside_deputy_by_kind => park_beside_deputy(BY_KIND),
    time_outs_of_a_detached_queue => time_outs_of_a_detached_queue(),
    two_are_unparked_in_order => two_are_unparked_in_order(),
    unpark_by_kind => park_meets_unpark(BY_KIND),
    fast_unlock_by_kind => park_meets_fast_unlock(BY_KIND),
    requeue_by_kind => time_out_meets_requeue(BY_KIND, true),
    refused_requeue_by_kind => time_out_meets_requeue(BY_KIND, false),
    time_out_by_kind => time_out_meets_unpark(BY_KIND),
}

/// Two buckets, of which a mutex has one and a condition variable the other.
const BY_KIND: Bounds = Bounds {
    two_buckets: true,
    ..Bounds::SMALL
};

/// An object that threads wait for, and what they wait for.
#[derive(Default)]
struct Event {
    object: Object,
    other: Object,
    has_happened: AtomicU32,
    /// Of the thread that makes it happen, and then of the one that has waited.
    written: Watched,
    /// How many are in the queue of `object`. Changed under the lock of its bucket.
    queued: AtomicU32,
}

impl Event {
    fn has_happened(&self) -> bool {
        self.has_happened.load(Relaxed) != 0
    }

    fn happen(&self) {
        self.has_happened.store(1, Relaxed);
    }

    fn unless_happened(&self, decision: Decision) -> Decision {
        if self.has_happened() { Decision::Abort } else { decision }
    }

    /// Parks, and counts itself as queued.
    fn park_counted(&self, kind: Kind, deadline: Option<Instant>) -> Parked {
        let count = |_| {
            self.queued.store(self.queued.load(Relaxed) + 1, Relaxed);
            Decision::Park
        };
        self.object.park(kind, deadline, count, || {
            self.queued.store(self.queued.load(Relaxed) - 1, Relaxed);
        })
    }
}

/// One parks unless it has happened, which another changes under the lock of the bucket: it is unparked if it was
/// queued.
fn park_meets_unpark(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [(Parked::Needless, false), (Parked::Unparked, true)], || {
        let event = Arc::new(Event::default());
        let waker = spawn({
            let event = Arc::clone(&event);
            move || {
                event.written.add(1);
                event.object.unpark(Kind::Mutex, || event.happen())
            }
        });
        let parked = event
            .object
            .park(Kind::Mutex, None, |_| event.unless_happened(Decision::Park), || {});
        assert_eq!(event.written.get(), 1);
        (parked, waker.join().expect("it only unparks"))
    })
}

/// The same, where it is changed without that lock, by a store, a fence and a look: one of the two sees the other.
fn park_meets_fast_unlock(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [Parked::Needless, Parked::AsDeputy], || {
        let event = Arc::new(Event::default());
        let waker = spawn({
            let event = Arc::clone(&event);
            move || {
                event.happen();
                asymmetric::light();
                event.object.look(Kind::Mutex);
            }
        });
        let decide = |is_fenced| {
            event.unless_happened(if is_fenced {
                Decision::Park
            } else {
                Decision::ParkAnnounced
            })
        };
        let parked = event.object.park(Kind::Mutex, None, decide, || {});
        waker.join().expect("it only looks");
        for kind in [Kind::Mutex, Kind::Condvar] {
            assert!(!event.object.is_announced(kind), "no announcement is left");
        }
        parked
    })
}

/// A deadline passes in the instant of an unpark: both say the same, and no waiter is left.
fn time_out_meets_unpark(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [(Parked::TimedOut, false), (Parked::Unparked, true)], || {
        let event = Arc::new(Event::default());
        let deadline = Instant::now();
        let waker = spawn({
            let event = Arc::clone(&event);
            move || event.object.unpark(Kind::Mutex, || {})
        });
        let parked = event
            .object
            .park(Kind::Mutex, Some(deadline), |_| Decision::Park, || {});
        let unparked = waker.join().expect("it only unparks");
        assert!(!event.object.unpark(Kind::Mutex, || {}), "no waiter is left");
        (parked, unparked)
    })
}

/// A deadline passes while the waiter is moved to another queue: it leaves the first before, or is unparked from the
/// second.
fn time_out_meets_requeue(bounds: Bounds, relies: bool) -> usize {
    explore_beyond_to(bounds, 3, [(Parked::TimedOut, 0), (Parked::Unparked, 1)], move || {
        let event = Arc::new(Event::default());
        let deadline = Instant::now();
        let waker = spawn({
            let event = Arc::clone(&event);
            move || {
                let mut number = 0;
                let mut taken = event.object.take(Kind::Condvar, 2, |count| {
                    number = count as u32;
                    event.queued.store(event.queued.load(Relaxed) - number, Relaxed);
                });
                if number > 0 {
                    taken.requeue(&event.other, Kind::Mutex, || relies);
                }
                let is_there = event.other.unpark(Kind::Mutex, || {});
                assert_eq!(is_there, relies && number > 0, "what relies on a holder stays queued");
                number
            }
        });
        let parked = event.park_counted(Kind::Condvar, Some(deadline));
        let taken = waker.join().expect("it only moves what it finds");
        assert_eq!(
            event.queued.load(Relaxed),
            0,
            "one of the two has counted the waiter out"
        );
        (parked, taken)
    })
}

/// A waiter that is to look again itself does so in the instant of an unpark: both say the same, and it is in no queue.
fn park_beside_deputy(bounds: Bounds) -> usize {
    explore_beyond_to(bounds, 3, [(Parked::Needless, false), (Parked::Unparked, true)], || {
        let event = Arc::new(Event::default());
        let waker = spawn({
            let event = Arc::clone(&event);
            move || event.object.unpark(Kind::Mutex, || {})
        });
        let parked = event
            .object
            .park(Kind::Mutex, None, |_| Decision::ParkBesideDeputy, || {});
        let unparked = waker.join().expect("it only unparks");
        assert!(!event.object.unpark(Kind::Mutex, || {}), "no waiter is left");
        (parked, unparked)
    })
}

/// Two are taken out together, and their deadlines pass before they are unparked: they stay where they are until then.
fn time_outs_of_a_detached_queue() -> usize {
    explore_within_to(2, [0, 1, 2], || {
        let event = Arc::new(Event::default());
        let deadline = Instant::now();
        let waiters = [(), ()].map(|()| {
            let event = Arc::clone(&event);
            spawn(move || event.park_counted(Kind::Mutex, Some(deadline)))
        });
        let mut number = 0;
        let mut taken = event.object.take(Kind::Mutex, 2, |count| {
            number = count as u32;
            event.queued.store(event.queued.load(Relaxed) - number, Relaxed);
        });
        for _ in 0..number {
            taken.unpark();
        }
        let parked = waiters.map(|waiter| waiter.join().expect("it only parks"));
        assert_eq!(event.queued.load(Relaxed), 0, "each was counted out once");
        let unparked = parked.iter().filter(|&&parked| parked == Parked::Unparked).count();
        assert_eq!(unparked as u32, number, "a waiter that was taken out does not time out");
        number
    })
}

/// Two wait, and are unparked one by one: the one that came first comes first.
fn two_are_unparked_in_order() -> usize {
    explore_within_to(2, [0, 1, 2], || {
        let event = Arc::new(Event::default());
        let deadline = Instant::now();
        let waiters = [(), ()].map(|()| {
            let event = Arc::clone(&event);
            spawn(move || {
                let before = Cell::new(0);
                let decide = |_| {
                    before.set(event.queued.load(Relaxed));
                    event.queued.store(before.get() + 1, Relaxed);
                    Decision::Park
                };
                let parked = event.object.park(Kind::Mutex, Some(deadline), decide, || {});
                (parked == Parked::Unparked).then(|| (before.get(), event.has_happened.load(Relaxed)))
            })
        });
        let mut unparked = 0;
        for turn in 0..2 {
            unparked += u32::from(
                event
                    .object
                    .unpark(Kind::Mutex, || event.has_happened.store(turn, Relaxed)),
            );
        }
        let turns: Vec<_> = waiters
            .into_iter()
            .filter_map(|waiter| waiter.join().expect("it only parks"))
            .collect();
        assert_eq!(turns.len() as u32, unparked);
        let is_passed = turns.len() == 2 && turns.iter().any(|&(before, turn)| turn < before);
        assert!(!is_passed, "the first of two was passed");
        unparked
    })
}
