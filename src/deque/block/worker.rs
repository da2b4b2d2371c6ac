//! The owner's side of a block deque.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use crossbeam_utils::CachePadded;

use super::opened::Opened;
use super::piece::{Block, Owned, Piece};
use super::returned::Returned;
use super::stealer::Stealer;
use crate::backend::atomic::{AtomicU32, Relaxed};
use crate::backend::hint;
use crate::deque::claims::Claim;
use crate::deque::shared::Flavor;
use crate::deque::steal::Steal;
use crate::deque::worker::Worker as Blocks;

/// How many empty blocks an owner keeps.
const SPARES: usize = 8;
/// How many elements are shared when a thief has just found nothing: with fewer, handing over costs more than they are worth.
const WORTHWHILE: u32 = hint::tuned(16, 2);
/// How often a thief finds nothing before it gets what there is.
pub(super) const PATIENCE: u32 = hint::tuned(16, 1);

/// A thief has found nothing.
pub(super) const WISH: u32 = 1;
/// A thief has found nothing `PATIENCE` times.
pub(super) const NEED: u32 = 2;

/// What an owner and its thieves share, beside the deque of blocks.
pub(super) struct Shared<T> {
    /// 0; `WISH` if a thief has found nothing; `NEED` if one goes on finding nothing.
    pub(super) wanted: CachePadded<AtomicU32>,
    pub(super) opened: CachePadded<Opened<T>>,
    pub(super) returned: CachePadded<Returned<T>>,
}

impl<T> Shared<T> {
    /// Frees used-up blocks that were opened, or leaves them for the owner.
    pub(super) fn reclaim(&self) {
        self.opened.reclaim(|block| self.give_back(block));
    }

    /// Leaves an empty block, which this thread has for its own, for the owner.
    pub(super) fn give_back(&self, block: NonNull<Block<T>>) {
        // SAFETY: the block is this thread's, and empty.
        if let Err(block) = unsafe { self.returned.leave(block) } {
            // SAFETY: as above.
            unsafe { Block::free(block) };
        }
    }
}

/// The handle of the owner of a block deque.
///
/// A LIFO worker pops what it pushed last, a FIFO worker what it pushed first; thieves take older elements first. It may be sent to
/// another thread, but not shared. When it is dropped, it publishes its elements: they can still be stolen.
///
/// # Examples
///
/// ```
/// use linchpin::deque::{Steal, block};
///
/// let worker = block::Worker::new_lifo();
/// let stealer = worker.stealer();
/// (0..1000).for_each(|task| worker.push(task));
/// assert_eq!(worker.pop(), Some(999));
/// assert_eq!(stealer.steal(), Steal::Success(0));
///
/// // The newest are the owner's until it publishes them.
/// worker.publish();
/// assert_eq!(std::iter::from_fn(|| stealer.steal().success()).count(), 998);
/// ```
pub struct Worker<T> {
    /// The block that is pushed to.
    new: Piece<T>,
    /// LIFO: the block before `new`, full or empty, so that an owner that goes to and fro between two blocks shares neither.
    /// FIFO: the block that is popped from, if it is not `new`.
    old: Piece<T>,
    pub(super) shared: Arc<Shared<T>>,
    /// The blocks that thieves may take, as a deque of their own.
    blocks: Blocks<Owned<T>>,
    claim: NonNull<Claim>,
    spares: RefCell<Vec<NonNull<Block<T>>>>,
    elements: PhantomData<T>,
}

// SAFETY: the worker and its stealers move elements between threads, for which `T: Send` is needed; a worker is not `Sync`.
unsafe impl<T: Send> Send for Worker<T> {}

impl<T> core::panic::UnwindSafe for Worker<T> {}

impl<T> Worker<T> {
    /// An empty deque whose owner pops what it pushed last.
    #[must_use]
    pub fn new_lifo() -> Self {
        Self::with(Blocks::new_lifo())
    }

    /// An empty deque whose owner pops what it pushed first.
    #[must_use]
    pub fn new_fifo() -> Self {
        Self::with(Blocks::new_fifo())
    }

