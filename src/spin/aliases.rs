//! Names for what users of `spin` and of raw locks type.

use super::{RawMutex, RawRwLock, RawTasMutex, RawTicketMutex};
use crate::wait::{DefaultWait, Spin};

/// A value that is made once, by the thread that needs it first, while others that need it spin (with `std`, then yield).
///
/// The API is that of `spin::Once`.
///
/// ```
/// use linchpin::spin::Once;
///
/// static START: Once = Once::new();
/// START.call_once(|| println!("once"));
/// assert!(START.is_completed());
///
/// static PORT: Once<u16> = Once::new();
/// assert_eq!((PORT.poll(), *PORT.call_once(|| 80), *PORT.wait()), (None, 80, 80));
/// ```
pub type Once<T = ()> = crate::wait::OnceLock<T, DefaultWait>;

/// A value that is made when it is first used, while other threads that use it spin (with `std`, then yield).
///
/// ```
/// use linchpin::spin::LazyLock;
///
/// static SQUARES: LazyLock<[u32; 4]> = LazyLock::new(|| [0, 1, 2, 3].map(|n| n * n));
/// assert_eq!(SQUARES[3], 9);
/// ```
pub type LazyLock<T, F = fn() -> T> = crate::wait::LazyLock<T, F, DefaultWait>;
/// [`LazyLock`], by its older name.
pub type Lazy<T, F = fn() -> T> = LazyLock<T, F>;

/// A [`Mutex`](super::Mutex) whose waiters spin for ever: for interrupt handlers, kernels, and threads with a core of their own.
///
/// ```
/// use linchpin::spin::SpinOnlyMutex;
///
/// static COUNT: SpinOnlyMutex<u32> = SpinOnlyMutex::new(0);
/// *COUNT.lock() += 1;
/// ```
pub type SpinOnlyMutex<T> = lock_api::Mutex<RawMutex<Spin>, T>;
/// Holds a [`SpinOnlyMutex`] locked, and unlocks it when dropped.
pub type SpinOnlyMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex<Spin>, T>;
/// A [`TicketMutex`](super::TicketMutex) whose waiters draw their ticket at once and spin for ever.
pub type SpinOnlyTicketMutex<T> = lock_api::Mutex<RawTicketMutex<Spin>, T>;
/// Holds a [`SpinOnlyTicketMutex`] locked, and unlocks it when dropped.
pub type SpinOnlyTicketMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawTicketMutex<Spin>, T>;
/// An [`RwLock`](super::RwLock) whose waiters spin for ever.
pub type SpinOnlyRwLock<T> = lock_api::RwLock<RawRwLock<Spin>, T>;
/// Holds a [`SpinOnlyRwLock`] locked for reading, and unlocks it when dropped.
pub type SpinOnlyRwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLock<Spin>, T>;
/// Holds a [`SpinOnlyRwLock`] locked for writing, and unlocks it when dropped.
pub type SpinOnlyRwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLock<Spin>, T>;

/// [`RwLockUpgradableReadGuard`](super::RwLockUpgradableReadGuard), by `spin`'s name.
pub type RwLockUpgradableGuard<'a, T> = super::RwLockUpgradableReadGuard<'a, T>;

/// Holds a [`Mutex`](super::Mutex) locked for a part of its value.
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;
/// Holds a [`TasMutex`](super::TasMutex) locked for a part of its value.
pub type MappedTasMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawTasMutex, T>;
/// Holds a [`TicketMutex`](super::TicketMutex) locked for a part of its value.
pub type MappedTicketMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawTicketMutex, T>;
/// Holds an [`RwLock`](super::RwLock) locked for reading a part of its value.
pub type MappedRwLockReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRwLock, T>;
/// Holds an [`RwLock`](super::RwLock) locked for writing a part of its value.
pub type MappedRwLockWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRwLock, T>;
