//! A reader-writer lock that parks those that wait, and whose readers do not write to it while few threads write.
//!
//! | file | what |
//! |---|---|
//! | `state` | the word, its combinations, and what changes it |
//! | `slots` | where readers register instead |
//! | `read`, `write`, `unlock` | how each is done |
//! | `drain` | how a writer waits for readers that are inside |
//! | `bias` | how a lock finds out how its readers should register |
//! | `raw` | the traits of `lock_api` |
//!
//! **Owner.** There is at most one writer or upgradable reader. Readers do not keep a writer from claiming the lock: it
//! claims, which bars new readers, and then waits for those inside. So a thread that parks for the lock relies on its owner
//! (see [`park`](super::park)), and the owner, as it unlocks, unparks the readers at the front of the queue, or the first
//! waiter if that is none. The last of them becomes deputy for those behind. Every 0.3 ms it is the turn of the first in the queue, as with
//! [`Mutex`](super::Mutex).
//!
//! **Slotted.** A reader writes the lock's identity into a slot of its own row ([`slots`]), and then looks whether the lock
//! is still slotted and unclaimed. A writer claims, and then looks through the slots of all threads. Between the two
//! steps of each is a fence, which on x86 is the RMW before it.
//!
//! **Biased.** The same, with the fence pair of [`asymmetric`](crate::backend): free for the reader, a system call for the
//! writer, which ends the bias (BRAVO, Dice and Kogan, USENIX ATC 2019, whose readers are always fenced).
//!
//! **Fast mode.** A writer of a lock for which no thread has parked lately unlocks with a plain store, like the holder of a
//! [`Mutex`](super::Mutex), and then looks whether the lock is announced.
//!
//! | `hints` | meaning | changed by |
//! |---|---|---|
//! | `CREDIT`, 26 bits | what reads have earned for the ways of reading that writers have to pay for | sampled readers up, writers down |
//! | `COOLDOWN`, 5 bits | not 0: writers hold the lock in contended mode, for 2^n unlocks on average | threads that have the bucket's lock |
//! | `QUEUED` | waiters are parked, perhaps behind a deputy that is on its way | the same |
//!
//! **The last instant.** After the store or RMW that frees the lock nothing of it is touched, save under the lock of its bucket
//! while waiters are queued there, which borrow it.

mod bias;
mod drain;
mod raw;
mod read;
mod slots;
mod state;
mod unlock;
mod write;

use super::park::{Key, KeyKind};
use crate::backend::atomic::{AtomicU32, Relaxed};
use crate::backend::const_fn;
use slots::Slot;
use state::{Mode, State};

/// A reader-writer lock that puts waiting threads to sleep, for values that are mostly read.
///
/// * **Guarantee**: one writer, or any number of readers, which see everything that earlier writers did. A waiting writer
///   holds off new readers. Waiters are woken in their order, readers that stand together
///   at once. While threads are parked it is the turn of the first of them every 0.3 ms, as with [`Mutex`](super::Mutex); until
///   then a newcomer may pass. An upgrade goes before the writers that wait. No poisoning. `try_read` and `try_write` of two threads
///   may both fail on a free lock: each sees the other trying.
/// * **Cost**: 16 bytes. A read is two RMWs on the lock; one on a line of its own thread once there are more than eight
///   reads to a write; and a plain store there, with no RMW, where hardly any thread writes. So readers on different cores
///   do not disturb one another. A write is one RMW and a store, and a look at the rows of all threads that have read where
///   readers use them. The first write in many thousands of reads interrupts the cores that run this process (14
///   microseconds here). What such writes cost is measured, and stays below a small share of what the reads have saved
///   since. A waiter spins for some microseconds, then sleeps. Each thread that reads has a row of 64 bytes, which the next such
///   thread inherits. The guard of a reader is two words.
/// * **Worst case**: a write that ends the readers' own way of reading looks at a row for each thread that reads or has read and lives
///   (some nanoseconds each; the rows of ended threads are used again), makes one `membarrier`, and waits for the readers inside.
///   Where 64 cores read and write one lock at once, each operation moves up to five cache lines for nothing, since the words beside
///   the state share its line. A `try_write` that fails, and `is_locked`, may look at all these rows too, if the reader that is
///   inside is not the one that the thread found last. A reader that finds no place when it `bump`s a lock that is full aborts the process.
///   For `fork` and sandboxes see [`Mutex`](super::Mutex); a writer that waits for readers has claimed the lock, and in the child of a fork it
///   stays claimed.
/// * **Not for**: locks that are written as often as read ([`Mutex`](super::Mutex)); interrupt handlers and kernels
///   ([`spin::RwLock`](crate::spin::RwLock)). A thread that takes a second `read` while a writer waits deadlocks
///   ([`RecursiveRwLock`]).
///
/// Changing `use parking_lot::RwLock` to `use linchpin::futex::RwLock` is the whole migration: the guards, `try_read_for`,
/// `upgradable_read`, `unlock_fair`, `map`, `bump` are those of `lock_api`. Guards may be dropped on another thread, as with
/// `parking_lot`'s feature `send_guard`. Where a sandbox forbids `membarrier` after the lock was used, see
/// [`membarrier`](crate::membarrier).
///
/// # Panics
///
/// Taking a shared or an upgradable lock panics when 16,777,214 readers that are counted in the lock hold it already, as
/// forgotten guards do. The lock stays usable.
///
/// ```
/// use linchpin::futex::{RwLock, RwLockUpgradableReadGuard};
/// use std::collections::HashMap;
/// use std::time::Duration;
///
/// static PORTS: RwLock<Option<HashMap<&str, u16>>> = RwLock::new(None);
///
/// let found = PORTS.upgradable_read();
/// if found.is_none() {
///     *RwLockUpgradableReadGuard::upgrade(found) = Some(HashMap::from([("ssh", 22)]));
/// }
/// let reader = PORTS.read();
/// assert_eq!(reader.as_ref().and_then(|ports| ports.get("ssh")), Some(&22));
/// assert!(PORTS.try_write_for(Duration::from_millis(1)).is_none());
/// ```
pub type RwLock<T> = lock_api::RwLock<RawRwLock, T>;
/// The raw lock of [`RwLock`].
pub type RawRwLock = RawRwLockOf<false>;
/// Holds an [`RwLock`] locked for reading, and unlocks it when dropped.
pub type RwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLock, T>;
/// Holds an [`RwLock`] locked for writing, and unlocks it when dropped.
pub type RwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLock, T>;
/// Holds an [`RwLock`] locked for reading, with the right to become its writer; unlocks it when dropped.
pub type RwLockUpgradableReadGuard<'a, T> = lock_api::RwLockUpgradableReadGuard<'a, RawRwLock, T>;
/// Holds an [`RwLock`] locked for reading a part of its value.
pub type MappedRwLockReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRwLock, T>;
/// Holds an [`RwLock`] locked for writing a part of its value.
pub type MappedRwLockWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRwLock, T>;

