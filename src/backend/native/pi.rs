//! The native backend's part of [`pi`](super): the system calls, and what each of their errors means.
//!
//! | error | of which operation, and when | what is done |
//! |---|---|---|
//! | `EINTR` | any: a signal handler has run | asked again, to the same deadline |
//! | `EAGAIN` | any: the owner is about to end, or the word was changed during the call | asked again |
//! | `EINVAL` | lock, unlock: the owner has ended, and the waiter that is to have the lock has not run yet and written itself into the word; or the word was overwritten | asked again after a pause, for a second, then reported |
//! | | try: the same | held |
//! | `EWOULDBLOCK` (`EAGAIN`) | try | held |
//! | `ETIMEDOUT` | lock | reported, if the deadline has passed by our clock; else asked again |
//! | `EDEADLK` | lock, try: a circle of holders that wait, or too long a chain of them | reported |
//! | `ESRCH` | lock, try: no thread had the number that was in the word | the caller disowns it |
//! | `ENOSYS` | `LOCK_PI2`: before Linux 5.14 | `LOCK_PI` from now on |
//! | | any: no such locks in this kernel, or a sandbox | reported |
//! | `EPERM` | lock, try: the number is that of a kernel thread; unlock: the caller does not hold it; any: a sandbox | reported |
//! | `ENOMEM` | lock, try: the kernel has no memory for the queue | reported: waiting for memory is no business of a lock |
//! | `EFAULT`, `EACCES` | any: not with a word that is there and is writable | reported |

use core::ffi::{c_int, c_long};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::time::Duration;
use std::thread;
use std::time::{Instant, SystemTime};

use rustix::io::{Errno, Result};
use rustix::thread::futex::{self, Flags, Timespec};
use rustix::thread::gettid;
use rustix::time::{ClockId, clock_gettime};

use crate::backend::atomic::AtomicU32;
pub(crate) use crate::backend::pi_word::{ESRCH, ForkHandler, KernelError, OWNER_DIED, TID, WAITERS};

const _: () = assert!(futex::WAITERS == WAITERS && futex::OWNER_DIED == OWNER_DIED);

/// The longest time-out the kernel is given, in seconds (31 years); a thread that waits longer asks again.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);
/// The longest time-out by the clock that people set: it may be that much late.
const LONGEST_BY_THE_CLOCK: Duration = Duration::from_secs(1);

/// For how long the kernel may call the state of a lock invalid before that is believed.
const DOUBTFUL: Duration = Duration::from_secs(1);
/// What a thread sleeps between two looks, where it cannot be woken.
const PAUSE: Duration = Duration::from_micros(100);

/// The number of `tgkill` here, where it is known.
const TGKILL: Option<c_long> = if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
    Some(234)
} else if cfg!(target_arch = "x86") {
    Some(270)
} else if cfg!(target_arch = "arm") {
    Some(268)
} else if cfg!(any(
    target_arch = "aarch64",
    target_arch = "riscv32",
    target_arch = "riscv64",
    target_arch = "loongarch64"
)) {
    Some(131)
} else if cfg!(any(target_arch = "powerpc", target_arch = "powerpc64")) {
    Some(250)
} else if cfg!(target_arch = "s390x") {
    Some(241)
} else {
    None
};

// SAFETY: as POSIX and the C library declare them; std links that library, which has both on Linux and Android.
unsafe extern "C" {
    fn pthread_atfork(prepare: Option<ForkHandler>, parent: Option<ForkHandler>, child: Option<ForkHandler>) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
}

/// The number by which the kernel knows the calling thread: never 0, and no more than [`TID`]. A system call.
pub(crate) fn thread_id() -> u32 {
    gettid().as_raw_nonzero().get().cast_unsigned() & TID
}

/// Runs `handler` in the child of each fork from now on, on its only thread; answers whether that could be arranged. It
/// must do only what is safe in a signal handler.
pub(crate) fn on_fork(handler: ForkHandler) -> bool {
    // SAFETY: a function without captures lives as long as the program (this crate is not unloaded while its users
    // run), and the caller has written it to be run there.
    unsafe { pthread_atfork(None, None, Some(handler)) == 0 }
}

/// Whether no thread of this process has this number. `false` also where the kernel does not tell.
pub(crate) fn is_gone(number: u32) -> bool {
    let Some(tgkill) = TGKILL else { return false };
    let (process, thread) = (std::process::id().cast_signed(), number.cast_signed());
    // SAFETY: it takes three integers and touches no memory; signal 0 is none, and only asks whether it could be sent.
    let answer = unsafe { syscall(tgkill, process, thread, 0 as c_int) };
    answer == -1 && std::io::Error::last_os_error().raw_os_error() == Some(ESRCH)
}

/// Whether a thread with this number has ended, or is of no process, as far as can be found out: also where the kernel
/// still keeps its number, as it does of a main thread that ends before the others.
pub(crate) fn is_dead(number: u32) -> bool {
    // A word of which no other thread knows, so that the answer can be about no other number.
    is_gone(number) || futex::trylock_pi(&AtomicU32::new(number), Flags::PRIVATE) == Err(Errno::SRCH)
}

