//! Empty blocks on their way back to an owner.

use core::ptr::{NonNull, null_mut};

use super::piece::Block;
use crate::backend::atomic::{Acquire, AtomicPtr, Relaxed, Release};
use crate::backend::hint;

/// How many blocks may be on their way. Their number is in the low bits of `top`, which are zero in the address of a block.
const MOST: usize = 7;
const _: () = assert!(
    align_of::<Block<u8>>() > MOST,
    "the address of a block leaves room for a count"
);

/// Empty blocks that thieves have left for the owner, in exchange for full ones.
///
/// Without it each block would be allocated by the owner and freed by a thief, and allocators are slow where two threads do that.
///
/// A stack on which thieves push, and which the owner takes as a whole; so no thread looks into a block that is on it.
pub(super) struct Returned<T> {
    /// The block on top, and how many there are.
    top: AtomicPtr<Block<T>>,
}

impl<T> Returned<T> {
    pub(super) fn new() -> Self {
        Returned {
            top: AtomicPtr::new(null_mut()),
        }
    }

    /// Leaves a block here; gives it back if there are enough.
    ///
    /// # Safety
    ///
    /// No other thread uses the block, which is empty.
    pub(super) unsafe fn leave(&self, block: NonNull<Block<T>>) -> Result<(), NonNull<Block<T>>> {
        // SAFETY: the caller's promise.
        let shared = unsafe { block.as_ref() };
        shared.reset();
        let mut top = self.top.load(Relaxed);
        loop {
            let count = top.addr() & MOST;
            if count == MOST {
                return Err(block);
            }
            shared.next.store(top, Relaxed);
            let new = block.as_ptr().map_addr(|address| address | (count + 1));
            // Release: synchronizes with the Acquire swap in `take`: what was in the block has been
            // read.
            // model: deque::block_comes_back
            match self.top.compare_exchange_weak(top, new, Release, Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => top = now,
            }
        }
    }

    /// All blocks that are here.
    pub(super) fn take(&self) -> impl Iterator<Item = NonNull<Block<T>>> + use<T> {
        let mut top = self.top.load(Relaxed);
        if !top.is_null() {
            // Acquire: synchronizes with the Release compare-exchange in `leave`.
            // model: deque::block_comes_back
            top = self.top.swap(null_mut(), Acquire);
        }
        core::iter::from_fn(move || {
            let block = NonNull::new(top.map_addr(|address| address & !MOST))?;
            // SAFETY: it was on the stack, and is this thread's now.
            top = unsafe { block.as_ref() }.next.load(Relaxed);
            Some(block)
        })
    }
}

impl<T> Drop for Returned<T> {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        // SAFETY: they were here, and no other thread is left.
        self.take().for_each(|block| unsafe { Block::free(block) });
    }
}
