//! What the central barrier can do beside waiting.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use linchpin::barrier::{Barrier, Poisoned, WaitError};

use crate::common::{times, watchdog};
use crate::ignore;

const SOON: Duration = Duration::from_millis(5);

/// Lets a wait begin, and probably sleep.
fn a_while() {
    thread::sleep(Duration::from_millis(10));
}

#[test]
fn it_fits_in_a_static_and_is_used_as_that_of_std() {
    static BARRIER: Barrier = Barrier::new(2);
    let other = thread::spawn(|| BARRIER.wait());
    let mine = BARRIER.wait();
    assert_ne!(mine.is_leader(), other.join().unwrap().is_leader());
    assert!(format!("{mine:?}").starts_with("BarrierWaitResult"));
    assert!(format!("{BARRIER:?}").starts_with("Barrier"));
}

#[test]
fn numbers_out_of_range_are_refused_with_a_sentence() {
    for n in [0, 65_536, usize::MAX] {
        let panic = catch_unwind(|| Barrier::new(n)).unwrap_err();
        let text = panic.downcast_ref::<&str>().copied().unwrap_or_default();
        assert!(text.contains("1 to 65,535"), "{n}: {text}");
    }
    assert!(catch_unwind(|| Barrier::new(65_535)).is_ok());
}

#[test]
fn a_barrier_of_one_never_waits() {
    let mut barrier = Barrier::new(1);
    for _ in 0..100 {
        assert!(barrier.wait().is_leader());
        barrier = std::convert::identity(barrier); // moved between two episodes
    }
}

#[test]
#[allow(clippy::replace_box, reason = "it is moved to another address")]
fn a_barrier_is_moved_between_episodes() {
    let mut barrier = Box::new(Barrier::new(2));
    for _ in 0..20 {
        thread::scope(|scope| {
            scope.spawn(|| (0..3).for_each(|_| ignore(barrier.wait())));
            (0..3).for_each(|_| ignore(barrier.wait()));
        });
        barrier = Box::new(*barrier);
    }
}

/// More threads than participants, as std allows it.
#[test]
fn more_threads_than_participants_share_it() {
    let _alive = watchdog();
    for participants in [1, 2, 3] {
        let (barrier, leaders) = (Barrier::new(participants), AtomicUsize::new(0));
        let each = times(6_000, 6);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..4 * participants)
                .map(|_| {
                    scope.spawn(|| {
                        for _ in 0..each {
                            let led = usize::from(barrier.wait().is_leader());
                            if leaders.fetch_add(led, Relaxed) + led >= each {
                                return;
                            }
                        }
                    })
                })
                .collect();
            while leaders.load(Relaxed) < each {
                thread::yield_now();
            }
            // The threads that are left over at the end may be too few for an episode, and come at any time.
            while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
                drop(barrier.arrive());
                thread::yield_now();
            }
        });
    }
}

#[test]
fn a_time_out_takes_the_arrival_back() {
    let _alive = watchdog();
    let barrier = Barrier::new(2);
    for _ in 0..3 {
        let start = Instant::now();
        assert_eq!(barrier.wait_timeout(SOON), Err(WaitError::TimedOut));
        assert!(start.elapsed() >= SOON);
    }
    assert_eq!(barrier.wait_timeout(Duration::ZERO), Err(WaitError::TimedOut));
    // Not one of those arrivals counts.
    let passed = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            barrier.wait();
            passed.store(true, Relaxed);
        });
        a_while();
        assert!(!passed.load(Relaxed));
        barrier.wait_timeout(Duration::MAX).unwrap();
    });
}

