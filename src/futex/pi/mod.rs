//! A mutex with priority inheritance, for threads of different urgency: `FUTEX_LOCK_PI` (Sha, Rajkumar, Lehoczky, "Priority
//! inheritance protocols", 1990; Linux 2.6.18). Linux and Android only: elsewhere the type is not there, since nothing
//! there could keep its promise.
//!
//! The kernel is told of the mutex only when a thread has to wait. It queues the waiters by priority, lends their priority to
//! the holder, and hands over to the first; it also knows which thread waits for which, and which threads have ended. So
//! there are things to report which an ordinary mutex cannot know of, and locking returns a `Result`.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs`, `error.rs` | the type, its guard, and why it is not locked |
//! | `word.rs` | the protocol between the holder, the waiters and the kernel |
//! | `number.rs` | which thread a number stands for, and the proof that it stands for none |

mod error;
mod number;
mod word;

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::time::Duration;

use self::word::Word;
use crate::backend::cell::UnsafeCell;
use crate::backend::const_fn;
use crate::backend::pi::KernelError;
use crate::backend::time::{self, Instant};

pub use self::error::PiError;

/// The outcome of locking a [`PiMutex`].
pub type PiResult<'a, T> = Result<PiMutexGuard<'a, T>, PiError<PiMutexGuard<'a, T>>>;

/// A mutual exclusion lock whose holder inherits the priority of the threads that wait for it.
///
/// A thread of low priority that holds a lock can be kept from running by one of middle priority, and then a thread of
/// high priority that waits for the lock waits for both. Here it does not.
///
/// * **Guarantee**: one holder at a time, which sees everything that earlier holders did. For as long as threads wait, the
///   holder runs at the highest priority among them, through chains of such mutexes. An unlock hands over to the
///   waiter of the highest priority; among equals, to the first. A thread that would wait for itself is told
///   ([`PiError::Deadlock`]), and so is the next holder after a thread that ended without unlocking ([`PiError::OwnerDied`]).
/// * **Cost**: eight bytes beside the value, at most. Uncontended, lock and unlock are an RMW each, without a system call. A lock
///   that waits makes three system calls (`getpid`, `tgkill`, `futex`), and the unlock that it waits for makes one; the mutex is handed
///   over through the scheduler, and no thread spins, so that under contention each acquisition costs a context switch. It moves four cache lines, however many
///   threads wait (five with 64), besides those of the kernel's own.
///   [`try_lock`](PiMutex::try_lock) of a held mutex makes three, and costs its holder nothing. A thread's first lock in its life asks for its number.
/// * **Worst case**: a waiter waits for the holder and for the waiters of higher priority. One that is stopped when its turn comes
///   holds up those behind it, as with any lock that is handed over. For each of these calls the kernel looks through a bucket of its table of
///   futexes, and follows a chain of holders that wait, up to 1,024 long (then [`Deadlock`](PiError::Deadlock)). To replace an
///   owner that has ended takes five to seven system calls, and the threads that lock a `PiMutex` for the first time in
///   their lives wait for two or three of them, lending their priority.
/// * **Not for**: threads of one priority, which gain nothing by it and lose several times the throughput under contention
///   ([`Mutex`](super::Mutex)). Not to be used with a [`Condvar`](super::Condvar). Not in memory that processes share.
///
/// A panic while it is held unlocks it, with the value as it is: there is no poisoning beyond
/// [`OwnerDied`](PiError::OwnerDied).
///
/// **One process.** The kernel queues waiters by process, and an owner that is no thread of this process is taken for dead:
/// neither may a mutex lie in memory that two processes share, nor may a process made by `vfork` or by `clone` with
/// `CLONE_VM` but without `CLONE_THREAD` use those of its parent.
///
/// **`fork`** leaves the child a copy of each mutex, and one thread. What that thread held it still holds, and unlocks as
/// usual; other threads of the child poll until it does, ten thousand times a second, and lend it nothing. What *other* threads of
/// the parent held is reported with [`OwnerDied`](PiError::OwnerDied). A child that is made past the C library, by a bare system call, must
/// leave alone what was locked at that time.
///
/// **An owner that has ended** is found out as long as the system has not given its number to a new thread *of this process*.
/// If it has, and no thread was waiting when the owner ended, the mutex is that thread's, as far as can be told: it is
/// told [`Deadlock`](PiError::Deadlock), and others wait until it has ended too. A guard that is dropped or unwound through never leads
/// there, only one that is forgotten.
///
/// **A sandbox** has to permit the futex operations `FUTEX_LOCK_PI`, `FUTEX_UNLOCK_PI`, `FUTEX_TRYLOCK_PI` and
/// `FUTEX_LOCK_PI2`. If it does not, a lock that would have to wait returns [`Refused`](PiError::Refused); if it is set up
/// while the mutex is held and awaited, the unlock panics, and the mutex stays locked until its holder ends. `tgkill` should be
/// permitted too: without it, a number that was given to another process is taken for that of its last owner.
///
/// ```
/// use linchpin::futex::{PiError, PiMutex, PiMutexGuard};
///
/// static SAMPLES: PiMutex<Vec<f64>> = PiMutex::new(Vec::new());
///
/// let mut samples = match SAMPLES.lock() {
///     Ok(samples) => samples,
///     Err(PiError::OwnerDied(mut samples)) => {
///         samples.clear();
///         PiMutexGuard::mark_repaired(&mut samples);
///         samples
///     }
///     Err(error) => panic!("{error}"),
/// };
/// samples.push(0.5);
/// ```
pub struct PiMutex<T: ?Sized> {
    word: Word,
    /// The holder's.
    value: UnsafeCell<T>,
}

