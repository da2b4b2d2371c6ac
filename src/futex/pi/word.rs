//! The protocol of the word, without a value.
//!
//! An uncontended lock is taken and freed here, by one compare-exchange each. Once a thread waits, the kernel
//! hands the lock over (the word's form is in [`pi`]). What is left to do here is to *disown* a thread that has
//! ended while none waited: the kernel was never told of that lock, and says only that there is no such thread.
//!
//! Disowning gives the lock to no thread. It leaves a word without an owner but with both marks, which only the kernel
//! turns into a locked one. Invariants:
//!
//! 1. A word that is not [`FREE`] gets its next owner from the kernel, which serves its own waiters first. So a waiter that the
//!    kernel is just waking, and a thread that disowns, never both come to hold the lock.
//! 2. A word is disowned only while the number in it is proved to be no owner's, from before the proof until after the
//!    compare-exchange (see [`number`]). So the number cannot have come back meanwhile, whether by a thread that lived all
//!    along or by a new one.

use super::number::{self, Owner};
use crate::backend::atomic::{Acquire, AtomicU32, Relaxed, Release, fence};
use crate::backend::cell::UnsafeCell;
use crate::backend::const_fn;
use crate::backend::pi::{self, KernelError, OWNER_DIED, WAITERS};
use crate::backend::time::{self, Instant};

const FREE: u32 = 0;

/// The lock of a [`PiMutex`](super::PiMutex).
pub(super) struct Word {
    word: AtomicU32,
    /// An owner has ended without unlocking, and no holder has declared since that the value is right. The holder's.
    owner_died: UnsafeCell<bool>,
}

// SAFETY: `owner_died` is read and written by the holder only, as its accessors say, and there is one holder at a time.
unsafe impl Sync for Word {}

/// What comes of asking the kernel.
type Answer = Result<(), KernelError>;

impl Word {
    const_fn! {
        pub(super) const fn new() -> Self {
            Word { word: AtomicU32::new(FREE), owner_died: UnsafeCell::new(false) }
        }
    }

    /// Locks; answers with the number of this thread.
    #[inline]
    pub(super) fn lock(&self, deadline: Option<Instant>) -> Result<u32, KernelError> {
        self.try_lock_fast()
            .or_else(|found| self.lock_slow(found, deadline, |word| pi::lock(word, deadline)))
    }

    /// Locks if no other thread holds it; answers with the number of this thread.
    #[inline]
    pub(super) fn try_lock(&self) -> Result<u32, KernelError> {
        self.try_lock_fast().or_else(|found| self.try_lock_slow(found))
    }

    /// Locks if it is free, and asks the kernel nothing; otherwise answers with what it found.
    #[inline]
    pub(super) fn try_lock_fast(&self) -> Result<u32, u32> {
        let me = number::current();
        // Acquire: synchronizes with the Release RMW in `unlock`, or with the fence in
        // `unlock_slow`. The holder must see the previous critical section; Relaxed loses that.
        // model: futex_pi::excludes
        self.word.compare_exchange(FREE, me, Acquire, Relaxed).map(|_| me)
    }

    #[cold]
    fn lock_slow(
        &self,
        found: u32,
        deadline: Option<Instant>,
        ask: impl Fn(&AtomicU32) -> Answer,
    ) -> Result<u32, KernelError> {
        let me = number::current();
        let mut found = found;
        loop {
            // The kernel would wait for any thread of the system that has the number, so it is asked only if one of this
            // process has it.
            match number::owner(found, me, false) {
                Owner::Caller => return Err(KernelError::Deadlock),
                Owner::Dead => self.disown(me)?,
                Owner::Heir if deadline.is_some_and(time::has_passed) => return Err(KernelError::TimedOut),
                Owner::Heir => pi::pause(),
                Owner::Unknown => return Err(number::NO_SUCH_THREAD),
                Owner::None | Owner::Other => match ask(&self.word) {
                    Ok(()) => return Ok(self.own(me)),
                    Err(KernelError::OwnerGone) => self.disown(me)?,
                    Err(error) => return Err(error),
                },
            }
            match self.try_lock_fast() {
                Ok(me) => return Ok(me),
                Err(now) => found = now,
            }
        }
    }

    #[cold]
    fn try_lock_slow(&self, found: u32) -> Result<u32, KernelError> {
        let me = number::current();
        let mut found = found;
        loop {
            match number::owner(found, me, true) {
                Owner::Caller => return Err(KernelError::Deadlock),
                Owner::Dead => self.disown(me)?,
                Owner::Heir | Owner::Other => return Err(KernelError::Held),
                Owner::Unknown => return Err(number::NO_SUCH_THREAD),
                Owner::None => match pi::try_lock(&self.word) {
                    Ok(()) => return Ok(self.own(me)),
                    Err(KernelError::OwnerGone) => {}
                    Err(error) => return Err(error),
                },
            }
            match self.try_lock_fast() {
                Ok(me) => return Ok(me),
                Err(now) => found = now,
            }
        }
    }

    /// The kernel has given this thread the lock.
    fn own(&self, me: u32) -> u32 {
        // Acquire: synchronizes with the Release RMWs in `unlock`, if the kernel found the lock
        // free, and in `disown`. The holder must see the previous critical section; Relaxed loses
        // that.
        // model: futex_pi::excludes, futex_pi::an_owner_that_dies_is_inherited_once
        if self.word.load(Acquire) & OWNER_DIED != 0 {
            self.clear_owner_died_bit();
            self.set_owner_died(true);
        }
        me
    }

