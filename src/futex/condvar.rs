//! A condition variable without spurious wake-ups, whose notifications are exact and wake one thread at a time.
//!
//! Its waiters sleep in the queue of its own address ([`lot`]). A notification takes the first out and wakes it. One for
//! all wakes the first too, and moves the others to the queue of the mutex, where each is woken by the unlock of the one
//! before it: woken all at once, all but one would only find the mutex taken (`FUTEX_REQUEUE` is the kernel's word for it).
//! Who is woken first answers for those behind it (see [`mutex`](super::mutex)), so that the mutex itself need not be
//! touched.
//!
//! A waiter has been notified if and only if somebody else took it out of the condition variable's queue, under the latch.
//! So a wait that times out in the same instant is either counted by the notifier and reports a notification,
//! or neither.

use core::time::Duration;

use super::RawMutex;
use super::lot::{self, Queue};
use super::mutex::Hold;
use super::seat::{Seat, Token};
use crate::backend::atomic::{AtomicU32, Relaxed};
use crate::backend::time::{self, Instant};
use crate::backend::{const_fn, const_init};

pub use lock_api::WaitTimeoutResult;

/// A condition variable for [`Mutex`](super::Mutex): threads sleep until another one notifies them.
///
/// * **Guarantee**: no wait ends without a notification or its time-out. [`notify_one`](lock_api::Condvar::notify_one)
///   tells whether it has notified somebody, [`notify_all`](lock_api::Condvar::notify_all) how many; each of these
///   returns from its wait as notified. First come, first notified.
/// * **Cost**: four bytes. A notification with nobody waiting is one load. A waiter spins for a few microseconds before it
///   sleeps. Notifying all wakes one, who hands on.
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

/// The raw condition variable of [`Condvar`]: no spurious wake-ups, exact counts.
pub struct RawCondvar {
    /// How many threads wait. Changed under the latch of the queue.
    waiters: AtomicU32,
}

impl RawCondvar {
    const_fn! {
        /// A condition variable that nobody waits for.
        #[must_use]
        pub const fn new() -> Self {
            RawCondvar { waiters: AtomicU32::new(0) }
        }
    }

    /// What its waiters are queued under. No lock has such an address: whoever has let go of one that is gone, and only then
    /// looks for sleepers, must not find a condition variable in its place.
    fn address(&self) -> usize {
        core::ptr::from_ref(self).addr() + 3
    }

    fn change_waiters(&self, change: impl FnOnce(u32) -> u32) {
        // Relaxed, both: under the latch of the queue, so nobody else changes it.
        self.waiters.store(change(self.waiters.load(Relaxed)), Relaxed);
    }

    #[inline]
    fn is_awaited(&self) -> bool {
        // Relaxed: a waiter that has to be notified waited before the notifier, by way of the mutex that guards what it
        // waits for, and so is seen.
        self.waiters.load(Relaxed) != 0
    }

    /// Waits until notified, or until the deadline; answers whether it was notified.
    ///
    /// # Safety
    ///
    /// `hold` is an acquisition of `mutex`.
    unsafe fn wait_long(&self, mutex: &RawMutex, hold: &mut Hold, deadline: Option<Instant>) -> bool {
        Seat::lend_anyway(|seat| {
            let address = self.address();
            let ticket = lot::bucket(address).with(|queue| {
                self.change_waiters(|waiters| waiters + 1);
                queue.push(seat, address, mutex.address())
            });
            // SAFETY: the caller's promise; what is put in its place below is a new acquisition, and nothing in between panics.
            unsafe { lock_api::RawMutex::unlock(mutex, hold.again()) };
            let told = match seat.doze(ticket, deadline) {
                None if seat.leave(address, || self.change_waiters(|waiters| waiters - 1)) => None,
                // Notified in this instant, or moved to the queue of the mutex.
                None => Some(seat.sleep_on(ticket)),
                told => told,
            };
            *hold = match told {
                Some(Token::Handed) => Hold::handed(),
                Some(Token::Woken) => mutex.acquire_woken(),
                Some(Token::Notified) | None => lock_api::RawMutex::lock(mutex),
            };
            told.is_some()
        })
    }

    #[cold]
    fn notify_first(&self) -> bool {
        let address = self.address();
        let first = lot::bucket(address).with(|queue| {
            let first = queue.pop(address)?;
            self.change_waiters(|waiters| waiters - 1);
            Some(first)
        });
        // From here on the waiter may return and drop this.
        if let Some(first) = first {
            first.wake(Token::Notified);
        }
        first.is_some()
    }

    #[cold]
    fn notify_each(&self) -> usize {
        let address = self.address();
        let mut chosen = Queue::new();
        let count = lot::bucket(address).with(|queue| {
            let count = queue.drain(address, &mut chosen);
            self.change_waiters(|waiters| waiters - count);
            count
        });
        // From here on nothing of this is touched: it may be dropped as soon as the waiters have returned.
        let Some((first, mutex)) = chosen.take() else {
            return 0;
        };
        let bucket = lot::bucket(mutex);
        let mut elsewhere = Queue::new();
        let moved = bucket.with(|queue| {
            let mut moved = false;
            while let Some((waiter, other)) = chosen.take() {
                if other == mutex {
                    bucket.announce();
                    queue.append(waiter, mutex, 0);
                    moved = true;
                } else {
                    elsewhere.append(waiter, 0, other);
                }
            }
            moved
        });
        first.wake(if moved { Token::Woken } else { Token::Notified });
        while let Some((waiter, _)) = elsewhere.take() {
            waiter.wake(Token::Notified);
        }
        count as usize
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

    unsafe fn wait(&self, mutex: &RawMutex, hold: &mut Hold) {
        // SAFETY: the caller's promise.
        unsafe { self.wait_long(mutex, hold, None) };
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

    unsafe fn wait_until(&self, mutex: &RawMutex, hold: &mut Hold, timeout: &Instant) -> bool {
        // SAFETY: the caller's promise.
        !unsafe { self.wait_long(mutex, hold, Some(*timeout)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::futex::{Condvar, Mutex};
    use std::thread;

    /// Regression: an unlock that was interrupted between its store and its look woke whoever waited at the address of the
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
            let here = core::ptr::from_ref(condvar.raw()).addr();
            for key in here..here + 3 {
                lot::wake_next(key);
            }
            *ready.lock() = true;
            assert!(condvar.notify_one(), "the waiter is where it was");
            waiter.join().expect("it only waits");
        });
    }
}
