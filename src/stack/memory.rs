//! Memory for nodes that are allocated one by one.
//!
//! Small nodes go through lists of the thread's own, by their size in steps of [`STEP`] bytes: reclamation frees them by the
//! hundred, where an allocator keeps a handful for the next allocations of the thread and returns the others at the price of a
//! lock. A list keeps [`KEPT`] bytes at most, and is freed when its thread ends.

use core::alloc::Layout;
use core::ptr::NonNull;

use alloc::alloc::{alloc, dealloc};

#[cfg(feature = "std")]
use lists::Lists;

/// Memory for a `T`, if there is any.
#[inline]
pub(super) fn allocate<T>() -> Option<NonNull<T>> {
    #[cfg(feature = "std")]
    if let Some(class) = const { lists::class(Layout::new::<T>()) }
        && let Some(memory) = Lists::take(class)
    {
        return Some(memory.cast());
    }
    // SAFETY: the caller's types have a size, which is checked where it is compiled.
    NonNull::new(unsafe { alloc(const { layout::<T>() }) }).map(NonNull::cast)
}

/// Frees it.
///
/// # Safety
///
/// It comes from `allocate::<T>`, on any thread, and nothing that needs to be dropped is in it.
#[inline]
pub(super) unsafe fn free<T>(memory: NonNull<T>) {
    #[cfg(feature = "std")]
    if let Some(class) = const { lists::class(Layout::new::<T>()) } {
        // SAFETY: the caller's promise.
        unsafe { Lists::put(class, memory.cast()) };
        return;
    }
    // SAFETY: the caller's promise.
    unsafe { dealloc(memory.as_ptr().cast(), const { layout::<T>() }) };
}

/// What is asked of the allocator for a `T`: the same for all that share a list.
#[inline]
const fn layout<T>() -> Layout {
    let layout = Layout::new::<T>();
    assert!(layout.size() > 0, "a node has a size");
    #[cfg(feature = "std")]
    if let Some(class) = lists::class(layout) {
        return lists::layout(class);
    }
    layout
}

#[cfg(feature = "std")]
mod lists {
    use core::alloc::Layout;
    use core::cell::Cell;
    use core::ptr::{NonNull, null_mut};

    use alloc::alloc::dealloc;

    use crate::backend::{hint, per_thread};

    const STEP: usize = 16;
    /// How many sizes have a list.
    const CLASSES: usize = 16;
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
    struct Link(*mut Link);

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
            let taken = LISTS.try_with(|lists| lists.0[class].take(class));
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Memory that is freed comes again, for its own size, and is nowhere twice.
    #[test]
    fn what_is_freed_comes_again() {
        fn of<T>() {
            for _ in 0..2 {
                let all: Vec<NonNull<T>> = (0..3000).map(|_| allocate().expect("there is memory")).collect();
                let mut places: Vec<usize> = all.iter().map(|memory| memory.addr().get()).collect();
                places.sort_unstable();
                assert!(places.windows(2).all(|two| two[1] - two[0] >= size_of::<T>()));
                assert!(places.iter().all(|place| place.is_multiple_of(align_of::<T>())));
                for memory in all {
                    // SAFETY: from above, the whole of it, and then free.
                    unsafe {
                        memory.as_ptr().cast::<u8>().write_bytes(0xA5, size_of::<T>());
                        free(memory);
                    }
                }
            }
        }
        std::thread::spawn(|| {
            of::<u8>();
            of::<[u64; 2]>();
            of::<[u64; 3]>();
            of::<[u64; 32]>();
            of::<[u64; 33]>();
            of::<crossbeam_utils::CachePadded<u64>>();
        })
        .join()
        .expect("all is as it should be");
    }
}
