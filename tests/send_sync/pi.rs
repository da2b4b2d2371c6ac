//! The lock that lends priority.

use super::*;
use linchpin::futex::{PiError, PiMutex, PiMutexGuard};

mutex! { PiMutex }

// The kernel knows the holder by its thread: no guard is sent, whatever the value.
exactly!(PiMutexGuard<'static, Both>: Sync);
exactly!(PiMutexGuard<'static, OnlySync>: Sync);
exactly!(PiMutexGuard<'static, OnlySend>: neither);
exactly!(PiMutexGuard<'static, Neither>: neither);
exactly!(PiMutexGuard<'static, Pointer>: neither);
exactly!(PiMutexGuard<'static, dyn Send + Sync>: Sync);
// An error may carry a guard, and is sent where that may be.
exactly!(PiError<PiMutexGuard<'static, Both>>: Sync);
exactly!(PiError<()>: Send + Sync);
assert_impl_all!(PiError<PiMutexGuard<'static, Neither>>: std::error::Error);

const_assert_eq!(size_of::<PiMutex<()>>(), 8);
assert_eq_size!(PiMutex<u64>, [u64; 2]);
