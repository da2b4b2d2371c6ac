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

/// Why there is an element in a stolen block.
const SHARED: &str = "a block that is shared is not empty";

/// What a thief with a deque of its own has stolen.
enum Loot<T> {
    Block(Owned<T>),
    /// Of an opened block.
    Element(T),
}

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
            Steal::Success(mut rest) => {
                let first = rest.take(false).expect(SHARED);
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

    /// Steals a block that is not opened, where none is. A deque without one is asked for it.
    fn steal_block(&self) -> Steal<Owned<T>> {
        let outcome = self.blocks.steal();
        self.note(outcome.is_empty());
        outcome
    }

    /// Counts a steal; a deque in which the thief has found nothing is asked for something.
    fn note(&self, is_miss: bool) {
        if is_miss {
            self.note_miss();
        } else {
            self.note_success();
        }
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

    /// Steals a block, or else an element of an opened one.
    fn steal_loot(&self) -> Steal<Loot<T>> {
        let outcome = match self.blocks.steal() {
            Steal::Success(block) => Steal::Success(Loot::Block(block)),
            Steal::Retry => Steal::Retry,
            Steal::Empty => match self.shared.opened.steal(self.claim()) {
                Steal::Success(element) => Steal::Success(Loot::Element(element)),
                Steal::Empty => Steal::Empty,
                Steal::Retry => Steal::Retry,
            },
        };
        self.note(outcome.is_empty());
        outcome
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
        match self.steal_loot() {
            Steal::Success(Loot::Block(block)) => {
                dest.adopt(block);
                dest.repay(&self.shared);
                Steal::Success(())
            }
            Steal::Success(Loot::Element(element)) => {
                dest.push(element);
                Steal::Success(())
            }
            Steal::Retry => Steal::Retry,
            Steal::Empty => Steal::Empty,
        }
    }

    /// Steals a block of elements, 64 at most, for `dest`, but for one, which it returns: the newest of the block if `dest` is a LIFO
    /// worker, else the oldest. Of an opened block it takes the oldest, and no other.
    pub fn steal_batch_and_pop(&self, dest: &Worker<T>) -> Steal<T> {
        if Arc::ptr_eq(&self.shared, &dest.shared) {
            return dest.pop().map_or(Steal::Empty, Steal::Success);
        }
        match self.steal_loot() {
            Steal::Success(Loot::Block(mut block)) => {
                let element = block.take(dest.is_lifo()).expect(SHARED);
                if block.is_empty() {
                    dest.recycle(block.into_block());
                } else {
                    dest.adopt(block);
                }
                dest.repay(&self.shared);
                Steal::Success(element)
            }
            Steal::Success(Loot::Element(element)) => Steal::Success(element),
            Steal::Retry => Steal::Retry,
            Steal::Empty => Steal::Empty,
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
        self.shared.opened.claims.unassign(self.claim());
    }
}

impl<T> fmt::Debug for Stealer<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad("Stealer { .. }")
    }
}