// SAFETY: the value belongs to the owner of the mutex, and goes where it goes.
unsafe impl<T: ?Sized + Send> Send for PiMutex<T> {}
// SAFETY: a shared mutex lends its value to one thread after the other, which sends it; never to two at once.
unsafe impl<T: ?Sized + Send> Sync for PiMutex<T> {}

impl<T> PiMutex<T> {
    const_fn! {
        /// An unlocked mutex around `value`.
        pub const fn new(value: T) -> Self {
            PiMutex { word: Word::new(), value: UnsafeCell::new(value) }
        }
    }

    /// The value, also if a thread has ended while it held the mutex.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> PiMutex<T> {
    /// Locks, and sleeps for as long as another thread holds the mutex.
    ///
    /// # Errors
    ///
    /// [`OwnerDied`](PiError::OwnerDied), with the guard; [`Deadlock`](PiError::Deadlock);
    /// [`Refused`](PiError::Refused).
    ///
    /// ```
    /// # use linchpin::futex::PiMutex;
    /// let mutex = PiMutex::new(1);
    /// *mutex.lock().expect("no thread has died with it") += 1;
    /// assert_eq!(mutex.into_inner(), 2);
    /// ```
    #[inline]
    pub fn lock(&self) -> PiResult<'_, T> {
        self.guard(self.word.lock(None))
    }

    /// Locks, if no other thread holds the mutex. If one does, the kernel is asked whether that thread still exists.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](PiError::WouldBlock), and those of [`lock`](PiMutex::lock).
    #[inline]
    pub fn try_lock(&self) -> PiResult<'_, T> {
        self.guard(self.word.try_lock())
    }

    /// As [`lock`](PiMutex::lock), and gives up after `timeout`. A mutex that is free is locked however short that is.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](PiError::TimedOut), and those of [`lock`](PiMutex::lock).
    ///
    /// ```
    /// # use linchpin::futex::{PiError, PiMutex};
    /// # use std::time::Duration;
    /// let mutex = PiMutex::new(0);
    /// let held = mutex.lock().expect("it is free");
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         let error = mutex.try_lock_for(Duration::from_millis(1)).err();
    ///         assert!(matches!(error, Some(PiError::TimedOut)));
    ///     });
    /// });
    /// # drop(held);
    /// ```
    pub fn try_lock_for(&self, timeout: Duration) -> PiResult<'_, T> {
        self.guard(
            self.word
                .try_lock_fast()
                .or_else(|_| self.word.lock(time::after(timeout))),
        )
    }

    /// As [`lock`](PiMutex::lock), and gives up at `deadline`, not before. On Linux before 5.14 it may be late by as much
    /// as the clock of the system is set back meanwhile, up to a second. A mutex that is free is locked
    /// also when that has passed.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](PiError::TimedOut), and those of [`lock`](PiMutex::lock).
    pub fn try_lock_until(&self, deadline: Instant) -> PiResult<'_, T> {
        self.guard(self.word.lock(Some(deadline)))
    }

    /// The value. Needs no lock, as this is the only reference; also if a thread has ended while it held the mutex.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: the mutex is borrowed mutably for as long as the reference lives.
        self.value.with_mut(|value| unsafe { &mut *value })
    }

    #[inline]
    fn guard(&self, locked: Result<u32, KernelError>) -> PiResult<'_, T> {
        let guard = PiMutexGuard {
            holder: locked?,
            mutex: self,
            of_this_thread: PhantomData,
        };
        if self.word.owner_died() {
            return Err(PiError::OwnerDied(guard));
        }
        Ok(guard)
    }
}

