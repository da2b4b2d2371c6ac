//! Empty blocks on their way back to an owner.

use core::ptr::{NonNull, null_mut};

use super::piece::Block;
use crate::backend::array;
use crate::backend::atomic::{Acquire, AtomicPtr, Relaxed, Release};
use crate::backend::hint;

/// How many blocks may be on their way.
const PLACES: usize = hint::tuned(8, 1);

/// Empty blocks that thieves have left for the owner, in exchange for full ones.
///
/// Without it each block would be allocated by the owner and freed by a thief, and allocators are slow where two threads do that.
pub(super) struct Returned<T> {
    places: [AtomicPtr<Block<T>>; PLACES],
}

impl<T> Returned<T> {
    pub(super) fn new() -> Self {
        Returned {
            places: array![AtomicPtr::new(null_mut()); PLACES],
        }
    }

    /// Leaves a block here; gives it back if there is no place for it.
    ///
    /// # Safety
    ///
    /// No other thread uses the block, which is empty.
    pub(super) unsafe fn leave(&self, block: NonNull<Block<T>>) -> Result<(), NonNull<Block<T>>> {
        // SAFETY: the caller's promise.
        unsafe { block.as_ref() }.reset();
        let vacant = |place: &&AtomicPtr<Block<T>>| {
            // Release: synchronizes with the Acquire swap in `take`: what was in the block has been
            // read.
            // model: deque::block_comes_back
            place.load(Relaxed).is_null()
                && place
                    .compare_exchange(null_mut(), block.as_ptr(), Release, Relaxed)
                    .is_ok()
        };
        self.places.iter().find(vacant).map(|_| ()).ok_or(block)
    }

    /// A block, if there is one here.
    pub(super) fn take(&self) -> Option<NonNull<Block<T>>> {
        self.places.iter().find_map(|place| {
            if place.load(Relaxed).is_null() {
                return None;
            }
            // Acquire: synchronizes with the Release compare-exchange in `leave`.
            // model: deque::block_comes_back
            NonNull::new(place.swap(null_mut(), Acquire))
        })
    }
}

impl<T> Drop for Returned<T> {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        while let Some(block) = self.take() {
            // SAFETY: it was here, and no other thread is left.
            unsafe { Block::free(block) };
        }
    }
}
