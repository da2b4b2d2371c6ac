//! What the queue locks do beyond excluding: critical sections that are closures, and nodes that come and go. That they
//! exclude is in `tests/mutual_exclusion`; that they serve in order is beside the code, in `src/queue/tests.rs`.

#[path = "../common/mod.rs"]
mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{Drops, THREAD_COUNTS, die, on_threads, times, watchdog};
use linchpin::queue::{McsCell, McsNode};

#[test]
fn a_cell_lends_its_value_to_one_at_a_time() {
    let _watchdog = watchdog();
    let acquisitions = times(1 << 16, 64);
    for &threads in THREAD_COUNTS {
        let total = McsCell::new(0);
        on_threads(threads, |_| {
            let mut node = McsNode::new();
            for _ in 0..acquisitions / threads {
                total.lock_with(&mut node, |total| *total = std::hint::black_box(*total) + 1);
            }
        });
        assert_eq!(total.into_inner(), acquisitions, "with {threads} threads");
    }
}

#[test]
fn a_cell_that_is_held_is_refused() {
    let cell = McsCell::new(1);
    let mut node = McsNode::default();
    cell.lock_with(&mut node, |value| {
        assert!(cell.is_locked());
        assert_eq!(cell.try_lock_with(&mut McsNode::new(), |_| ()), None);
        assert_eq!(format!("{cell:?}"), "McsCell { value: <locked> }");
        *value += 1;
    });
    assert_eq!(cell.try_lock_with(&mut node, |value| *value), Some(2));
    assert_eq!(format!("{cell:?} {node:?}"), "McsCell { value: 2 } McsNode { .. }");
}

/// Beside threads that wait, for a node that is gone with its critical section would be found by them.
#[test]
fn a_panic_in_a_section_releases_the_cell() {
    let _watchdog = watchdog();
    let cell = McsCell::new(0);
    let threads = if cfg!(feature = "std") { 4 } else { 2 };
    on_threads(threads, |thread| {
        for round in 0..times(1000, 10) {
            let dies = (round + thread) % 2 == 0;
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                cell.lock_with(&mut McsNode::new(), |value| {
                    *value += 1;
                    if dies {
                        die();
                    }
                });
            }));
            assert_eq!(outcome.is_err(), dies);
        }
    });
    let outcome = catch_unwind(AssertUnwindSafe(|| cell.try_lock_with(&mut McsNode::new(), |_| die())));
    assert!(outcome.is_err() && !cell.is_locked());
    assert_eq!(cell.into_inner(), threads * times(1000, 10));
}

#[test]
fn a_cell_is_made_and_unmade_like_a_mutex() {
    static STATIC: McsCell<u64> = McsCell::new(7);
    assert_eq!(STATIC.lock_with(&mut McsNode::new(), |value| *value), 7);
    let drops = Drops::default();
    let mut cell = McsCell::from(drops.counted());
    *cell.get_mut() = drops.counted();
    assert_eq!(drops.count(), 1);
    let value = cell.into_inner();
    assert_eq!(drops.count(), 1);
    drop(value);
    assert_eq!(drops.count(), 2);
    assert_eq!(McsCell::<u8>::default().into_inner(), 0);
    let array = McsCell::new([1, 2, 3]);
    let slice: &McsCell<[i32]> = &array;
    assert_eq!(
        slice.lock_with(&mut McsNode::new(), |slice| slice.iter().sum::<i32>()),
        6
    );
}

/// One node may pass through many locks, one after the other, and on many threads.
#[test]
fn a_node_is_used_again() {
    let (one, other) = (McsCell::new(1), McsCell::new(2));
    let mut node = McsNode::new();
    let sum = |node: &mut McsNode| one.lock_with(node, |one| *one) + other.lock_with(node, |other| *other);
    assert_eq!(sum(&mut node), 3);
    let sum = std::thread::scope(|scope| scope.spawn(|| sum(&mut node)).join());
    assert_eq!(sum.expect("it only adds"), 3);
}

#[cfg(feature = "std")]
mod guards {
    use super::*;
    use std::mem;
    use std::sync::Arc;
    use std::thread;

    use common::at_thread_exit;
    use linchpin::queue::{LockWith, RawClhMutex, RawMcsMutex};
    use linchpin::wait::{DefaultPark, Spin};
    use lock_api::{Mutex, RawMutex};

