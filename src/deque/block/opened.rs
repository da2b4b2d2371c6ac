//! Blocks from which thieves take single elements.

use core::marker::PhantomData;
use core::ptr::{NonNull, null_mut};

use super::piece::{BLOCK, Block, Owned};
use crate::backend::atomic::{Acquire, AtomicPtr, Relaxed, Release, SeqCst, fence, fence_after_rmw};
use crate::backend::hint;
use crate::deque::claims::{Claim, Claims};
use crate::deque::shared::KEEPS_FREED;
use crate::deque::steal::Steal;

/// A stack of opened blocks; there is seldom more than one.
///
/// A thief announces the topmost block, fences, and finds that it is still the topmost one, before it looks into it. Whoever
/// removes a used-up block fences, and frees it if no thief announces it. So no block that a thief looks into is freed, nor on
/// top again.
pub(super) struct Opened<T> {
    top: AtomicPtr<Block<T>>,
    /// Blocks that are used up, and that a thief may still be looking into.
    retired: AtomicPtr<Block<T>>,
    pub(super) claims: Claims,
}

/// A block that this thread has announced.
struct Look<'a, T> {
    claim: &'a Claim,
    /// As it was found on the stack: what is freed is freed by such a pointer, not by a reference, which may not touch padding.
    block: NonNull<Block<T>>,
    opened: PhantomData<&'a Opened<T>>,
}

impl<T> Look<'_, T> {
    fn block(&self) -> &Block<T> {
        // SAFETY: announced, and on top since: it stays until this look ends. See the comment of `Opened`.
        unsafe { self.block.as_ref() }
    }
}

impl<T> Drop for Look<'_, T> {
    fn drop(&mut self) {
        self.claim.withdraw();
    }
}

impl<T> Opened<T> {
    pub(super) fn new() -> Self {
        Opened {
            top: AtomicPtr::new(null_mut()),
            retired: AtomicPtr::new(null_mut()),
            claims: Claims::new(),
        }
    }