/// For a thread that waits for what no system call tells. It sleeps, since the thread that it waits for may be less
/// urgent.
pub(crate) fn pause() {
    thread::sleep(PAUSE);
}

/// Asks again for as long as the error says nothing yet (see the table above).
fn retry_transient(deadline: Option<Instant>, mut attempt: impl FnMut() -> Result<()>) -> Result<()> {
    let mut believed = None;
    loop {
        match attempt() {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(Errno::INVAL) => {
                let now = Instant::now();
                if now >= *believed.get_or_insert(now + DOUBTFUL) {
                    return Err(Errno::INVAL);
                }
                if deadline.is_some_and(|deadline| now >= deadline) {
                    return Err(Errno::TIMEDOUT);
                }
                pause();
            }
            done => return done,
        }
    }
}

fn kernel_error(error: Errno) -> KernelError {
    match error {
        Errno::DEADLK => KernelError::Deadlock,
        Errno::SRCH => KernelError::OwnerGone,
        Errno::TIMEDOUT => KernelError::TimedOut,
        other => KernelError::Error(other.raw_os_error()),
    }
}

/// Locks, sleeping until the lock is handed over, or until the deadline. While this thread sleeps, the holder runs at
/// its priority, and so do the threads that the holder waits for at such locks.
pub(crate) fn lock(word: &AtomicU32, deadline: Option<Instant>) -> core::result::Result<(), KernelError> {
    static NO_LOCK_PI2: AtomicBool = AtomicBool::new(false);

    let Some(deadline) = deadline else {
        return retry_transient(None, || futex::lock_pi(word, Flags::PRIVATE, None)).map_err(kernel_error);
    };
    loop {
        // Relaxed: at worst the kernel is asked once more.
        let outcome = if NO_LOCK_PI2.load(Relaxed) {
            lock_by_the_clock(word, deadline)
        } else {
            lock_by_the_steady_clock(word, deadline)
        };
        match outcome {
            // Linux before 5.14; or there are no such locks, which the other call tells.
            Err(Errno::NOSYS) if !NO_LOCK_PI2.swap(true, Relaxed) => {}
            // The kernel's clock says so, which may have been set. What counts is ours.
            Err(Errno::TIMEDOUT) if Instant::now() < deadline => {}
            outcome => return outcome.map_err(kernel_error),
        }
    }
}

/// One attempt by the monotonic clock, which is what `Instant` is here.
fn lock_by_the_steady_clock(word: &AtomicU32, deadline: Instant) -> Result<()> {
    let now = clock_gettime(ClockId::Monotonic);
    let left = deadline.saturating_duration_since(Instant::now()).min(LONGEST);
    let mut until = Timespec {
        tv_sec: now.tv_sec + left.as_secs().cast_signed(),
        tv_nsec: now.tv_nsec + i64::from(left.subsec_nanos()),
    };
    if until.tv_nsec >= 1_000_000_000 {
        until.tv_sec += 1;
        until.tv_nsec -= 1_000_000_000;
    }
    retry_transient(Some(deadline), || futex::lock_pi2(word, Flags::PRIVATE, Some(&until)))
}

/// One attempt by the clock that people set. If they set it back, it takes a second longer at most; if they set it
/// forward, it ends too early, which the caller finds out.
fn lock_by_the_clock(word: &AtomicU32, deadline: Instant) -> Result<()> {
    let left = deadline
        .saturating_duration_since(Instant::now())
        .min(LONGEST_BY_THE_CLOCK);
    let until = SystemTime::now() + left;
    // A clock before 1970 is as good as one that is to be set.
    let until = until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(left);
    let until = Timespec {
        tv_sec: until.as_secs().cast_signed(),
        tv_nsec: until.subsec_nanos().into(),
    };
    retry_transient(Some(deadline), || futex::lock_pi(word, Flags::PRIVATE, Some(&until)))
}

/// Locks if that can be done without sleeping. The kernel also finds out whether the holder still exists.
pub(crate) fn try_lock(word: &AtomicU32) -> core::result::Result<(), KernelError> {
    loop {
        match futex::trylock_pi(word, Flags::PRIVATE) {
            Ok(true) => return Ok(()),
            // A waiter is on its way to take it over from an owner that has ended (see the table above).
            Ok(false) | Err(Errno::AGAIN | Errno::INVAL) => return Err(KernelError::Held),
            Err(Errno::INTR) => {}
            Err(error) => return Err(kernel_error(error)),
        }
    }
}

