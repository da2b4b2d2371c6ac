//! Models of the counters: no add is lost, also across a handle that is dropped.
#![cfg(linchpin_loom)]

use linchpin::counter::{ApproximateCounter, Counter, LocalCounter};
use loom::sync::Arc;
use loom_tests::{explore_to, models, spawn};

models! {
    counter, sources: [
        "src/counter/striped.rs", "src/counter/registry.rs",
        "src/internal/grow_list.rs",
        "src/counter/approximate.rs",
    ],
    no_add_is_lost => no_add_is_lost(),
    reset_loses_nothing => reset_loses_nothing(),
    a_departed_thread_keeps_its_share => a_departed_thread_keeps_its_share(),
    no_handle_is_lost => no_handle_is_lost(),
    a_departed_handle_keeps_its_share => a_departed_handle_keeps_its_share(),
    no_batch_is_lost => no_batch_is_lost(),
}

/// Two threads add to one stripe. (Not the main thread too: with three that take numbers, it is hours.)
fn no_add_is_lost() -> usize {
    explore_to([3], || {
        let counter = Arc::new(Counter::<1>::with_stripes());
        let others = [1, 2].map(|amount| {
            let counter = Arc::clone(&counter);
            spawn(move || counter.add(amount))
        });
        for other in others {
            other.join().expect("it only adds");
        }
        counter.sum()
    })
}

/// Two resets while another thread adds: each add is in one of them or in the rest. A sum meanwhile is anything from
/// what was before to all.
fn reset_loses_nothing() -> usize {
    explore_to([(0, 3), (1, 2), (3, 0)], || {
        let counter = Arc::new(Counter::<1>::with_stripes());
        let adder = spawn({
            let counter = Arc::clone(&counter);
            move || {
                counter.add(1);
                counter.add(2);
            }
        });
        let other_reset = spawn({
            let counter = Arc::clone(&counter);
            move || counter.reset()
        });
        let first = counter.reset();
        adder.join().expect("it only adds");
        let first = first + other_reset.join().expect("it only resets");
        (first, counter.sum())
    })
}

/// A thread ends and gives its number back; the next thread gets it, and adds to the same stripe.
fn a_departed_thread_keeps_its_share() -> usize {
    explore_to([7], || {
        let counter = Arc::new(Counter::<2>::with_stripes());
        let add = |amount| {
            let counter = Arc::clone(&counter);
            spawn(move || counter.add(amount))
        };
        let others = [add(1), add(2)];
        for other in others {
            other.join().expect("it only adds");
        }
        add(4).join().expect("it only adds");
        counter.sum()
    })
}

/// Handles are registered in two threads, while a third sums. (The third, and not the main thread: loom 0.7 overlooks
/// that a compare-exchange may come before another thread's load if a load of its own thread lies between,
/// tokio-rs/loom#166, but not that the load may come before the compare-exchange.)
fn no_handle_is_lost() -> usize {
    explore_to([0, 1, 2, 3], || {
        let counters = Arc::new(LocalCounter::new());
        let adders = [1, 2].map(|amount| {
            let counters = Arc::clone(&counters);
            spawn(move || {
                let local = counters.register();
                local.add(amount);
                std::mem::forget(local);
            })
        });
        let reader = spawn({
            let counters = Arc::clone(&counters);
            move || counters.sum()
        });
        for adder in adders {
            adder.join().expect("it only adds");
        }
        assert_eq!(counters.sum(), 3);
        reader.join().expect("it only sums")
    })
}

/// A handle is dropped while others are registered, one of which may take over its slot.
fn a_departed_handle_keeps_its_share() -> usize {
    explore_to([3], || {
        let counters = Arc::new(LocalCounter::new());
        let early = spawn({
            let counters = Arc::clone(&counters);
            move || counters.register().add(1)
        });
        counters.register().add(2);
        early.join().expect("it only adds");
        counters.sum()
    })
}

/// Two handles fill batches and are dropped with a rest: in between the error is within its bound, at the end it is 0.
fn no_batch_is_lost() -> usize {
    explore_to([2, 4, 5], || {
        let counter = Arc::new(ApproximateCounter::new(2));
        let other = spawn({
            let counter = Arc::clone(&counter);
            move || {
                let handle = counter.register();
                (0..3).for_each(|_| handle.increment());
            }
        });
        let handle = counter.register();
        handle.add(2);
        let estimate = counter.estimate();
        other.join().expect("it only adds");
        handle.increment();
        assert_eq!(counter.exact(), 6);
        assert_eq!((counter.estimate(), counter.error_bound()), (5, 1));
        drop(handle);
        assert_eq!((counter.estimate(), counter.error_bound()), (6, 0));
        estimate
    })
}
