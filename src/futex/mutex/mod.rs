//! A mutual exclusion lock that parks those that wait, and whose uncontended unlock is a plain store.
//!
//! Every other lock of this kind pays two locked instructions: one to lock, one to unlock, which has to learn in the
//! same step whether a thread is parked. Here the holder is in one of two modes.
//!
//! | `state` | meaning | changed by | unlock |
//! |---|---|---|---|
//! | 0 | free | acquirers, by an RMW | |
//! | `LOCKED` | held in fast mode | the holder, by a store | a store, then a look whether the lock is announced |
//! | `LOCKED \| CONTENDED` | held in contended mode | the holder; waiters, under the bucket's lock | an RMW, which sees the bit below |
//! | .. `\| PARKED` | and a waiter relies on this holder | the same | unparks the first waiter or hands off to it, unless a deputy is awake |
//!
//! | `hints` | meaning | changed by |
//! |---|---|---|
//! | `COOLDOWN`, 5 bits | not 0: contended mode. The lock is fast again after 2^n contended unlocks on average | threads that have the bucket's lock |
//! | `QUEUED` | waiters are parked, or were: one that gives up leaves it | the same |
//! | `AWAKE` | a thread is awake and responsible for them (a deputy, unless a fast unlock has woken it) | the same; a thread that makes itself responsible, or ceases to be |
//!
//! **Acquisition**, uncontended, is the same RMW in both modes; afterwards the holder reads `hints`, on the line that it owns now, and
//! changes to contended mode by a store if they are not 0. A thread that has waited acquires as contended at once, without that
//! fence and look: no thread can have found this holder in fast mode and rely on it.
//!
//! **Fast mode.** Between the unlocking store and the look there must be a fence, and a waiter needs one between its
//! announcement and its last look at the lock, or each misses the other. It is the pair of
//! [`asymmetric`](crate::backend): no instruction for the holder (on Linux), a system call for the waiter. Only a waiter makes it that
//! can rely on no other; by then the hints say contended, and they stay so until the unlocks of contended mode have cost as much as the fence
//! did, measured each time. So a lock pays for one such call each time that it becomes contended, and over its life at
//! most about twice what a lock without fast mode pays.
//!
//! **The last instant.** After the store or RMW that frees the lock nothing of it is touched: the queues are in static
//! memory, found by its address.

mod contend;
mod raw;

use core::time::Duration;

use super::park::{Key, KeyKind, UnparkToken, contend, is_announced, unpark_deputy, unpark_front, work_outside};
use crate::backend::atomic::{Acquire, AtomicU8, Relaxed, Release};
use crate::backend::time::Instant;
use crate::backend::{array, asymmetric, const_fn};
use crate::internal::one_in;

/// A mutual exclusion lock that puts waiting threads to sleep.
///
/// * **Guarantee**: one holder at a time, which sees everything that earlier holders did. While threads are parked, it is the turn
///   of the first of them every 0.3 ms: an unlock wakes it, whatever has become of the one before, or hands the lock off to it if it
///   was woken already and a newcomer was faster. Until then newcomers pass. No poisoning.
/// * **Cost**: four bytes. Lock and unlock alone are one RMW and a store; two RMWs for some thousand acquisitions after a
///   thread has been parked. A waiter spins for some ten microseconds, one that was woken for some forty, then sleeps. The first waiter of a lock that was not
///   contended interrupts the cores that run this process (14 microseconds here).
/// * **Worst case**: a waiter behind N parked ones waits for about N turns of 0.3 ms and N sections, twice that if it loses when it
///   is woken; one that relies on a thread which is awake looks itself after 5 ms, once, in case that does not run, and joins the queue at its end again. One thread at a time
///   is awake for the parked ones: that keeps the lock on one core, at the price of fairness (0.4 to 0.8 of `parking_lot`'s with
///   more threads than cores), and with sections of half a microsecond and more it passes the lock less often than `std` and `usync` do (0.6 to
///   0.9); on simulated machines of 4 to 64 cores that all want it, 0.6 to 0.9 of the better of `std` and `parking_lot`. Where `membarrier` is
///   refused after it was granted, a waiter looks again each millisecond.
/// * **`fork`**: the child has one thread. What that holds it goes on holding, and what was free is free; what other threads of the parent
///   held stays locked, and those that waited there are forgotten.
/// * **Sandbox**: a thread that waits makes the system calls `futex`, `sched_yield` and `membarrier`, and once in its life
///   `sched_getaffinity`. It opens no file.
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
///     None => unreachable!("no other thread holds it"),
/// }
/// assert_eq!(LOG.lock().len(), 2);
/// ```
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;
/// Holds a [`Mutex`] locked, and unlocks it when dropped.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;
/// Holds a [`Mutex`] locked for a part of its value.
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

