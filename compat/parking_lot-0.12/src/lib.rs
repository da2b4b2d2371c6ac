//! The API of `parking_lot` 0.12 over [`linchpin::futex`], for `[patch.crates-io]`.
//!
//! What it has not, so that code which uses it does not compile:
//!
//! * **The traits of `lock_api` 0.4.** The types are those of `lock_api` 0.5, and [`lock_api`] is that: since 0.5 a guard remembers
//!   how its lock is held, which the reader-writer lock here needs to find its reader again. A crate that names `lock_api = "0.4"`
//!   beside `parking_lot` and mixes the two does not build.
//! * **`read_recursive`**, which `lock_api` 0.5 has not. [`RecursiveRwLock`] is in its place: each of its `read`s is recursive.
//! * **`deadlock`**, the module of the feature `deadlock_detection`. The feature is there and does nothing.
//! * **`RawMutex::unlock` without an argument**: it takes the state that `lock` has returned, as do `RawRwLock`'s and `force_unlock`.
//!
//! `nightly` and `hardware-lock-elision` do nothing. Guards are `Send`, as with the feature `send_guard`.

#[cfg(feature = "arc_lock")]
pub use linchpin::futex::{
    ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard, ArcRwLockWriteGuard,
};
pub use linchpin::futex::{
    Condvar, FairMutex, FairMutexGuard, MappedFairMutexGuard, MappedMutexGuard, MappedReentrantMutexGuard,
    MappedRwLockReadGuard, MappedRwLockWriteGuard, Mutex, MutexGuard, Once, OnceState, RawFairMutex, RawMutex,
    RawRwLock, RawThreadId, RecursiveRwLock, ReentrantMutex, ReentrantMutexGuard, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard, WaitTimeoutResult, const_fair_mutex, const_mutex,
    const_reentrant_mutex, const_rwlock,
};
pub use linchpin::lock_api;