    /// Nodes of threads and nodes of stacks stand in one line.
    #[test]
    fn sections_and_guards_take_turns() {
        let _watchdog = watchdog();
        let total = Mutex::<RawMcsMutex, _>::new(0);
        let rounds = times(5000, 20);
        on_threads(4, |thread| {
            let mut node = McsNode::new();
            for _ in 0..rounds {
                if thread % 2 == 0 {
                    total.lock_with(&mut node, |total| *total += 1);
                } else {
                    *total.lock() += 1;
                }
            }
        });
        let tried = total.try_lock_with(&mut McsNode::new(), |total| *total);
        assert_eq!(tried, Some(4 * rounds));
        let held = total.lock();
        assert_eq!(total.try_lock_with(&mut McsNode::new(), |total| *total), None);
        drop(held);
    }

    /// The cache of nodes is a thread-local too, and is gone before or after the others.
    fn late_destructors_may_lock<R: RawMutex<Guard: 'static> + Send + Sync + 'static>() {
        let lock = Arc::new(Mutex::<R, _>::new(0));
        let again = || {
            let lock = Arc::clone(&lock);
            at_thread_exit(move || {
                // Twice, nested and one after the other: with no cache, each node comes from the pool and goes back.
                for _ in 0..2 {
                    let other = Mutex::<R, _>::new(1);
                    let one = other.lock();
                    *lock.lock() += *one;
                }
            });
        };
        for _ in 0..times(50, 2) {
            thread::scope(|scope| {
                scope.spawn(|| {
                    again();
                    drop(lock.lock());
                    again();
                });
                scope.spawn(|| {
                    drop(lock.lock());
                    again();
                });
            });
        }
        // A scope does not wait for its threads' thread-locals.
        let mut rounds = 0;
        while *lock.lock() < 6 * times(50, 2) && rounds < 1_000_000 {
            rounds += 1;
            thread::yield_now();
        }
        assert_eq!(*lock.lock(), 6 * times(50, 2));
    }

    /// More guards than a cache keeps nodes, given back in another order; some never.
    fn nodes_are_taken_and_put_in_any_order<R: RawMutex>() {
        let locks: Vec<_> = (0..100).map(|_| Mutex::<R, _>::new(0)).collect();
        for step in [1, 3, 7, 99] {
            let mut held: Vec<_> = locks.iter().map(|lock| Some(lock.lock())).collect();
            for turn in 0..100 {
                let mut guard = held[turn * step % 100].take().expect("each comes once");
                *guard += 1;
            }
            assert!(locks.iter().all(|lock| !lock.is_locked()));
        }
        mem::forget(locks[0].lock());
        mem::forget(locks[1].try_lock());
        assert!(
            locks[..2]
                .iter()
                .all(|lock| lock.is_locked() && lock.try_lock().is_none())
        );
        assert!(locks[2..].iter().all(|lock| *lock.lock() == 4));
    }

    /// A guard that is kept in a thread-local, and dropped when the cache is gone, or about to be.
    fn a_guard_may_be_dropped_at_thread_exit<R: RawMutex<Guard: 'static> + Sync>(lock: &'static Mutex<R, u32>) {
        let thread = thread::spawn(move || {
            let mut held = lock.lock();
            *held += 1;
            at_thread_exit(move || drop(held));
            assert!(lock.is_locked());
        });
        thread.join().expect("it only adds");
        assert_eq!(*lock.lock(), 1);
    }

    macro_rules! queues {
        ($($name:ident: $raw:ident;)*) => {$(
            mod $name {
                use super::*;

                #[test]
                fn late_destructors_may_lock() {
                    let _watchdog = watchdog();
                    super::late_destructors_may_lock::<$raw>();
                }

                #[test]
                fn nodes_are_taken_and_put_in_any_order() {
                    super::nodes_are_taken_and_put_in_any_order::<$raw>();
                }

                #[test]
                fn a_guard_may_be_dropped_at_thread_exit() {
                    let _watchdog = watchdog();
                    static PARKS: Mutex<$raw<DefaultPark>, u32> = Mutex::new(0);
                    static SPINS: Mutex<$raw<Spin>, u32> = Mutex::new(0);
                    super::a_guard_may_be_dropped_at_thread_exit(&PARKS);
                    super::a_guard_may_be_dropped_at_thread_exit(&SPINS);
                }
            }
        )*};
    }

    queues! {
        mcs: RawMcsMutex;
        clh: RawClhMutex;
    }
}
