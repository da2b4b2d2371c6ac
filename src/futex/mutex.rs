//! A mutual exclusion lock that sleeps, whose uncontended unlock is a plain store.
//!
//! Every other lock of this kind pays two locked instructions: one to lock, one to unlock, which has to learn in the
//! same step whether somebody sleeps. Here the holder comes in one of two ways.
//!
//! | `word` | meaning | unlock |
//! |---|---|---|
//! | 0 | free | |
//! | `LOCKED` | held quietly: nobody else changes the word | a store, then a look at the sleepers' bucket |
//! | `LOCKED \| BUSY` | held, in a lock that somebody slept for not long ago | an RMW, which sees the bits below |
//! | .. `\| PARKED` | somebody sleeps and relies on this holder | wakes the first sleeper, who answers for the others; or hands over to it |
//!
//! **Quiet.** The store and the look need a fence between them, and whoever is about to sleep one between announcing
//! itself and its last look at the word, or each misses the other. It is the pair of
//! [`asymmetric`](crate::backend): free for the holder, a system call for the sleeper. As soon as a sleeper is announced,
//! its bucket is tense, and whoever locks then comes in busy; so there is one such call for a lock that becomes
//! contended, not for each sleep. Every 128th busy passage of a thread that finds no sleeper in the bucket makes it
//! quiet again.
//!
//! **Who answers for the sleepers.** Those in a lock's queue rely on a quiet holder (who looks), on `PARKED`, or on a
//! thread that has been woken and is on its way: it takes the lock with `PARKED`, sleeps again (which sets it), or
//! wakes the next if it gives up.
//!
//! **Patience.** A sleeper that is woken competes with whoever is awake, and may lose. If it then sleeps again, and its
//! millisecond is over, the unlock that finds it first in line hands the lock over: the word stays held, and the
//! sleeper is told.
//!
//! **The last instant.** After the store or RMW that frees the lock nothing of it is touched: queues are in static
//! memory, found by its address.

mod waiting;

use core::cell::Cell;
use core::time::Duration;

use super::lot;
use super::seat::Token;
use crate::backend::atomic::{Acquire, AtomicU32, Relaxed, Release};
use crate::backend::time::{self, Instant};
use crate::backend::{asymmetric, const_fn, const_init, hint, per_thread};
use waiting::URGENT;

/// A mutual exclusion lock that puts those who wait to sleep.
///
/// * **Guarantee**: one holder at a time, who sees everything that earlier holders did. A thread that has to sleep again
///   after a millisecond has the lock handed over when it is first in line; until then a newcomer may pass. No poisoning.
/// * **Cost**: four bytes. Lock and unlock alone are one RMW and a store; two RMWs for a while after somebody has slept.
///   A waiter spins and yields for some 8 microseconds, then sleeps. The first sleeper for a lock that was quiet
///   interrupts the cores that run this process (14 microseconds here).
/// * **Not for**: interrupt handlers and kernels ([`spin::Mutex`](crate::spin::Mutex)); strict first come, first served
///   ([`queue::McsMutex`](crate::queue::McsMutex)).
///
/// Changing `use parking_lot::Mutex` to `use linchpin::futex::Mutex` is the whole migration: the guards, `try_lock_for`,
/// `unlock_fair`, `map`, `bump` are those of `lock_api`. Guards may be dropped on another thread, as with `parking_lot`'s feature
/// `send_guard`.
///
/// ```
/// use linchpin::futex::Mutex;
/// use std::time::Duration;
///
/// static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());
///
/// LOG.lock().push("first".into());
/// match LOG.try_lock_for(Duration::from_millis(10)) {
///     Some(mut log) => log.push("second".into()),
///     None => unreachable!("nobody holds it"),
/// }
/// assert_eq!(LOG.lock().len(), 2);
/// ```
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;
/// Holds a [`Mutex`] locked, and unlocks it when dropped.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;
/// Holds a [`Mutex`] locked for a part of its value.
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

const FREE: u32 = 0;
const LOCKED: u32 = 1 << 0;
const BUSY: u32 = LOCKED | 1 << 1;
const PARKED: u32 = 1 << 2;

/// At every how manieth busy passage a thread looks whether the bucket may be quiet again.
const CALM: u32 = if hint::patience(1) == 0 { 2 } else { 128 };

per_thread! {
    /// Busy passages of this thread, of whatever lock.
    static PASSAGES: Cell<u32> = Cell::new(0);
}

/// The raw lock of [`Mutex`].
pub struct RawMutex {
    word: AtomicU32,
}

/// What a holder of a [`RawMutex`] has to know to unlock it: the state of a guard.
#[derive(Debug)]
pub struct Hold {
    quiet: bool,
}

impl Hold {
    #[inline]
    fn of(word: u32) -> Self {
        Hold { quiet: word == LOCKED }
    }
}

impl Hold {
    /// What a sleeper has to whom the lock was handed over.
    pub(super) fn handed() -> Self {
        Self::of(BUSY)
    }

    /// The same acquisition once more, for who gives this one up.
    pub(super) fn again(&self) -> Self {
        Hold { quiet: self.quiet }
    }
}

impl RawMutex {
    const_fn! {
        /// An unlocked lock.
        #[must_use]
        pub const fn new() -> Self {
            RawMutex { word: AtomicU32::new(FREE) }
        }
    }

    pub(super) fn address(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }

    fn state(&self) -> u32 {
        // Relaxed: what is read here only proposes an RMW, and that has the ordering.
        self.word.load(Relaxed)
    }