    fn clear_owner_died_bit(&self) {
        // Relaxed: this thread holds the lock, and its unlock publishes it. An RMW, since the kernel may set the other mark.
        self.word.fetch_and(!OWNER_DIED, Relaxed);
    }

    /// Takes the lock away from its owner if that is a thread that has ended. The kernel then gives it to a thread that asks.
    ///
    /// Whether the owner is still the one that the caller has asked about, is found out here.
    #[cold]
    fn disown(&self, me: u32) -> Result<(), KernelError> {
        number::while_closed(me, || {
            // Relaxed: an owner that lives has registered, and is seen to live, by the fences of `number`.
            let word = self.word.load(Relaxed);
            if number::owner(word, me, true) == Owner::Dead {
                // Release: this thread has found out that the owner has ended, and so has seen all
                // that it did; the thread that gets the lock synchronizes with this in `own`.
                // Relaxed loses that. If it fails, the kernel has handed over.
                // model: futex_pi::an_owner_that_dies_is_inherited_once
                _ = self.word.compare_exchange(word, OWNER_DIED | WAITERS, Release, Relaxed);
            }
        })
    }

    /// Whether an owner has ended with the lock, so that the value may be half changed. For the holder.
    #[inline]
    pub(super) fn owner_died(&self) -> bool {
        // SAFETY: only the holder uses the cell, and this is the holder.
        self.owner_died.with(|died| unsafe { *died })
    }

    fn set_owner_died(&self, new: bool) {
        // SAFETY: only the holder uses the cell, and this is the holder.
        self.owner_died.with_mut(|died| unsafe { *died = new });
    }

    /// The value is right again. For the holder.
    pub(super) fn clear_owner_died(&self) {
        self.set_owner_died(false);
    }

    /// Unlocks. For the holder, whose number was `me` when it locked.
    #[inline]
    pub(super) fn unlock(&self, me: u32) {
        // Release: synchronizes with the Acquire RMW in `try_lock_fast` and the Acquire load in
        // `own`. The next holder must see this critical section; Relaxed loses that.
        // model: futex_pi::excludes
        if self.word.compare_exchange(me, FREE, Release, Relaxed).is_err() {
            self.unlock_slow(me);
        }
    }

    #[cold]
    fn unlock_slow(&self, me: u32) {
        // Release: synchronizes with the Acquire RMW in `try_lock_fast`. If the waiters have given
        // up, the kernel frees the word, by a store that is not said to be a release; without this
        // fence the next holder does not see this critical section.
        // model: futex_pi::a_lock_freed_by_the_kernel_hands_on
        fence(Release);
        if number::current() != me {
            // The heir of a fork. The waiters that are marked were threads of the parent; those of this process poll.
            // Relaxed: after the fence.
            self.word.store(FREE, Relaxed);
            return;
        }
        match pi::unlock(&self.word) {
            Ok(()) => {}
            // It stays locked, until this thread ends.
            Err(KernelError::Error(errno)) => panic!(
                "the kernel refuses to unlock a PiMutex that threads wait for, with error number {errno}: a sandbox has to \
                 permit the futex operations LOCK_PI, UNLOCK_PI, TRYLOCK_PI and LOCK_PI2"
            ),
            Err(error) => unreachable!("an unlock neither waits nor looks for another thread: {error:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::pi::TID;
    use std::sync::Barrier;
    use std::thread;

    /// The kernel is slow to tell a waiter that an owner is gone: until it does, the thread that the waiter had found in
    /// the word, alive, has come back.
    #[test]
    #[cfg_attr(miri, ignore = "the kernel's part is not there")]
    fn an_answer_about_another_owner_takes_the_lock_from_no_thread() {
        let word = Word::new();
        let found = word.lock(None).expect("it is free");
        let (lost, inherited) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let asked = core::cell::Cell::new(false);
                word.lock_slow(found, None, |word| {
                    if asked.replace(true) {
                        return pi::try_lock(word);
                    }
                    lost.wait();
                    let answer = pi::try_lock(word);
                    lost.wait();
                    inherited.wait();
                    answer
                })
            });
            word.unlock(found);
            // Another thread, which ends with the lock: that is the one that the kernel tells of.
            scope
                .spawn(|| _ = word.lock(None).expect("it is free"))
                .join()
                .expect("it only locks");
            lost.wait();
            lost.wait();
            assert_eq!(word.lock(None), Ok(found), "this thread inherits it");
            inherited.wait();
            assert_eq!(waiter.join().expect("it only tries"), Err(KernelError::Held));
            assert_eq!(word.word.load(Relaxed) & TID, found);
        });
        word.unlock(found);
    }

    /// So its unlock stays a compare-exchange.
    #[test]
    #[cfg_attr(miri, ignore = "the kernel's part is not there")]
    fn a_try_leaves_no_mark_on_a_lock_that_is_held() {
        let word = Word::new();
        let me = word.lock(None).expect("it is free");
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(word.try_lock(), Err(KernelError::Held)));
        });
        assert_eq!(word.word.load(Relaxed), me);
        assert_eq!(word.try_lock(), Err(KernelError::Deadlock));
        word.unlock(me);
        assert_eq!(word.word.load(Relaxed), FREE);
    }
}