impl<T: Default> Default for PiMutex<T> {
    fn default() -> Self {
        PiMutex::new(T::default())
    }
}

impl<T> From<T> for PiMutex<T> {
    fn from(value: T) -> Self {
        PiMutex::new(value)
    }
}

/// Shows the value if the mutex is free at this moment. Neither waits nor asks the kernel.
impl<T: ?Sized + fmt::Debug> fmt::Debug for PiMutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PiMutex");
        match self.word.try_lock_fast() {
            Err(_) => shown.field("value", &format_args!("<locked>")),
            Ok(holder) => match self.guard(Ok(holder)) {
                Ok(guard) => shown.field("value", &&*guard),
                Err(PiError::OwnerDied(guard)) => shown.field("value", &&*guard).field("owner_died", &true),
                Err(_) => unreachable!("it is locked"),
            },
        };
        shown.finish()
    }
}

/// Holds a [`PiMutex`] locked, and unlocks it when dropped.
///
/// It stays on its thread: the kernel knows the holder by the number of the thread, and lends priority to that one.
/// Forgetting it leaves the mutex locked, and [abandoned](PiError::OwnerDied) when the thread ends.
#[must_use = "the mutex is unlocked when the guard is dropped"]
pub struct PiMutexGuard<'a, T: ?Sized> {
    mutex: &'a PiMutex<T>,
    holder: u32,
    of_this_thread: PhantomData<*const ()>,
}

// SAFETY: a shared guard lends shared references to the value, and is no more than that; it is dropped by its owner.
unsafe impl<T: ?Sized + Sync> Sync for PiMutexGuard<'_, T> {}

impl<T: ?Sized> PiMutexGuard<'_, T> {
    /// Declares that the value is right again, after [`PiError::OwnerDied`]: the next lock returns `Ok`.
    ///
    /// An associated function, so that it hides no method of the value.
    pub fn mark_repaired(guard: &mut Self) {
        guard.mutex.word.clear_owner_died();
    }
}

impl<T: ?Sized> Deref for PiMutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the only access to the value, and is borrowed for as long as the reference lives.
        self.mutex.value.with(|value| unsafe { &*value })
    }
}

impl<T: ?Sized> DerefMut for PiMutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only access to the value, and is borrowed mutably for as long as the reference lives.
        self.mutex.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T: ?Sized> Drop for PiMutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.word.unlock(self.holder);
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for PiMutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for PiMutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}
