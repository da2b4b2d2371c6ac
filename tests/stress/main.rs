//! Hunts lost wake-ups: 64 threads that sleep at random moments inside and outside of a lock, time out or not, and meet
//! after each round. A thread that no thread wakes never arrives there, and the watchdog says so.
//!
//! So are elements that come out of a deque twice, or never, in `deques`. Two seconds for each lock and deque;
//! `LINCHPIN_STRESS_SECONDS` sets another time, as `cargo xtask stress` and `cargo xtask verify` do.
#![cfg(all(feature = "std", not(miri)))]

#[path = "../common/mod.rs"]
mod common;
mod deques;

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::on_threads;
use linchpin::futex::{Condvar, Mutex, MutexGuard, RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard};
use linchpin::queue::{RawClhMutex, RawMcsMutex};

const THREADS: usize = 64;

fn duration() -> Duration {
    let seconds = std::env::var("LINCHPIN_STRESS_SECONDS").map_or(2, |seconds| {
        seconds.parse().expect("LINCHPIN_STRESS_SECONDS is a number of seconds")
    });
    Duration::from_secs(seconds)
}

/// Random numbers that differ from thread to thread and from round to round (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn of(thread: usize) -> Self {
        Dice((thread as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % sides
    }

    /// Most often nothing; sometimes a yield, or a sleep of up to a tenth of a millisecond.
    fn dawdle(&mut self) {
        match self.below(16) {
            0 => thread::sleep(Duration::from_micros(self.below(100))),
            1 | 2 => thread::yield_now(),
            _ => {}
        }
    }

    /// A time-out between none at all and a fifth of a millisecond.
    fn time_out(&mut self) -> Duration {
        match self.below(4) {
            0 => Duration::from_nanos(self.below(2)),
            _ => Duration::from_micros(self.below(200)),
        }
    }
}

/// Lets all threads go through rounds of `acquisitions` until the time is over; `acquisitions` returns how often it was
/// inside, and `inside` has to be the sum of it all.
fn stress(acquisitions: impl Fn(&mut Dice) -> usize + Sync, inside: impl FnOnce() -> usize) {
    let end = Instant::now() + duration();
    let (gate, over) = (Barrier::new(THREADS), AtomicBool::new(false));
    // Longer than the watchdog of the other tests would wait: it minds one round.
    let (rounds, total) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut seen = (0, Instant::now());
            while !over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(20));
                let round = rounds.load(Ordering::Relaxed);
                if round != seen.0 {
                    seen = (round, Instant::now());
                }
                if seen.1.elapsed() > Duration::from_secs(30) {
                    eprintln!("in round {round} a thread has not come back for 30 seconds: its wake-up is lost");
                    std::process::abort();
                }
            }
        });
        on_threads(THREADS, |thread| {
            let mut dice = Dice::of(thread);
            loop {
                total.fetch_add(acquisitions(&mut dice), Ordering::Relaxed);
                if gate.wait().is_leader() {
                    rounds.fetch_add(1, Ordering::Relaxed);
                    over.store(Instant::now() >= end, Ordering::Relaxed);
                }
                gate.wait();
                if over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
    });
    assert_eq!(inside(), total.into_inner());
    assert!(rounds.into_inner() > 1, "a single round is no stress test");
}

#[test]
fn futex_mutex() {
    let total = Mutex::new(0);
    let pass = |dice: &mut Dice| {
        let mut inside = 0;
        for _ in 0..4 {
            let held = match dice.below(8) {
                0 => total.try_lock(),
                1 | 2 => total.try_lock_for(dice.time_out()),
                _ => Some(total.lock()),
            };
            if let Some(mut held) = held {
                *held += 1;
                inside += 1;
                dice.dawdle();
                match dice.below(8) {
                    0 => MutexGuard::unlock_fair(held),
                    1 => MutexGuard::bump(&mut held),
                    _ => drop(held),
                }
            }
            dice.dawdle();
        }
        inside
    };
    stress(pass, || *total.lock());
}

/// Locks that cannot be waited for with a time-out.
fn queue_lock<R: lock_api::RawMutex + Send + Sync>() {
    let total = lock_api::Mutex::<R, usize>::new(0);
    let pass = |dice: &mut Dice| {
        let mut inside = 0;
        for _ in 0..2 {
            let held = if dice.below(8) == 0 {
                total.try_lock()
            } else {
                Some(total.lock())
            };
            if let Some(mut held) = held {
                *held += 1;
                inside += 1;
                dice.dawdle();
            }
            dice.dawdle();
        }
        inside
    };
    stress(pass, || *total.lock());
}

#[test]
fn queue_mcs_mutex() {
    queue_lock::<RawMcsMutex>();
}

#[test]
fn queue_clh_mutex() {
    queue_lock::<RawClhMutex>();
}

/// Every way in, and every way from one to another.
#[test]
fn futex_rwlock() {
    let total = RwLock::new(0);
    let pass = |dice: &mut Dice| {
        let mut inside = 0;
        for _ in 0..4 {
            let written = match dice.below(16) {
                0 => total.try_write(),
                1 | 2 => total.try_write_for(dice.time_out()),
                3 => Some(total.write()),
                4 | 5 => {
                    let found = total.upgradable_read();
                    dice.dawdle();
                    match dice.below(3) {
                        0 => Some(RwLockUpgradableReadGuard::upgrade(found)),
                        1 => RwLockUpgradableReadGuard::try_upgrade_for(found, dice.time_out()).ok(),
                        _ => None,
                    }
                }
                6 => {
                    drop(total.try_read_for(dice.time_out()));
                    None
                }
                7 => {
                    drop(total.try_upgradable_read_for(dice.time_out()));
                    None
                }
                _ => {
                    let seen = *total.read();
                    dice.dawdle();
                    assert!(*total.read() >= seen);
                    None
                }
            };
            if let Some(mut written) = written {
                *written += 1;
                inside += 1;
                dice.dawdle();
                match dice.below(4) {
                    0 => RwLockWriteGuard::unlock_fair(written),
                    1 => drop(RwLockWriteGuard::downgrade(written)),
                    2 => drop(RwLockWriteGuard::downgrade_to_upgradable(written)),
                    _ => drop(written),
                }
            }
            dice.dawdle();
        }
        inside
    };
    stress(pass, || *total.read());
}

/// Tokens that are taken and put back: each taker waits until there is one, with and without a time-out.
#[test]
fn futex_condvar() {
    const TOKENS: usize = 3;
    let (tokens, returned, taken) = (Mutex::new(TOKENS), Condvar::new(), AtomicUsize::new(0));
    let pass = |dice: &mut Dice| {
        let mut inside = 0;
        for _ in 0..4 {
            let mut free = tokens.lock();
            if dice.below(2) == 0 {
                returned.wait_while(&mut free, |free| *free == 0);
            } else if returned
                .wait_while_for(&mut free, |free| *free == 0, dice.time_out())
                .timed_out()
            {
                assert_eq!(*free, 0, "a wait gives up only if its condition does not hold");
                continue;
            }
            *free -= 1;
            drop(free);
            inside += 1;
            dice.dawdle();
            let mut free = tokens.lock();
            *free += 1;
            assert!(*free <= TOKENS, "a token was put back twice");
            // With the mutex held or without it.
            let held = (dice.below(2) == 0).then_some(free);
            if dice.below(4) == 0 {
                returned.notify_all();
            } else {
                returned.notify_one();
            }
            drop(held);
        }
        taken.fetch_add(inside, Ordering::Relaxed);
        inside
    };
    stress(pass, || taken.load(Ordering::Relaxed));
    assert_eq!(*tokens.lock(), TOKENS);
}
