//! Locking in the kernel, with priority inheritance: `FUTEX_LOCK_PI` and its company (Linux 2.6.18, Android).
//!
//! The kernel and its callers share a word of a fixed form:
//!
//! | bits | name | who sets them, who clears them |
//! |---|---|---|
//! | 0 to 29 | [`TID`]: the number of the thread that holds the lock | 0 -> number and back: the holder, by compare-exchange; number -> number: the kernel |
//! | 30 | [`OWNER_DIED`] | the kernel, when it hands on the lock of a thread that has ended; cleared by whoever gets it |
//! | 31 | [`WAITERS`]: to be unlocked by the kernel | the kernel, before it puts somebody to sleep, and when it hands over |
//!
//! Nobody but the kernel takes a lock that has `WAITERS`, and the kernel gives it to the waiter of the highest priority.
//!
//! **Order of memory**: the kernel hands over under a lock of its own, which orders the one thread's accesses to memory
//! before the other's. What it writes to a word is not said to be a release or an acquire, and is neither in the model.

#[cfg(any(linchpin_loom, linchpin_coherence))]
pub(crate) use super::world::kernel_pi::{lock, thread_id, try_lock, unlock};
#[cfg(not(any(linchpin_loom, linchpin_coherence)))]
pub(crate) use kernel::{lock, thread_id, try_lock, unlock};

/// The part of the word that says who holds the lock; 0: nobody.
pub(crate) const TID: u32 = 0x3fff_ffff;
/// Whoever held the lock has ended without unlocking it.
pub(crate) const OWNER_DIED: u32 = 1 << 30;
/// The lock has to be unlocked by the kernel.
pub(crate) const WAITERS: u32 = 1 << 31;

/// Why the kernel does not give the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    linchpin_coherence,
    allow(dead_code, reason = "in a workload nobody dies, and nobody waits in a circle")
)]
pub(crate) enum Refusal {
    /// It would wait for itself.
    Deadlock,
    /// The thread whose number is in the word does not exist. The word is as it was, but for `WAITERS`.
    OwnerGone,
    /// Another thread holds it, and the caller does not want to wait.
    Held,
    /// The deadline has passed.
    TimedOut,
    /// Any other error, by its number.
    Error(i32),
}

#[cfg(not(any(linchpin_loom, linchpin_coherence)))]
#[path = "pi_kernel.rs"]
mod kernel;
