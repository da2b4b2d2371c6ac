//! Sleeping until a word changes: the futex, and what stands in for it where there is none.
//!
//! [`wait`] compares the word and falls asleep in one step, so that no [`wake`] is lost between them: the thread that
//! changes the word and then wakes either comes before the comparison, which finds the change, or finds the sleeper.
//! Each wait may also end for no reason, so it belongs into a loop that looks at the word.
//!
//! What a sleeper may read after its wake-up is not said here. Neither the kernel nor the fall-back promises an order
//! of memory; the word itself has to be read with the ordering that its protocol needs.
//!
//! [`wake`] goes by the address and reads nothing there, for the word may be freed as soon as it has changed. If
//! another futex then has that address, one of its sleepers wakes up for no reason.
//!
//! On Linux and Android this is the system call (Franke, Russell, Kirkwood, "Fuss, futexes and furwocks", OLS 2002),
//! private to the process, with a time-out relative to now: the kernel measures it by the monotonic clock, which is
//! what `Instant` is there. Elsewhere it is `parking_lot_core`, which keeps queues of threads by address; the tests at
//! the end run both on Linux. Miri knows no system call by number, so it runs the portable sleeper too.

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
pub(crate) use kernel::{wait, wait_until, wake};
#[cfg(any(not(any(target_os = "linux", target_os = "android")), miri))]
pub(crate) use parking::{wait, wait_until, wake};

use super::atomic::AtomicU32;

/// Wakes the longest sleeper on this address; answers whether there was one.
pub(crate) fn wake_one(word: &AtomicU32) -> bool {
    wake(word, 1) > 0
}

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
mod kernel {
    use crate::backend::atomic::AtomicU32;
    use crate::backend::time::Instant;
    use rustix::io::{Errno, Result};
    use rustix::thread::futex::{self, Flags, Timespec};

    /// The longest time-out the kernel is given, in seconds: it fits into 32 bits, and 68 years on the caller asks
    /// again.
    const LONGEST: u64 = i32::MAX as u64;

    /// Sleeps while the word is as expected, until woken; may return for no reason.
    pub(crate) fn wait(word: &AtomicU32, expected: u32) {
        match futex::wait(word, Flags::PRIVATE, expected, None) {
            Ok(()) => {}            // woken, or for no reason
            Err(Errno::AGAIN) => {} // the word is not as expected
            Err(Errno::INTR) => {}  // a signal handler has run
            Err(error) => refused("wait", error),
        }
    }

    /// Sleeps while the word is as expected, until woken; may return true for no reason. False: the deadline has
    /// passed.
    pub(crate) fn wait_until(word: &AtomicU32, expected: u32, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let left = Timespec {
                tv_sec: left.as_secs().min(LONGEST).cast_signed(),
                tv_nsec: left.subsec_nanos().into(),
            };
            match futex::wait(word, Flags::PRIVATE, expected, Some(&left)) {
                Ok(()) => return true,            // woken, or for no reason
                Err(Errno::AGAIN) => return true, // the word is not as expected
                Err(Errno::INTR) => return true,  // a signal handler has run
                Err(Errno::TIMEDOUT) => {}        // whether that was the deadline, the clock says
                Err(error) => refused("timed wait", error),
            }
        }
    }

    /// Wakes up to `count` threads that sleep on this address, the longest sleeper first; answers how many.
    pub(crate) fn wake(word: &AtomicU32, count: u32) -> usize {
        // The kernel's number is signed.
        let woken: Result<usize> = futex::wake(word, Flags::PRIVATE, count.min(i32::MAX.cast_unsigned()));
        woken.unwrap_or_else(|error| refused("wake", error))
    }

    #[cold]
    fn refused(operation: &str, error: Errno) -> ! {
        panic!("the kernel refuses a futex {operation} on an aligned word of this process: {error}");
    }
}

#[cfg(any(test, not(any(target_os = "linux", target_os = "android")), miri))]
mod parking {
    use crate::backend::atomic::{AtomicU32, Relaxed};
    use crate::backend::time::Instant;
    use parking_lot_core::{DEFAULT_UNPARK_TOKEN, FilterOp, ParkResult, ParkToken, park, unpark_filter};

    /// Marks our sleepers. A thread that frees a word and wakes it afterwards must not wake a lock of another crate
    /// there.
    const OURS: ParkToken = ParkToken(0x11c_4914);

    /// Sleeps while the word is as expected, until woken; may return for no reason.
    pub(crate) fn wait(word: &AtomicU32, expected: u32) {
        sleep(word, expected, None);
    }

    /// Sleeps while the word is as expected, until woken; may return true for no reason. False: the deadline has
    /// passed.
    pub(crate) fn wait_until(word: &AtomicU32, expected: u32, deadline: Instant) -> bool {
        sleep(word, expected, Some(deadline))
    }