/// A wait that ends in the instant of the last arrival: the two agree on whether the episode was complete, and one leads.
fn time_out_against_last_arrival(episodes: usize) {
    let _alive = watchdog();
    let barrier = Barrier::new(2);
    let (leaders, time_outs) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..episodes {
                leaders.fetch_add(usize::from(barrier.wait().is_leader()), Relaxed);
            }
        });
        let mut nanoseconds = 0;
        let mut met = 0;
        while met < episodes {
            // All of a microsecond, again and again.
            nanoseconds = (nanoseconds + 7) % 1_000;
            match barrier.wait_timeout(Duration::from_nanos(nanoseconds)) {
                Ok(result) => {
                    met += 1;
                    leaders.fetch_add(usize::from(result.is_leader()), Relaxed);
                }
                Err(WaitError::TimedOut) => _ = time_outs.fetch_add(1, Relaxed),
                Err(WaitError::Poisoned) => unreachable!("nothing poisons it"),
            }
        }
    });
    assert_eq!(leaders.into_inner(), episodes);
    assert!(
        time_outs.into_inner() > 0 || cfg!(miri),
        "no wait has ended too soon: this has tested nothing"
    );
    assert_eq!(
        barrier.wait_timeout(Duration::ZERO),
        Err(WaitError::TimedOut),
        "nothing is left over"
    );
}

#[test]
fn a_time_out_meets_the_last_arrival() {
    time_out_against_last_arrival(times(200_000, 50));
}

#[test]
#[ignore = "takes a minute"]
fn a_time_out_meets_the_last_arrival_ten_million_times() {
    for _ in 0..100 {
        time_out_against_last_arrival(100_000);
    }
}

#[test]
fn a_thread_that_leaves_is_not_waited_for() {
    let _alive = watchdog();
    let barrier = Barrier::new(4);
    let leaders = AtomicUsize::new(0);
    const EACH: usize = 50;
    thread::scope(|scope| {
        for me in 1..=4 {
            let (barrier, leaders) = (&barrier, &leaders);
            scope.spawn(move || {
                for _ in 0..me * EACH {
                    leaders.fetch_add(usize::from(barrier.wait().is_leader()), Relaxed);
                }
                barrier.arrive_and_drop();
            });
        }
    });
    // The episodes of the last to leave, each with one leader. (A departure completes an episode as well; when it is
    // not the last, its leader is among those that wait.)
    assert_eq!(leaders.into_inner(), 4 * EACH);
    let panic = catch_unwind(AssertUnwindSafe(|| barrier.wait())).unwrap_err();
    assert!(panic.downcast_ref::<&str>().unwrap().contains("have left"));
    assert!(catch_unwind(AssertUnwindSafe(|| barrier.arrive_and_drop())).is_err());
}

#[test]
fn the_last_arrival_that_leaves_wakes_those_that_sleep() {
    let _alive = watchdog();
    let barrier = Barrier::new(3);
    thread::scope(|scope| {
        let waiters = [(); 2].map(|()| scope.spawn(|| barrier.wait().is_leader()));
        a_while();
        barrier.arrive_and_drop();
        let leaders = waiters.map(|waiter| usize::from(waiter.join().unwrap()));
        assert_eq!(leaders.iter().sum::<usize>(), 1);
    });
}

#[test]
fn a_poisoned_barrier_wakes_all_and_is_refused_for_good() {
    let _alive = watchdog();
    let barrier = Barrier::new(5);
    thread::scope(|scope| {
        let waiters = [(); 3].map(|()| scope.spawn(|| barrier.wait_checked()));
        let timed = scope.spawn(|| barrier.wait_timeout(Duration::from_secs(3600)));
        a_while();
        let failing = scope.spawn(|| {
            let _guard = barrier.poison_on_panic();
            panic!("on purpose");
        });
        assert!(failing.join().is_err());
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Err(Poisoned));
        }
        assert_eq!(timed.join().unwrap(), Err(WaitError::Poisoned));
    });
    assert!(barrier.is_poisoned());
    for _ in 0..20 {
        assert_eq!(barrier.wait_checked(), Err(Poisoned));
        assert_eq!(barrier.arrive().wait(), Err(Poisoned));
        assert_eq!(barrier.wait_timeout(SOON), Err(WaitError::Poisoned));
    }
    let panic = catch_unwind(AssertUnwindSafe(|| barrier.wait())).unwrap_err();
    assert!(panic.downcast_ref::<&str>().unwrap().contains("poisoned"));
    barrier.arrive_and_drop();
}

