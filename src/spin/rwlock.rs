//! A reader-writer lock with upgradable reads, in which waiting writers hold off new readers (Courtois, Heymans and
//! Parnas, "Concurrent control with readers and writers", CACM 1971: the second problem, writers first).
//!
//! | bits of `state` | set | cleared |
//! |---|---|---|
//! | 0 `WRITER` | by the writer, when there is no other thread | by its unlock or downgrade |
//! | 1 `UPGRADABLE` | by the one upgradable reader, when there is no writer | by its unlock, downgrade or upgrade |
//! | 2 `WRITER_PENDING` | by a writer that finds readers, or an upgrade that does | by whichever writer gets in |
//! | 3.. number of readers | +1 by each reader, when there is neither `WRITER` nor `WRITER_PENDING` | -1 by its unlock |
//!
//! While `WRITER` is set no other thread changes the word, so the writer's unlock is a plain store. That is why
//! `WRITER_PENDING` is not set against a writer: one that waits marks the lock again as soon as it sees readers in it.
//! In between those readers get in that came meanwhile, so that a stream of writers does not shut them out.

use core::marker::PhantomData;

use lock_api::GuardSend;

use crate::backend::atomic::{Acquire, AtomicU32, Relaxed, Release};
use crate::backend::{const_fn, const_init};
use crate::wait::{Backoff, DefaultWait, Wait};

/// A lock that spins, for many readers or one writer.
///
/// * **Guarantee**: either any number of readers, of whom one may be upgradable, or one writer. Each sees everything
///   that earlier writers did. Readers that come while a writer waits for readers stand back, so it gets in once the
///   present ones are gone. No fairness among writers; readers have their chance whenever a writer leaves.
/// * **Cost**: four bytes. Alone, a write is one RMW and a store, a read two RMWs. Readers share a line: reading from
///   several cores at once does not scale, it only does not exclude.
/// * **Not for**: critical sections so short that the two RMWs are most of it ([`Mutex`](super::Mutex) has one), nor
///   long ones ([module](super) docs). A thread that takes a second `read` while a writer waits deadlocks.
///
/// # Panics
///
/// Taking a shared or an upgradable lock panics when 536,870,910 readers already hold it, as forgotten guards do; the
/// lock stays usable.
///
/// ```
/// use linchpin::spin::{RwLock, RwLockUpgradableReadGuard};
///
/// let words = RwLock::new(vec!["axle"]);
/// {
///     let one = words.read();
///     let two = words.read();
///     assert_eq!(*one, *two);
/// }
/// {
///     let found = words.upgradable_read();
///     if !found.contains(&"pin") {
///         RwLockUpgradableReadGuard::upgrade(found).push("pin");
///     }
/// }
/// assert_eq!(*words.read(), ["axle", "pin"]);
/// ```
pub type RwLock<T> = lock_api::RwLock<RawRwLock, T>;
/// Holds an [`RwLock`] locked for reading, and unlocks it when dropped.
pub type RwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLock, T>;
/// Holds an [`RwLock`] locked for writing, and unlocks it when dropped.
pub type RwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLock, T>;
/// Holds an [`RwLock`] locked for reading, with the right to become its writer; unlocks it when dropped.
pub type RwLockUpgradableReadGuard<'a, T> = lock_api::RwLockUpgradableReadGuard<'a, RawRwLock, T>;

const WRITER: u32 = 1 << 0;
const UPGRADABLE: u32 = 1 << 1;
const WRITER_PENDING: u32 = 1 << 2;
const READER: u32 = 1 << 3;
/// One less than what fits: an upgradable reader that becomes a plain one is not refused.
const MAX_READERS: u32 = u32::MAX / READER - 1;

/// The raw lock of [`RwLock`].
pub struct RawRwLock<W = DefaultWait> {
    state: AtomicU32,
    wait: PhantomData<fn(W)>,
}

impl RawRwLock {
    const_fn! {
        /// An unlocked lock, whose waiters wait as [`DefaultWait`] says.
        #[must_use]
        pub const fn new() -> Self {
            Self::with_wait()
        }
    }
}

impl<W: Wait> RawRwLock<W> {
    const_fn! {
        /// An unlocked lock, whose waiters wait as `W` says.
        #[must_use]
        pub const fn with_wait() -> Self {
            RawRwLock { state: AtomicU32::new(0), wait: PhantomData }
        }
    }

    /// How many readers hold it, the upgradable one among them.
    pub(super) fn reader_count(&self) -> usize {
        let state = self.state();
        (state / READER + u32::from(state & UPGRADABLE != 0)) as usize
    }

    fn state(&self) -> u32 {
        // Relaxed: what is read here only proposes the compare-exchange that follows, and that has the ordering.
        self.state.load(Relaxed)
    }

