//! A reader-writer lock that sleeps, whose readers do not write to it while nobody else does.
//!
//! | part of the word | meaning | changed by |
//! |---|---|---|
//! | `WRITER` | a writer has claimed the lock; it is inside, unless `DRAINING` | the writer |
//! | `BUSY` | beside `WRITER`: others change the word, so unlock by an RMW | the writer, as it comes |
//! | `DRAINING` | the writer waits until the readers have left; no new ones come in | the writer |
//! | `ASLEEP` | it sleeps, and the last reader wakes it | the writer |
//! | `UPGRADABLE` | an upgradable reader is inside | it |
//! | `WAITING` | beside `UPGRADABLE`: a writer waits for it, so no new readers come in | that writer |
//! | `PARKED` | beside `WRITER` or `UPGRADABLE`: somebody sleeps and relies on this owner | who falls asleep |
//! | `SPREAD` | readers note themselves in slots of their own, and leave the word alone | a reader; a writer clears it |
//! | `BIASED` | beside `SPREAD`: and they do so without a fence | a reader; a writer clears it |
//! | `COLD` | how long to do without `BIASED` | writers up, readers down |
//! | `HEAT` | how much more is read than written: how long to keep `SPREAD` | readers up, writers down |
//! | `READERS` | readers in the word | they |
//!
//! **Owner.** There is at most one of `WRITER` and `UPGRADABLE`. Readers do not keep a writer from claiming the lock: it
//! claims, which bars new readers, and then waits for those inside. So whoever sleeps for the lock sleeps for its owner,
//! and the owner, as it lets go, wakes the first sleeper, and all sleeping readers if that is no writer. Who is woken
//! answers for those behind it: an owner with `PARKED`, a reader by waking the next at once. A sleeper whose millisecond
//! is over has the lock handed over when it is first in line.
//!
//! **Spread.** A reader writes the lock's address into a slot of its own row ([`readers`]), and then looks whether the lock
//! is still spread and unclaimed. A writer claims, and then looks through the slots of all threads. Between the two
//! steps of each is a fence, which on x86 is the RMW before it. It pays where there are more than eight reads to a write; the
//! readers find that out by samples, each at every 64th of its reads.
//!
//! **Biased.** The same, with the fence pair of [`asymmetric`](crate::backend): free for the reader, a system call for the
//! writer, who clears the bias (BRAVO, Dice and Kogan, USENIX ATC 2019, whose readers are always fenced). After that the
//! lock is cold until enough has been read to pay for the next time: nine times what it cost. Each write makes it
//! colder as well.
//!
//! **Quiet.** A writer of a lock for which nobody has slept not long ago unlocks with a plain store, like the holder of a
//! [`Mutex`](super::Mutex), and then looks at the sleepers.
//!
//! **The last instant.** After the store or RMW that frees the lock nothing of it is touched: slots and queues are in static
//! memory. Its queue is that of its address and one, so that a wake-up which comes too late for a freed lock meets no
//! mutex and no condition variable; the writer that drains sleeps at its address and two.

mod drain;
mod raw;
mod release;
mod waiting;
mod warmth;

use super::lot;
use super::readers::{self, Slot};
use crate::backend::atomic::{Acquire, AtomicUsize, Relaxed, Release, SeqCst, fence_after_rmw};
use crate::backend::time::{self, Instant};
use crate::backend::{asymmetric, const_fn};
use waiting::Wish;

