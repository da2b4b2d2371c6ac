//! A waiter of real-time priority beside an ordinary holder, on one CPU: a yield of the waiter lets the holder run never.

use super::*;
use linchpin::queue::RawMcsMutex;
use linchpin::wait::SpinThenYield;
use std::time::{Duration, Instant};

/// What the holder has to do, on the CPU. Where only what the kernel keeps back for ordinary threads is left to it (a
/// twentieth, by default), that takes eight seconds.
const WORK: Duration = Duration::from_millis(400);
const SOON: Duration = Duration::from_secs(4);

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

/// Until this thread has had that much of the CPU.
fn work(duration: Duration) {
    let now = || {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes to `time`.
        assert_eq!(
            unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) },
            0
        );
        Duration::new(
            time.tv_sec.cast_unsigned(),
            time.tv_nsec.try_into().expect("below a second"),
        )
    };
    let start = now();
    while now() - start < duration {}
}

fn lets_the_holder_run<R: lock_api::RawMutex + Sync>() {
    let (lock, held) = (lock_api::Mutex::<R, _>::new(0), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            on_one_cpu();
            let mut total = lock.lock();
            held.wait();
            work(WORK);
            *total += 1;
        });
        scope.spawn(|| {
            on_one_cpu();
            held.wait();
            if !in_real_time() {
                return println!("this process may not have real-time threads: nothing is shown");
            }
            let start = Instant::now();
            let total = *lock.lock();
            assert!(total == 1 && start.elapsed() < SOON, "waited for {:?}", start.elapsed());
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