    /// Enters as `change(state)` says, unless `state` has one of the bits `barred`; true if it did.
    ///
    /// `state` is a guess. A wrong one costs a compare-exchange that fails, which is less than a load that fetches the
    /// line before the compare-exchange fetches it again to write.
    #[inline]
    fn try_acquire(&self, mut state: u32, barred: u32, change: impl Fn(u32) -> u32) -> bool {
        while state & barred == 0 {
            // Acquire: pairs with the Release of every unlock and downgrade, each of which is in
            // the release sequence that this reads from. A reader must see what writers wrote, a
            // writer must come after what readers read; Relaxed loses both.
            // model: spin::rwlock_excludes, spin::rwlock_upgrade_excludes
            match self.state.compare_exchange(state, change(state), Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    #[inline]
    fn try_read(&self, guess: u32) -> bool {
        self.try_acquire(guess, WRITER | WRITER_PENDING, |state| {
            assert_room(state / READER < MAX_READERS);
            state + READER
        })
    }

    #[inline]
    fn try_upgradable(&self) -> bool {
        self.try_acquire(self.state(), WRITER | UPGRADABLE | WRITER_PENDING, |state| {
            // One beside the last reader: it can still become a plain reader, and then no other gets in.
            assert_room(state / READER <= MAX_READERS);
            state | UPGRADABLE
        })
    }

    /// Becomes the writer if no thread holds the lock but `mine`: 0, or `UPGRADABLE`.
    #[inline]
    fn try_write(&self, guess: u32, mine: u32) -> bool {
        self.try_acquire(guess, !(WRITER_PENDING | mine), |_| WRITER)
    }

    /// Waits until it has become the writer, and keeps new readers out meanwhile.
    #[cold]
    fn write_contended(&self, mine: u32) {
        wait_until::<W>(|| {
            let entered = self.try_write(self.state(), mine);
            if !entered {
                self.hold_off_readers(mine);
            }
            entered
        });
    }

    /// Marks the lock as waited for, if others than `mine` hold it and none of them is a writer.
    fn hold_off_readers(&self, mine: u32) {
        let mut state = self.state();
        while state & (WRITER | WRITER_PENDING) == 0 && state & !mine != 0 {
            // Relaxed: it bars readers, and publishes nothing.
            // survivor: without it a writer may starve, which no model sees;
            // `overlapping_readers_do_not_starve_a_writer` in tests/spin does.
            match self
                .state
                .compare_exchange(state, state | WRITER_PENDING, Relaxed, Relaxed)
            {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
    }
}

#[inline]
fn assert_room(room: bool) {
    assert!(
        room,
        "RwLock: {MAX_READERS} readers hold this lock, and that is its limit"
    );
}

#[cold]
fn wait_until<W: Wait>(entered: impl Fn() -> bool) {
    let mut backoff = Backoff::new();
    while !entered() {
        backoff.wait::<W>();
    }
}

impl<W: Wait> core::fmt::Debug for RawRwLock<W> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::internal::debug_lock(formatter, "RawRwLock", lock_api::RawRwLock::is_locked(self))
    }
}

impl<W: Wait> Default for RawRwLock<W> {
    fn default() -> Self {
        Self::with_wait()
    }
}

// SAFETY: every way in is one compare-exchange from a state that allows it: readers from one without `WRITER`, the
// writer from one with no reader, no `UPGRADABLE` but its own, and no `WRITER`. Only the holder takes its own mark away
// again. Acquire and Release order the critical sections. The one panic (too many readers) happens before anything is
// changed. Forgetting a guard leaves its mark.
unsafe impl<W: Wait> lock_api::RawRwLock for RawRwLock<W> {
    const INIT: Self = const_init!(Self::with_wait());

    type SharedGuard = GuardSend;
    type ExclusiveGuard = GuardSend;

    #[inline]
    fn lock_shared(&self) -> GuardSend {
        if !self.try_read(0) {
            wait_until::<W>(|| self.try_read(self.state()));
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<GuardSend> {
        self.try_read(self.state()).then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_shared(&self, _guard: GuardSend) {
        // Release: pairs with the Acquire in `try_acquire`. The next writer must come after what was read
        // here; Relaxed lets its writes overtake the reads.
        // model: spin::rwlock_excludes
        self.state.fetch_sub(READER, Release);
    }

    #[inline]
    fn lock_exclusive(&self) -> GuardSend {
        if !self.try_write(0, 0) {
            self.write_contended(0);
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<GuardSend> {
        self.try_write(self.state(), 0).then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, _guard: GuardSend) {
        // Release: pairs with the Acquire in `try_acquire`. The thread that comes next must see what was written
        // here; Relaxed loses it. A plain store will do: while `WRITER` is set, no other thread changes
        // the word.
        // model: spin::rwlock_excludes
        self.state.store(0, Release);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.state() & !WRITER_PENDING != 0
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.state() & WRITER != 0
    }
}

// SAFETY: the writer becomes a reader in one store, so no other writer gets in between; Release shows later
// acquisitions what it has written.
unsafe impl<W: Wait> lock_api::RawRwLockDowngrade for RawRwLock<W> {
    #[inline]
    unsafe fn downgrade(&self, _guard: GuardSend) -> GuardSend {
        // Release: as in `unlock_exclusive`, for the readers that come in beside this one.
        // model: spin::rwlock_downgrade_publishes
        self.state.store(READER, Release);
        GuardSend::new()
    }
}

// SAFETY: at most one thread holds `UPGRADABLE`: it is taken only from a state without it and without `WRITER`. It
// keeps writers out, so that an upgrade finds what was read unchanged; the upgrade waits for all readers to leave and
// acquires from their unlocks. A failed `try_upgrade` changes nothing.
unsafe impl<W: Wait> lock_api::RawRwLockUpgrade for RawRwLock<W> {
    type UpgradableGuard = GuardSend;

    #[inline]
    fn lock_upgradable(&self) -> GuardSend {
        if !self.try_upgradable() {
            wait_until::<W>(|| self.try_upgradable());
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock_upgradable(&self) -> Option<GuardSend> {
        self.try_upgradable().then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_upgradable(&self, _guard: GuardSend) {
        // Release: as in `unlock_shared`.
        // model: spin::rwlock_excludes
        self.state.fetch_sub(UPGRADABLE, Release);
    }

    #[inline]
    unsafe fn upgrade(&self, _guard: GuardSend) -> GuardSend {
        if !self.try_write(UPGRADABLE, UPGRADABLE) {
            self.write_contended(UPGRADABLE);
        }
        GuardSend::new()
    }

    #[inline]
    unsafe fn try_upgrade(&self, guard: GuardSend) -> Result<GuardSend, GuardSend> {
        if self.try_write(self.state(), UPGRADABLE) {
            Ok(guard)
        } else {
            Err(guard)
        }
    }
}

// SAFETY: neither change lets a writer in between: the holder's mark is replaced in one step.
unsafe impl<W: Wait> lock_api::RawRwLockUpgradeDowngrade for RawRwLock<W> {
    #[inline]
    unsafe fn downgrade_upgradable(&self, _guard: GuardSend) -> GuardSend {
        // Relaxed: an upgradable reader has written nothing, and its reads are released by the
        // `unlock_shared` to come. One RMW, since readers come and go meanwhile.
        // model: spin::rwlock_downgrade_beside_readers
        self.state.fetch_add(READER - UPGRADABLE, Relaxed);
        GuardSend::new()
    }

    #[inline]
    unsafe fn downgrade_to_upgradable(&self, _guard: GuardSend) -> GuardSend {
        // Release: as in `downgrade`.
        // model: spin::rwlock_downgrade_publishes
        self.state.store(UPGRADABLE, Release);
        GuardSend::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lock_api::{RawRwLock as _, RawRwLockUpgrade as _};

    /// A lock that `readers` hold already.
    fn crowded(readers: u32) -> RawRwLock {
        RawRwLock {
            state: AtomicU32::new(readers * READER),
            ..RawRwLock::new()
        }
    }

    #[test]
    #[should_panic(expected = "536870910 readers hold this lock, and that is its limit")]
    fn one_reader_too_many_panics() {
        let _ = crowded(MAX_READERS).lock_shared();
    }

    #[test]
    fn at_the_limit_the_lock_stays_what_it_was() {
        let lock = crowded(MAX_READERS);
        assert!(std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| lock.try_lock_shared())).is_err());
        assert_eq!(lock.state(), MAX_READERS * READER);
        assert!(!lock.is_locked_exclusive() && lock.try_lock_exclusive().is_none());
        // SAFETY: `crowded` made a lock that this many readers hold; this is one of them.
        unsafe { lock.unlock_shared(GuardSend::new()) };
        assert!(lock.try_lock_shared().is_some());
    }

    #[test]
    fn an_upgradable_reader_fits_beside_the_last_reader_and_may_become_one() {
        use lock_api::RawRwLockUpgradeDowngrade;
        let lock = crowded(MAX_READERS);
        let guard = lock.try_lock_upgradable().expect("no writer, no upgradable reader");
        // SAFETY: `guard` is the upgradable acquisition of this lock, made above.
        let _shared = unsafe { lock.downgrade_upgradable(guard) };
        assert_eq!(lock.state(), u32::MAX / READER * READER);
        assert!(!lock.is_locked_exclusive());
        // A second one would carry the count over into nothing: an unlocked lock, with readers in it.
        let again = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| lock.try_lock_upgradable()));
        assert!(again.is_err(), "there is no room for another downgrade");
        assert_eq!(lock.state(), u32::MAX / READER * READER);
        assert!(lock.try_lock_exclusive().is_none());
    }
}
