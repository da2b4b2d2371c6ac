//! Locks that put those who wait to sleep.
//!
//! | lock | word | fairness | alone | reach for it when |
//! |---|---|---|---|---|
//! | [`Mutex`] | 4 bytes | handed over after a millisecond | 1 RMW | in doubt |
//! | `PiMutex` | 8 bytes | by priority, handed over | 2 RMWs | threads differ in priority; Linux and Android |
//! | [`RwLock`] | a `usize` | a writer holds off new readers; handed over after a millisecond | read 0 to 2 RMWs, write 1 | more is read than written |
//! | [`Condvar`] | 4 bytes | first come, first notified | | a thread has to wait for what another does |

mod condvar;
mod latch;
mod lot;
mod mutex;
// Where the kernel can lend a priority; anywhere else the type would be a promise that nobody keeps.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod pi;
mod readers;
mod rwlock;
mod seat;

pub use condvar::{Condvar, RawCondvar, WaitTimeoutResult};
pub use mutex::{Hold, MappedMutexGuard, Mutex, MutexGuard, RawMutex};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use pi::{PiError, PiMutex, PiMutexGuard, PiResult};
pub use rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RawRwLock, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard, Share,
};
