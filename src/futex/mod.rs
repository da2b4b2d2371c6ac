//! Locks that put waiting threads to sleep.
//!
//! | lock | word | fairness | alone | reach for it when |
//! |---|---|---|---|---|
//! | [`Mutex`] | 4 bytes | a turn for the first waiter every 0.3 ms | 1 RMW | in doubt |
//! | `PiMutex` | 8 bytes | by priority, handed off | 2 RMWs | threads differ in priority; Linux and Android |
//! | [`RwLock`] | 16 bytes | a writer holds off new readers; the same turns | read 0 to 2 RMWs, write 1 | more is read than written |
//! | [`FairMutex`] | 4 bytes | each unlock hands off to the first parked waiter | 1 RMW | a turn matters more than throughput |
//! | [`ReentrantMutex`] | 24 bytes | as [`Mutex`] | 1 RMW | a thread has to lock again what it holds |
//! | [`Once`], [`OnceLock`], [`LazyLock`] | 4 bytes | | a load, when done | a thing is done, or a value made, by the thread that needs it first |
//! | [`Condvar`] | 4 bytes | first come, first notified | | a thread has to wait for what another does |

mod condvar;
mod constants;
mod debug;
mod fair;
mod mutex;
mod once;
mod park;
// Where the kernel can lend a priority; elsewhere the type would promise what it cannot keep.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod pi;
mod reentrant;
mod rwlock;

crate::backend::only_in_models! {
    #[doc(hidden)]
    pub mod inside;
}

pub use condvar::{Condvar, RawCondvar, WaitTimeoutResult};
pub use constants::{const_fair_mutex, const_mutex, const_reentrant_mutex, const_rwlock};
pub use fair::{FairMutex, FairMutexGuard, MappedFairMutexGuard, RawFairMutex};
#[cfg(feature = "arc_lock")]
pub use lock_api::{
    ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard, ArcRwLockWriteGuard,
};
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard, MutexGuardState, RawMutex};
pub use once::{Lazy, LazyLock, Once, OnceLock, OnceState};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use pi::{PiError, PiMutex, PiMutexGuard, PiResult};
pub use reentrant::{MappedReentrantMutexGuard, RawThreadId, ReentrantMutex, ReentrantMutexGuard};
pub use rwlock::{
    MappedRecursiveRwLockReadGuard, MappedRecursiveRwLockWriteGuard, MappedRwLockReadGuard, MappedRwLockWriteGuard,
    RawRwLock, RawRwLockOf, RawRwLockRecursive, ReadGuardState, RecursiveRwLock, RecursiveRwLockReadGuard,
    RecursiveRwLockUpgradableReadGuard, RecursiveRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard,
};

#[cfg(test)]
mod tests;
