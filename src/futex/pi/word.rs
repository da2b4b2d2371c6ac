//! The protocol of the word, without a value.
//!
//! Alone, the lock is taken and freed here, by one compare-exchange each. As soon as it is held or awaited, the kernel
//! takes it and hands it over (the word's form is in [`pi`]). What is left to do here is to replace an owner that has
//! ended with nobody waiting: then nobody has told the kernel of the lock, and it only says that there is no such thread.

use crate::backend::atomic::{Acquire, AtomicBool, AtomicU32, Relaxed, Release, fence};
use crate::backend::const_fn;
use crate::backend::pi::{self, OWNER_DIED, Refusal, TID, WAITERS};
use crate::backend::time::Instant;

const FREE: u32 = 0;

/// The lock of a [`PiMutex`](super::PiMutex).
pub(super) struct Word {
    word: AtomicU32,
    /// An owner has ended without unlocking, and nobody has said since that the value is right. Changed and read by the
    /// holder only.
    abandoned: AtomicBool,
}

/// What comes of asking the kernel.
type Answer = Result<(), Refusal>;

impl Word {
    const_fn! {
        pub(super) const fn new() -> Self {
            Word { word: AtomicU32::new(FREE), abandoned: AtomicBool::new(false) }
        }
    }

    /// Locks; answers with the number of this thread.
    #[inline]
    pub(super) fn lock(&self, deadline: Option<Instant>) -> Result<u32, Refusal> {
        self.take()
            .or_else(|found| self.ask(found, |word| pi::lock(word, deadline)))
    }

    /// Locks if nobody holds it; answers with the number of this thread.
    #[inline]
    pub(super) fn try_lock(&self) -> Result<u32, Refusal> {
        self.take().or_else(|found| self.ask(found, pi::try_lock))
    }

    /// Locks if it is free, and asks nobody; otherwise answers with what it found.
    #[inline]
    pub(super) fn take(&self) -> Result<u32, u32> {
        let me = pi::thread_id();
        // Acquire: pairs with the Release RMW in `unlock`, or with the fence in `unlock_awaited`. The holder must see what
        // the one before it did; Relaxed loses that (killed by `futex_pi::excludes`).
        self.word.compare_exchange(FREE, me, Acquire, Relaxed).map(|_| me)
    }

    #[cold]
    fn ask(&self, found: u32, kernel: impl Fn(&AtomicU32) -> Answer) -> Result<u32, Refusal> {
        let me = pi::thread_id();
        let mut found = found;
        while found & TID != me {
            match kernel(&self.word) {
                Ok(()) => {
                    self.note_a_death();
                    return Ok(me);
                }
                Err(Refusal::OwnerGone) if self.replace(found, me) => return Ok(me),
                Err(Refusal::OwnerGone) => {}
                Err(refusal) => return Err(refusal),
            }
            // Relaxed: whose number it is decides nothing but what is asked next.
            found = self.word.load(Relaxed);
        }
        Err(Refusal::Deadlock)
    }

    /// The kernel has given this thread the lock: whether because its owner has ended, the word says.
    fn note_a_death(&self) {
        // Acquire: pairs with the Release RMW in `unlock`, if the kernel found the lock free. The holder must see what the
        // one before it did; Relaxed loses that (killed by `futex_pi::excludes`).
        if self.word.load(Acquire) & OWNER_DIED != 0 {
            // Relaxed, both: this thread holds the lock, and its unlock hands them on. An RMW, since the kernel may set
            // the other bit.
            self.word.fetch_and(!OWNER_DIED, Relaxed);
            self.abandoned.store(true, Relaxed);
        }
    }

    /// Puts this thread into the place of an owner that has ended; fails if somebody else has, or it was not that one.
    fn replace(&self, found: u32, me: u32) -> bool {
        // Relaxed: the compare-exchange looks again.
        let word = self.word.load(Relaxed);
        // The kernel was asked between the two looks, so it spoke of this owner.
        let replaced = word & TID == found & TID
            // Relaxed: the kernel has ended the owner under its own locks, before it said so. An RMW, for whoever else
            // hears of it at the same time (killed by `futex_pi::an_owner_that_is_gone_is_replaced`). The mark of the
            // waiters stays, at the price of one system call.
            && self.word.compare_exchange(word, me | word & WAITERS, Relaxed, Relaxed).is_ok();
        if replaced {
            // Relaxed: under the lock.
            self.abandoned.store(true, Relaxed);
        }
        replaced
    }

    /// Whether the value may be half changed. For the holder.
    #[inline]
    pub(super) fn is_abandoned(&self) -> bool {
        // Relaxed: under the lock.
        self.abandoned.load(Relaxed)
    }

    /// The value is right again. For the holder.
    pub(super) fn mend(&self) {
        // Relaxed: under the lock.
        self.abandoned.store(false, Relaxed);
    }

    /// Unlocks. For the holder, whose number is `me`.
    #[inline]
    pub(super) fn unlock(&self, me: u32) {
        // Release: pairs with the Acquire RMW in `take` and the Acquire load in `note_a_death`. The next holder must see
        // what this one did; Relaxed loses that (killed by `futex_pi::excludes`).
        if self.word.compare_exchange(me, FREE, Release, Relaxed).is_err() {
            self.unlock_awaited(me);
        }
    }

    #[cold]
    fn unlock_awaited(&self, me: u32) {
        // Release: pairs with the Acquire RMW in `take`. If the waiters have given up, the kernel frees the word, by a
        // store of which nobody says that it is a release; without this fence the next holder does not see what this one
        // did (killed by `futex_pi::a_lock_freed_by_the_kernel_hands_on`).
        fence(Release);
        match pi::unlock(&self.word) {
            Ok(()) => {}
            // The child of a fork, in which the parent's thread does not exist, nor any other that could have waited.
            // Relaxed: after the fence.
            Err(_) if pi::thread_id() != me => self.word.store(FREE, Relaxed),
            Err(refusal) => panic!("the kernel does not unlock a mutex for its holder: {refusal:?}"),
        }
    }
}

#[cfg(all(test, not(miri), not(any(linchpin_loom, linchpin_coherence))))]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    /// The kernel is slow to tell a waiter that an owner is gone: until it does, the thread that the waiter had found in
    /// the word, alive, has come back.
    #[test]
    fn an_answer_about_another_owner_costs_nobody_the_lock() {
        let word = Word::new();
        let found = word.lock(None).expect("it is free");
        let (lost, inherited) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let asked = core::cell::Cell::new(false);
                word.ask(found, |word| {
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
            assert_eq!(waiter.join().expect("it only tries"), Err(Refusal::Held));
            assert_eq!(word.word.load(Relaxed) & TID, found);
        });
        word.unlock(found);
    }
}
