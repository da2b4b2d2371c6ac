//! A waiter of real-time priority beside an ordinary holder, on one CPU: a yield of the waiter lets the holder run
//! never.

use super::*;
use linchpin::queue::RawMcsMutex;
use linchpin::wait::SpinThenYield;
use std::time::{Duration, Instant};

/// What the holder has to do, on the CPU. A waiter that only yields leaves it what the kernel keeps back for ordinary
/// threads: a twentieth, by default.
const WORK: Duration = Duration::from_millis(100);

fn on_one_cpu() {
    let cpus = core_affinity::get_core_ids().expect("the kernel knows");
    assert!(core_affinity::set_for_current(cpus[0]));
}

/// Makes this thread a real-time thread; false if it may not be one.
fn in_real_time() -> bool {
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: a parameter that outlives the call; 0 is this thread.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const priority) == 0 }
}

/// How much of the CPU this thread has had.
fn had() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to `time`.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(answer, 0);
    Duration::new(
        time.tv_sec.cast_unsigned(),
        time.tv_nsec.try_into().expect("below a second"),
    )
}

fn lets_the_holder_run<R: lock_api::RawMutex + Sync>() {
    let (lock, held) = (lock_api::Mutex::<R, _>::new(0), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            on_one_cpu();
            let mut total = lock.lock();
            held.wait();
            let before = had();
            while had() - before < WORK {}
            *total += 1;
        });
        scope.spawn(|| {
            on_one_cpu();
            held.wait();
            if !in_real_time() {
                return println!("this process may not have real-time threads: nothing is shown");
            }
            let (start, before) = (Instant::now(), had());
            assert_eq!(*lock.lock(), 1, "the holder held it");
            let (waited, had) = (start.elapsed(), had() - before);
            assert!(
                2 * had < waited,
                "it had the CPU for {had:?} of the {waited:?} for which it waited"
            );
        });
    });
}

#[test]
fn a_waiter_of_real_time_priority_lets_an_ordinary_holder_run() {
    let _watchdog = watchdog();
    lets_the_holder_run::<RawMutex>();
    lets_the_holder_run::<RawTicketMutex>();
    lets_the_holder_run::<RawMcsMutex<SpinThenYield>>();
}