    /// Whether there is no opened block.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.top.load(Relaxed).is_null()
    }

    /// Opens a block: from now on thieves take single elements of it.
    pub(super) fn push(&self, block: Owned<T>) {
        let block = block.into_block();
        let mut top = self.top.load(Relaxed);
        loop {
            // SAFETY: it is this thread's until it is in the stack.
            unsafe { block.as_ref() }.next.store(top, Relaxed);
            // Release: synchronizes with the Acquire load in `look`: the block's elements must be
            // found.
            // model: deque::block_opens
            match self.top.compare_exchange_weak(top, block.as_ptr(), Release, Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    fn look<'a>(&'a self, claim: &'a Claim) -> Steal<Look<'a, T>> {
        let top = self.top.load(Relaxed);
        let Some(block) = NonNull::new(top) else {
            return Steal::Empty;
        };
        let claim = if claim.announce(top.cast()) {
            claim
        } else {
            self.claims.announce(top.cast())
        };
        // SeqCst: with the fence in `retire`. If this one comes first, the announcement is found
        // there, and the block stays. If the other comes first, the block is found here not to be
        // on top.
        // model: deque::block_retires
        fence_after_rmw(SeqCst);
        // Acquire: synchronizes with the Release compare-exchange in `push`.
        // survivor: the fence does as much, for the block that the load before it found.
        if self.top.load(Acquire) == top {
            return Steal::Success(Look {
                claim,
                block,
                opened: PhantomData,
            });
        }
        claim.withdraw();
        Steal::Retry
    }

    /// Takes the next element of the topmost block.
    pub(super) fn steal(&self, claim: &Claim) -> Steal<T> {
        self.take(claim, 1, |block, index| {
            // SAFETY: `take` has claimed it for this call.
            unsafe { block.read(index).assume_init() }
        })
    }

    /// Takes all that is left of the topmost block into `into`, which is empty.
    pub(super) fn take_rest(&self, claim: &Claim, into: &Block<T>) -> Steal<()> {
        into.reset();
        self.take(claim, BLOCK, |block, index| {
            let len = into.len.load(Relaxed);
            // SAFETY: `take` has claimed it for this call; `into` is the caller's, and as large.
            unsafe { into.write(len, block.read(index)) };
            into.len.store(len + 1, Relaxed);
        })
    }

    /// Claims up to `most` elements of the topmost block, and calls `each` for each; returns what the last call does.
    fn take<R>(&self, claim: &Claim, most: u32, mut each: impl FnMut(&Block<T>, u32) -> R) -> Steal<R> {
        loop {
            let look = match self.look(claim) {
                Steal::Success(look) => look,
                Steal::Empty => return Steal::Empty,
                Steal::Retry => return Steal::Retry,
            };
            let block = look.block();
            let len = block.len.load(Relaxed);
            let front = block.front.load(Relaxed);
            let next = len.min(front + most);
            if front < len {
                // Relaxed: the elements were found with the block. It must not be torn.
                // model: deque::block_opens
                let claimed = block.front.compare_exchange(front, next, Relaxed, Relaxed);
                if claimed.is_err() {
                    return Steal::Retry;
                }
            }
            if next == len {
                // Its last element is claimed, by this thread or another.
                self.remove(&look);
            }
            let taken = (front..next).map(|index| each(look.block(), index)).last();
            drop(look);
            if let Some(taken) = taken {
                return Steal::Success(taken);
            }
        }
    }

    /// Takes a used-up block off the stack, unless another thread has.
    fn remove(&self, look: &Look<'_, T>) {
        let next = look.block().next.load(Relaxed);
        // Relaxed: it goes on in the release sequence of what was pushed below. It must not be torn, or a block would be retired
        // twice; no model survives that to tell.
        let removed = self.top.compare_exchange(look.block.as_ptr(), next, Relaxed, Relaxed);
        if removed.is_ok() {
            self.keep(look.block);
        }
    }

    fn keep(&self, block: NonNull<Block<T>>) {
        let mut first = self.retired.load(Relaxed);
        loop {
            // SAFETY: it is this thread's until it is in the list.
            unsafe { block.as_ref() }.next.store(first, Relaxed);
            // Release: synchronizes with the Acquire swap in `reclaim`.
            // survivor: a link that is out of date leads into freed memory, and no model there.
            match self
                .retired
                .compare_exchange_weak(first, block.as_ptr(), Release, Relaxed)
            {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// How many used-up blocks are kept; no other thread uses the stack meanwhile.
    #[cfg(all(test, feature = "std"))]
    pub(super) fn retired(&self) -> usize {
        let mut count = 0;
        let mut next = NonNull::new(self.retired.load(Relaxed));
        while let Some(block) = next {
            count += 1;
            // SAFETY: in the list, and no other thread takes it out.
            next = NonNull::new(unsafe { block.as_ref() }.next.load(Relaxed));
        }
        count
    }

    /// Gives the used-up blocks that no thief is looking into to `recycle`.
    pub(super) fn reclaim(&self, recycle: impl Fn(NonNull<Block<T>>)) {
        if self.retired.load(Relaxed).is_null() {
            return;
        }
        // Acquire: synchronizes with the Release compare-exchange in `keep`.
        // survivor: as there.
        let mut next = NonNull::new(self.retired.swap(null_mut(), Acquire));
        // SeqCst: with the fence in `look`.
        // model: deque::block_retires
        fence(SeqCst);
        while let Some(block) = next {
            // SAFETY: in the list that this thread has taken out.
            next = NonNull::new(unsafe { block.as_ref() }.next.load(Relaxed));
            if self.claims.is_announced(block.as_ptr().cast()) {
                self.keep(block);
            } else if KEEPS_FREED {
                // SAFETY: a block in the list is not freed before the deque is dropped; loom judges the rest.
                unsafe { block.as_ref() }.touch();
                self.keep(block);
            } else {
                // It is not on the stack, and no thief announces it; all its elements are taken.
                recycle(block);
            }
        }
    }
}

impl<T> Drop for Opened<T> {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        /// The blocks that are left.
        struct Rest<'a, T>(&'a Opened<T>);
        impl<T> Rest<'_, T> {
            fn drop_all(&self) {
                while let Some(block) = Self::take_first(&self.0.retired) {
                    // SAFETY: all its elements are taken, and no other thread is left.
                    unsafe { Block::free(block) };
                }
                while let Some(block) = Self::take_first(&self.0.top) {
                    // SAFETY: what is not claimed is there, and no other thread is left.
                    drop(unsafe { Owned::new(block) });
                }
            }

            fn take_first(first: &AtomicPtr<Block<T>>) -> Option<NonNull<Block<T>>> {
                let block = NonNull::new(first.load(Relaxed))?;
                // SAFETY: in the list, and no other thread is left.
                first.store(unsafe { block.as_ref() }.next.load(Relaxed), Relaxed);
                Some(block)
            }
        }
        impl<T> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                // Only if a destructor has panicked is there anything left. If another one panics, that aborts.
                self.drop_all();
            }
        }
        Rest(self).drop_all();
    }
}