/// A reader-writer lock that puts those who wait to sleep, for values that are mostly read.
///
/// * **Guarantee**: one writer, or any number of readers, who see everything that earlier writers did. A waiting writer
///   holds off new readers. Readers that sleep when a writer leaves are woken together, and before the writers that came
///   after them; whoever sleeps after a millisecond in vain has the lock handed over when it is first in line, until then
///   a newcomer may pass. An upgrade goes before the writers that wait. No poisoning.
/// * **Cost**: a `usize`. A read is two RMWs on the lock; one on a line of its own thread once there are more than eight
///   reads to a write; and a plain store there, with no RMW, where hardly anybody writes. So readers on different cores
///   do not disturb one another. A write is one RMW and a store, and a look at the rows of all threads where readers
///   use them; the first write in thousands of reads interrupts the cores that run this process (14 microseconds here). A
///   waiter spins and yields for some 20 microseconds, then sleeps. Each thread that reads has a row of 64 bytes, which
///   the next such thread inherits. The guard of a reader is two words.
/// * **Not for**: locks that are written as often as read ([`Mutex`](super::Mutex)); interrupt handlers and kernels
///   ([`spin::RwLock`](crate::spin::RwLock)). A thread that takes a second `read` while a writer waits deadlocks.
///
/// Changing `use parking_lot::RwLock` to `use linchpin::futex::RwLock` is the whole migration: the guards, `try_read_for`,
/// `upgradable_read`, `unlock_fair`, `map`, `bump` are those of `lock_api`. Guards may be dropped on another thread, as with
/// `parking_lot`'s feature `send_guard`.
///
/// # Panics
///
/// Taking a shared or an upgradable lock panics when too many readers hold it already, as forgotten guards do: 2^48 - 2, or
/// 65,534 where a word has 32 bits, beside six of each thread in its row. The lock stays usable.
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

const WRITER: usize = 1 << 0;
const BUSY: usize = 1 << 1;
const UPGRADABLE: usize = 1 << 2;
const WAITING: usize = 1 << 3;
const DRAINING: usize = 1 << 4;
const ASLEEP: usize = 1 << 5;
const PARKED: usize = 1 << 6;
const SPREAD: usize = 1 << 7;
const BIASED: usize = 1 << 8;
const COLDER: usize = 1 << 9;
const COLD: usize = 7 * COLDER;
const HOTTER: usize = 1 << 12;
const HEAT: usize = 15 * HOTTER;
const READER: usize = 1 << 16;
const READERS: usize = !(READER - 1);

const OWNER: usize = WRITER | UPGRADABLE;
/// What a claim and its end leave as it is.
const LASTING: usize = SPREAD | BIASED | COLD | HEAT | READERS;
/// What the word of a lock says about its past, that nobody holds and in which no slot has to be looked for.
const PAST: usize = COLD | HEAT;
/// One less than what fits: an upgradable reader that becomes a plain one is not refused.
const MAX_READERS: usize = READERS / READER - 1;

/// The raw lock of [`RwLock`].
pub struct RawRwLock {
    word: AtomicUsize,
}

/// What a reader of a [`RawRwLock`] has to know to unlock it: the state of a guard.
#[derive(Debug)]
pub struct Share {
    /// The slot that names the lock. Without one, the reader is counted in the word.
    slot: Option<&'static Slot>,
}

impl Share {
    const COUNTED: Self = Share { slot: None };
}

impl RawRwLock {
    const_fn! {
        /// An unlocked lock.
        #[must_use]
        pub const fn new() -> Self {
            RawRwLock { word: AtomicUsize::new(warmth::NEW) }
        }
    }

    #[inline]
    fn address(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }

    #[inline]
    fn state(&self) -> usize {
        // Relaxed: what is read here only proposes an RMW, and that has the ordering.
        self.word.load(Relaxed)
    }

    /// Reads in a slot, if readers of this lock do so now and this thread has one.
    #[inline]
    fn read_in_slot(&self, state: usize) -> Option<Share> {
        if state & (SPREAD | WRITER | WAITING) != SPREAD {
            return None;
        }
        let address = self.address();
        let slot = readers::take(address, state & BIASED != 0)?;
        let barred = if state & BIASED != 0 {
            // SeqCst: pairs with `heavy` in `fence_slots`. The writer sees the slot, or this reader that the lock has been
            // claimed. Without it each may miss the other (killed by `futex_rwlock::biased_readers_exclude`).
            asymmetric::light();
            BIASED
        } else {
            // SeqCst: pairs with the fences in `fence_slots` and `write_spread`, and with `heavy`; the same (killed by
            // `futex_rwlock::spread_readers_exclude`).
            fence_after_rmw(SeqCst);
            SPREAD
        };
        // Acquire: pairs with the Release with which the last writer has let go, which each change of the word since
        // continues. Relaxed misses what it wrote, if that was after the fence above (killed by
        // `futex_rwlock::spread_readers_exclude`).
        if self.word.load(Acquire) & (barred | WRITER | WAITING) != barred {
            leave_slot(slot, address);
            return None;
        }
        if state & BIASED == 0 {
            self.note_read();
        }
        Some(Share { slot: Some(slot) })
    }

