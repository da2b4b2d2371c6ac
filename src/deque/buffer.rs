//! The ring of slots that an index is looked up in.

use alloc::boxed::Box;
use core::mem::MaybeUninit;

use crate::backend::cell::UnsafeCell;

/// A ring of `capacity` slots, a power of two. The element of an index is in slot `index % capacity`.
///
/// It owns its memory, but none of the elements: which slots hold one is known to the deque alone.
pub(super) struct Buffer<T> {
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
}

impl<T> Buffer<T> {
    /// # Panics
    ///
    /// If so many slots do not fit in memory's address space.
    pub(super) fn new(capacity: usize) -> Box<Self> {
        assert!(
            capacity.is_power_of_two() && capacity <= Self::LARGEST,
            "a deque holds at most {} elements of this size",
            Self::LARGEST
        );
        let mut slots = Box::new_uninit_slice(capacity);
        // There may be more slots of no size than a loop comes round to.
        if size_of::<UnsafeCell<MaybeUninit<T>>>() > 0 {
            for slot in &mut slots {
                slot.write(UnsafeCell::new(MaybeUninit::uninit()));
            }
        }
        // SAFETY: each is written, or has no bytes that might be.
        let slots = unsafe { slots.assume_init() };
        Box::new(Buffer { slots })
    }

    /// The largest capacity: what an allocation may have, and half of what an index counts.
    pub(super) const LARGEST: usize = {
        let size = if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
        let slots = isize::MAX as usize / size;
        if slots == 0 { 0 } else { 1 << slots.ilog2() }
    };

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    fn slot(&self, index: u64) -> &UnsafeCell<MaybeUninit<T>> {
        // Truncation keeps the low bits, which are all that matter below a power of two.
        let slot = index as usize & (self.slots.len() - 1);
        // SAFETY: a number masked with `len - 1` is less than `len`, since `len` is a power of two (see `new`).
        unsafe { self.slots.get_unchecked(slot) }
    }

    /// # Safety
    ///
    /// The caller is the owner of the deque, and no other thread reads or writes the slot of `index` meanwhile.
    #[inline]
    pub(super) unsafe fn write(&self, index: u64, value: MaybeUninit<T>) {
        // SAFETY: the caller's promise: no other thread is at this slot.
        self.slot(index).with_mut(|slot| unsafe { slot.write(value) });
    }

    /// A copy of the bits in the slot of `index`.
    ///
    /// # Safety
    ///
    /// No thread writes the slot of `index` meanwhile, and the last write to it happens before this read.
    #[inline]
    pub(super) unsafe fn read(&self, index: u64) -> MaybeUninit<T> {
        // SAFETY: the caller's promise: the slot is not being written.
        self.slot(index).with(|slot| unsafe { slot.read() })
    }

    /// Marks each slot as written to, for a model: whatever thread still reads one is found.
    pub(super) fn touch(&mut self) {
        for slot in &self.slots {
            slot.with_mut(|_| {});
        }
    }
}
