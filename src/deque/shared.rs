//! What a worker and its stealers share.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr::NonNull;

use crossbeam_utils::CachePadded;

use super::buffer::Buffer;
use super::claims::Claims;
use crate::backend::atomic::{Acquire, AtomicPtr, AtomicU64, Relaxed, Release, SeqCst, fence};
use crate::backend::cell::UnsafeCell;
use crate::backend::hint;

/// The smallest buffer. In a model it is small enough to grow at the third element.
pub(super) const SMALLEST: usize = hint::tuned(64, 2);

/// In a model, a buffer that is freed stays until the deque is dropped, marked as written to: so that loom, and not the
/// allocator, finds the thread that still reads from it.
pub(super) const KEEPS_FREED: bool = hint::tuned(false, true);

/// How often a thread looks at both ends for a length, while elements leave.
const LOOKS: u32 = hint::tuned(8, 1);

/// Which end the owner pops from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavor {
    Fifo,
    Lifo,
}

/// What the owner writes at each operation.
pub(super) struct Back<T> {
    /// One past the newest element.
    pub(super) index: AtomicU64,
    /// The owner's: buffers that are current no longer, and that a thief may still read from.
    retired: UnsafeCell<Vec<NonNull<Buffer<T>>>>,
}

/// What all read and the owner seldom writes, on a line that stays with all of them.
pub(super) struct Place<T> {
    /// The current buffer.
    pub(super) buffer: AtomicPtr<Buffer<T>>,
    pub(super) claims: Claims,
    pub(super) flavor: Flavor,
}

/// The shared part of a deque. Its invariants are in the comment of the module [`deque`](super).
pub(super) struct Shared<T> {
    /// The index of the oldest element. It only grows, by compare-exchange.
    pub(super) front: CachePadded<AtomicU64>,
    pub(super) back: CachePadded<Back<T>>,
    pub(super) place: CachePadded<Place<T>>,
}

/// How many elements there are between two indices; negative if the owner has moved `back` before `front`, or `front` is newer.
#[inline]
pub(super) fn distance(front: u64, back: u64) -> i64 {
    back.wrapping_sub(front) as i64
}

impl<T> Shared<T> {
    /// An empty deque whose first index is `start`.
    pub(super) fn new(flavor: Flavor, start: u64, capacity: usize) -> Self {
        let buffer = Box::into_raw(Buffer::new(capacity));
        Shared {
            front: CachePadded::new(AtomicU64::new(start)),
            back: CachePadded::new(Back {
                index: AtomicU64::new(start),
                retired: UnsafeCell::new(Vec::new()),
            }),
            place: CachePadded::new(Place {
                buffer: AtomicPtr::new(buffer),
                claims: Claims::new(),
                flavor,
            }),
        }
    }

    /// Both ends, for a thread that is not the owner: `front` as it was before `back` was looked at.
    ///
    /// `front` only grows: if it is not before `back`, the deque was empty when `back` was looked at. If it is, there was an element
    /// when `front` was looked at, or one has been pushed since.
    ///
    /// All that move `front` release `back` as they know it, so that it is not older than the `front` that is found.
    fn ends(&self) -> (u64, u64) {
        let front = self.front.load(Relaxed);
        // SeqCst: with the fence of an owner that pops. If this fence comes first, the owner finds
        // this `front` or a later one; else its `back` is found here. And it acquires what came
        // before the claim that stored this `front`.
        // survivor: AcqRel passes `deque::length`, for want of a model in which an owner pops beside a look.
        fence(SeqCst);
        // Acquire: so that `len` looks at `front` after it.
        // survivor: as above.
        (front, self.back.index.load(Acquire))
    }

    /// Whether there is no element, at some moment during the call, for a thread that is not the owner.
    pub(super) fn is_empty(&self) -> bool {
        let (front, back) = self.ends();
        distance(front, back) <= 0
    }

    /// How many elements there are, for a thread that is not the owner: at some moment during the call, unless others leave all the
    /// while; then no more than there were at some moment, and 0 only if there was none.
    pub(super) fn len(&self) -> usize {
        let mut attempts = LOOKS;
        loop {
            let (before, back) = self.ends();
            // `front` only grows: if it is the same, it was that when `back` was looked at.
            let front = self.front.load(Relaxed);
            attempts -= 1;
            if front == before || attempts == 0 {
                let some = distance(before, back).min(1);
                return distance(front, back).max(some).max(0) as usize;
            }
        }
    }

