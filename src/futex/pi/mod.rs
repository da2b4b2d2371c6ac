//! A mutex with priority inheritance, for threads of different urgency: `FUTEX_LOCK_PI` (Sha, Rajkumar, Lehoczky, "Priority
//! inheritance protocols", 1990; Linux 2.6.18). Linux and Android only: elsewhere the type is not there, since nothing
//! there could keep its promise.
//!
//! The kernel is told of the mutex only when somebody has to wait. It queues those who wait by priority, lends theirs to
//! the holder, and hands over to the first; it also knows who waits for whom, and which threads are no more. So there are
//! things to report which an ordinary mutex cannot know of, and locking returns a `Result`.

mod error;
mod word;

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::time::Duration;

use self::word::Word;
use crate::backend::const_fn;
use crate::backend::pi::Refusal;
use crate::backend::time::{self, Instant};

pub use self::error::PiError;

/// What comes of locking a [`PiMutex`].
pub type PiResult<'a, T> = Result<PiMutexGuard<'a, T>, PiError<PiMutexGuard<'a, T>>>;

/// A mutual exclusion lock whose holder inherits the priority of those who wait.
///
/// A thread of low priority that holds a lock can be kept from running by one of middle priority, and then a thread of
/// high priority that waits for the lock waits for both. Here it does not.
///
/// * **Guarantee**: one holder at a time, who sees everything that earlier holders did. For as long as somebody waits, the
///   holder runs at the highest priority of those who wait, through chains of such mutexes. It is handed to the
///   waiter of the highest priority; among equals, to the first. A thread that would wait for itself hears so
///   ([`PiError::Deadlock`]), and so does whoever comes after a thread that ended without unlocking ([`PiError::OwnerDied`]).
/// * **Cost**: eight bytes beside the value, at most. Lock and unlock alone are an RMW each. Each lock that has to wait and
///   each unlock that somebody waits for is a system call, and the mutex is handed over through the scheduler; nobody spins.
/// * **Not for**: threads of one priority, which gain nothing by it and lose several times the throughput under contention
///   ([`Mutex`](super::Mutex)). Not to be used with a [`Condvar`](super::Condvar).
///
/// A panic while it is held unlocks it, with the value as it is: there is no poisoning beyond
/// [`OwnerDied`](PiError::OwnerDied). A child made by `fork` must leave alone what other threads of the parent held then.
///
/// That an owner has died is found out as long as the system has not given its number to a new thread. If it has, and
/// nobody was waiting when the owner died, the mutex is that thread's, as far as the kernel knows. No guard that is
/// dropped or unwound through leads there: only one that is forgotten.
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
    value: UnsafeCell<T>,
}

// SAFETY: the value belongs to whoever owns the mutex, and goes where it goes.
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

    /// Locks, if no other thread holds the mutex. If one does, that costs a system call, and its unlock another: the
    /// kernel is asked whether that thread still exists.
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
        self.guard(self.word.take().or_else(|_| self.word.lock(time::after(timeout))))
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
        self.value.get_mut()
    }

    #[inline]
    fn guard(&self, locked: Result<u32, Refusal>) -> PiResult<'_, T> {
        let guard = PiMutexGuard {
            holder: locked?,
            mutex: self,
            of_this_thread: PhantomData,
        };
        if self.word.is_abandoned() {
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
        match self.word.take() {
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
    /// Declares that the value is right again, after [`PiError::OwnerDied`]: whoever locks next gets `Ok`.
    ///
    /// An associated function, so that it hides no method of the value.
    pub fn mark_repaired(guard: &mut Self) {
        guard.mutex.word.mend();
    }
}

impl<T: ?Sized> Deref for PiMutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the only access to the value, and is borrowed for as long as the reference lives.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: ?Sized> DerefMut for PiMutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only access to the value, and is borrowed mutably for as long as the reference lives.
        unsafe { &mut *self.mutex.value.get() }
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