    /// How a newcomer holds the lock.
    #[inline]
    fn newcomer(&self) -> u32 {
        if lot::bucket(self.address()).is_tense() {
            BUSY
        } else {
            LOCKED
        }
    }

    #[inline]
    fn acquire(&self, held: u32) -> Option<Hold> {
        // Acquire: pairs with the Release of every unlock. The new holder must see what the last one wrote; Relaxed loses
        // it (killed by `futex::mutex_excludes`).
        let acquired = self.word.compare_exchange(FREE, held, Acquire, Relaxed);
        acquired.is_ok().then(|| Hold::of(held))
    }

    #[inline]
    fn release(&self, hold: &Hold) {
        if hold.quiet {
            let address = self.address();
            // Release: pairs with the Acquire in `acquire`. The next holder must see this section; Relaxed loses it
            // (killed by `futex::mutex_excludes`). A plain store will do: nobody else changes the word of a quiet holder.
            self.word.store(FREE, Release);
            // SeqCst: pairs with `heavy` in `lot::sleep` (killed by `futex::mutex_wakes_a_sleeper`).
            asymmetric::light();
            if lot::bucket(address).has_sleepers() {
                wake_next(address);
            }
        } else {
            let passages = PASSAGES.with(|count| {
                count.set(count.get().wrapping_add(1));
                count.get()
            });
            // Release: as above (killed by `futex::mutex_excludes`).
            if passages.is_multiple_of(CALM) || self.word.compare_exchange(BUSY, FREE, Release, Relaxed).is_err() {
                self.release_busy(passages);
            }
        }
    }

    #[cold]
    fn release_busy(&self, passages: u32) {
        if passages.is_multiple_of(CALM) {
            lot::bucket(self.address()).calm();
        }
        self.hand_over(false);
    }

    /// Lets the lock go: to the first sleeper, if it is urgent or that is the wish; else to anybody, and wakes the first.
    fn hand_over(&self, to_a_sleeper: bool) {
        let mut state = self.state();
        while state == BUSY && !to_a_sleeper {
            // Release: as in `release` (killed by `futex::mutex_is_handed_over`).
            match self.word.compare_exchange(state, FREE, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
        let address = self.address();
        let mut token = Token::Woken;
        let next = lot::bucket(address).pop(address, |next, more| {
            let left = match next {
                Some(note) if to_a_sleeper || note == URGENT => {
                    token = Token::Handed;
                    if more { BUSY | PARKED } else { BUSY }
                }
                // Who is woken answers for the others.
                _ => FREE,
            };
            // Release: pairs with the Acquire in `acquire` (killed by `futex::mutex_excludes`). To whom the lock is handed
            // over, its flag shows this section. A plain store will do: others change a busy holder's word only under
            // this latch, to park.
            self.word.store(left, Release);
        });
        if let Some(next) = next {
            next.wake(token);
        }
    }
}

#[cold]
fn wake_next(address: usize) {
    lot::wake_next(address);
}

impl Default for RawMutex {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: a thread holds the lock after its compare-exchange turned `FREE` into a held word, or after it was told that the lock is its own. Only its unlock makes the word `FREE`, or hands it
// to exactly one other. Acquire and Release order the sections, and the flag of a sleeper those of a hand-over to it.
// Forgetting a guard leaves the word as it is; nothing panics.
unsafe impl lock_api::RawMutex for RawMutex {
    const INIT: Self = const_init!(Self::new());

    type Guard = Hold;

    #[inline]
    fn lock(&self) -> Hold {
        self.acquire(self.newcomer()).unwrap_or_else(|| self.lock_contended())
    }

    #[inline]
    fn try_lock(&self) -> Option<Hold> {
        // Looks first, so that a loop of failing tries does not take the line from the holder.
        if self.state() == FREE {
            self.acquire(self.newcomer())
        } else {
            None
        }
    }

    #[inline]
    unsafe fn unlock(&self, hold: Hold) {
        self.release(&hold);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.state() != FREE
    }
}

// SAFETY: `hand_over` lets go as `unlock` does, or keeps the word held for one sleeper, which is told so.
unsafe impl lock_api::RawMutexFair for RawMutex {
    unsafe fn unlock_fair(&self, hold: Hold) {
        if !hold.quiet {
            self.hand_over(true);
        } else if lot::bucket(self.address()).has_sleepers() {
            // Relaxed: the holder changes how it holds the lock, and lets go below.
            self.word.store(BUSY, Relaxed);
            self.hand_over(true);
        } else {
            self.release(&hold);
        }
    }

    unsafe fn bump(&self, hold: &mut Hold) {
        if self.state() & PARKED != 0 || lot::bucket(self.address()).has_sleepers() {
            // SAFETY: the caller's promise, and `hold` is given a new acquisition.
            unsafe { self.unlock_fair(hold.again()) };
            *hold = lock_api::RawMutex::lock(self);
        }
    }
}

// SAFETY: a wait that ends at its deadline leaves the queue before, or takes the lock that it is handed.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Instant;

    #[inline]
    fn try_lock_for(&self, timeout: Duration) -> Option<Hold> {
        // A deadline beyond what the clock can say is none.
        self.acquire(self.newcomer())
            .or_else(|| self.lock_contended_until(time::after(timeout)))
    }

    #[inline]
    fn try_lock_until(&self, timeout: Instant) -> Option<Hold> {
        self.acquire(self.newcomer())
            .or_else(|| self.lock_contended_until(Some(timeout)))
    }
}
