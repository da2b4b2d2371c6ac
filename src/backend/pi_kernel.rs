//! The native world's part of [`pi`](super): the system calls, and the number of the calling thread.

use core::cell::Cell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::time::Duration;
use std::thread;
use std::time::{Instant, SystemTime};

use rustix::io::{Errno, Result};
use rustix::thread::futex::{self, Flags, Timespec};
use rustix::thread::gettid;
use rustix::time::{ClockId, clock_gettime};

use super::{OWNER_DIED, Refusal, TID, WAITERS};
use crate::backend::atomic::AtomicU32;
use crate::backend::per_thread;

const _: () = assert!(futex::WAITERS == WAITERS && futex::OWNER_DIED == OWNER_DIED);

/// The longest time-out the kernel is given, in seconds (31 years); who waits longer asks again.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);
/// The longest time-out by the clock that people set: it may be that much late.
const LONGEST_BY_THE_CLOCK: Duration = Duration::from_secs(1);

/// For how long the kernel may call the state of a lock invalid before that is believed, and the time in between.
const DOUBTFUL: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_micros(100);

per_thread! {
    /// The number of this thread; 0 until it is known.
    static MINE: Cell<u32> = Cell::new(0);
}

/// The number by which the kernel knows the calling thread: never 0, and no more than [`TID`].
///
/// Asked for once in each thread. The thread that a fork leaves in the child is another one: it is told to ask again, by
/// the C library. (A child made past the C library, by a system call, is not; nor does that library know it there.)
#[inline]
pub(crate) fn thread_id() -> u32 {
    match MINE.get() {
        0 => ask(),
        known => known,
    }
}

#[cold]
fn ask() -> u32 {
    static BEGUN: AtomicBool = AtomicBool::new(false);
    static FORKS_ARE_NOTICED: AtomicBool = AtomicBool::new(false);

    let number = gettid().as_raw_nonzero().get().cast_unsigned() & TID;
    // Relaxed, all: a number is kept only once a fork of this thread is noticed, and nothing else hangs on it. Who forks
    // while another thread registers leaves a child that never keeps it.
    if !BEGUN.swap(true, Relaxed) {
        // SAFETY: the handler runs on the forking thread, and only sets a thread-local that has no destructor and needs
        // no initialisation, which may be done between a fork and an exec.
        let error = unsafe { pthread_atfork(None, None, Some(forget)) };
        FORKS_ARE_NOTICED.store(error == 0, Relaxed);
    }
    if FORKS_ARE_NOTICED.load(Relaxed) {
        MINE.set(number);
    }
    number
}

extern "C" fn forget() {
    MINE.set(0);
}

type Handler = extern "C" fn();

// SAFETY: as POSIX declares it; std links the C library, which has it on Linux and Android.
unsafe extern "C" {
    fn pthread_atfork(prepare: Option<Handler>, parent: Option<Handler>, child: Option<Handler>) -> c_int;
}