/// An [`RwLock`] whose readers come in while other readers hold it, also if a writer waits. So a thread may read it again
/// while it reads it, and writers may starve.
///
/// Its cost is that of [`RwLock`]. A reader that meets a waiting writer looks whether any thread reads, which costs a look
/// at the rows of all threads that have read.
///
/// ```
/// use linchpin::futex::RecursiveRwLock;
///
/// let lock = RecursiveRwLock::new(5);
/// let first = lock.read();
/// let second = lock.read(); // does not wait for a writer that waits for `first`
/// assert_eq!(*first, *second);
/// ```
pub type RecursiveRwLock<T> = lock_api::RwLock<RawRwLockRecursive, T>;
/// The raw lock of [`RecursiveRwLock`].
pub type RawRwLockRecursive = RawRwLockOf<true>;
/// Holds a [`RecursiveRwLock`] locked for reading, and unlocks it when dropped.
pub type RecursiveRwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLockRecursive, T>;
/// Holds a [`RecursiveRwLock`] locked for writing, and unlocks it when dropped.
pub type RecursiveRwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLockRecursive, T>;
/// Holds a [`RecursiveRwLock`] locked for reading, with the right to become its writer; unlocks it when dropped.
pub type RecursiveRwLockUpgradableReadGuard<'a, T> = lock_api::RwLockUpgradableReadGuard<'a, RawRwLockRecursive, T>;
/// Holds a [`RecursiveRwLock`] locked for reading a part of its value.
pub type MappedRecursiveRwLockReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRwLockRecursive, T>;
/// Holds a [`RecursiveRwLock`] locked for writing a part of its value.
pub type MappedRecursiveRwLockWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRwLockRecursive, T>;

/// One less than what fits: an upgradable reader that becomes a plain one is not refused.
const MAX_READERS: u32 = state::COUNT_LIMIT - 1;

/// The raw lock of [`RwLock`], and with `RECURSIVE` that of [`RecursiveRwLock`].
#[repr(align(16))]
pub struct RawRwLockOf<const RECURSIVE: bool> {
    state: AtomicU32,
    /// The number by which slots name the lock; 0 until its readers first use slots, and then the same for good.
    identity: AtomicU32,
    hints: AtomicU32,
    /// In place of padding, of which a reference to the lock would promise that it outlives an unlock.
    _rest: AtomicU32,
}

/// What a reader has to know to unlock it: the state of a guard.
#[derive(Debug)]
pub struct ReadGuardState {
    /// The slot that names the lock. Without one, the reader is counted in the word.
    slot: Option<&'static Slot>,
}

impl ReadGuardState {
    const COUNTED: Self = ReadGuardState { slot: None };
}

impl<const RECURSIVE: bool> RawRwLockOf<RECURSIVE> {
    const_fn! {
        const fn unlocked() -> Self {
            RawRwLockOf { state: AtomicU32::new(0), identity: AtomicU32::new(0), hints: AtomicU32::new(0), _rest: AtomicU32::new(0) }
        }
    }

    /// The queue of the threads that wait for the lock.
    #[inline]
    fn key(&self) -> Key {
        Key::of(self, KeyKind::RwLock)
    }

    #[inline]
    fn state(&self) -> State {
        // Relaxed: what is read here only proposes an RMW, and that has the ordering.
        State::from_bits(self.state.load(Relaxed))
    }

    #[inline]
    fn identity(&self) -> u32 {
        // Relaxed: nothing but the number itself is published with it, and a reader that does not see it yet is counted.
        self.identity.load(Relaxed)
    }

    /// Whether any thread reads in a slot.
    fn is_read_in_slots(&self, state: State) -> bool {
        state.is_slotted() && slots::look(self.identity()).0
    }
}

#[inline]
fn assert_room(state: State, mode: Mode) {
    assert!(
        state.has_room(mode),
        "RwLock: {MAX_READERS} readers hold this lock, and that is its limit"
    );
}

impl RawRwLockOf<false> {
    const_fn! {
        /// An unlocked lock.
        #[must_use]
        pub const fn new() -> Self {
            Self::unlocked()
        }
    }
}

impl<const RECURSIVE: bool> Default for RawRwLockOf<RECURSIVE> {
    fn default() -> Self {
        Self::unlocked()
    }
}

#[cfg(test)]
mod tests;
