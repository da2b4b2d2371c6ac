//! What the `spin` crate's locks have and `lock_api`'s have not, under the names of `spin`.

use super::rwlock::RawRwLock;
use super::{RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};
use crate::wait::Wait;

/// What `spin::Mutex` has beside `lock_api::Mutex`.
///
/// ```
/// use linchpin::spin::{Mutex, MutexExt};
///
/// let lock = Mutex::new(1);
/// // SAFETY: no other thread knows this lock.
/// unsafe { *lock.as_mut_ptr() += 1 };
/// assert_eq!(lock.try_lock_weak().map(|value| *value), Some(2));
/// ```
pub trait MutexExt: sealed::Sealed {
    /// What the lock is around.
    type Value: ?Sized;
    /// What [`try_lock_weak`](Self::try_lock_weak) returns.
    type Guard<'a>
    where
        Self: 'a;

    /// A pointer to the value. It may be used by the thread that holds the lock, or where no other thread can.
    fn as_mut_ptr(&self) -> *mut Self::Value;

    /// As `try_lock`, which never fails without cause here either.
    fn try_lock_weak(&self) -> Option<Self::Guard<'_>>;
}

impl<R: lock_api::RawMutex, T: ?Sized> MutexExt for lock_api::Mutex<R, T>
where
    Self: sealed::Sealed,
{
    type Value = T;
    type Guard<'a>
        = lock_api::MutexGuard<'a, R, T>
    where
        Self: 'a;

    #[inline]
    fn as_mut_ptr(&self) -> *mut T {
        self.data_ptr()
    }

    #[inline]
    fn try_lock_weak(&self) -> Option<lock_api::MutexGuard<'_, R, T>> {
        self.try_lock()
    }
}

/// What `spin::RwLock` has beside `lock_api::RwLock`.
///
/// ```
/// use linchpin::spin::{RwLock, RwLockExt, RwLockUpgradableGuardExt, RwLockWriteGuardExt};
///
/// let lock = RwLock::new(1);
/// let upgradable = lock.upgradeable_read();
/// assert_eq!((lock.reader_count(), lock.writer_count()), (1, 0));
/// let mut writer = upgradable.upgrade();
/// *writer += 1;
/// assert_eq!((lock.reader_count(), lock.writer_count()), (0, 1));
/// let reader = writer.downgrade();
/// assert_eq!(*reader, 2);
/// ```
pub trait RwLockExt<T: ?Sized>: sealed::Sealed {
    /// A pointer to the value. It may be used by the thread that has the lock for writing, or where no other thread can.
    fn as_mut_ptr(&self) -> *mut T;

    /// How many readers hold the lock, the upgradable one among them: a snapshot, stale when it returns.
    fn reader_count(&self) -> usize;

    /// How many writers hold the lock, 0 or 1: a snapshot, stale when it returns.
    fn writer_count(&self) -> usize;

    /// `upgradable_read`.
    fn upgradeable_read(&self) -> RwLockUpgradableReadGuard<'_, T>;

    /// `try_upgradable_read`.
    fn try_upgradeable_read(&self) -> Option<RwLockUpgradableReadGuard<'_, T>>;

    /// As `try_write`, which never fails without cause here either.
    fn try_write_weak(&self) -> Option<RwLockWriteGuard<'_, T>>;
}

impl<T: ?Sized> RwLockExt<T> for super::RwLock<T> {
    #[inline]
    fn as_mut_ptr(&self) -> *mut T {
        self.data_ptr()
    }

    fn reader_count(&self) -> usize {
        // SAFETY: only looks.
        unsafe { self.raw() }.reader_count()
    }

    fn writer_count(&self) -> usize {
        usize::from(self.is_locked_exclusive())
    }

    #[inline]
    fn upgradeable_read(&self) -> RwLockUpgradableReadGuard<'_, T> {
        self.upgradable_read()
    }

    #[inline]
    fn try_upgradeable_read(&self) -> Option<RwLockUpgradableReadGuard<'_, T>> {
        self.try_upgradable_read()
    }

    #[inline]
    fn try_write_weak(&self) -> Option<RwLockWriteGuard<'_, T>> {
        self.try_write()
    }
}

/// What `spin`'s upgradable guards have as methods.
pub trait RwLockUpgradableGuardExt<'a, T: ?Sized>: sealed::Sealed + Sized {
    /// Waits for the other readers to leave, and becomes the writer.
    fn upgrade(self) -> RwLockWriteGuard<'a, T>;

    /// Becomes the writer if there are no other readers.
    ///
    /// # Errors
    ///
    /// The guard, if there are.
    fn try_upgrade(self) -> Result<RwLockWriteGuard<'a, T>, Self>;

    /// Becomes a plain reader.
    fn downgrade(self) -> RwLockReadGuard<'a, T>;
}

impl<'a, T: ?Sized> RwLockUpgradableGuardExt<'a, T> for RwLockUpgradableReadGuard<'a, T> {
    fn upgrade(self) -> RwLockWriteGuard<'a, T> {
        Self::upgrade(self)
    }

    fn try_upgrade(self) -> Result<RwLockWriteGuard<'a, T>, Self> {
        Self::try_upgrade(self)
    }

    fn downgrade(self) -> RwLockReadGuard<'a, T> {
        Self::downgrade(self)
    }
}

/// What `spin`'s write guards have as methods.
pub trait RwLockWriteGuardExt<'a, T: ?Sized>: sealed::Sealed + Sized {
    /// Becomes a reader, with no other writer in between.
    fn downgrade(self) -> RwLockReadGuard<'a, T>;

    /// Becomes the upgradable reader, with no other writer in between.
    fn downgrade_to_upgradeable(self) -> RwLockUpgradableReadGuard<'a, T>;
}

impl<'a, T: ?Sized> RwLockWriteGuardExt<'a, T> for RwLockWriteGuard<'a, T> {
    fn downgrade(self) -> RwLockReadGuard<'a, T> {
        Self::downgrade(self)
    }

    fn downgrade_to_upgradeable(self) -> RwLockUpgradableReadGuard<'a, T> {
        Self::downgrade_to_upgradable(self)
    }
}

mod sealed {
    pub trait Sealed {}
    impl<const TEST_FIRST: bool, W, T: ?Sized> Sealed for lock_api::Mutex<super::super::RawSpinMutex<TEST_FIRST, W>, T> {}
    impl<W, T: ?Sized> Sealed for lock_api::Mutex<super::super::RawTicketMutex<W>, T> {}
    impl<W: super::Wait, T: ?Sized> Sealed for lock_api::RwLock<super::RawRwLock<W>, T> {}
    impl<W: super::Wait, T: ?Sized> Sealed for lock_api::RwLockUpgradableReadGuard<'_, super::RawRwLock<W>, T> {}
    impl<W: super::Wait, T: ?Sized> Sealed for lock_api::RwLockWriteGuard<'_, super::RawRwLock<W>, T> {}
}
