//! A condition variable without spurious wake-ups, whose notifications are exact and wake one thread at a time.
//!
//! Its waiters are parked under its own key. A notification takes the first out and unparks it. One for all unparks the
//! first too, and moves the others to the queue of the mutex, where each is unparked by the unlock of the one
//! before it: woken all at once, all but one would only find the mutex taken (`FUTEX_REQUEUE` is the kernel's word for it).
//! The first is woken as deputy for those behind it (see [`park`](super::park)).
//!
//! A waiter has been notified if and only if another thread took it out of the condition variable's queue, under the bucket's
//! lock. So a wait that times out in the same instant is either counted by the notifier and reports a notification,
//! or neither.

use core::time::Duration;

use super::RawMutex;
use super::mutex::MutexGuardState;
use super::park::{Key, KeyKind, ParkResult, ParkToken, Request, UnparkToken, Validate, park, take_front, with_waiter};
use crate::backend::atomic::{AtomicU32, Relaxed};
use crate::backend::hint;
use crate::backend::time::{self, Instant};
use crate::backend::{const_fn, const_init};

pub use lock_api::WaitTimeoutResult;

/// A condition variable for [`Mutex`](super::Mutex): threads sleep until another one notifies them.
///
/// * **Guarantee**: no wait ends without a notification or its time-out. [`notify_one`](lock_api::Condvar::notify_one)
///   tells whether it has notified a thread, [`notify_all`](lock_api::Condvar::notify_all) how many; each of these
///   returns from its wait as notified. First come, first notified.
/// * **Cost**: four bytes. A notification with no thread waiting is one load. A waiter spins for a few microseconds before it
///   sleeps. Notifying all wakes one, and moves the others to the queue of the mutex, 32 at a time.
/// * **Worst case**: each of N notified threads has the mutex in its turn, as a waiter of [`Mutex`](super::Mutex) has. Beside busy
///   processes two threads that take turns pass 0.5 to 0.96 as often as with `parking_lot`.
/// * **Not for**: a single event that is awaited by one thread ([`wait::Flag`](crate::wait::Flag)).
///
/// The API is that of `parking_lot`'s. Threads may wait with different mutexes at one time.
///
/// ```
/// use linchpin::futex::{Condvar, Mutex};
///
/// static READY: Mutex<bool> = Mutex::new(false);
/// static CHANGED: Condvar = Condvar::new();
///
/// std::thread::spawn(|| {
///     *READY.lock() = true;
///     CHANGED.notify_one();
/// });
/// let mut ready = READY.lock();
/// CHANGED.wait_while(&mut ready, |ready| !*ready);
/// assert!(*ready);
/// ```
pub type Condvar = lock_api::Condvar<RawCondvar>;

/// How many waiters a notification of all takes out of the queue at once.
const PORTION: usize = hint::tuned(32, 2);

/// The raw condition variable of [`Condvar`]: no spurious wake-ups, exact counts.
pub struct RawCondvar {
    /// How many threads wait. Changed under the lock of the queue's bucket.
    waiters: AtomicU32,
}

impl RawCondvar {
    const_fn! {
        /// A condition variable that no thread waits for.
        #[must_use]
        pub const fn new() -> Self {
            RawCondvar { waiters: AtomicU32::new(0) }
        }
    }

    fn key(&self) -> Key {
        Key::of(self, KeyKind::Condvar)
    }

    fn waiters(&self) -> u32 {
        // Relaxed: a thread that waits for what the notifier has done was counted before, by way of the mutex that
        // guards it, and so is seen.
        self.waiters.load(Relaxed)
    }

    /// Under the lock of the bucket.
    fn change_waiters(&self, change: impl FnOnce(u32) -> u32) {
        // Relaxed: no other thread changes it.
        self.waiters.store(change(self.waiters()), Relaxed);
    }

    /// Under the lock of the bucket.
    fn forget_waiters(&self, count: usize) {
        self.change_waiters(|waiters| waiters - count as u32);
    }

    #[inline]
    fn is_awaited(&self) -> bool {
        self.waiters() != 0
    }

    /// Waits until notified, or until the deadline; answers whether it was notified.
    ///
    /// # Safety
    ///
    /// `held` is an acquisition of `mutex`.
    unsafe fn park(&self, mutex: &RawMutex, held: &mut MutexGuardState, deadline: Option<Instant>) -> bool {
        let parked = with_waiter(|waiter| {
            let request = Request {
                waiter,
                key: self.key(),
                token: ParkToken(core::ptr::from_ref(mutex).expose_provenance()),
                at_front: false,
                spins: true,
                deadline,
            };
            let queued = |_| {
                self.change_waiters(|waiters| waiters + 1);
                Validate::Park
            };
            let unlock = || {
                // SAFETY: the caller's promise; what is put in its place below is a new acquisition, and nothing in between
                // panics.
                unsafe { lock_api::RawMutex::unlock(mutex, held.again()) };
            };
            park(&request, queued, unlock, |_| self.change_waiters(|waiters| waiters - 1))
        });
        *held = match parked {
            ParkResult::Unparked(UnparkToken::HandedOff) => super::park::Contend::handed_off(mutex),
            ParkResult::Unparked(UnparkToken::WokenAsDeputy) => mutex.lock_as_deputy(),
            _ => lock_api::RawMutex::lock(mutex),
        };
        parked != ParkResult::TimedOut
    }

    #[cold]
    fn notify_first(&self) -> bool {
        let mut taken = take_front(self.key(), 1, |count| self.forget_waiters(count));
        // From here on the waiter may return and drop this.
        let found = taken.token().is_some();
        taken.unpark(UnparkToken::Notified);
        found
    }