    /// Makes a buffer of `capacity` the current one, with the elements from `front` to `back`. Returns it.
    ///
    /// # Safety
    ///
    /// The caller is the owner; the elements between fit in.
    pub(super) unsafe fn replace(&self, front: u64, back: u64, capacity: usize) -> NonNull<Buffer<T>> {
        let old = NonNull::new(self.place.buffer.load(Relaxed)).expect("a deque has a buffer");
        let new = Buffer::new(capacity);
        // SAFETY: the owner is the only one that uses this list.
        self.back.retired.with_mut(|retired| unsafe { (*retired).reserve(1) });
        let mut index = front;
        while index != back {
            // SAFETY: the owner alone writes to slots, and is here: so nothing writes to the old buffer, and the new one is
            // known to no other thread.
            unsafe { new.write(index, old.as_ref().read(index)) };
            index = index.wrapping_add(1);
        }
        let new = NonNull::from(Box::leak(new));
        // Release: synchronizes with the Acquire load in `Reader::is_current`: a thief must find
        // the buffer made and the elements in it.
        // survivor: loom changes threads at no fence, and one follows.
        self.place.buffer.store(new.as_ptr(), Release);
        // SAFETY: as above; there is room for one, so nothing is allocated between the store and this.
        self.back.retired.with_mut(|retired| unsafe { (*retired).push(old) });
        // SAFETY: the caller is the owner.
        unsafe { self.reclaim() };
        new
    }

    /// Frees the retired buffers from which no thief reads.
    ///
    /// # Safety
    ///
    /// The caller is the owner.
    #[cold]
    pub(super) unsafe fn reclaim(&self) {
        // SeqCst: with the fence in `Stealer::reader`. If the thief's fence comes first, its claim is found here, and the buffer
        // stays. If this one comes first, the thief finds that another buffer is current, and reads nothing of this one.
        // model: deque::growth
        fence(SeqCst);
        self.back.retired.with_mut(|retired| {
            // SAFETY: the owner is the only one that uses this list.
            let retired = unsafe { &mut *retired };
            let mut next = 0;
            while let Some(&buffer) = retired.get(next) {
                if self.place.claims.is_announced(buffer.as_ptr().cast()) {
                    next += 1;
                    continue;
                }
                if KEEPS_FREED {
                    // SAFETY: a buffer in the list is not freed before the deque is dropped; loom judges the rest.
                    unsafe { (*buffer.as_ptr()).touch() };
                    next += 1;
                    continue;
                }
                retired.swap_remove(next);
                // SAFETY: made by `Box::leak`, listed once, and invariant 4: no thief reads from it, or will.
                drop(unsafe { Box::from_raw(buffer.as_ptr()) });
            }
        });
    }

    /// How many buffers there are to free.
    ///
    /// # Safety
    ///
    /// The caller is the owner.
    pub(super) unsafe fn retired(&self) -> usize {
        // SAFETY: the owner is the only one that uses this list.
        self.back.retired.with(|retired| unsafe { (*retired).len() })
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        /// Frees a buffer, also when the destructor of an element panics.
        struct Memory<T>(NonNull<Buffer<T>>);
        impl<T> Drop for Memory<T> {
            fn drop(&mut self) {
                // SAFETY: made by `Box::leak` or `Box::into_raw`; the deque is being dropped, and frees each buffer once.
                drop(unsafe { Box::from_raw(self.0.as_ptr()) });
            }
        }
        /// The elements that are left to drop.
        struct Elements<'a, T> {
            buffer: &'a Buffer<T>,
            front: u64,
            back: u64,
        }
        impl<T> Elements<'_, T> {
            fn drop_all(&mut self) {
                while distance(self.front, self.back) > 0 {
                    // Before its destructor runs: one that panics is not dropped again.
                    let index = self.front;
                    self.front = self.front.wrapping_add(1);
                    // SAFETY: the elements from `front` to `back` are in their slots, and no thread is left to take one.
                    drop(unsafe { self.buffer.read(index).assume_init() });
                }
            }
        }
        impl<T> Drop for Elements<'_, T> {
            fn drop(&mut self) {
                // Only if a destructor has panicked is there anything left. If another one panics, that aborts.
                self.drop_all();
            }
        }

        if hint::is_abandoned() {
            return;
        }
        let buffer = NonNull::new(self.place.buffer.load(Relaxed)).expect("a deque has a buffer");
        let memory = Memory(buffer);
        let retired = self.back.retired.with_mut(|retired| {
            // SAFETY: this is the only thread that has the deque.
            let retired = unsafe { core::mem::take(&mut *retired) };
            retired.into_iter().map(Memory).collect::<Vec<_>>()
        });
        drop(retired);
        let mut elements = Elements {
            // SAFETY: freed by `memory`, which outlives `elements`.
            buffer: unsafe { memory.0.as_ref() },
            front: self.front.load(Relaxed),
            back: self.back.index.load(Relaxed),
        };
        elements.drop_all();
    }
}
