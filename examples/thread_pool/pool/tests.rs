//! Jobs that panic, block, come late or own their pool: none is lost, and none is waited for in vain.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use super::{Pool, join};
use crate::common::{await_that, watchdog};

/// Waits until `threads` threads have no job.
fn await_idle(pool: &Pool, threads: usize) {
    await_that(|| pool.shared.idle.load(Ordering::Relaxed) == threads);
}

#[test]
fn what_was_spawned_runs_before_the_pool_is_gone() {
    let _watchdog = watchdog();
    for round in 0..300 {
        let threads = 1 + round % 3;
        let pool = Pool::new(threads);
        if round % 2 == 0 {
            await_idle(&pool, threads);
        }
        let count = Arc::new(AtomicUsize::new(0));
        let jobs = round % 5;
        for _ in 0..jobs {
            let count = Arc::clone(&count);
            pool.spawn(move || {
                count.fetch_add(1, Ordering::Relaxed);
            });
        }
        drop(pool);
        assert_eq!(count.load(Ordering::Relaxed), jobs, "in round {round}");
    }
}

/// As does a pool all of whose threads sleep.
#[test]
fn a_pool_without_jobs_ends() {
    let _watchdog = watchdog();
    for threads in 1..5 {
        let pool = Pool::new(threads);
        await_that(|| pool.shared.sleepers.lock().len() == threads);
    }
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload of a panic");
    }
}

#[test]
fn the_payload_of_a_panic_may_panic() {
    let _watchdog = watchdog();
    let pool = Pool::new(1);
    pool.spawn(|| panic_any(Bomb));
    assert_eq!(pool.run(|| 7), 7, "the thread goes on");
    // While a join waits for a job that has been stolen, its thread runs the bomb, and then the job that tells so.
    let pool = Pool::new(2);
    await_idle(&pool, 2);
    let length = pool.run(|| {
        let text = String::from("of the frame that waits");
        let (is_stolen, has_exploded) = (AtomicBool::new(false), Arc::new(AtomicBool::new(false)));
        let ((), length) = join(
            || {
                await_that(|| is_stolen.load(Ordering::Acquire));
                pool.spawn(|| panic_any(Bomb));
                let exploded = Arc::clone(&has_exploded);
                pool.spawn(move || exploded.store(true, Ordering::Release));
            },
            || {
                is_stolen.store(true, Ordering::Release);
                await_that(|| has_exploded.load(Ordering::Acquire));
                text.len()
            },
        );
        length
    });
    assert_eq!(length, 23);
}

/// Three jobs that wait for each other, on three threads.
#[test]
fn jobs_are_not_hidden_from_threads_without_one() {
    let _watchdog = watchdog();
    for round in 0..200 {
        let pool = Pool::new(3);
        let meeting = Barrier::new(3);
        pool.run(|| {
            // Asleep, or about to sleep, or looking for a job.
            if round % 2 == 0 {
                await_that(|| pool.shared.sleepers.lock().len() == 2);
            } else {
                await_idle(&pool, 2);
            }
            let meet = || {
                meeting.wait();
            };
            join(|| join(meet, meet), meet);
        });
    }
}

/// The same for a tree of forks, and as many threads as it has leaves.
#[test]
fn each_woken_thread_wakes_the_next() {
    fn tree(depth: usize, leaf: &(dyn Fn() + Sync)) {
        if depth == 0 {
            leaf();
        } else {
            join(|| tree(depth - 1, leaf), || tree(depth - 1, leaf));
        }
    }
    let _watchdog = watchdog();
    for depth in 1..5 {
        let threads = 1 << depth;
        let pool = Pool::new(threads);
        for _ in 0..20 {
            let meeting = Barrier::new(threads);
            pool.run(|| {
                await_idle(&pool, threads - 1);
                tree(depth, &|| {
                    meeting.wait();
                });
            });
        }
    }
}

/// A thread that waits for a job of another pool, or for a stolen one, is no thread less for its own pool.
#[test]
fn pools_are_nested() {
    let _watchdog = watchdog();
    let (first, second) = (Pool::new(1), Pool::new(1));
    assert_eq!(first.run(|| second.run(|| first.run(|| second.run(|| 7)))), 7);
    let panic = catch_unwind(AssertUnwindSafe(|| first.run(|| second.run(|| panic_any(7)))));
    assert_eq!(panic.expect_err("it goes on in the caller").downcast_ref(), Some(&7));
}

#[test]
fn a_join_that_waits_for_long_sleeps() {
    let _watchdog = watchdog();
    let pool = Pool::new(2);
    for _ in 0..20 {
        pool.run(|| {
            await_idle(&pool, 1);
            let is_stolen = AtomicBool::new(false);
            join(
                || await_that(|| is_stolen.load(Ordering::Acquire)),
                || {
                    is_stolen.store(true, Ordering::Release);
                    await_that(|| pool.shared.sleepers.lock().len() == 1);
                },
            );
        });
    }
}

/// Short jobs, so that threads fall asleep and are called all the time.
#[test]
fn no_call_is_missed() {
    let _watchdog = watchdog();
    for threads in 1..5 {
        let pool = Pool::new(threads);
        for round in 0..500_u64 {
            assert_eq!(pool.run(|| join(|| round, || 2 * round)), (round, 2 * round));
            let (sender, receiver) = mpsc::channel();
            pool.spawn(move || sender.send(round).expect("it is waited for"));
            assert_eq!(receiver.recv(), Ok(round));
        }
    }
}

#[test]
fn a_job_may_drop_its_pool() {
    let _watchdog = watchdog();
    for threads in 1..4 {
        let pool = Arc::new(Pool::new(threads));
        let (sender, receiver) = mpsc::channel();
        let (own, is_last) = (Arc::clone(&pool), Arc::new(AtomicBool::new(false)));
        let may_drop = Arc::clone(&is_last);
        pool.spawn(move || {
            await_that(|| may_drop.load(Ordering::Acquire));
            drop(own);
            sender.send(()).expect("it is waited for");
        });
        drop(pool);
        is_last.store(true, Ordering::Release);
        assert_eq!(receiver.recv(), Ok(()));
    }
}

#[test]
#[should_panic(expected = "a pool has at least one thread")]
fn a_pool_has_threads() {
    let _ = Pool::new(0);
}

#[test]
fn both_closures_panic() {
    let pool = Pool::new(2);
    for _ in 0..100 {
        let panic = catch_unwind(AssertUnwindSafe(|| {
            pool.run(|| join(|| panic_any(1), || panic_any(2)));
        }));
        assert_eq!(panic.expect_err("it goes on in the caller").downcast_ref(), Some(&1));
    }
    assert_eq!(
        thread::spawn(|| join(|| 1, || 2)).join().expect("no pool is needed"),
        (1, 2)
    );
}