    /// Notifies all that wait now: in portions, so that no other lock's waiters wait long for the bucket.
    #[cold]
    fn notify_each(&self) -> usize {
        let key = self.key();
        let mut notified = 0;
        let mut left = self.waiters() as usize;
        while left > 0 {
            let mut portion = 0;
            let mut taken = take_front(key, left.min(PORTION), |count| {
                portion = count;
                self.forget_waiters(count);
            });
            notified += portion;
            // Some may have timed out.
            left = if portion < PORTION { 0 } else { left - portion };
            while let Some(ParkToken(mutex)) = taken.token() {
                // SAFETY: the address of a mutex that a waiter has exposed. It borrows the mutex until it returns from its wait, which
                // it does not before it is unparked; and `requeue` looks at the mutex before that.
                let mutex = unsafe { &*core::ptr::with_exposed_provenance::<RawMutex>(mutex) };
                taken.requeue(
                    mutex.key(),
                    || mutex.relies_on_holder(),
                    || mutex.note_queued(Duration::ZERO),
                );
            }
        }
        notified
    }
}

impl Default for RawCondvar {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: the waiter is queued before the mutex is unlocked, so a notification that comes after the unlock finds it; and
// the mutex is locked again by every way out. Nothing in between panics. A wait returns only when its waiter has been
// taken out of the queue by a notification, or has left it at its deadline.
unsafe impl lock_api::RawCondvar for RawCondvar {
    const INIT: Self = const_init!(Self::new());

    type RawMutex = RawMutex;

    unsafe fn wait(&self, mutex: &RawMutex, held: &mut MutexGuardState) {
        // SAFETY: the caller's promise.
        unsafe { self.park(mutex, held, None) };
    }

    #[inline]
    fn notify_one(&self) -> bool {
        self.is_awaited() && self.notify_first()
    }

    #[inline]
    fn notify_all(&self) -> usize {
        if self.is_awaited() { self.notify_each() } else { 0 }
    }
}

// SAFETY: as above; true is returned only by a waiter that has left the queue by itself.
unsafe impl lock_api::RawCondvarTimed for RawCondvar {
    fn checked_duration_to_instant(timeout: &Duration) -> Option<Instant> {
        time::after(*timeout)
    }

    unsafe fn wait_until(&self, mutex: &RawMutex, held: &mut MutexGuardState, timeout: &Instant) -> bool {
        // SAFETY: the caller's promise.
        !unsafe { self.park(mutex, held, Some(*timeout)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::futex::park::unpark_deputy;
    use crate::futex::{Condvar, Mutex};
    use std::sync::mpsc;
    use std::thread;

    /// Regression: an unlock that was interrupted between its store and its look woke the thread that waited at the address of the
    /// lock, which by then was that of a condition variable.
    #[test]
    fn a_wake_up_for_a_lock_that_was_here_before_ends_no_wait() {
        let (ready, condvar) = (Mutex::new(false), Condvar::new());
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let mut ready = ready.lock();
                while !*ready {
                    condvar.wait(&mut ready);
                    assert!(*ready, "no wait ends before its time");
                }
            });
            while !condvar.raw().is_awaited() {
                thread::yield_now();
            }
            for kind in [KeyKind::Mutex, KeyKind::RwLock, KeyKind::RwLockDrain] {
                unpark_deputy(Key::of(condvar.raw(), kind));
            }
            *ready.lock() = true;
            assert!(condvar.notify_one(), "the waiter is where it was");
            waiter.join().expect("it only waits");
        });
    }

    fn await_waiters(condvar: &Condvar, count: u32) {
        while condvar.raw().waiters() != count {
            thread::yield_now();
        }
    }

    #[test]
    fn a_wait_that_is_over_is_counted_no_longer() {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        assert!(
            condvar
                .wait_for(&mut mutex.lock(), Duration::from_micros(1))
                .timed_out()
        );
        assert_eq!(condvar.raw().waiters(), 0);
        for notify in [(|condvar| condvar.notify_one()) as fn(&Condvar) -> bool, |condvar| {
            condvar.notify_all() == 1
        }] {
            thread::scope(|scope| {
                scope.spawn(|| condvar.wait(&mut mutex.lock()));
                await_waiters(&condvar, 1);
                assert!(notify(&condvar));
                assert_eq!(condvar.raw().waiters(), 0);
            });
        }
    }

    /// `notify_all` looks how many wait, and finds fewer in the queue: the others have timed out.
    #[test]
    fn waiters_that_leave_meanwhile_are_not_looked_for() {
        let condvar = Condvar::new();
        condvar.raw().change_waiters(|_| 5);
        let (done, is_done) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| done.send(condvar.notify_all()).expect("it is awaited"));
            let notified = is_done.recv_timeout(Duration::from_secs(20));
            assert_eq!(notified.unwrap_or_else(|_| std::process::abort()), 0);
        });
    }

    /// It looks how many wait, and finds more: those have come since, and are left alone.
    #[test]
    fn waiters_that_come_meanwhile_are_not_notified() {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        let waiting = PORTION as u32 + 1;
        thread::scope(|scope| {
            for _ in 0..waiting {
                scope.spawn(|| condvar.wait(&mut mutex.lock()));
            }
            await_waiters(&condvar, waiting);
            condvar.raw().change_waiters(|_| waiting - 1);
            let notified = condvar.notify_all();
            condvar.raw().change_waiters(|_| waiting - notified as u32);
            let last = condvar.notify_all();
            assert_eq!((notified, last), (PORTION, 1));
        });
    }
}
