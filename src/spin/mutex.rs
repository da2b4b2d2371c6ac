//! Test-and-set and test-and-test-and-set locks with bounded exponential back-off (Anderson, "The performance of spin
//! lock alternatives for shared-memory multiprocessors", IEEE TPDS 1990).
//!
//! One byte, true while held. Alone: one RMW to lock, a plain store to unlock. Under contention each waiter that finds
//! the lock free again tries to take it and all but one fail: up to some 4N line transfers per acquisition for N
//! threads that spin (250 on 64 simulated cores while none slept; 20 as it is, since those that wait for long sleep:
//! `cargo xtask bill`). The back-off is what keeps them from doing so at once. No fairness: a thread may be passed any
//! number of times.

use core::marker::PhantomData;

use lock_api::GuardSend;

use super::restricted::RestrictedBackoff;
use crate::backend::atomic::{Acquire, AtomicBool, Relaxed, Release};
use crate::backend::{const_fn, const_init};
use crate::wait::{DefaultWait, Wait};

/// A mutual exclusion lock that spins: test-and-test-and-set with bounded exponential back-off.
///
/// * **Guarantee**: one holder at a time, which sees everything that earlier holders did. No fairness; no poisoning.
/// * **Cost**: one byte. Lock and unlock alone are one RMW and one store. A waiter reads its cached copy until the
///   holder lets go, then tries once; it yields to the scheduler after some 7 rounds.
/// * **Not for**: long critical sections ([module](crate::spin) docs), nor where a thread must not starve
///   ([`TicketMutex`](super::TicketMutex)).
///
/// For `lock`, `try_lock`, `get_mut`, `into_inner` and `is_locked`, changing `use spin::Mutex` to `use
/// linchpin::spin::Mutex` is the whole migration from the `spin` crate; for the rest see the [module](crate::spin).
///
/// ```
/// use linchpin::spin::Mutex;
///
/// let total = Mutex::new(0);
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| *total.lock() += 1);
///     }
/// });
/// assert_eq!(total.into_inner(), 4);
/// ```
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;
/// Holds a [`Mutex`] locked, and unlocks it when dropped.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// A mutual exclusion lock that spins: test-and-set, the textbook's first lock.
///
/// Like [`Mutex`], except that a waiter goes straight for the lock after each round of back-off instead of looking
/// first. That is one line transfer less where the lock has meanwhile become free, and one more where it has not. Both
/// are here to be measured; where contention lasts, [`Mutex`] is the better choice.
///
/// ```
/// use linchpin::spin::TasMutex;
///
/// let name = TasMutex::new(String::from("linch"));
/// name.lock().push_str("pin");
/// assert_eq!(*name.lock(), "linchpin");
/// ```
pub type TasMutex<T> = lock_api::Mutex<RawTasMutex, T>;
/// Holds a [`TasMutex`] locked, and unlocks it when dropped.
pub type TasMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawTasMutex, T>;

/// The raw lock of [`Mutex`].
pub type RawMutex<W = DefaultWait> = RawSpinMutex<true, W>;
/// The raw lock of [`TasMutex`].
pub type RawTasMutex<W = DefaultWait> = RawSpinMutex<false, W>;

/// The raw lock of [`Mutex`] (`TEST_FIRST`: look before trying again) and of [`TasMutex`] (do not).
pub struct RawSpinMutex<const TEST_FIRST: bool, W = DefaultWait> {
    locked: AtomicBool,
    wait: PhantomData<fn(W)>,
}

impl<const TEST_FIRST: bool> RawSpinMutex<TEST_FIRST> {
    const_fn! {
        /// An unlocked lock, whose waiters wait as [`DefaultWait`] says.
        #[must_use]
        pub const fn new() -> Self {
            Self::with_wait()
        }
    }
}

impl<const TEST_FIRST: bool, W: Wait> RawSpinMutex<TEST_FIRST, W> {
    const_fn! {
        /// An unlocked lock, whose waiters wait as `W` says.
        #[must_use]
        pub const fn with_wait() -> Self {
            RawSpinMutex { locked: AtomicBool::new(false), wait: PhantomData }
        }
    }

    #[inline]
    fn acquire(&self) -> bool {
        // Acquire: pairs with the Release store in `unlock`. The new holder must see what the last
        // one wrote; Relaxed loses it.
        // A compare-exchange and no swap: where it fails it writes nothing, so that the unlock
        // stays the last write.
        // model: spin::mutex_excludes, spin::tas_mutex_excludes
        self.locked.compare_exchange(false, true, Acquire, Relaxed).is_ok()
    }

    #[cold]
    fn lock_contended(&self) {
        let key = core::ptr::from_ref(self).addr();
        let mut backoff = RestrictedBackoff::new();
        loop {
            backoff.wait::<W>(key);
            // Relaxed: only decides whether to try; what it reads is acted on by the compare-exchange that
            // follows.
            if TEST_FIRST && self.locked.load(Relaxed) {
                continue;
            }
            if self.acquire() {
                return;
            }
        }
    }
}

impl<const TEST_FIRST: bool, W: Wait> core::fmt::Debug for RawSpinMutex<TEST_FIRST, W> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::internal::debug_lock(formatter, "RawSpinMutex", lock_api::RawMutex::is_locked(self))
    }
}

impl<const TEST_FIRST: bool, W: Wait> Default for RawSpinMutex<TEST_FIRST, W> {
    fn default() -> Self {
        Self::with_wait()
    }
}

// SAFETY: `acquire` returns true only to the one thread whose compare-exchange turned `locked` from false to true, and
// only the `unlock` of that acquisition turns it back: at most one holder. Forgetting a guard leaves `locked` true.
// Acquire and Release order the critical sections; no operation panics.
unsafe impl<const TEST_FIRST: bool, W: Wait> lock_api::RawMutex for RawSpinMutex<TEST_FIRST, W> {
    const INIT: Self = const_init!(Self::with_wait());

    type Guard = GuardSend;

    #[inline]
    fn lock(&self) -> GuardSend {
        if !self.acquire() {
            self.lock_contended();
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardSend> {
        // Looks first, so that a loop of failing tries does not take the line from the holder.
        // Relaxed: as in `lock_contended`.
        (!self.locked.load(Relaxed) && self.acquire()).then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock(&self, _guard: GuardSend) {
        // Release: pairs with the Acquire in `acquire`. The next holder must see this critical section;
        // Relaxed loses it.
        // model: spin::mutex_excludes, spin::tas_mutex_excludes
        self.locked.store(false, Release);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        // Relaxed: a snapshot that is stale when it returns; it synchronises nothing and promises nothing.
        self.locked.load(Relaxed)
    }
}
