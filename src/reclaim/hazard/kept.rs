//! The hazard slots that a thread keeps, idle, for its next hazard pointers: a stack, since the last one used is still
//! in its cache.

use core::ptr::NonNull;

use super::slot::Slot;
use crate::backend::hint;

/// How many slots a thread keeps.
const KEPT: usize = hint::tuned(16, 1);

pub(super) struct KeptSlots {
    count: usize,
    slots: [Option<NonNull<Slot>>; KEPT],
}

impl KeptSlots {
    pub(super) const fn new() -> Self {
        KeptSlots {
            count: 0,
            slots: [None; KEPT],
        }
    }

    /// The slot that was kept last.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<NonNull<Slot>> {
        self.count = self.count.checked_sub(1)?;
        self.slots[self.count]
    }

    /// Keeps `slot`, if there is room.
    #[inline]
    pub(super) fn push(&mut self, slot: &Slot) -> bool {
        let Some(place) = self.slots.get_mut(self.count) else {
            return false;
        };
        *place = Some(NonNull::from(slot));
        self.count += 1;
        true
    }
}
