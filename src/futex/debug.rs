//! How the raw locks are printed: as snapshots, stale when they are.

use core::fmt;

use super::condvar::RawCondvar;
use super::mutex::RawMutex;
use super::rwlock::RawRwLockOf;
use crate::internal::debug_lock;

impl fmt::Debug for RawMutex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_lock(formatter, "RawMutex", lock_api::RawMutex::is_locked(self))
    }
}

impl<const RECURSIVE: bool> fmt::Debug for RawRwLockOf<RECURSIVE> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_lock(formatter, "RawRwLock", lock_api::RawRwLock::is_locked(self))
    }
}

impl fmt::Debug for RawCondvar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RawCondvar").finish_non_exhaustive()
    }
}
