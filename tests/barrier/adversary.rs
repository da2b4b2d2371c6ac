//! Threads that are held up, forgotten, of other priorities; and what a sleeper costs.
#![cfg(not(miri))]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use linchpin::barrier::{Barrier, CombiningBarrier, TreeBarrier, WaitError};

use crate::common::watchdog;
use crate::ignore;

/// A thread that is held up for a second between arriving and waiting does not hold up this episode, but the next.
#[test]
fn a_thread_is_held_up_between_arriving_and_waiting() {
    let _alive = watchdog();
    let barrier = Barrier::new(2);
    let waited = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let arrival = barrier.arrive();
            thread::sleep(Duration::from_secs(1));
            assert!(waited.load(Relaxed), "the other is through");
            arrival.wait().unwrap();
            barrier.wait();
        });
        barrier.wait();
        waited.store(true, Relaxed);
        assert_eq!(
            barrier.wait_timeout(Duration::from_millis(20)),
            Err(WaitError::TimedOut)
        );
        barrier.wait();
    });
}

#[test]
fn forgotten_arrivals_count() {
    let _alive = watchdog();
    let barrier = Barrier::new(2);
    for _ in 0..100 {
        std::mem::forget(barrier.arrive());
        barrier.wait();
    }
}

/// The page says that the others wait for ever; a participant that is poisoned for it lets them go.
#[test]
fn a_forgotten_participant_is_waited_for() {
    let _alive = watchdog();
    let mut participants = TreeBarrier::new(3);
    std::mem::forget(participants.pop());
    let through = AtomicUsize::new(0);
    thread::scope(|scope| {
        let mut first = participants.remove(0);
        let second = participants.remove(0);
        let waiter = scope.spawn({
            let through = &through;
            move || {
                let result = first.wait();
                through.fetch_add(1, Relaxed);
                result
            }
        });
        thread::sleep(Duration::from_millis(50));
        assert_eq!(through.load(Relaxed), 0);
        second.poison();
        assert!(waiter.join().unwrap().is_err());
    });
}

/// Threads of idle and of real-time priority, two of each and two others, on two CPUs or more.
#[test]
#[cfg(target_os = "linux")]
fn threads_of_all_priorities() {
    fn set(policy: libc::c_int, priority: libc::c_int) -> bool {
        // SAFETY: all zero is a value of this plain structure.
        let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
        parameters.sched_priority = priority;
        // SAFETY: it reads the structure, and changes this thread alone.
        unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) == 0 }
    }
    let _alive = watchdog();
    let barrier = Barrier::new(6);
    let (busy, refused) = (AtomicBool::new(true), AtomicBool::new(false));
    thread::scope(|scope| {
        // Ordinary work, which an idle thread has to wait for.
        scope.spawn(|| {
            while busy.load(Relaxed) {
                std::hint::spin_loop();
            }
        });
        let threads: Vec<_> = (0..6)
            .map(|number| {
                let (barrier, refused) = (&barrier, &refused);
                scope.spawn(move || {
                    let is_set = match number {
                        0 | 1 => set(libc::SCHED_IDLE, 0),
                        2 | 3 => set(libc::SCHED_FIFO, 10),
                        _ => true,
                    };
                    if !is_set {
                        // Without the right to it, all have the same priority.
                        refused.store(true, Relaxed);
                    }
                    (0..30).for_each(|_| ignore(barrier.wait()));
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        busy.store(false, Relaxed);
    });
    if refused.into_inner() {
        eprintln!("not all priorities are allowed here");
    }
}

/// A participant that sleeps costs the last arrival one wake-up, and the next episode nothing.
#[test]
#[cfg(target_os = "linux")]
fn sleepers_cost_one_wake_up() {
    fn switches() -> i64 {
        // SAFETY: all zero is a value of this plain structure, which the call fills for this thread.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage);
            usage
        };
        usage.ru_nvcsw
    }
    let _alive = watchdog();
    const SLEEPERS: usize = 32;
    const EPISODES: usize = 20;
    let barrier = Barrier::new(SLEEPERS + 1);
    thread::scope(|scope| {
        let sleepers: Vec<_> = (0..SLEEPERS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    let before = switches();
                    (0..EPISODES).for_each(|_| ignore(barrier.wait()));
                    switches() - before
                })
            })
            .collect();
        for _ in 0..=EPISODES {
            thread::sleep(Duration::from_millis(20));
            barrier.wait();
        }
        for sleeper in sleepers {
            // It yields for a while, at most 64 times, then sleeps once.
            let switches = sleeper.join().unwrap();
            assert!(switches <= (EPISODES * 70) as i64, "{switches} switches");
        }
    });
}

/// All participants in one thread, which drops them without a wait.
#[test]
fn participants_are_dropped_unused() {
    drop(TreeBarrier::new(4_096));
    drop(CombiningBarrier::new(4_096));
    let mut last = CombiningBarrier::new(4_096).pop().unwrap();
    assert!((0..10).all(|_| last.wait().unwrap().is_leader()));
}