/// Hands the lock over to the waiter of the highest priority, or frees it if there is none. Only for the holder.
pub(crate) fn unlock(word: &AtomicU32) -> core::result::Result<(), KernelError> {
    retry_transient(None, || futex::unlock_pi(word, Flags::PRIVATE)).map_err(kernel_error)
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use std::sync::Barrier;

    const A_WHILE: Duration = Duration::from_millis(20);

    type Attempt = fn(&AtomicU32, Instant) -> Result<()>;

    /// Both clocks, of which a kernel from 5.14 on uses the one only.
    const CLOCKS: [Attempt; 2] = [lock_by_the_steady_clock, lock_by_the_clock];

    /// Whether this kernel has what this test is about.
    fn is_there(attempt: Attempt) -> bool {
        attempt(&AtomicU32::new(0), Instant::now()) != Err(Errno::NOSYS)
    }

    #[test]
    fn by_either_clock_a_deadline_passes_and_a_lock_is_handed_over() {
        for attempt in CLOCKS.into_iter().filter(|&clock| is_there(clock)) {
            let word = AtomicU32::new(thread_id());
            let begun = Barrier::new(2);
            thread::scope(|scope| {
                let waiter = scope.spawn(|| {
                    for timeout in [Duration::ZERO, Duration::from_nanos(1), A_WHILE] {
                        assert_eq!(attempt(&word, Instant::now() + timeout), Err(Errno::TIMEDOUT));
                    }
                    begun.wait();
                    // A slice of time may end before the lock is free.
                    while attempt(&word, Instant::now() + Duration::from_secs(3600)).is_err() {}
                    let held = word.load(Relaxed);
                    unlock(&word).expect("this thread holds it");
                    held & TID == thread_id()
                });
                begun.wait();
                thread::sleep(A_WHILE);
                unlock(&word).expect("this thread holds it");
                assert!(waiter.join().expect("it only waits"));
            });
            assert_eq!(word.load(Relaxed), 0);
        }
    }

    #[test]
    fn a_deadline_is_waited_for_in_slices() {
        let word = AtomicU32::new(thread_id());
        let waited = thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let start = Instant::now();
                let outcome = lock_by_the_clock(&word, start + Duration::from_secs(3600));
                assert_eq!(outcome, Err(Errno::TIMEDOUT));
                start.elapsed()
            });
            waiter.join().expect("it only waits")
        });
        assert!(waited < Duration::from_secs(600), "{waited:?}");
    }

    #[test]
    fn what_a_kernel_says_is_understood() {
        let word = AtomicU32::new(0);
        assert_eq!(try_lock(&word), Ok(()));
        assert_eq!(word.load(Relaxed), thread_id());
        assert_eq!(try_lock(&word), Err(KernelError::Deadlock));
        assert_eq!(lock(&word, None), Err(KernelError::Deadlock));
        assert_eq!(lock(&word, Some(Instant::now())), Err(KernelError::Deadlock));
        thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(try_lock(&word), Err(KernelError::Held));
                assert_eq!(lock(&word, Some(Instant::now())), Err(KernelError::TimedOut));
                assert_eq!(unlock(&word), Err(KernelError::Error(Errno::PERM.raw_os_error())));
            });
        });
        assert_eq!(unlock(&word), Ok(()));
        assert_eq!(word.load(Relaxed), 0);
        // No thread has this number: it is beyond the largest that Linux gives.
        word.store(TID, Relaxed);
        assert_eq!(lock(&word, None), Err(KernelError::OwnerGone));
        assert_eq!(try_lock(&word), Err(KernelError::OwnerGone));
        assert_eq!(word.load(Relaxed), TID | WAITERS);
    }

    #[test]
    fn what_is_transient_is_asked_again_and_not_for_ever() {
        let mut answers = [Err(Errno::INTR), Err(Errno::INVAL), Err(Errno::AGAIN), Ok(())].into_iter();
        assert_eq!(
            retry_transient(None, || answers.next().expect("no more than these")),
            Ok(())
        );
        assert_eq!(answers.len(), 0);
        let mut asked = 0;
        let invalid = || {
            asked += 1;
            Err(Errno::INVAL)
        };
        assert_eq!(retry_transient(Some(Instant::now()), invalid), Err(Errno::TIMEDOUT));
        assert_eq!(asked, 1, "the deadline has passed");
        assert_eq!(retry_transient(None, || Err(Errno::INVAL)), Err(Errno::INVAL));
        assert_eq!(retry_transient(None, || Err(Errno::NOMEM)), Err(Errno::NOMEM));
    }

    #[test]
    fn a_number_is_gone_when_its_thread_has_ended_and_not_before() {
        let me = thread_id();
        assert!(!is_gone(me) && !is_dead(me));
        let ended = thread::spawn(|| {
            let number = thread_id();
            assert!(!is_gone(number) && !is_dead(number));
            number
        });
        let ended = ended.join().expect("it only asks");
        // The join may return a little before the kernel has forgotten the thread.
        while !is_dead(ended) {
            thread::yield_now();
        }
        while !is_gone(ended) {
            thread::yield_now();
        }
        assert!(is_gone(TID) && is_dead(TID), "no thread has the largest number");
    }

    #[test]
    fn a_thread_of_another_process_is_none_of_ours() {
        // The first process of all lives, or that of this container.
        assert!(is_gone(1) || std::process::id() == 1);
    }
}