    fn sleep(word: &AtomicU32, expected: u32, deadline: Option<Instant>) -> bool {
        let key = core::ptr::from_ref(word).addr();
        // Relaxed: the thread that has changed the word and then woken had this queue locked before, so the change is
        // seen.
        let as_expected = || word.load(Relaxed) == expected;
        // SAFETY: the key is the address of a word of ours, and `wake` wakes only those with our token; `as_expected`
        // only loads, and the other two do nothing: none unwinds or comes back here. No thread sleeps in a signal
        // handler.
        let result = unsafe { park(key, as_expected, || {}, |_, _| {}, OURS, deadline) };
        match result {
            ParkResult::Unparked(_) | ParkResult::Invalid => true,
            ParkResult::TimedOut => false,
        }
    }

    /// Wakes up to `count` threads that sleep on this address, the longest sleeper first; answers how many.
    pub(crate) fn wake(word: &AtomicU32, count: u32) -> usize {
        let mut left = count;
        let choose = |token| match left {
            0 => FilterOp::Stop,
            _ if token != OURS => FilterOp::Skip,
            _ => {
                left -= 1;
                FilterOp::Unpark
            }
        };
        // SAFETY: the key is an address that was a word of ours when its change was made, and only those with our token
        // are woken; neither closure unwinds or comes back here.
        let result = unsafe { unpark_filter(core::ptr::from_ref(word).addr(), choose, |_| DEFAULT_UNPARK_TOKEN) };
        result.unparked_threads
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::atomic::Relaxed;
    use core::time::Duration;
    use std::thread;
    use std::time::Instant;
    use std::vec::Vec;

    const A_WHILE: Duration = Duration::from_millis(20);

    macro_rules! on {
        ($backend:ident) => {
            mod $backend {
                use super::super::$backend::{wait, wait_until, wake};
                use super::*;

                /// Waits until `count` threads sleep on the word, and wakes them one by one or at once.
                fn wake_all(word: &AtomicU32, count: usize, at_once: u32) {
                    let mut woken = 0;
                    while woken < count {
                        let now = wake(word, at_once);
                        assert!(now <= at_once as usize, "{now} of {at_once}");
                        woken += now;
                        thread::yield_now();
                    }
                    assert_eq!(woken, count);
                    assert_eq!(wake(word, at_once), 0, "none is left");
                }

                #[test]
                fn a_sleeper_is_woken() {
                    for at_once in [1, 2, u32::MAX] {
                        let (word, done) = (AtomicU32::new(7), AtomicU32::new(0));
                        thread::scope(|scope| {
                            for timed in [false, true, true] {
                                let (word, done) = (&word, &done);
                                scope.spawn(move || {
                                    if timed {
                                        assert!(wait_until(word, 7, Instant::now() + Duration::from_secs(3600)));
                                    } else {
                                        wait(word, 7);
                                    }
                                    done.fetch_add(1, Relaxed);
                                });
                            }
                            wake_all(&word, 3, at_once);
                        });
                        assert_eq!(done.load(Relaxed), 3);
                    }
                }

                #[test]
                fn a_word_that_has_changed_is_not_waited_for() {
                    let word = AtomicU32::new(1);
                    wait(&word, 0);
                    assert!(wait_until(&word, 0, Instant::now() + Duration::from_secs(3600)));
                    assert_eq!(wake(&word, 1), 0);
                }

                #[test]
                fn a_deadline_passes_and_not_before() {
                    let word = AtomicU32::new(0);
                    let start = Instant::now();
                    while wait_until(&word, 0, start + A_WHILE) {}
                    assert!(start.elapsed() >= A_WHILE);
                    assert!(!wait_until(&word, 0, start), "it has passed");
                    assert_eq!(wake(&word, 1), 0, "a thread that gave up sleeps no longer");
                }

                #[test]
                fn the_farthest_deadline_is_one() {
                    let mut years = u64::MAX;
                    let farthest = loop {
                        match Instant::now().checked_add(Duration::from_secs(years)) {
                            Some(deadline) => break deadline,
                            None => years /= 2,
                        }
                    };
                    let word = AtomicU32::new(0);
                    thread::scope(|scope| {
                        let sleeper = scope.spawn(|| wait_until(&word, 0, farthest));
                        wake_all(&word, 1, 1);
                        assert!(sleeper.join().expect("it only sleeps"));
                    });
                }

                #[test]
                fn another_word_is_not_woken() {
                    let words = [AtomicU32::new(0), AtomicU32::new(0)];
                    thread::scope(|scope| {
                        let sleeper =
                            scope.spawn(|| wait_until(&words[0], 0, Instant::now() + Duration::from_secs(3600)));
                        let start = Instant::now();
                        let mut woken = Vec::new();
                        while start.elapsed() < A_WHILE {
                            woken.push(wake(&words[1], 1));
                        }
                        assert!(woken.iter().all(|&count| count == 0));
                        wake_all(&words[0], 1, 1);
                        assert!(sleeper.join().expect("it only sleeps"));
                    });
                }
            }
        };
    }

    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    on!(kernel);
    on!(parking);
}
