//! No reclamation at all: a node stays a node as long as the stack, and is used again at once. The tag at the top tells the
//! threads that had looked at it before.
//!
//! Free nodes are in the caches of the threads, and what these cannot hold is in a list of chains, by the same algorithm as
//! the stack itself.

use alloc::alloc::handle_alloc_error;

#[cfg(feature = "std")]
use super::CHAIN;
use super::arena::{Arena, NONE, Named, Node};
#[cfg(feature = "std")]
use super::caches::Caches;
use crate::backend::atomic::{Acquire, Ordering, Relaxed, Release};
use crate::backend::const_fn;
use crate::reclaim::{AtomicTagged, Tagged};
use crate::stack::contention::Contention;
use crate::stack::policy::{Head, Policy};
use core::mem::MaybeUninit;
#[cfg(feature = "std")]
use core::mem::replace;
use crossbeam_utils::CachePadded;

impl<const TAG_BITS: u32> Head for AtomicTagged<TAG_BITS> {
    type Word = Tagged;

    #[inline]
    #[track_caller]
    fn load(&self, ordering: Ordering) -> Tagged {
        self.load_as(ordering)
    }

    #[inline]
    #[track_caller]
    fn compare_exchange(
        &self,
        current: Tagged,
        new: Tagged,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Tagged, Tagged> {
        self.compare_exchange_as(current, new, success, failure)
    }

    #[inline]
    #[track_caller]
    fn store(&self, word: Tagged, ordering: Ordering) {
        self.store_as(word, ordering);
    }
}

/// The nodes of a stack.
pub(in crate::stack) struct Nodes<T, const TAG_BITS: u32> {
    head: CachePadded<AtomicTagged<TAG_BITS>>,
    /// The first node of the first free chain.
    free: CachePadded<AtomicTagged<TAG_BITS>>,
    arena: Arena<T>,
    #[cfg(feature = "std")]
    caches: Caches,
    /// Whether nodes are kept by thread. If not, every free one can be had by all.
    #[cfg_attr(not(feature = "std"), allow(dead_code, reason = "without `std` none are"))]
    is_cached: bool,
}

impl<T, const TAG_BITS: u32> Nodes<T, TAG_BITS> {
    const_fn! {
        pub(in crate::stack) const fn new(limit: u32, is_cached: bool) -> Self {
            Nodes {
                head: CachePadded::new(AtomicTagged::with_tag_bits(None)),
                free: CachePadded::new(AtomicTagged::with_tag_bits(None)),
                arena: Arena::new(limit),
                #[cfg(feature = "std")]
                caches: Caches::new(),
                is_cached,
            }
        }
    }

    pub(in crate::stack) const fn limit(&self) -> u32 {
        self.arena.limit()
    }

    /// Says why there is no node.
    #[cold]
    pub(in crate::stack) fn refuse(&self) -> ! {
        assert!(
            !self.arena.is_exhausted(),
            "TaggedStack::push: the stack is full, with {} values at most; `try_push` gives the value back",
            self.limit()
        );
        handle_alloc_error(core::alloc::Layout::new::<Node<T>>())
    }

    pub(in crate::stack) fn reserve(&self, nodes: usize) -> bool {
        self.arena.reserve(nodes)
    }

    /// A free node: of this thread's cache, or else from where there is one; `NONE` if there is none.
    #[inline]
    fn take(&self) -> u32 {
        #[cfg(feature = "std")]
        if self.is_cached {
            let last = self.caches.with(|cache| replace(&mut cache.last, NONE));
            if let Some(index) = last.filter(|&last| last != NONE) {
                return index;
            }
        }
        self.take_other()
    }

