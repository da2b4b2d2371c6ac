//! More threads than participants; leaders of episodes that a thread completes by leaving.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use linchpin::barrier::{Barrier, CombiningBarrier};

use crate::common::{await_that, times, watchdog};
use crate::{ends, ignore};

/// Threads that queue up while an episode is being completed. Each sleeps a few times, and not once for each thread that is
/// before it.
#[test]
#[cfg(target_os = "linux")]
#[cfg_attr(miri, ignore = "Miri counts no context switches")]
fn threads_that_queue_up_are_not_woken_for_one_another() {
    fn sleeps() -> i64 {
        // SAFETY: all zero is a value of this plain structure, which the call fills for this thread.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage);
            usage
        };
        usage.ru_nvcsw
    }
    const THREADS: usize = 400;
    for participants in [1, 2] {
        let _alive = watchdog();
        let (is_held_up, is_free) = (AtomicBool::new(false), AtomicBool::new(false));
        let barrier = Barrier::with_step(participants, || {
            if !is_held_up.swap(true, Relaxed) {
                while !is_free.load(Relaxed) {
                    thread::sleep(Duration::from_millis(1));
                }
            }
        });
        let (arriving, sum) = (AtomicUsize::new(0), Mutex::new(0));
        thread::scope(|scope| {
            (0..participants).for_each(|_| _ = scope.spawn(|| barrier.wait()));
            await_that(|| is_held_up.load(Relaxed));
            for _ in 0..THREADS {
                scope.spawn(|| {
                    arriving.fetch_add(1, Relaxed);
                    let before = sleeps();
                    barrier.wait();
                    *sum.lock().unwrap() += sleeps() - before;
                });
            }
            await_that(|| arriving.load(Relaxed) == THREADS);
            thread::sleep(Duration::from_millis(100)); // Probably all are asleep.
            is_free.store(true, Relaxed);
        });
        let each = sum.into_inner().unwrap() as f64 / THREADS as f64;
        assert!(
            each < 20.0,
            "{participants} participants: each of {THREADS} threads slept {each} times"
        );
    }
}

/// A thread that goes on wakes those that sleep for the episode before: the next step may wait for them.
#[test]
fn sleepers_are_woken_before_the_step_of_the_next_episode() {
    let ended = ends(|| {
        let (steps, is_free, is_through) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(false));
        let barrier = Barrier::with_step(2, || {
            let is_first = steps.fetch_add(1, Relaxed) == 0;
            await_that(|| if is_first { &is_free } else { &is_through }.load(Relaxed));
        });
        thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait();
                is_through.store(true, Relaxed);
            });
            thread::sleep(Duration::from_millis(50)); // Probably it is asleep.
            scope.spawn(|| barrier.wait());
            await_that(|| steps.load(Relaxed) == 1);
            drop(barrier.arrive());
            scope.spawn(|| barrier.wait()); // completes the second episode
            thread::sleep(Duration::from_millis(50));
            is_free.store(true, Relaxed);
        });
    });
    ended.unwrap();
}

type Step = Box<dyn FnMut() + Send>;

/// A step that fails in a thread which goes on ends its own episode and all later ones, and none before: a thread that
/// sleeps for one that is over is woken.
fn a_later_step_fails(fail: fn(&Barrier<Step>)) {
    const PARTICIPANTS: usize = 12;
    const FAILS: usize = 2;
    const THREADS: usize = (FAILS + 1) * PARTICIPANTS;
    for _ in 0..20 {
        let ended = ends(move || {
            let (steps, arriving) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
            let this: Arc<OnceLock<&Barrier<Step>>> = Arc::default();
            let (coming, itself) = (Arc::clone(&arriving), Arc::clone(&this));
            let step: Step = Box::new(move || match steps.fetch_add(1, Relaxed) {
                // Until all have come, and most are asleep.
                0 => {
                    await_that(|| coming.load(Relaxed) == THREADS);
                    thread::sleep(Duration::from_millis(20));
                }
                FAILS => fail(itself.get().unwrap()),
                _ => {}
            });
            let barrier: &Barrier<_> = this.get_or_init(|| Box::leak(Box::new(Barrier::with_step(PARTICIPANTS, step))));
            let wait = |_| {
                let arriving = Arc::clone(&arriving);
                thread::spawn(move || {
                    arriving.fetch_add(1, Relaxed);
                    barrier.wait_checked().is_ok()
                })
            };
            let threads: Vec<_> = (0..THREADS).map(wait).collect();
            // A panic is that of the thread that goes on, whose own episode is over.
            let through = threads.into_iter().map(|thread| thread.join().unwrap_or(true));
            through.filter(|&is_through| is_through).count()
        });
        assert!(ended.unwrap() >= FAILS * PARTICIPANTS);
    }
}

#[test]
#[cfg_attr(miri, ignore = "too many threads for Miri")]
fn a_later_step_that_panics_lets_all_go() {
    a_later_step_fails(|_| panic!("on purpose"));
}

#[test]
#[cfg_attr(miri, ignore = "too many threads for Miri")]
fn a_later_step_that_poisons_lets_all_go() {
    a_later_step_fails(|barrier| barrier.poison());
}

