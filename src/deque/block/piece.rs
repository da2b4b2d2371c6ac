//! The blocks of a block deque.

use alloc::boxed::Box;
use core::cell::Cell;
use core::mem::MaybeUninit;
use core::ptr::{NonNull, null_mut};

use crate::backend::atomic::{AtomicPtr, AtomicU32, Relaxed};
use crate::backend::cell::UnsafeCell;
use crate::backend::hint;

/// How many elements a block holds.
pub(super) const BLOCK: u32 = hint::tuned(64, 2);

/// Room for `BLOCK` elements. Those in `front .. len` are there.
///
/// It is used by one thread at a time, with plain accesses, until it is opened: then thieves claim its elements by moving `front`.
///
/// The alignment is that of 64-bit machines, also on those of 32 bits: see [`Returned`](super::returned::Returned).
#[repr(align(8))]
pub(super) struct Block<T> {
    /// Once it is opened: the next element to claim.
    pub(super) front: AtomicU32,
    pub(super) len: AtomicU32,
    /// The block below, in the stack or list that this one is in.
    pub(super) next: AtomicPtr<Block<T>>,
    slots: [UnsafeCell<MaybeUninit<T>>; BLOCK as usize],
}

impl<T> Block<T> {
    /// An empty block. It is made where it lies: with large elements it is larger than a stack.
    pub(super) fn new() -> NonNull<Self> {
        let block = Box::into_raw(Box::<Self>::new_uninit()).cast::<Self>();
        // SAFETY: the memory is this function's; each field is written, but for the values, whose bytes may be anything.
        unsafe {
            (&raw mut (*block).front).write(AtomicU32::new(0));
            (&raw mut (*block).len).write(AtomicU32::new(0));
            (&raw mut (*block).next).write(AtomicPtr::new(null_mut()));
            let slots = (&raw mut (*block).slots).cast::<UnsafeCell<MaybeUninit<T>>>();
            for slot in 0..BLOCK as usize {
                slots.add(slot).write(UnsafeCell::new(MaybeUninit::uninit()));
            }
            NonNull::new_unchecked(block)
        }
    }

    /// # Safety
    ///
    /// Made by [`new`](Self::new), and no thread refers to it any more. Its elements are not dropped.
    pub(super) unsafe fn free(block: NonNull<Self>) {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(block.as_ptr()) });
    }

    /// Notes that it is empty.
    pub(super) fn reset(&self) {
        self.front.store(0, Relaxed);
        self.len.store(0, Relaxed);
    }

    #[inline]
    fn slot(&self, index: u32) -> &UnsafeCell<MaybeUninit<T>> {
        debug_assert!(index < BLOCK, "an index is of this block");
        // SAFETY: all indices come from `front`, `len` and a `Piece`, which are no more than `BLOCK`, and are less when a slot
        // is looked up.
        unsafe { self.slots.get_unchecked(index as usize) }
    }

    /// # Safety
    ///
    /// `index` is less than `BLOCK`, and no other thread is at that slot.
    #[inline]
    pub(super) unsafe fn write(&self, index: u32, value: MaybeUninit<T>) {
        // SAFETY: the caller's promise.
        self.slot(index).with_mut(|slot| unsafe { slot.write(value) });
    }

    /// Writes to all of it, for a model: as if its memory had been freed and were in use elsewhere. A thread that still looks
    /// into it finds what is not there.
    pub(super) fn touch(&self) {
        self.front.store(0, Relaxed);
        self.len.store(BLOCK, Relaxed);
        for slot in &self.slots {
            slot.with_mut(|_| {});
        }
    }

    /// A copy of the bits in a slot.
    ///
    /// # Safety
    ///
    /// `index` is less than `BLOCK`, and no other thread writes to that slot.
    #[inline]
    pub(super) unsafe fn read(&self, index: u32) -> MaybeUninit<T> {
        // SAFETY: the caller's promise.
        self.slot(index).with(|slot| unsafe { slot.read() })
    }
}

/// A block that one thread has for its own, with the elements in it.
pub(super) struct Owned<T>(NonNull<Block<T>>);

// SAFETY: the block and its elements go to another thread as a whole, for which `T: Send` is needed.
unsafe impl<T: Send> Send for Owned<T> {}

impl<T> Owned<T> {
    /// # Safety
    ///
    /// No other thread uses the block, nor will.
    pub(super) unsafe fn new(block: NonNull<Block<T>>) -> Self {
        Owned(block)
    }

    pub(super) fn is_empty(&self) -> bool {
        // SAFETY: this thread has it for its own.
        let block = unsafe { self.0.as_ref() };
        block.front.load(Relaxed) == block.len.load(Relaxed)
    }

