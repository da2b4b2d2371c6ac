//! Locks that put waiting threads to sleep.
//!
//! | lock | word | fairness | alone | reach for it when |
//! |---|---|---|---|---|
//! | [`Mutex`] | 4 bytes | a turn for the first waiter every 0.3 ms | 1 RMW | in doubt |
//! | `PiMutex` | 8 bytes | by priority, handed off | 2 RMWs | threads differ in priority; Linux and Android |
//! | [`RwLock`] | 16 bytes | a writer holds off new readers; the same turns | read 0 to 2 RMWs, write 1 | more is read than written |
//! | [`Condvar`] | 4 bytes | first come, first notified | | a thread has to wait for what another does |

mod condvar;
mod debug;
mod mutex;
mod park;
// Where the kernel can lend a priority; elsewhere the type would promise what it cannot keep.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod pi;
mod rwlock;

crate::backend::only_in_models! {
    #[doc(hidden)]
    pub mod inside;
}

pub use condvar::{Condvar, RawCondvar, WaitTimeoutResult};
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard, MutexGuardState, RawMutex};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use pi::{PiError, PiMutex, PiMutexGuard, PiResult};
pub use rwlock::{
    MappedRecursiveRwLockReadGuard, MappedRecursiveRwLockWriteGuard, MappedRwLockReadGuard, MappedRwLockWriteGuard,
    RawRwLock, RawRwLockOf, RawRwLockRecursive, ReadGuardState, RecursiveRwLock, RecursiveRwLockReadGuard,
    RecursiveRwLockUpgradableReadGuard, RecursiveRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard,
};

#[cfg(test)]
mod tests;
