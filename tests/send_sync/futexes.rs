//! The locks that sleep.

use super::*;
use linchpin::futex::{Condvar, MappedMutexGuard, Mutex, MutexGuard, MutexGuardState, RawCondvar, RawMutex};

mutex! { Mutex }
exclusive_guard! { MutexGuard MappedMutexGuard }
exactly!(RawMutex: Send + Sync);
exactly!(MutexGuardState: Send + Sync);
exactly!(Condvar: Send + Sync);
exactly!(RawCondvar: Send + Sync);
assert_eq_size!(Mutex<()>, Condvar, u32);
assert_eq_size!(Mutex<u32>, [u32; 2]);
// A guard knows how its lock is held.
assert_eq_size!(MutexGuard<'static, u64>, [usize; 2]);
assert_eq_size!(Option<MutexGuard<'static, u64>>, [usize; 2]);

mod rwlock {
    use super::super::*;
    use linchpin::futex::{
        MappedRwLockReadGuard, MappedRwLockWriteGuard, RawRwLock, ReadGuardState, RwLock, RwLockReadGuard,
        RwLockUpgradableReadGuard, RwLockWriteGuard,
    };

    exactly!(RwLock<Both>: Send + Sync);
    exactly!(RwLock<OnlySend>: Send);
    exactly!(RwLock<OnlySync>: neither);
    exactly!(RwLock<Neither>: neither);
    exactly!(RwLock<dyn Send + Sync>: Send + Sync);
    exactly!(RawRwLock: Send + Sync);
    exactly!(ReadGuardState: Send + Sync);
    assert_not_impl_any!(ReadGuardState: Clone, Copy);
    shared_guard! { RwLockReadGuard MappedRwLockReadGuard }
    exclusive_guard! { MappedRwLockWriteGuard }
    exactly!(RwLockWriteGuard<'static, Both>: Send + Sync);
    exactly!(RwLockWriteGuard<'static, OnlySend>: neither);
    exactly!(RwLockWriteGuard<'static, Neither>: neither);
    assert_not_impl_any!(RwLockWriteGuard<'static, OnlySync>: Send);
    exactly!(RwLockUpgradableReadGuard<'static, Both>: Send + Sync);
    exactly!(RwLockUpgradableReadGuard<'static, OnlySend>: neither);
    exactly!(RwLockUpgradableReadGuard<'static, Neither>: neither);
    assert_not_impl_any!(RwLockUpgradableReadGuard<'static, OnlySync>: Send);
    assert_eq_size!(RwLock<()>, [u64; 2]);
    // A reader's guard names its slot.
    assert_eq_size!(RwLockReadGuard<'static, u64>, [usize; 2]);
    assert_eq_size!(
        RwLockWriteGuard<'static, u64>,
        RwLockUpgradableReadGuard<'static, u64>,
        usize
    );
}

mod kinds {
    use super::super::*;
    use linchpin::futex::{
        FairMutex, FairMutexGuard, MappedFairMutexGuard, MappedReentrantMutexGuard, Once, OnceState, RawFairMutex,
        RawThreadId, ReentrantMutex, ReentrantMutexGuard,
    };
    use std::panic::{RefUnwindSafe, UnwindSafe};

    mutex! { FairMutex ReentrantMutex }
    exclusive_guard! { FairMutexGuard MappedFairMutexGuard }
    exactly!(RawFairMutex: Send + Sync);
    assert_eq_size!(FairMutex<()>, Once, u32);

    /// It belongs to its thread, which may hold others. Shared, it shares the value, and the lock.
    macro_rules! guard_of_a_thread {
        ($($guard:ident)*) => {$(
            exactly!($guard<'static, Both>: Sync);
            exactly!($guard<'static, OnlySend>: neither);
            exactly!($guard<'static, Neither>: neither);
        )*};
    }
    guard_of_a_thread! { ReentrantMutexGuard MappedReentrantMutexGuard }
    // The mapped one leads to the value only, the other to the lock as well.
    exactly!(ReentrantMutexGuard<'static, OnlySync>: neither);
    exactly!(MappedReentrantMutexGuard<'static, OnlySync>: Sync);
    exactly!(RawThreadId: Send + Sync);
    exactly!(Once: Send + Sync);
    exactly!(OnceState: Send + Sync);
    assert_impl_all!(Once: UnwindSafe, RefUnwindSafe);
    #[cfg(target_pointer_width = "64")]
    const_assert_eq!(size_of::<ReentrantMutex<()>>(), 24);
}