    /// Takes the oldest element out, or the newest.
    pub(super) fn take(&mut self, newest: bool) -> Option<T> {
        // SAFETY: this thread has it for its own.
        let block = unsafe { self.0.as_ref() };
        let (front, len) = (block.front.load(Relaxed), block.len.load(Relaxed));
        if front >= len {
            return None;
        }
        let index = if newest {
            block.len.store(len - 1, Relaxed);
            len - 1
        } else {
            block.front.store(front + 1, Relaxed);
            front
        };
        // SAFETY: it was there, and is so no more.
        Some(unsafe { block.read(index).assume_init() })
    }

    pub(super) fn into_block(self) -> NonNull<Block<T>> {
        let block = self.0;
        core::mem::forget(self);
        block
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        /// Frees the block, also when the destructor of an element panics.
        struct Memory<T>(NonNull<Block<T>>);
        impl<T> Drop for Memory<T> {
            fn drop(&mut self) {
                // SAFETY: an owned block is its owner's to free.
                unsafe { Block::free(self.0) };
            }
        }
        /// The elements that are left.
        struct Rest<'a, T>(&'a Block<T>);
        impl<T> Rest<'_, T> {
            fn drop_all(&self) {
                let len = self.0.len.load(Relaxed);
                loop {
                    let front = self.0.front.load(Relaxed);
                    if front >= len {
                        return;
                    }
                    // Before the destructor runs: an element whose destructor panics is not dropped again.
                    self.0.front.store(front + 1, Relaxed);
                    // SAFETY: it is there, and is dropped once.
                    drop(unsafe { self.0.read(front).assume_init() });
                }
            }
        }
        impl<T> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                // Only if a destructor has panicked is there anything left. If another one panics, that aborts.
                self.drop_all();
            }
        }

        if hint::is_abandoned() {
            return;
        }
        let memory = Memory(self.0);
        // SAFETY: freed by `memory`, which outlives this.
        Rest(unsafe { memory.0.as_ref() }).drop_all();
    }
}

/// A block in use by the owner of a deque: `start` and `end` are its own notes of what is in it.
pub(super) struct Piece<T> {
    block: Cell<NonNull<Block<T>>>,
    pub(super) start: Cell<u32>,
    pub(super) end: Cell<u32>,
}

impl<T> Piece<T> {
    /// A piece of nothing, in `block`.
    pub(super) fn new(block: NonNull<Block<T>>) -> Self {
        Piece {
            block: Cell::new(block),
            start: Cell::new(0),
            end: Cell::new(0),
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.start.get() == self.end.get()
    }

    /// How many values there are.
    pub(super) fn len(&self) -> u32 {
        self.end.get() - self.start.get()
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.end.get() == BLOCK
    }

    /// Adds a value; the piece is not full.
    #[inline]
    pub(super) fn push(&self, value: T) {
        let end = self.end.get();
        // SAFETY: it is the owner's, and not full.
        unsafe { self.block.get().as_ref().write(end, MaybeUninit::new(value)) };
        self.end.set(end + 1);
    }

    /// Removes the newest value; the piece is not empty.
    #[inline]
    pub(super) fn pop_back(&self) -> T {
        let last = self.end.get() - 1;
        self.end.set(last);
        // SAFETY: it is the owner's, and there is a value before `end`.
        unsafe { self.block.get().as_ref().read(last).assume_init() }
    }

    /// Removes the oldest value; the piece is not empty.
    #[inline]
    pub(super) fn pop_front(&self) -> T {
        let first = self.start.get();
        self.start.set(first + 1);
        // SAFETY: it is the owner's, and there is a value at `start`.
        let value = unsafe { self.block.get().as_ref().read(first).assume_init() };
        if self.is_empty() {
            self.clear();
        }
        value
    }

    /// Forgets that there were values, all of which are taken.
    pub(super) fn clear(&self) {
        self.start.set(0);
        self.end.set(0);
    }

    /// Takes the block out, with what is in it, and puts another one there, with what is in that.
    pub(super) fn replace(&self, other: NonNull<Block<T>>) -> NonNull<Block<T>> {
        let old = self.block.get();
        {
            // SAFETY: both are the owner's.
            let (old, other) = unsafe { (old.as_ref(), other.as_ref()) };
            old.front.store(self.start.get(), Relaxed);
            old.len.store(self.end.get(), Relaxed);
            self.start.set(other.front.load(Relaxed));
            self.end.set(other.len.load(Relaxed));
        }
        self.block.set(other);
        old
    }

    /// Exchanges two pieces.
    pub(super) fn swap(&self, other: &Self) {
        self.block.swap(&other.block);
        self.start.swap(&other.start);
        self.end.swap(&other.end);
    }

    pub(super) fn block(&self) -> NonNull<Block<T>> {
        self.block.get()
    }
}
