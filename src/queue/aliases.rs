//! Guards of parts, and locks whose threads join the queue at once.

use super::{RawClhMutex, RawMcsMutex};
use crate::wait::Spin;

/// Holds an [`McsMutex`](super::McsMutex) locked for a part of its value.
pub type MappedMcsMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMcsMutex, T>;
/// Holds a [`ClhMutex`](super::ClhMutex) locked for a part of its value.
pub type MappedClhMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawClhMutex, T>;

/// An [`McsMutex`](super::McsMutex) whose threads join the queue at once, so that the order of arrival is strict, and spin
/// there for ever: for threads with a core of their own.
///
/// ```
/// use linchpin::queue::StrictMcsMutex;
///
/// static LOG: StrictMcsMutex<Vec<u32>> = StrictMcsMutex::new(Vec::new());
/// LOG.lock().push(1);
/// ```
pub type StrictMcsMutex<T> = lock_api::Mutex<RawMcsMutex<Spin>, T>;
/// Holds a [`StrictMcsMutex`] locked, and unlocks it when dropped.
pub type StrictMcsMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMcsMutex<Spin>, T>;
/// A [`ClhMutex`](super::ClhMutex) whose threads join the queue at once and spin there for ever, as with [`StrictMcsMutex`].
pub type StrictClhMutex<T> = lock_api::Mutex<RawClhMutex<Spin>, T>;
/// Holds a [`StrictClhMutex`] locked, and unlocks it when dropped.
pub type StrictClhMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawClhMutex<Spin>, T>;
