//! Free memory that each thread keeps, by its size.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{NonNull, null_mut};

use alloc::alloc::dealloc;

#[cfg(feature = "epoch")]
use super::batches;
use crate::backend::{hint, per_thread};

const STEP: usize = 16;
/// How many sizes have a list.
pub(super) const CLASSES: usize = 16;
/// In bytes, of each list. A model keeps nothing, so that what is freed is freed.
const KEPT: usize = hint::tuned(32 * 1024, 0);

/// The list for a layout, if there is one.
#[inline]
pub(super) const fn class(layout: Layout) -> Option<usize> {
    let class = layout.size().div_ceil(STEP);
    if layout.align() <= STEP && class > 0 && class <= CLASSES {
        Some(class - 1)
    } else {
        None
    }
}

/// The layout of what is in a list.
#[inline]
pub(super) const fn layout(class: usize) -> Layout {
    match Layout::from_size_align((class + 1) * STEP, STEP) {
        Ok(layout) => layout,
        Err(_) => panic!("a small multiple of the alignment"),
    }
}

per_thread! {
    static LISTS: Lists = Lists([const { List { first: Cell::new(null_mut()), bytes: Cell::new(0) } }; CLASSES]);
}

/// Free memory, linked by its first word.
pub(super) struct Link(pub(super) *mut Link);

struct List {
    first: Cell<*mut Link>,
    bytes: Cell<usize>,
}

/// Those of this thread.
pub(super) struct Lists([List; CLASSES]);

impl Lists {
    #[inline]
    pub(super) fn take(class: usize) -> Option<NonNull<u8>> {
        // Past the destructors of the thread there is no list.
        let taken = LISTS.try_with(|lists| {
            let list = &lists.0[class];
            list.take(class).or_else(|| {
                list.refill(class);
                list.take(class)
            })
        });
        taken.ok().flatten().map(NonNull::cast)
    }

    /// # Safety
    ///
    /// The memory has this class's layout, and is the caller's to free.
    #[inline]
    pub(super) unsafe fn put(class: usize, memory: NonNull<u8>) {
        // SAFETY: the caller's promise.
        let kept = LISTS.try_with(|lists| unsafe { lists.0[class].put(class, memory.cast()) });
        if !kept.unwrap_or(false) {
            // SAFETY: as above.
            unsafe { dealloc(memory.as_ptr(), layout(class)) };
        }
    }
}

impl List {
    #[inline]
    fn take(&self, class: usize) -> Option<NonNull<Link>> {
        let first = NonNull::new(self.first.get())?;
        // SAFETY: what is in the list is free memory with a link in it.
        self.first.set(unsafe { first.read() }.0);
        self.bytes.set(self.bytes.get() - layout(class).size());
        Some(first)
    }

    /// Takes a batch whose time has come.
    #[cold]
    fn refill(&self, class: usize) {
        #[cfg(feature = "epoch")]
        if batches::ARE_KEPT
            && let Some(first) = batches::take(class)
        {
            self.first.set(first.as_ptr());
            self.bytes.set(batches::BATCH * layout(class).size());
        }
        #[cfg(not(feature = "epoch"))]
        let _ = class;
    }

    /// Answers whether there is room.
    ///
    /// # Safety
    ///
    /// As for `Lists::put`.
    #[inline]
    unsafe fn put(&self, class: usize, memory: NonNull<Link>) -> bool {
        let bytes = self.bytes.get() + layout(class).size();
        if bytes > KEPT {
            return false;
        }
        // SAFETY: free memory, of at least a word and aligned for it.
        unsafe { memory.write(Link(self.first.get())) };
        self.first.set(memory.as_ptr());
        self.bytes.set(bytes);
        true
    }
}

impl Drop for Lists {
    fn drop(&mut self) {
        for (class, list) in self.0.iter().enumerate() {
            while let Some(memory) = list.take(class) {
                // SAFETY: free memory of that layout, which is in no list any more.
                unsafe { dealloc(memory.as_ptr().cast(), layout(class)) };
            }
        }
    }
}