    fn with(blocks: Blocks<Owned<T>>) -> Self {
        let shared = Arc::new(Shared {
            wanted: CachePadded::new(AtomicU32::new(0)),
            opened: CachePadded::new(Opened::new()),
            returned: CachePadded::new(Returned::new()),
        });
        let claim = NonNull::from(shared.opened.claims.assign());
        Worker {
            new: Piece::new(Block::new()),
            old: Piece::new(Block::new()),
            shared,
            blocks,
            claim,
            spares: RefCell::new(Vec::new()),
            elements: PhantomData,
        }
    }

    /// A new stealer of this deque.
    #[must_use]
    pub fn stealer(&self) -> Stealer<T> {
        Stealer::new(Arc::clone(&self.shared), self.blocks.stealer())
    }

    pub(super) fn is_lifo(&self) -> bool {
        self.blocks.flavor() == Flavor::Lifo
    }

    /// Whether a thief has found nothing since the owner last shared what it had.
    #[inline]
    fn is_wanted(&self) -> bool {
        self.shared.wanted.load(Relaxed) != 0
    }

    /// Pushes `value`.
    #[inline]
    pub fn push(&self, value: T) {
        if self.new.is_full() || self.is_wanted() {
            self.make_room();
        }
        self.new.push(value);
    }

    /// Before a push: sees that `new` has room, and that thieves find something.
    #[cold]
    fn make_room(&self) {
        if self.is_wanted() {
            self.answer();
        }
        if !self.new.is_full() {
            return;
        }
        if self.is_lifo() || !self.old.is_empty() || !self.blocks.is_empty() || !self.shared.opened.is_empty() {
            if self.is_lifo() {
                // The block before goes to the thieves, and the full one takes its place.
                self.share(&self.old);
                self.old.swap(&self.new);
            } else {
                self.share(&self.new);
            }
        } else {
            // All there is, is in `new`: it is popped from now.
            self.old.swap(&self.new);
        }
        self.shared.reclaim();
        self.shared.returned.take().for_each(|block| self.recycle(block));
    }

    /// Lets thieves have all elements.
    ///
    /// An owner that is about to wait, or to work for long without a push or pop, calls this: what it has pushed last would be
    /// invisible till then.
    pub fn publish(&self) {
        if self.is_lifo() {
            self.share(&self.old);
        } else if !self.old.is_empty() {
            // It is older than all that is shared: it goes where thieves, and the owner, look first.
            // SAFETY: taken out of its piece; no other thread has it.
            self.shared
                .opened
                .push(unsafe { Owned::new(self.old.replace(self.spare())) });
        }
        self.share(&self.new);
        // An owner that publishes what it has, again and again, might never come to a full block.
        self.shared.reclaim();
    }

    /// Lets thieves have a piece, if there is anything in it.
    fn share(&self, piece: &Piece<T>) {
        if !piece.is_empty() {
            // SAFETY: taken out of its piece; no other thread has it.
            self.blocks.push(unsafe { Owned::new(piece.replace(self.spare())) });
        }
    }

    /// An empty block.
    fn spare(&self) -> NonNull<Block<T>> {
        if self.spares.borrow().is_empty() {
            self.shared.returned.take().for_each(|block| self.recycle(block));
        }
        let spare = self.spares.borrow_mut().pop();
        spare.unwrap_or_else(Block::new)
    }

    /// Keeps an empty block, which is this owner's, or frees it.
    pub(super) fn recycle(&self, block: NonNull<Block<T>>) {
        // SAFETY: the block is this owner's, and empty.
        unsafe { block.as_ref() }.reset();
        let mut spares = self.spares.borrow_mut();
        if spares.len() < SPARES {
            spares.push(block);
        } else {
            // SAFETY: as above.
            unsafe { Block::free(block) };
        }
    }

    /// Leaves an empty block to the owner of another deque, in exchange for one that was stolen from it.
    pub(super) fn repay(&self, other: &Shared<T>) {
        let spare = self.spares.borrow_mut().pop();
        if let Some(spare) = spare {
            // SAFETY: a spare is empty, and this owner's.
            if let Err(spare) = unsafe { other.returned.leave(spare) } {
                self.recycle(spare);
            }
        }
    }

