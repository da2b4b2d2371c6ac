//! Locking in the kernel, with priority inheritance: `FUTEX_LOCK_PI` and its company (Linux 2.6.18, Android).
//!
//! The kernel and its callers share a word of a fixed form:
//!
//! | bits | name | what sets and clears them |
//! |---|---|---|
//! | 0 to 29 | [`TID`]: the number of the thread that holds the lock | 0 -> number and back: the holder, by compare-exchange; number -> number: the kernel; number of a thread that has ended -> 0, with both marks: a thread that has proved it dead |
//! | 30 | [`OWNER_DIED`] | the kernel or such a thread; cleared by the next holder |
//! | 31 | [`WAITERS`]: to be locked and unlocked by the kernel | the kernel, before it puts a thread to sleep, and when it hands over; such a thread |
//!
//! A lock that has `WAITERS` is taken by way of the kernel only. It gives the lock to the waiter of the highest
//! priority.
//!
//! **Numbers.** The kernel knows a thread by its number, in the process's PID namespace, and gives the number of a
//! thread that has ended to a new one, sooner or later, in this process or in another. [`is_gone`] asks for a number of
//! *this process*; an answer of [`lock`] or [`try_lock`] is about the owner at some moment of the call, and about
//! any process. The queue itself is private to the process.
//!
//! **Order of memory**: the kernel hands over under a lock of its own, which orders the one thread's accesses to memory
//! before the other's. What it writes to a word is not said to be a release or an acquire, and is neither in the model.
//! Asking for a thread that has ended orders after all that it did: the kernel removes the number last. Asking for
//! one that is not yet born orders nothing.

/// The part of the word that says which thread holds the lock; 0: none.
pub(crate) const TID: u32 = 0x3fff_ffff;
/// The last owner has ended without unlocking.
pub(crate) const OWNER_DIED: u32 = 1 << 30;
/// The lock has to be locked and unlocked by the kernel.
pub(crate) const WAITERS: u32 = 1 << 31;
/// The error number that says that there is no such thread.
pub(crate) const ESRCH: i32 = 3;

/// What runs on the only thread of a child, after a fork.
pub(crate) type ForkHandler = extern "C" fn();

/// Why the kernel does not give the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    linchpin_coherence,
    allow(dead_code, reason = "in a workload no thread dies, and none waits in a circle")
)]
pub(crate) enum KernelError {
    /// It would wait for itself.
    Deadlock,
    /// A thread whose number was in the word during the call does not exist. The word was left as it was, but for
    /// `WAITERS`; its owner may be another one by now.
    OwnerGone,
    /// Another thread holds it, and the caller does not want to wait.
    Held,
    /// The deadline has passed.
    TimedOut,
    /// Any other error, by its number.
    Error(i32),
}
