//! No reclamation at all: a node stays a node as long as the stack, and is used again at once. The tag at the top tells the
//! threads that had looked at it before.
//!
//! Free nodes are in the caches of the threads, and what these cannot hold is in a list of chains, by the same algorithm as
//! the stack itself.

use alloc::alloc::handle_alloc_error;

#[cfg(feature = "std")]
use super::CHAIN;
use super::arena::{Arena, NONE, Node};
#[cfg(feature = "std")]
use super::caches::{Cache, Caches};
use crate::backend::atomic::{Acquire, Ordering, Relaxed, Release};
use crate::backend::const_fn;
use crate::reclaim::{AtomicTagged, Tagged};
use crate::stack::contention::Contention;
use crate::stack::policy::{Head, Policy};
use crate::stack::treiber::touch;
use core::mem::MaybeUninit;
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

    pub(in crate::stack) fn reserve(&self, nodes: usize) {
        self.arena.reserve(nodes);
    }

    /// A free node: of this thread's cache, or else from where there is one.
    #[inline]
    fn take(&self) -> u32 {
        #[cfg(feature = "std")]
        if self.is_cached {
            let taken = self.caches.with(|cache| self.take_cached(cache));
            match taken {
                Some(NONE) => return self.take_chain(CHAIN),
                Some(index) => return index,
                None => {}
            }
        }
        self.take_chain(1)
    }

    #[cfg(feature = "std")]
    #[inline]
    fn take_cached(&self, cache: &mut Cache) -> u32 {
        let last = core::mem::replace(&mut cache.last, NONE);
        if last != NONE {
            return last;
        }
        if cache.top == NONE {
            if cache.reserve == NONE {
                return NONE;
            }
            cache.top = cache.reserve;
            cache.count = CHAIN;
            cache.reserve = NONE;
        }
        let index = cache.top;
        // SAFETY: it is in the cache of this thread.
        // Relaxed: this thread's node.
        cache.top = unsafe { self.arena.node(index) }.below.load(Relaxed);
        cache.count -= 1;
        index
    }

    /// A free node from a chain or a fresh one; what else there is in the chain goes to the cache.
    #[cold]
    #[inline(never)]
    fn take_chain(&self, most: u32) -> u32 {
        let first = match self.pop_chain() {
            NONE => self.arena.fresh(most),
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
            let put = self.caches.with(|cache| {
                let index = core::mem::replace(&mut cache.last, index);
                if index == NONE {
                    return NONE;
                }
                let mut full = NONE;
                if cache.count == CHAIN {
                    full = core::mem::replace(&mut cache.reserve, cache.top);
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
            match put {
                Some(NONE) => return,
                Some(full) => return self.push_chain(full),
                None => {}
            }
        }
        // SAFETY: the caller's.
        // Relaxed: as above.
        unsafe { self.arena.node(index) }.below.store(NONE, Relaxed);
        self.push_chain(index);
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
            // Release: synchronizes with the Acquire in `pop_chain`: the links of the chain, and what its last owners have
            // done with the nodes (killed by `stack::chains_change_hands`).
            let new = AtomicTagged::<TAG_BITS>::next(top, first);
            match self.free.compare_exchange_as(top, new, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => contention = contention.back_off(|| touch(&*self.free, now)),
            }
        }
    }

    /// The first node of a free chain; `NONE` if there is none.
    fn pop_chain(&self) -> u32 {
        let mut contention = Contention::new();
        loop {
            // Acquire: synchronizes with the Release in `push_chain` (killed by `stack::chains_change_hands`).
            let top = self.free.load_as(Acquire);
            let Some(first) = top.index() else {
                return NONE;
            };
            // SAFETY: it was found in the list, so it was handed out.
            // Relaxed: if another thread has it by now, the compare-exchange fails.
            let next = unsafe { self.arena.node(first) }.chain.load(Relaxed);
            // Relaxed: as in the stack's `pop` (killed by `stack::chains_change_hands`).
            let new = Tagged::of(next, top.tag());
            match self.free.compare_exchange_as(top, new, Relaxed, Relaxed) {
                Ok(_) => return first,
                Err(now) => contention = contention.back_off(|| touch(&*self.free, now)),
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
    type Node = u32;
    type Link = u32;

    #[inline]
    fn head(&self) -> &AtomicTagged<TAG_BITS> {
        &self.head
    }

    #[inline]
    fn node(word: Tagged) -> Option<u32> {
        word.index()
    }

    #[inline]
    fn pushed(word: Tagged, node: u32) -> Tagged {
        AtomicTagged::<TAG_BITS>::next(word, node)
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
    fn below(link: u32) -> Option<u32> {
        (link != NONE).then_some(link)
    }

    #[inline]
    fn acquire(&self, value: T) -> Result<u32, T> {
        let index = self.take();
        if index == NONE {
            return Err(value);
        }
        // SAFETY: this thread's from now on.
        let node = unsafe { self.arena.node(index) };
        node.value.with_mut(|place| {
            // SAFETY: as above.
            unsafe { place.write(MaybeUninit::new(value)) };
        });
        Ok(index)
    }

    #[inline]
    fn enter(&self) {}

    #[inline]
    fn protect(&self, (): &mut ()) -> Tagged {
        // Acquire: synchronizes with the Release in `push`, for the node's link and value (killed by
        // `stack::tagged_loses_nothing`).
        self.head.load_as(Acquire)
    }

    #[inline]
    unsafe fn link(&self, node: u32) -> u32 {
        // SAFETY: found in the stack, so it was handed out.
        // Relaxed: of the caller's own node; or if that is another thread's by now, the compare-exchange fails.
        unsafe { self.arena.node(node) }.below.load(Relaxed)
    }

    #[inline]
    unsafe fn set_link(&self, node: u32, word: Tagged) {
        // SAFETY: the caller's.
        // Relaxed: published by the push.
        unsafe { self.arena.node(node) }.below.store(word.raw_index(), Relaxed);
    }

    #[inline]
    unsafe fn take_value(&self, node: u32) -> T {
        // SAFETY: the caller's.
        let node = unsafe { self.arena.node(node) };
        node.value.with_mut(|place| {
            // SAFETY: as above, and the value is still there, as the caller promises.
            unsafe { place.read().assume_init() }
        })
    }

    #[inline]
    unsafe fn retire(&self, (): &mut (), node: u32) {
        self.put(node);
    }

    #[inline]
    unsafe fn release(&mut self, _: u32) {
        // It is freed with the arena.
    }
}