/// The count of arrivals has 19 bits; a poisoned barrier is asked more often than that.
#[test]
#[cfg_attr(miri, ignore = "too long for Miri")]
fn a_poisoned_barrier_is_refused_a_million_times() {
    let barrier = Barrier::new(2);
    barrier.poison();
    for _ in 0..1_000_000 {
        assert_eq!(barrier.wait_checked(), Err(Poisoned));
    }
}

#[test]
fn a_panic_between_arriving_and_waiting_poisons() {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let failing = scope.spawn(|| {
            let _arrival = barrier.arrive();
            panic!("on purpose");
        });
        assert!(failing.join().is_err());
    });
    assert!(barrier.is_poisoned());
}

#[test]
fn a_guard_that_sees_no_panic_does_nothing() {
    struct InDestructor<'barrier>(&'barrier Barrier);
    impl Drop for InDestructor<'_> {
        fn drop(&mut self) {
            drop(self.0.poison_on_panic());
            drop(self.0.arrive());
        }
    }
    let barrier = Barrier::new(9);
    drop(barrier.poison_on_panic());
    // Made while the thread unwinds already, for a panic that has nothing to do with the barrier.
    let unwinds = catch_unwind(AssertUnwindSafe(|| {
        let _waits = InDestructor(&barrier);
        panic!("on purpose");
    }));
    assert!(unwinds.is_err() && !barrier.is_poisoned());
}

#[test]
fn the_step_runs_once_after_all_and_before_any() {
    let _alive = watchdog();
    let (inside, episodes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let barrier = Barrier::with_step(3, || {
        assert_eq!(inside.swap(0, Relaxed), 3);
        episodes.fetch_add(1, Relaxed);
    });
    let each = times(5_000, 20);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for episode in 1..=each {
                    inside.fetch_add(1, Relaxed);
                    barrier.wait();
                    assert!((episode..=episode + 1).contains(&episodes.load(Relaxed)));
                }
            });
        }
    });
    assert_eq!(episodes.load(Relaxed), each);
}

#[test]
fn a_step_that_panics_poisons() {
    let _alive = watchdog();
    let barrier = Barrier::with_step(2, || panic!("on purpose"));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| barrier.wait_checked());
        a_while();
        let last = catch_unwind(AssertUnwindSafe(|| barrier.wait()));
        assert_eq!(*last.unwrap_err().downcast_ref::<&str>().unwrap(), "on purpose");
        assert_eq!(waiter.join().unwrap(), Err(Poisoned));
    });
    assert_eq!(barrier.wait_checked(), Err(Poisoned));
}

#[test]
fn a_step_that_comes_to_its_own_barrier_panics() {
    use std::sync::OnceLock;
    type Step = Box<dyn FnMut() + Send>;
    static BARRIERS: [OnceLock<Barrier<Step>>; 2] = [OnceLock::new(), OnceLock::new()];
    let barrier = |number: usize| BARRIERS[number].get().unwrap();
    // The second waits for the first, in whose step it waits already.
    let steps: [Step; 2] = [
        Box::new(move || ignore(barrier(1).wait())),
        Box::new(move || {
            assert!(catch_unwind(|| barrier(0).arrive_and_drop()).is_err());
            ignore(barrier(0).wait());
        }),
    ];
    for (place, step) in BARRIERS.iter().zip(steps) {
        assert!(place.set(Barrier::with_step(1, step)).is_ok());
    }
    let panic = catch_unwind(|| barrier(0).wait()).unwrap_err();
    assert!(panic.downcast_ref::<&str>().unwrap().contains("completion step"));
    assert!(barrier(0).is_poisoned() && barrier(1).is_poisoned());
}
