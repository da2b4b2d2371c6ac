//! The lock of what the crate itself shares between threads, such as a bucket of the parking table: three states and a
//! futex (Drepper, "Futexes are tricky", 2004, the second mutex).
//!
//! | word | meaning | unlock |
//! |---|---|---|
//! | `FREE` | | |
//! | `HELD` | no thread waits | wakes none |
//! | `AWAITED` | a thread may sleep | wakes one |
//!
//! It is never freed, so unlock may use its address after the store that frees it. A critical section takes some ten
//! nanoseconds, so a waiter spins a little before it sleeps, and fairness is not attempted.

use crossbeam_utils::CachePadded;

use crate::backend::atomic::{Acquire, AtomicU32, Relaxed, Release};
use crate::backend::cell::UnsafeCell;
use crate::backend::{const_fn, futex, hint};
use crate::wait::{Backoff, DefaultWait};

const FREE: u32 = 0;
const HELD: u32 = 1;
const AWAITED: u32 = 2;

/// How often a waiter looks before it sleeps, and the pauses between two looks.
const ROUNDS: u32 = 32;
const PAUSES: u32 = 4;

/// A value that one thread at a time may use.
pub(crate) struct WordLock<T> {
    /// On a line of its own: a thread that tries must not take the value's line away from the holder.
    word: CachePadded<AtomicU32>,
    value: CachePadded<UnsafeCell<T>>,
}

// SAFETY: `with` lets one thread at a time use the value, so sharing the lock sends the value from thread to thread.
unsafe impl<T: Send> Sync for WordLock<T> {}

impl<T> WordLock<T> {
    const_fn! {
        pub(crate) const fn new(value: T) -> Self {
            WordLock {
                word: CachePadded::new(AtomicU32::new(FREE)),
                value: CachePadded::new(UnsafeCell::new(value)),
            }
        }
    }

    /// Frees the lock, whichever thread held it, and gives it another value; the one before is not dropped.
    ///
    /// # Safety
    ///
    /// No other thread has the lock or waits for it: for the child of a fork, whose only thread is here.
    pub(crate) unsafe fn reset(&self, value: T) {
        self.value.with_mut(|place| {
            // SAFETY: the caller's promise.
            unsafe { place.write(value) };
        });
        // Relaxed: there is no other thread.
        self.word.store(FREE, Relaxed);
    }

    /// Lends the value to `use_it`, which must not come back here.
    #[inline]
    pub(crate) fn with<R>(&self, use_it: impl FnOnce(&mut T) -> R) -> R {
        let _held = self.lock();
        self.value.with_mut(|value| {
            // SAFETY: the lock is held until this function ends, and `use_it` cannot keep the reference.
            use_it(unsafe { &mut *value })
        })
    }

    /// The same without ever sleeping for the lock: the caller polls. For what a thread-local's destructor may do, in a
    /// model when there is no kernel any more.
    pub(crate) fn with_polling<R>(&self, use_it: impl FnOnce(&mut T) -> R) -> R {
        let mut backoff = Backoff::new();
        while !self.try_lock() {
            backoff.wait::<DefaultWait>();
        }
        let _held = Held(self);
        self.value.with_mut(|value| {
            // SAFETY: as in `with`.
            use_it(unsafe { &mut *value })
        })
    }

    /// The value of a lock that no thread uses any more.
    pub(crate) fn into_inner(self) -> T {
        self.value.into_inner().into_inner()
    }

    fn lock(&self) -> Held<'_, T> {
        if !self.try_lock() {
            self.lock_contended();
        }
        Held(self)
    }

    #[inline]
    fn try_lock(&self) -> bool {
        // Acquire: pairs with the Release RMW in `drop`. The value must be as the last user has
        // left it; Relaxed loses that.
        // model: futex::mutex_excludes, queue::nodes_change_hands, queue::nodes_overflow
        self.word.compare_exchange(FREE, HELD, Acquire, Relaxed).is_ok()
    }

    #[cold]
    fn lock_contended(&self) {
        for _ in 0..hint::patience(ROUNDS) {
            hint::spin_for(PAUSES);
            if self.try_lock() {
                return;
            }
        }
        // Acquire: as in `try_lock`. The thread that has waited cannot know whether it was the only one, so
        // it takes the lock as one that is waited for; an RMW, to learn what it replaces.
        // model: futex::mutex_excludes
        while self.word.swap(AWAITED, Acquire) != FREE {
            futex::wait(&self.word, AWAITED);
        }
    }
}

/// Holds a lock until it is dropped.
struct Held<'lock, T>(&'lock WordLock<T>);

impl<T> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the Acquire RMWs in `try_lock` and `lock_contended`. The next user
        // must find the value as it was left; Relaxed loses that. An RMW, to learn whether a thread
        // sleeps.
        // model: futex::mutex_excludes, queue::nodes_change_hands, queue::nodes_overflow
        if self.0.word.swap(FREE, Release) == AWAITED {
            futex::wake_one(&self.0.word);
        }
    }
}