    #[inline]
    fn read_now(&self) -> Option<Share> {
        let state = self.state();
        self.read_in_slot(state).or_else(|| self.read_counted(state))
    }

    /// Comes in as `change` says, unless `wish` has to wait; answers with the new state.
    #[inline]
    fn enter(&self, mut state: usize, wish: Wish, change: impl Fn(usize) -> usize) -> Option<usize> {
        while wish.is_admitted(state) {
            let entered = change(state);
            // Acquire: pairs with the Release of every unlock, each of which is in the release sequence that this reads
            // from. A reader must see what writers wrote, a writer must come after what readers read; Relaxed loses
            // both (killed by `futex_rwlock::excludes`).
            match self.word.compare_exchange(state, entered, Acquire, Relaxed) {
                Ok(_) => return Some(entered),
                Err(now) => state = now,
            }
        }
        None
    }

    /// Becomes the writer of a lock that nobody holds, and in which no slot has to be looked for.
    #[inline]
    fn write_now(&self) -> bool {
        // What the word of a lock is that is written often.
        let mut state = warmth::NEW;
        while state & !PAST == 0 {
            // Acquire: as in `enter` (killed by `futex_rwlock::writers_exclude`).
            match self.word.compare_exchange(state, self.claimed(state), Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// The word when a writer claims it.
    #[inline]
    fn claimed(&self, state: usize) -> usize {
        let cooled = colder(state & (LASTING | PARKED), warmth::WRITE);
        let claimed = if cooled & HEAT == 0 { cooled } else { cooled - HOTTER } | WRITER;
        if state & (READERS | BIASED) != 0 {
            claimed | BUSY | DRAINING
        } else if state & PARKED != 0 || lot::bucket(self.queue()).is_tense() {
            claimed | BUSY
        } else {
            claimed
        }
    }

    /// The writer lets go, and stays as `rest`: nothing, `READER` or `UPGRADABLE`.
    #[inline]
    fn end_write(&self, rest: usize) {
        let state = self.state();
        if state & BUSY == 0 {
            let queue = self.queue();
            // Release: pairs with the Acquire in `enter`. Whoever comes next must see what was written here; Relaxed
            // loses it (killed by `futex_rwlock::excludes`). A plain store will do: nobody else changes the word of a
            // quiet writer.
            self.word.store((state & LASTING) + rest, Release);
            // SeqCst: pairs with `heavy` in `lot::sleep` (killed by `futex_rwlock::excludes`).
            asymmetric::light();
            if lot::bucket(queue).has_sleepers() {
                if rest == UPGRADABLE {
                    self.wake_readers(); // and it still holds the lock
                } else {
                    release::wake_next(queue);
                }
            }
        } else {
            self.end_write_busy(rest);
        }
    }

    /// Whether anybody reads in a slot.
    fn is_read_in_slots(&self, state: usize) -> bool {
        state & SPREAD != 0 && readers::any(self.address())
    }
}

#[inline]
fn colder(state: usize, by: usize) -> usize {
    (state & !COLD) | (COLDER * (by + (state & COLD) / COLDER).min(COLD / COLDER))
}

#[inline]
fn assert_room(room: bool) {
    assert!(
        room,
        "RwLock: {MAX_READERS} readers hold this lock, and that is its limit"
    );
}

/// Frees a slot, and wakes the writer that sleeps until that happens.
#[inline]
fn leave_slot(slot: &Slot, address: usize) {
    slot.clear();
    // SeqCst: pairs with `heavy` in `doze`. The writer sees the slot free, or this reader that the writer is about to sleep
    // (killed by `futex_rwlock::biased_readers_exclude`).
    asymmetric::light();
    if lot::bucket(drain::drain(address)).has_sleepers() {
        release::wake_writer(address);
    }
}

impl Default for RawRwLock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