/// A thread that others keep busy with their episodes returns all the same: its own has been over for long.
#[test]
#[cfg_attr(miri, ignore = "too long for Miri")]
fn no_thread_completes_the_episodes_of_others_for_ever() {
    let _alive = watchdog();
    let (barrier, stop) = (Barrier::new(1), AtomicBool::new(false));
    thread::scope(|scope| {
        let waits: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let mut waits = 0_u64;
                    while !stop.load(Relaxed) {
                        barrier.wait();
                        waits += 1;
                    }
                    waits
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(500));
        stop.store(true, Relaxed);
        for waits in waits {
            assert!(
                waits.join().unwrap() > 1,
                "a thread has been in its first wait all the time"
            );
        }
    });
}

/// Arrivals that are dropped: the last of each episode waits for its completion, so that no thread runs ahead for long.
#[test]
fn arrivals_are_dropped_by_more_threads_than_participants() {
    for participants in [1, 2, 3] {
        let _alive = watchdog();
        let steps = AtomicUsize::new(0);
        let is_inside = AtomicBool::new(false);
        let barrier = Barrier::with_step(participants, || {
            assert!(!is_inside.swap(true, Relaxed), "two steps at once");
            steps.fetch_add(1, Relaxed);
            is_inside.store(false, Relaxed);
        });
        let each = times(300_000, 30);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..each).for_each(|_| drop(barrier.arrive())));
            }
        });
        assert_eq!(steps.load(Relaxed), 3 * each / participants);
    }
}

/// A leaver that finds the episode complete waits for its end, and leaves its leadership to a thread that asks for it.
#[test]
fn a_leaver_is_not_the_leader() {
    let leaders = ends(|| {
        let (is_inside, is_free) = (AtomicBool::new(false), AtomicBool::new(false));
        let barrier = Barrier::with_step(3, || {
            is_inside.store(true, Relaxed);
            await_that(|| is_free.load(Relaxed));
        });
        let (mine, others) = (barrier.arrive(), barrier.arrive());
        thread::scope(|scope| {
            scope.spawn(|| barrier.arrive_and_drop()); // completes the episode
            await_that(|| is_inside.load(Relaxed));
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(20));
                is_free.store(true, Relaxed);
            });
            barrier.arrive_and_drop();
        });
        [mine, others]
            .map(|arrival| usize::from(arrival.wait().unwrap().is_leader()))
            .iter()
            .sum::<usize>()
    });
    assert_eq!(leaders.unwrap(), 1);
}

/// It may be one that waits with a time-out.
#[test]
fn a_timed_wait_leads_where_a_thread_left() {
    const LONG: Duration = Duration::from_secs(60);
    let barrier = Barrier::new(2);
    let arrival = barrier.arrive();
    barrier.arrive_and_drop(); // completes the episode
    assert!(arrival.wait_timeout(LONG).unwrap().is_leader());
}

/// A wait whose time is over while the step runs: the episode is complete, so the wait lasts until the step has ended.
#[test]
fn a_time_out_waits_for_the_step_of_a_complete_episode() {
    let (is_inside, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    let barrier = Barrier::with_step(2, || {
        is_inside.store(true, Relaxed);
        thread::sleep(Duration::from_millis(50));
        is_over.store(true, Relaxed);
    });
    thread::scope(|scope| {
        let arrival = barrier.arrive();
        scope.spawn(|| barrier.arrive_and_drop()); // completes the episode
        await_that(|| is_inside.load(Relaxed));
        let result = arrival.wait_timeout(Duration::ZERO);
        assert!(is_over.load(Relaxed) && result.unwrap().is_leader());
    });
}

/// An arrival that is kept takes the leadership of no later episode.
#[test]
fn an_arrival_that_is_kept_leads_no_later_episode() {
    let barrier = Barrier::new(3);
    let kept = barrier.arrive();
    drop(barrier.arrive());
    assert!(barrier.wait().is_leader());
    let waited = [barrier.arrive(), barrier.arrive()];
    barrier.arrive_and_drop(); // completes the second episode
    assert!(!kept.wait().unwrap().is_leader(), "the first had a leader");
    assert_eq!(waited.map(|arrival| arrival.wait().unwrap().is_leader()), [true, false]);
}

/// A leadership that no thread has asked for ends with the next episode, which has a leader of its own.
#[test]
fn a_leadership_does_not_outlast_its_episode() {
    let barrier = Barrier::new(3);
    (0..2).for_each(|_| drop(barrier.arrive()));
    barrier.arrive_and_drop(); // completes the first episode
    let arrival = barrier.arrive();
    assert!(barrier.wait().is_leader());
    assert!(!arrival.wait().unwrap().is_leader());
}

/// A participant that has not waited, and is dropped or goes on, leaves the leadership to the one that waits.
#[test]
fn a_participant_that_does_not_wait_is_not_the_leader() {
    let [mut first, mut second, third] = CombiningBarrier::new(3).try_into().unwrap();
    drop(first.arrive().unwrap());
    let arrival = second.arrive().unwrap();
    drop(third); // completes the episode
    let next = first.arrive().unwrap(); // after a look at the end of the first
    assert!(arrival.wait().unwrap().is_leader());
    assert!(second.wait().unwrap().is_leader());
    assert!(!next.wait().unwrap().is_leader());
    ignore(first);
}
