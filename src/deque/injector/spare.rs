//! What becomes of segments that are used up.

use core::ptr::{NonNull, null_mut};

use crossbeam_utils::CachePadded;

use super::segment::Segment;
use crate::backend::atomic::{Acquire, AtomicPtr, Relaxed, Release};
use crate::backend::hint;

/// Segments that are in the queue no more. On a line each: producers look at the one, consumers at the other.
pub(super) struct Spare<T> {
    /// One to use next.
    segment: CachePadded<AtomicPtr<Segment<T>>>,
    /// Those that a consumer may still be reading.
    retired: CachePadded<AtomicPtr<Segment<T>>>,
}

impl<T> Spare<T> {
    pub(super) fn new() -> Self {
        Spare {
            segment: AtomicPtr::new(null_mut()).into(),
            retired: AtomicPtr::new(null_mut()).into(),
        }
    }

    /// Keeps a segment, which is reset and in no list, as the next one to use; frees it if there is one.
    fn put(&self, segment: NonNull<Segment<T>>) {
        // Release: synchronizes with the Acquire swap in `Fresh::new`: it must be found reset.
        // model: deque::injector_keeps
        let kept = self
            .segment
            .compare_exchange(null_mut(), segment.as_ptr(), Release, Relaxed);
        if kept.is_err() {
            // SAFETY: it is in no list, and this thread has it for its own.
            unsafe { Segment::free(segment) };
        }
    }

    /// Takes the segment out of use whose last element has been claimed and taken by this thread.
    #[cold]
    pub(super) fn retire(&self, segment: NonNull<Segment<T>>) {
        // Acquire: synchronizes with the Release compare-exchange in `keep`: the links must be
        // found.
        // survivor: a link that is out of date leads into freed memory, and no model there.
        let mut next = NonNull::new(self.retired.swap(null_mut(), Acquire));
        self.reuse_or_keep(segment);
        while let Some(segment) = next {
            // SAFETY: it was in the list, which this thread has taken out as a whole.
            next = NonNull::new(unsafe { segment.as_ref() }.retired_link().load(Relaxed));
            self.reuse_or_keep(segment);
        }
    }

    /// Reuses or frees the segment if no consumer reads from it, else keeps it for later. It is this thread's.
    fn reuse_or_keep(&self, segment: NonNull<Segment<T>>) {
        // SAFETY: it is this thread's to free, and is not freed yet.
        let shared = unsafe { segment.as_ref() };
        if !shared.is_taken() {
            self.keep(segment);
            return;
        }
        // SAFETY: all elements are taken, so no thread that has claimed one is left.
        unsafe { shared.reset() };
        self.put(segment);
    }

    fn keep(&self, segment: NonNull<Segment<T>>) {
        let mut first = self.retired.load(Relaxed);
        loop {
            // SAFETY: it is this thread's until it is in the list.
            unsafe { segment.as_ref() }.retired_link().store(first, Relaxed);
            // Release: synchronizes with the Acquire swap in `retire`.
            // survivor: as there. The list is only ever taken out as a whole, so it does not matter
            // if `first` has been out meanwhile.
            match self
                .retired
                .compare_exchange_weak(first, segment.as_ptr(), Release, Relaxed)
            {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }
}

impl<T> Drop for Spare<T> {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        let mut next = NonNull::new(self.retired.load(Relaxed));
        while let Some(segment) = next {
            // SAFETY: in the list once, and no other thread is left.
            unsafe {
                next = NonNull::new(segment.as_ref().retired_link().load(Relaxed));
                Segment::free(segment);
            }
        }
        if let Some(segment) = NonNull::new(self.segment.load(Relaxed)) {
            // SAFETY: in no list, and no other thread is left.
            unsafe { Segment::free(segment) };
        }
    }
}

/// A segment that is in no queue.
pub(super) struct Fresh<'a, T> {
    spare: &'a Spare<T>,
    segment: Option<NonNull<Segment<T>>>,
}

impl<'a, T> Fresh<'a, T> {
    /// The spare segment, or a new one.
    #[cold]
    pub(super) fn new(spare: &'a Spare<T>) -> Self {
        // Acquire: synchronizes with the Release swap in `put`.
        // model: deque::injector_keeps
        let segment = NonNull::new(spare.segment.swap(null_mut(), Acquire));
        let segment = segment.unwrap_or_else(Segment::new);
        Fresh {
            spare,
            segment: Some(segment),
        }
    }

    pub(super) fn take(mut self) -> NonNull<Segment<T>> {
        self.segment.take().expect("it is taken once")
    }
}

impl<T> Drop for Fresh<'_, T> {
    /// The claim failed: keeps the segment for the next one.
    fn drop(&mut self) {
        let Some(segment) = self.segment.take() else { return };
        self.spare.put(segment);
    }
}