    #[cold]
    #[inline(never)]
    fn take_other(&self) -> u32 {
        #[cfg(feature = "std")]
        if self.is_cached {
            let taken = self.caches.with(|cache| {
                if cache.top == NONE {
                    cache.top = replace(&mut cache.reserve, NONE);
                    cache.count = CHAIN;
                }
                let index = cache.top;
                if index != NONE {
                    // SAFETY: it is in the cache of this thread.
                    // Relaxed: this thread's node.
                    cache.top = unsafe { self.arena.node(index) }.below.load(Relaxed);
                    cache.count -= 1;
                }
                index
            });
            match taken {
                Some(NONE) => return self.take_chain(CHAIN),
                Some(index) => return index,
                None => {}
            }
        }
        self.take_chain(1)
    }

    /// A free node from a chain or a fresh one; what else there is in the chain goes to the cache.
    #[cold]
    #[inline(never)]
    fn take_chain(&self, most: u32) -> u32 {
        let first = match self.pop_chain() {
            NONE => match self.arena.fresh(most) {
                // One may have come back before another thread took the last fresh one. From now on there are no fresh ones: if
                // there is none in the list either, all are in use at this instant.
                NONE => self.pop_chain(),
                first => first,
            },
            first => first,
        };
        if first == NONE {
            return NONE;
        }
        // SAFETY: taken above.
        let node = unsafe { self.arena.node(first) };
        // Relaxed: this thread's node.
        let rest = node.below.load(Relaxed);
        if rest == NONE {
            return first;
        }
        #[cfg(feature = "std")]
        {
            let kept = self.caches.with(|cache| {
                // It was empty; the allocator has not used this stack, or it has.
                if cache.top != NONE {
                    return false;
                }
                cache.top = rest;
                cache.count = CHAIN;
                true
            });
            if kept == Some(true) {
                return first;
            }
        }
        self.push_chain(rest);
        first
    }

    /// Gives a node back, to this thread's cache if there is one.
    #[inline]
    fn put(&self, index: u32) {
        #[cfg(feature = "std")]
        if self.is_cached {
            match self.caches.with(|cache| replace(&mut cache.last, index)) {
                Some(NONE) => return,
                Some(other) => return self.put_other(other),
                None => {}
            }
        }
        // SAFETY: the caller's.
        // Relaxed: as above.
        unsafe { self.arena.node(index) }.below.store(NONE, Relaxed);
        self.push_chain(index);
    }

    /// Keeps a node of this thread's in its cache, which gives a whole chain away if it is full.
    #[cfg(feature = "std")]
    #[inline(never)]
    fn put_other(&self, index: u32) {
        let full = self.caches.with(|cache| {
            let mut full = NONE;
            if cache.count == CHAIN {
                full = replace(&mut cache.reserve, cache.top);
                cache.top = NONE;
                cache.count = 0;
            }
            // SAFETY: it was in this thread's cache.
            // Relaxed: this thread's node.
            unsafe { self.arena.node(index) }.below.store(cache.top, Relaxed);
            cache.top = index;
            cache.count += 1;
            full
        });
        if let Some(full) = full.filter(|&full| full != NONE) {
            self.push_chain(full);
        }
    }

    /// Adds a chain to the free ones.
    #[cold]
    #[inline(never)]
    fn push_chain(&self, first: u32) {
        // SAFETY: the caller's.
        let node = unsafe { self.arena.node(first) };
        let mut contention = Contention::new();
        loop {
            // Relaxed: proposes to the compare-exchange.
            let top = self.free.load_as(Relaxed);
            // Relaxed: still this thread's.
            node.chain.store(top.raw_index(), Relaxed);
            // Release: synchronizes with the Acquire in `pop_chain`: the links of the chain, and
            // what its last owners have done with the nodes.
            // model: stack::chains_change_hands
            let new = AtomicTagged::<TAG_BITS>::next(top, first);
            match self.free.compare_exchange_as(top, new, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => contention = contention.back_off(&*self.free, now),
            }
        }
    }