const FREE: u8 = 0;
const LOCKED: u8 = 1 << 0;
const CONTENDED: u8 = LOCKED | 1 << 1;
const PARKED: u8 = 1 << 2;

const COOLDOWN: u8 = (1 << 5) - 1;
const AWAKE: u8 = 1 << 6;
const QUEUED: u8 = 1 << 7;

/// What fast mode saves, in nanoseconds: an RMW.
const FAST_MODE_GAIN: u128 = 5;
/// While waiters are queued, one in `1 << DEPUTY_CHECK` unlocks on average asks whether the deputy is overdue: whether it is the turn
/// of the next.
const DEPUTY_CHECK: u32 = 4;
/// How often a thread that is about to park looks again at a holder which is only about to change its mode.
const MODE_LOOKS: u32 = 8;

/// The raw lock of [`Mutex`].
#[repr(align(4))]
pub struct RawMutex {
    state: AtomicU8,
    hints: AtomicU8,
    /// In place of padding, of which a reference to the lock would promise that it outlives an unlock.
    _rest: [AtomicU8; 2],
}

/// What a holder of a [`RawMutex`] has to know to unlock it: the state of a guard.
#[derive(Debug)]
pub struct MutexGuardState {
    fast: bool,
}

impl MutexGuardState {
    const FAST: Self = MutexGuardState { fast: true };
    const CONTENDED: Self = MutexGuardState { fast: false };

    /// The same acquisition once more, for a holder that gives this one up.
    pub(super) fn again(&self) -> Self {
        MutexGuardState { fast: self.fast }
    }
}

impl RawMutex {
    const_fn! {
        /// An unlocked lock.
        #[must_use]
        pub const fn new() -> Self {
            RawMutex { state: AtomicU8::new(FREE), hints: AtomicU8::new(0), _rest: array![AtomicU8::new(0); 2] }
        }
    }

    #[inline]
    pub(super) fn key(&self) -> Key {
        Key::of(self, KeyKind::Mutex)
    }

    #[inline]
    fn state(&self) -> u8 {
        // Relaxed: what is read here only proposes an RMW, and that has the ordering.
        self.state.load(Relaxed)
    }

    #[inline]
    fn hints(&self) -> u8 {
        // Relaxed: a hint.
        self.hints.load(Relaxed)
    }

    /// Acquires a free lock as `held`, one of the three held states.
    #[inline]
    fn acquire(&self, held: u8) -> bool {
        // Acquire: pairs with the Release of every unlock. The new holder must see what the last
        // one wrote; Relaxed loses it.
        // model: futex::mutex_excludes
        self.state.compare_exchange(FREE, held, Acquire, Relaxed).is_ok()
    }

    /// The mode in which this thread holds the lock, that has just been acquired as `LOCKED`.
    #[inline]
    fn adopt_mode(&self) -> MutexGuardState {
        // A hint that is not seen yet costs a waiter that finds this holder in fast mode one more heavy fence, and is seen by a later
        // holder.
        if self.hints() == 0 {
            MutexGuardState::FAST
        } else {
            self.change_to_contended()
        }
    }

    #[inline]
    fn change_to_contended(&self) -> MutexGuardState {
        work_outside::note_lock();
        // Relaxed: no other thread changes the word of a holder in fast mode, and others only add to this.
        self.state.store(CONTENDED, Relaxed);
        // SeqCst: pairs with `heavy` in `park`. If the waiter's announcement comes first, it is
        // seen below. If this comes first, the waiter sees `CONTENDED` and adds `PARKED` to it.
        // model: futex::mutex_becomes_contended
        asymmetric::light();
        if is_announced(self.key()) {
            // Relaxed: it is for this holder's unlock. An RMW, since waiters do the same.
            self.state.fetch_or(PARKED, Relaxed);
        }
        MutexGuardState::CONTENDED
    }

    #[inline]
    fn release(&self, held: &MutexGuardState) {
        if held.fast {
            let key = self.key();
            // Release: pairs with the Acquire in `acquire`. The next holder must see this section;
            // Relaxed loses it. A plain store will do: no other thread changes the word in fast mode.
            // model: futex::mutex_excludes
            self.state.store(FREE, Release);
            // SeqCst: pairs with `heavy` in `park`. If the waiter's announcement comes first, the look
            // below sees it, and this thread wakes the waiter. If this comes first, the waiter's second
            // look sees that the lock is free, and it does not park.
            // model: futex::mutex_wakes_a_sleeper
            asymmetric::light();
            if is_announced(key) {
                unpark_deputy(key);
            }
        } else {
            self.release_contended();
        }
    }

