//! Constructors for statics, under the names that `parking_lot` 0.12 gives them. `new` is `const` as well.

use super::{FairMutex, Mutex, RawFairMutex, RawMutex, RawRwLock, RawThreadId, ReentrantMutex, RwLock};
use crate::backend::const_fn;

const_fn! {
    /// `Mutex::new`.
    #[must_use]
    pub const fn const_mutex<T>(value: T) -> Mutex<T> {
        Mutex::from_raw(RawMutex::new(), value)
    }
}

const_fn! {
    /// `FairMutex::new`.
    #[must_use]
    pub const fn const_fair_mutex<T>(value: T) -> FairMutex<T> {
        FairMutex::from_raw(RawFairMutex::new(), value)
    }
}

const_fn! {
    /// `ReentrantMutex::new`.
    #[must_use]
    pub const fn const_reentrant_mutex<T>(value: T) -> ReentrantMutex<T> {
        ReentrantMutex::from_raw(RawMutex::new(), RawThreadId::new(), value)
    }
}

const_fn! {
    /// `RwLock::new`.
    ///
    /// ```
    /// use linchpin::futex::{RwLock, const_rwlock};
    ///
    /// static NAMES: RwLock<Vec<&str>> = const_rwlock(Vec::new());
    /// assert!(NAMES.read().is_empty());
    /// ```
    #[must_use]
    pub const fn const_rwlock<T>(value: T) -> RwLock<T> {
        RwLock::from_raw(RawRwLock::new(), value)
    }
}