    /// The first node of a free chain; `NONE` if there is none.
    fn pop_chain(&self) -> u32 {
        let mut contention = Contention::new();
        loop {
            // Acquire: synchronizes with the Release in `push_chain`.
            // model: stack::chains_change_hands
            let top = self.free.load_as(Acquire);
            let Some(first) = top.index() else {
                return NONE;
            };
            // SAFETY: it was found in the list, so it was handed out.
            // Relaxed: if another thread has it by now, the compare-exchange fails.
            let next = unsafe { self.arena.node(first) }.chain.load(Relaxed);
            // Relaxed: as in the stack's `pop`.
            // model: stack::chains_change_hands
            let new = Tagged::of(next, top.tag());
            match self.free.compare_exchange_as(top, new, Relaxed, Relaxed) {
                Ok(_) => return first,
                Err(now) => contention = contention.back_off(&*self.free, now),
            }
        }
    }
}

// SAFETY: 1: a node is in a cache, in a chain or in the stack, or is the caller's. 3: the arena keeps every node as long as
// `self`, its links are atomics, and a node that is retired comes back to the top by a push only, which changes the tag.
unsafe impl<T, const TAG_BITS: u32> Policy<T> for Nodes<T, TAG_BITS> {
    type Head = AtomicTagged<TAG_BITS>;
    type Guard<'policy>
        = ()
    where
        T: 'policy;
    /// With the arena.
    const FREES_TOGETHER: bool = true;
    type Node = Named<T>;
    type Link = u32;

    #[inline]
    fn head(&self) -> &AtomicTagged<TAG_BITS> {
        &self.head
    }

    #[inline]
    fn is_empty(word: Tagged) -> bool {
        word.index().is_none()
    }

    #[inline]
    fn node(&self, word: Tagged) -> Option<Named<T>> {
        self.below(word.raw_index())
    }

    #[inline]
    fn pushed(word: Tagged, node: Named<T>) -> Tagged {
        AtomicTagged::<TAG_BITS>::next(word, node.index())
    }

    #[inline]
    fn popped(word: Tagged, link: u32) -> Tagged {
        // A push changes the tag, and without one no node comes back.
        Tagged::of(link, word.tag())
    }

    #[inline]
    fn emptied(word: Tagged) -> Tagged {
        Tagged::of(NONE, word.tag())
    }

    #[inline]
    fn below(&self, link: u32) -> Option<Named<T>> {
        // SAFETY: a link names a node that was handed out, and came here by synchronization.
        (link != NONE).then(|| unsafe { Named::new(&self.arena, link) })
    }

    #[inline]
    fn acquire(&self, value: T) -> Result<Named<T>, T> {
        let Some(named) = self.below(self.take()) else {
            return Err(value);
        };
        // SAFETY: this thread's from now on.
        unsafe { named.node() }.value.with_mut(|place| {
            // SAFETY: as above.
            unsafe { place.write(MaybeUninit::new(value)) };
        });
        Ok(named)
    }

    #[inline]
    fn enter(&self) {}

    #[inline]
    fn protect(&self, (): &mut ()) -> Tagged {
        // Acquire: synchronizes with the Release in `push`, for the node's link and value.
        // model: stack::tagged_loses_nothing
        self.head.load_as(Acquire)
    }

    #[inline]
    unsafe fn link(&self, named: Named<T>) -> u32 {
        // SAFETY: a node of this arena.
        // Relaxed: of the caller's own node; or if that is another thread's by now, the compare-exchange fails.
        unsafe { named.node() }.below.load(Relaxed)
    }

    #[inline]
    unsafe fn set_link(&self, named: Named<T>, word: Tagged) {
        // SAFETY: the caller's.
        // Relaxed: published by the push.
        unsafe { named.node() }.below.store(word.raw_index(), Relaxed);
    }

    #[inline]
    unsafe fn take_value(&self, named: Named<T>) -> T {
        // SAFETY: the caller's.
        unsafe { named.node() }.value.with_mut(|place| {
            // SAFETY: as above, and the value is still there, as the caller promises.
            unsafe { place.cast::<T>().read() }
        })
    }

    #[inline]
    unsafe fn retire(&self, (): &mut (), named: Named<T>) {
        self.put(named.index());
    }

    #[inline]
    unsafe fn release(&mut self, _: Named<T>) {
        // See `FREES_TOGETHER`.
    }
}
