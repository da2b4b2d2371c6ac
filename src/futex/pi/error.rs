//! Why a [`PiMutex`](super::PiMutex) is not simply locked.

use core::fmt;

use crate::backend::pi::{ESRCH, KernelError};

/// Why a [`PiMutex`](super::PiMutex) is not locked, or not as one would expect. `G` is its guard.
///
/// ```
/// use linchpin::futex::{PiError, PiMutex};
///
/// let mutex = PiMutex::new(0);
/// let _held = mutex.lock().expect("this kernel has such locks");
/// match mutex.lock() {
///     Err(PiError::Deadlock) => {}
///     other => unreachable!("this thread holds it: {other:?}"),
/// }
/// ```
#[non_exhaustive]
pub enum PiError<G> {
    /// It *is* locked, and this is its guard; but a thread that held it has ended without unlocking it, so that the value
    /// may be half changed. Each lock reports it again until a holder calls
    /// [`PiMutexGuard::mark_repaired`](super::PiMutexGuard::mark_repaired).
    OwnerDied(G),
    /// The caller would wait for itself: it holds the mutex already, or its holder waits, by way of mutexes of this kind,
    /// for one that the caller holds.
    Deadlock,
    /// Another thread holds it, and the caller does not want to wait.
    WouldBlock,
    /// Another thread has held it until the deadline.
    TimedOut,
    /// The kernel does not do it.
    Refused {
        /// The error number: `ENOSYS` where the kernel is built without such locks, `EPERM` as a rule where a sandbox
        /// forbids them, `ENOMEM` where the kernel has no memory left, `EINVAL` if the memory of the mutex was overwritten,
        /// `ESRCH` if the owner is no thread of this process and it cannot be told whether a `fork` has left its guard
        /// to one that is.
        errno: i32,
    },
}

impl<G> PiError<G> {
    /// The guard, if the mutex is locked all the same ([`OwnerDied`](PiError::OwnerDied)).
    #[must_use]
    pub fn into_guard(self) -> Option<G> {
        match self {
            PiError::OwnerDied(guard) => Some(guard),
            _ => None,
        }
    }
}

impl<G> From<KernelError> for PiError<G> {
    fn from(error: KernelError) -> Self {
        match error {
            KernelError::Deadlock => PiError::Deadlock,
            KernelError::Held => PiError::WouldBlock,
            KernelError::TimedOut => PiError::TimedOut,
            KernelError::Error(errno) => PiError::Refused { errno },
            // Not of the mutex itself: that owner is disowned.
            KernelError::OwnerGone => PiError::Refused { errno: ESRCH },
        }
    }
}

// Not derived: the guard need not be printable, and an `unwrap` should not print the value.
impl<G> fmt::Debug for PiError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PiError::OwnerDied(_) => f.write_str("OwnerDied(..)"),
            PiError::Deadlock => f.write_str("Deadlock"),
            PiError::WouldBlock => f.write_str("WouldBlock"),
            PiError::TimedOut => f.write_str("TimedOut"),
            PiError::Refused { errno } => f.debug_struct("Refused").field("errno", errno).finish(),
        }
    }
}

impl<G> fmt::Display for PiError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PiError::OwnerDied(_) => f.write_str(
                "a thread has ended while it held this mutex, so the value may be half changed (the mutex is locked now, \
                 and the error carries the guard)",
            ),
            PiError::Deadlock => {
                f.write_str("this thread would wait for itself: it holds this mutex, or its holder waits for this thread")
            }
            PiError::WouldBlock => f.write_str("another thread holds this mutex"),
            PiError::TimedOut => f.write_str("another thread held this mutex until the time was up"),
            PiError::Refused { errno } => write!(
                f,
                "the kernel refuses to lock with priority inheritance: error number {errno}"
            ),
        }
    }
}

impl<G> core::error::Error for PiError<G> {}
