//! Locks that spin: a word, no queue, no kernel object.
//!
//! | lock | word | fairness | alone | reach for it when |
//! |---|---|---|---|---|
//! | [`Mutex`] | 1 byte | none | 1 RMW | critical sections are short and threads do not outnumber cores by much |
//! | [`TasMutex`] | 1 byte | none | 1 RMW | contention is rare: its uncontended path is the same, its code the smallest |
//! | [`TicketMutex`] | 2 words | first come, first served, from the ticket on | 1 RMW | few threads, and none may be passed again and again |
//! | [`RwLock`] | 4 bytes | a waiting writer holds off new readers | 1 RMW, read 2 | readers dominate and critical sections are short |
//!
//! Beside them [`Once`] and [`LazyLock`], for what happens once, and [`Barrier`].
//!
//! (RMW: a locked read-modify-write instruction for lock and unlock together, with no other thread there.)
//!
//! All four are `lock_api` raw locks under an alias, so guards, `map`, `Debug`, `Default`, `From<T>` and `?Sized`
//! values work as in `parking_lot`; a guard may be dropped on another thread if the value may be sent there. Each fits
//! in a `static`, and needs neither `std` nor `alloc`. With `std`, a thread that has spun for a few microseconds yields
//! to the scheduler ([`SpinThenYield`](crate::wait::SpinThenYield)); [`SpinOnlyMutex`] and its like spin
//! for ever.
//!
//! **More threads than cores.** With `std`, where as many threads are in a long wait for a mutex as can run, the others
//! sleep before they try on: 250 us for each that waits, 16 ms at most, and not again within the 100 us after. So a few
//! threads at a time pass the lock at full speed, and all have their turns. It also means that a thread may find a lock
//! late by as much as its sleep. Such waits are counted in a table of the process by the lock's address, on a cache
//! line that locks of one bucket (one in 512) share. A child that was forked while threads waited inherits their count,
//! and its contended acquisitions of that bucket sleep more than they would.
//!
//! # From the `spin` crate
//!
//! Change the `use` line to `use linchpin::spin::{Mutex, MutexExt as _, RwLock, RwLockExt as _, ..}`. What the traits
//! offer under `spin`'s names: [`MutexExt`] `as_mut_ptr`, `try_lock_weak`; [`RwLockExt`] `as_mut_ptr`,
//! `upgradeable_read`, `try_upgradeable_read`, `try_write_weak`, `reader_count`, `writer_count`;
//! [`RwLockUpgradableGuardExt`] and [`RwLockWriteGuardExt`] `upgrade`, `try_upgrade`, `downgrade`,
//! `downgrade_to_upgradeable` as methods. The rest:
//!
//! | `spin` | here |
//! |---|---|
//! | `mutex.force_unlock()` | `mutex.force_unlock(lock_api::GuardSend::new())` |
//! | `rwlock.force_read_decrement()` | `rwlock.force_unlock_read(lock_api::GuardSend::new())` |
//! | `rwlock.force_write_unlock()` | `rwlock.force_unlock_write(lock_api::GuardSend::new())` |
//! | `Mutex<T, Spin>`, `RwLock<T, Spin>` | [`SpinOnlyMutex`], [`SpinOnlyRwLock`] |
//! | `Mutex<T, Yield>` | `Mutex<T>` with the feature `std` |
//! | a `RelaxStrategy` of one's own | none: policies are [sealed](crate::wait::Wait) |
//! | `MutexGuard::leak`, `RwLockWriteGuard::leak` | `MutexGuard::leak`, `RwLockWriteGuard::leak` of `lock_api` where it has them; else forget the guard and use `data_ptr` |
//! | `try_upgrade_weak` | `try_upgrade` |
//! | `Once<T, Spin>`, `LazyLock<T, F, Spin>` | [`wait::OnceLock`](crate::wait::OnceLock)`<T, Spin>`, [`wait::LazyLock`](crate::wait::LazyLock)`<T, F, Spin>` |
//!
//! ```
//! use linchpin::spin::{Mutex, RwLock};
//! use lock_api::GuardSend;
//!
//! let (mutex, rwlock) = (Mutex::new(()), RwLock::new(()));
//! std::mem::forget((mutex.lock(), rwlock.read()));
//! // SAFETY: both are held, and their guards are gone.
//! unsafe {
//!     mutex.force_unlock(GuardSend::new());
//!     rwlock.force_unlock_read(GuardSend::new());
//! }
//! assert!(!mutex.is_locked() && !rwlock.is_locked());
//! ```
//!
//! **Deadlines.** With `std`, [`Mutex`], [`TasMutex`] and [`RwLock`] have `try_lock_for`, `try_write_until` and the like. They poll,
//! and may be late by one yield or sleep; a writer with a deadline does not hold off readers. [`TicketMutex`] has none: a ticket
//! cannot be given back.
//!
//! When *not* to use them: for critical sections that block, allocate, or last longer than a context switch. A waiter
//! burns its core; a lock that sleeps does not.
//!
//! A panic while a guard is held releases the lock, without poisoning. A guard that is forgotten leaves the lock locked
//! for ever, and nothing worse.
//!
//! ```
//! use linchpin::spin;
//!
//! static VISITS: spin::Mutex<Vec<&str>> = spin::Mutex::new(Vec::new());
//!
//! std::thread::scope(|scope| {
//!     scope.spawn(|| VISITS.lock().push("one"));
//!     scope.spawn(|| VISITS.lock().push("two"));
//! });
//! assert_eq!(VISITS.lock().len(), 2);
//! ```

mod aliases;
mod barrier;
mod migrate;
mod mutex;
mod restricted;
mod rwlock;
mod ticket;
#[cfg(feature = "std")]
mod timed;

pub use aliases::{
    Lazy, LazyLock, MappedMutexGuard, MappedRwLockReadGuard, MappedRwLockWriteGuard, MappedTasMutexGuard,
    MappedTicketMutexGuard, Once, RwLockUpgradableGuard, SpinOnlyMutex, SpinOnlyMutexGuard, SpinOnlyRwLock,
    SpinOnlyRwLockReadGuard, SpinOnlyRwLockWriteGuard, SpinOnlyTicketMutex, SpinOnlyTicketMutexGuard,
};
pub use barrier::{Barrier, BarrierWaitResult};
#[cfg(feature = "arc_lock")]
pub use lock_api::{ArcMutexGuard, ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard, ArcRwLockWriteGuard};
pub use migrate::{MutexExt, RwLockExt, RwLockUpgradableGuardExt, RwLockWriteGuardExt};
pub use mutex::{Mutex, MutexGuard, RawMutex, RawSpinMutex, RawTasMutex, TasMutex, TasMutexGuard};
pub use rwlock::{RawRwLock, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};
pub use ticket::{RawTicketMutex, TicketMutex, TicketMutexGuard};
