//! The thieves' side of a block deque.

use alloc::sync::Arc;
use core::fmt;
use core::ptr::NonNull;

use super::piece::Owned;
use super::worker::{NEED, PATIENCE, Shared, WISH, Worker};
use crate::backend::atomic::Relaxed;
use crate::deque::claims::Claim;
use crate::deque::steal::Steal;
use crate::deque::stealer::Stealer as Blocks;

/// The handle of a thief of a block deque: made by [`Worker::stealer`].
///
/// It may be cloned, sent and shared; a clone for each thread is faster than one for all. It outlives the worker.
pub struct Stealer<T> {
    shared: Arc<Shared<T>>,
    blocks: Blocks<Owned<T>>,
    /// The claim this stealer tries first. It lives as long as `shared`.
    claim: NonNull<Claim>,
}

// SAFETY: a thief moves elements from one thread to another, so `T: Send` is needed; it never shares one. All that is shared
// of a claim is atomic.
unsafe impl<T: Send> Send for Stealer<T> {}
// SAFETY: as above; two threads that use one stealer lease different claims.
unsafe impl<T: Send> Sync for Stealer<T> {}

impl<T> core::panic::UnwindSafe for Stealer<T> {}
impl<T> core::panic::RefUnwindSafe for Stealer<T> {}

impl<T> Stealer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, blocks: Blocks<Owned<T>>) -> Self {
        let claim = NonNull::from(shared.opened.claims.assign());
        Stealer { shared, blocks, claim }
    }

    fn claim(&self) -> &Claim {
        // SAFETY: a claim of `shared`, which frees it when it is dropped.
        unsafe { self.claim.as_ref() }
    }

    /// Steals one element, of the oldest there are.
    ///
    /// With the first element of a block the thief opens it: its other elements are then claimed one by one, by all thieves.
    /// A thief that has a worker of its own takes a block as a whole, by [`steal_batch`](Self::steal_batch).
    pub fn steal(&self) -> Steal<T> {
        match self.shared.opened.steal(self.claim()) {
            Steal::Empty => {}
            outcome => {
                self.note_success();
                return outcome;
            }
        }
        match self.steal_block() {
            Steal::Success(block) => {
                let block = block.into_block();
                // SAFETY: this thread has just stolen the block, and nothing is in it that is not there.
                let first = unsafe {
                    let block = block.as_ref();
                    let front = block.front.load(Relaxed);
                    block.front.store(front + 1, Relaxed);
                    block.read(front).assume_init()
                };
                // SAFETY: as above.
                let rest = unsafe { Owned::new(block) };
                if rest.is_empty() {
                    self.shared.give_back(rest.into_block());
                } else {
                    self.shared.opened.push(rest);
                }
                self.shared.reclaim();
                Steal::Success(first)
            }
            Steal::Empty => Steal::Empty,
            Steal::Retry => Steal::Retry,
        }
    }

    /// Steals a block that is not opened. A deque without one is asked for it.
    fn steal_block(&self) -> Steal<Owned<T>> {
        let outcome = self.blocks.steal();
        if outcome.is_empty() {
            self.note_miss();
        } else {
            self.note_success();
        }
        outcome
    }

    /// Counts that this thief has found nothing, and leaves word the first time and each `PATIENCE` times: a word is a line that
    /// the owner and all thieves look at.
    fn note_miss(&self) {
        let misses = &self.claim().misses;
        let count = misses.load(Relaxed) + 1;
        let wish = if count >= PATIENCE {
            NEED
        } else if count == 1 {
            WISH
        } else {
            0
        };
        misses.store(if wish == NEED { 1 } else { count }, Relaxed);
        if wish != 0 && self.shared.wanted.load(Relaxed) < wish {
            self.shared.wanted.store(wish, Relaxed);
        }
    }

    fn note_success(&self) {
        let misses = &self.claim().misses;
        if misses.load(Relaxed) != 0 {
            misses.store(0, Relaxed);
        }
    }

    /// Steals a block of elements, 64 at most, for `dest`.
    ///
    /// The elements are not copied: the block changes hands. Elements of an opened block are taken one at a time.
    pub fn steal_batch(&self, dest: &Worker<T>) -> Steal<()> {
        if Arc::ptr_eq(&self.shared, &dest.shared) {
            return if dest.is_empty() {
                Steal::Empty
            } else {
                Steal::Success(())
            };
        }
        match self.steal_block() {
            Steal::Success(block) => {
                dest.adopt(block);
                dest.repay(&self.shared);
                Steal::Success(())
            }
            Steal::Retry => Steal::Retry,
            Steal::Empty => match self.shared.opened.steal(self.claim()) {
                Steal::Success(value) => {
                    dest.push(value);
                    Steal::Success(())
                }
                Steal::Empty => Steal::Empty,
                Steal::Retry => Steal::Retry,
            },
        }
    }

    /// Steals a block of elements for `dest`, and pops one of them.
    pub fn steal_batch_and_pop(&self, dest: &Worker<T>) -> Steal<T> {
        match self.steal_batch(dest) {
            Steal::Success(()) => dest.pop().map_or(Steal::Retry, Steal::Success),
            Steal::Empty => Steal::Empty,
            Steal::Retry => Steal::Retry,
        }
    }

    /// Whether there is nothing to steal: what the owner has not published does not count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.opened.is_empty() && self.blocks.is_empty()
    }
}

impl<T> Clone for Stealer<T> {
    fn clone(&self) -> Self {
        Stealer::new(Arc::clone(&self.shared), self.blocks.clone())
    }
}

impl<T> Drop for Stealer<T> {
    fn drop(&mut self) {
        self.claim().unassign();
    }
}

impl<T> fmt::Debug for Stealer<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad("Stealer { .. }")
    }
}
