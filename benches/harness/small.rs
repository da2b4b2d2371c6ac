//! Threads of which there can be thousands: how they start, sleep, and end.

use std::sync::{Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What a thread that only waits needs, with room to spare: pages that it does not touch cost
/// nothing.
const STACK: usize = 64 * 1024;

/// What threads wait behind until it is opened.
#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Sleeps until it is open.
    pub fn wait(&self) {
        let open = self.open.lock().expect("no thread panics under it");
        drop(
            self.opened
                .wait_while(open, |open| !*open)
                .expect("no thread panics under it"),
        );
    }

    /// Lets all through.
    pub fn open(&self) {
        *self.open.lock().expect("no thread panics under it") = true;
        self.opened.notify_all();
    }
}

/// A thread with a small stack, of which there can be thousands.
pub fn spawn_small(run: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(run)
        .unwrap_or_else(|error| panic!("this system does not let this many threads run: {error}"))
}

/// Waits until all have ended. A thread that panicked has told so.
pub fn join(threads: &mut Vec<JoinHandle<()>>) {
    for thread in threads.drain(..) {
        let _ = thread.join();
    }
}

/// Waits until no thread of this process runs, for some seconds at most: those that were told to
/// sleep do.
pub fn settle() {
    const LOOK: Duration = Duration::from_millis(20);
    let start = Instant::now();
    let mut before = cpu_time();
    while start.elapsed() < Duration::from_secs(10) {
        thread::sleep(LOOK);
        let now = cpu_time();
        if now - before < LOOK / 20 {
            return;
        }
        before = now;
    }
}

#[cfg(target_os = "linux")]
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a place for what this writes.
    let error = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(error, 0, "the kernel has a clock for each process");
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).expect("it is positive"));
    seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).expect("it is positive"))
}

/// Elsewhere there is no such clock in `std`, and one look is all.
#[cfg(not(target_os = "linux"))]
fn cpu_time() -> Duration {
    Duration::ZERO
}