    /// Pops an element: the newest of a LIFO worker, the oldest of a FIFO worker.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        if self.is_lifo() {
            if self.new.is_empty() && !self.refill_new() {
                return None;
            }
            let value = self.new.pop_back();
            if self.is_wanted() {
                self.answer();
            }
            return Some(value);
        }
        if self.old.is_empty() && !self.refill_old() {
            return None;
        }
        let value = self.old.pop_front();
        if self.is_wanted() {
            self.answer();
        }
        Some(value)
    }

    /// A thief has found nothing: lets it have what there is, if that is worth while, or if the thief has been waiting. Else a
    /// later operation answers.
    #[cold]
    fn answer(&self) {
        let count = self.new.len() + self.old.len();
        if count >= WORTHWHILE || (count > 0 && self.shared.wanted.load(Relaxed) == NEED) {
            self.shared.wanted.store(0, Relaxed);
            self.publish();
        }
    }

    /// Finds elements for `new` of a LIFO worker, which is empty.
    #[cold]
    fn refill_new(&self) -> bool {
        self.new.clear();
        if !self.old.is_empty() {
            self.new.swap(&self.old);
            return true;
        }
        if let Some(block) = self.blocks.pop() {
            self.recycle(self.new.replace(block.into_block()));
            return true;
        }
        self.take_opened(&self.new)
    }

    /// Finds elements for `old` of a FIFO worker, which is empty.
    #[cold]
    fn refill_old(&self) -> bool {
        if self.take_opened(&self.old) {
            return true;
        }
        if let Some(block) = self.blocks.pop() {
            self.recycle(self.old.replace(block.into_block()));
            return true;
        }
        self.old.swap(&self.new);
        !self.old.is_empty()
    }

    /// Takes what thieves have left of an opened block into `piece`, which is empty.
    fn take_opened(&self, piece: &Piece<T>) -> bool {
        loop {
            piece.clear();
            // SAFETY: a claim of `shared`, which frees it when it is dropped; the block of a piece is the owner's.
            let (claim, block) = unsafe { (self.claim.as_ref(), piece.block().as_ref()) };
            match self.shared.opened.take_rest(claim, block) {
                Steal::Success(()) => {
                    piece.end.set(block.len.load(Relaxed));
                    self.shared.reclaim();
                    return true;
                }
                Steal::Empty => return false,
                Steal::Retry => {}
            }
        }
    }

    /// Adds a stolen block, which no other thread has.
    pub(super) fn adopt(&self, block: Owned<T>) {
        if self.new.is_empty() && self.old.is_empty() && self.blocks.is_empty() {
            let piece = if self.is_lifo() { &self.new } else { &self.old };
            self.recycle(piece.replace(block.into_block()));
        } else {
            self.blocks.push(block);
        }
    }

    /// Whether the deque is empty, what thieves could still take included.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.old.is_empty() && self.blocks.is_empty() && self.shared.opened.is_empty()
    }

    /// Pops all elements, in the order of [`pop`](Self::pop). What has not been yielded when the iterator is dropped stays.
    ///
    /// The iterator goes on after it has yielded `None`, if something is pushed.
    pub fn drain(&self) -> Drain<'_, T> {
        Drain { worker: self }
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        self.publish();
        // SAFETY: both pieces are empty, and the spares are, and all are this owner's.
        unsafe {
            Block::free(self.new.block());
            Block::free(self.old.block());
            for spare in self.spares.get_mut().drain(..) {
                Block::free(spare);
            }
            self.shared.opened.claims.unassign(self.claim.as_ref());
        }
    }
}

/// Pops until the deque is empty: made by [`Worker::drain`].
pub struct Drain<'a, T> {
    worker: &'a Worker<T>,
}

impl<T> Iterator for Drain<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.worker.pop()
    }
}

/// Pushes each element, in the order of the iterator.
impl<T> Extend<T> for Worker<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}

impl<T> fmt::Debug for Worker<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad("Worker { .. }")
    }
}

impl<T> fmt::Debug for Drain<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad("Drain { .. }")
    }
}
