//! Locks that put those who wait to sleep.
//!
//! | lock | word | fairness | alone | reach for it when |
//! |---|---|---|---|---|
//! | [`Mutex`] | 4 bytes | handed over after a millisecond | 1 RMW | in doubt |
//! | [`RwLock`] | a `usize` | a writer holds off new readers; handed over after a millisecond | read 0 to 2 RMWs, write 1 | more is read than written |
//! | [`Condvar`] | 4 bytes | first come, first notified | | a thread has to wait for what another does |

mod condvar;
mod latch;
mod lot;
mod mutex;
mod readers;
mod rwlock;

pub use condvar::{Condvar, RawCondvar, WaitTimeoutResult};
pub use mutex::{Hold, MappedMutexGuard, Mutex, MutexGuard, RawMutex};
pub use rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RawRwLock, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard, Share,
};