/// Asks again for as long as the answer says nothing yet.
fn insist(deadline: Option<Instant>, mut attempt: impl FnMut() -> Result<()>) -> Result<()> {
    let mut believed = None;
    loop {
        match attempt() {
            Err(Errno::INTR | Errno::AGAIN) => {} // a signal handler has run, or the owner is about to end
            // The owner has ended, and the waiter that is to have the lock has not run yet and written itself into the
            // word: until then the kernel does not know what to make of it. That waiter may be less urgent than this
            // thread, so the time in between is slept.
            Err(Errno::INVAL) => {
                let now = Instant::now();
                if now >= *believed.get_or_insert(now + DOUBTFUL) {
                    return Err(Errno::INVAL);
                }
                if deadline.is_some_and(|deadline| now >= deadline) {
                    return Err(Errno::TIMEDOUT);
                }
                thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

fn refusal(error: Errno) -> Refusal {
    match error {
        Errno::DEADLK => Refusal::Deadlock,
        Errno::SRCH => Refusal::OwnerGone,
        Errno::TIMEDOUT => Refusal::TimedOut,
        other => Refusal::Error(other.raw_os_error()),
    }
}

/// Locks, sleeping until the lock is handed over, or until the deadline. While this thread sleeps, the holder runs at its
/// priority, and so does whomever the holder waits for at such a lock.
pub(crate) fn lock(word: &AtomicU32, deadline: Option<Instant>) -> core::result::Result<(), Refusal> {
    static NO_LOCK_PI2: AtomicBool = AtomicBool::new(false);

    let Some(deadline) = deadline else {
        return insist(None, || futex::lock_pi(word, Flags::PRIVATE, None)).map_err(refusal);
    };
    loop {
        // Relaxed: at worst the kernel is asked once more.
        let outcome = if NO_LOCK_PI2.load(Relaxed) {
            lock_by_the_clock(word, deadline)
        } else {
            lock_by_the_steady_clock(word, deadline)
        };
        match outcome {
            // Linux before 5.14; or there is nothing of this kind, which the other call tells.
            Err(Errno::NOSYS) if !NO_LOCK_PI2.swap(true, Relaxed) => {}
            // The kernel's clock says so, which may have been set. What counts is ours.
            Err(Errno::TIMEDOUT) if Instant::now() < deadline => {}
            outcome => return outcome.map_err(refusal),
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
    insist(Some(deadline), || futex::lock_pi2(word, Flags::PRIVATE, Some(&until)))
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
    insist(Some(deadline), || futex::lock_pi(word, Flags::PRIVATE, Some(&until)))
}

/// Locks if that can be done without sleeping. The kernel also finds out whether the holder still exists.
pub(crate) fn try_lock(word: &AtomicU32) -> core::result::Result<(), Refusal> {
    loop {
        match futex::trylock_pi(word, Flags::PRIVATE) {
            Ok(true) => return Ok(()),
            // A waiter is on its way to take it over from an owner that has ended (see `insist`).
            Ok(false) | Err(Errno::AGAIN | Errno::INVAL) => return Err(Refusal::Held),
            Err(Errno::INTR) => {}
            Err(error) => return Err(refusal(error)),
        }
    }
}

/// Hands the lock over to the waiter of the highest priority, or frees it if there is none. Only for the holder.
pub(crate) fn unlock(word: &AtomicU32) -> core::result::Result<(), Refusal> {
    insist(None, || futex::unlock_pi(word, Flags::PRIVATE)).map_err(refusal)
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use std::sync::Barrier;

    const A_WHILE: Duration = Duration::from_millis(20);

    fn number() -> u32 {
        gettid().as_raw_nonzero().get().cast_unsigned()
    }

    #[test]
    fn a_thread_knows_its_number() {
        for _ in 0..3 {
            assert_eq!(thread_id(), number());
        }
        assert_eq!(MINE.get(), number(), "forks are noticed here, so it is kept");
        let other = thread::spawn(|| (thread_id(), number()));
        let (known, right) = other.join().expect("it only asks");
        assert!(known == right && known != thread_id());
    }

    #[test]
    fn the_child_of_a_fork_asks_again() {
        assert_eq!(thread_id(), number());
        // SAFETY: the child makes two system calls and ends, without locks, memory or destructors.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let right = thread_id() == number() && thread_id() == MINE.get();
            // SAFETY: ends the child, at once.
            unsafe { libc::_exit(if right { 0 } else { 1 }) };
        }
        let mut status = 1;
        // SAFETY: it is a child of this process, and `status` is a place for the answer.
        let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!((ended, status), (child, 0));
    }

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
        assert_eq!(try_lock(&word), Err(Refusal::Deadlock));
        assert_eq!(lock(&word, None), Err(Refusal::Deadlock));
        assert_eq!(lock(&word, Some(Instant::now())), Err(Refusal::Deadlock));
        thread::scope(|scope| {
            scope.spawn(|| {
                assert_eq!(try_lock(&word), Err(Refusal::Held));
                assert_eq!(lock(&word, Some(Instant::now())), Err(Refusal::TimedOut));
                assert_eq!(unlock(&word), Err(Refusal::Error(Errno::PERM.raw_os_error())));
            });
        });
        assert_eq!(unlock(&word), Ok(()));
        assert_eq!(word.load(Relaxed), 0);
        // No thread has this number: it is beyond the largest that Linux gives.
        word.store(TID, Relaxed);
        assert_eq!(lock(&word, None), Err(Refusal::OwnerGone));
        assert_eq!(try_lock(&word), Err(Refusal::OwnerGone));
        assert_eq!(word.load(Relaxed), TID | WAITERS);
    }

    #[test]
    fn what_is_transient_is_asked_again_and_not_for_ever() {
        let mut answers = [Err(Errno::INTR), Err(Errno::INVAL), Err(Errno::AGAIN), Ok(())].into_iter();
        assert_eq!(insist(None, || answers.next().expect("no more than these")), Ok(()));
        assert_eq!(answers.len(), 0);
        let mut asked = 0;
        let invalid = || {
            asked += 1;
            Err(Errno::INVAL)
        };
        assert_eq!(insist(Some(Instant::now()), invalid), Err(Errno::TIMEDOUT));
        assert_eq!(asked, 1, "the deadline has passed");
        assert_eq!(insist(None, || Err(Errno::INVAL)), Err(Errno::INVAL));
        assert_eq!(insist(None, || Err(Errno::NOMEM)), Err(Errno::NOMEM));
    }
}