    fn release_contended(&self) {
        work_outside::note_unlock();
        let hints = self.hints();
        let cooldown = u32::from(hints & COOLDOWN);
        let looks = if hints & QUEUED != 0 {
            one_in(DEPUTY_CHECK)
        } else {
            cooldown != 0 && one_in(cooldown)
        };
        // Release: as above.
        // model: futex::mutex_excludes
        if looks || self.state.compare_exchange(CONTENDED, FREE, Release, Relaxed).is_err() {
            self.unlock_and_wake(looks, false);
        }
    }

    /// Unlocks, and unparks the first waiter if it relies on this holder or if the deputy is overdue; hands off to it if it has
    /// waited for long, or if that is the wish. With `looks`, a lock becomes fast if an earlier look has found no waiters either.
    #[cold]
    fn unlock_and_wake(&self, looks: bool, hands_off: bool) {
        unpark_front(self.key(), |front| {
            let mut left = FREE;
            match front.token() {
                None => {
                    self.change_hints(|hints| {
                        if looks && hints & QUEUED == 0 {
                            0
                        } else {
                            hints & !QUEUED
                        }
                    });
                }
                Some(token) if hands_off || token.has_lost() && front.is_turn_due() => {
                    front.unpark(UnparkToken::HandedOff);
                    left = if front.token().is_some() {
                        CONTENDED | PARKED
                    } else {
                        CONTENDED
                    };
                }
                Some(_) if front.is_turn_due() || self.state() & PARKED != 0 && self.hints() & AWAKE == 0 => {
                    self.change_hints(|hints| hints | AWAKE);
                    front.unpark(UnparkToken::WokenAsDeputy);
                }
                Some(_) => {}
            }
            // Release: pairs with the Acquire in `acquire`. A waiter to which the lock is handed
            // off sees this section by its flag. A plain store will do: others change the word in
            // contended mode only under the bucket's lock, to park.
            // model: futex::mutex_excludes
            self.state.store(left, Release);
        });
    }

    fn change_hints(&self, change: impl Fn(u8) -> u8) -> u8 {
        let mut hints = self.hints();
        loop {
            // Relaxed: whether a waiter may rely on them is decided under the lock of the bucket. An RMW, so that no change is
            // lost.
            match self.hints.compare_exchange(hints, change(hints), Relaxed, Relaxed) {
                Ok(before) => return before,
                Err(now) => hints = now,
            }
        }
    }

    /// Notes that there are waiters, and how long the lock stays contended at least. Under the lock of the bucket.
    pub(super) fn note_queued(&self, cost: Duration) {
        let unlocks = cost.as_nanos() / FAST_MODE_GAIN;
        let cooldown = (u128::BITS - unlocks.leading_zeros()).clamp(1, COOLDOWN.into()) as u8;
        self.change_hints(|hints| hints & AWAKE | QUEUED | cooldown.max(hints & COOLDOWN));
    }

    #[cold]
    fn lock_contended(&self) -> MutexGuardState {
        contend(self, None, false).expect("without a deadline it waits until it has the lock")
    }

    #[cold]
    fn lock_contended_until(&self, deadline: Option<Instant>) -> Option<MutexGuardState> {
        contend(self, deadline, false)
    }

    /// Makes the holder responsible for waiters that are being queued, if it can be; under the lock of the bucket.
    pub(super) fn relies_on_holder(&self) -> bool {
        // Relaxed: as in `validate`. A holder in fast mode is not made so: only its own unlock may change the word.
        let marked = self
            .state
            .compare_exchange(CONTENDED, CONTENDED | PARKED, Relaxed, Relaxed);
        marked.is_ok() || marked == Err(CONTENDED | PARKED)
    }

    /// Locks, for a thread that was woken as deputy.
    pub(super) fn lock_as_deputy(&self) -> MutexGuardState {
        contend(self, None, true).expect("without a deadline it waits until it has the lock")
    }

    #[inline]
    fn try_lock_fast(&self) -> Option<MutexGuardState> {
        self.acquire(LOCKED).then(|| self.adopt_mode())
    }
}

impl Default for RawMutex {
    fn default() -> Self {
        Self::new()
    }
}
