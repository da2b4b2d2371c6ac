//! The nodes of one stack: chunks of memory that are never moved, and only freed with the stack.
//!
//! A node is named by an index of 32 bits. The first chunk has `FIRST` nodes, and each further one as many as all before it
//! together, so that the highest bit of an index says in which chunk it is.
//!
//! Fresh nodes are counted out. Those of the first chunk come one by one, in the order of their reversed bits: the first `n`
//! of them lie as far apart as they can, so that a stack that never holds many values has no two of its nodes on one line.
//! Those of further chunks come side by side and several at once.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use alloc::alloc::{alloc, dealloc};
use crossbeam_utils::CachePadded;

use crate::backend::atomic::{Acquire, AtomicPtr, AtomicU32, AtomicU64, Relaxed, Release};
use crate::backend::cell::UnsafeCell;
use crate::backend::{array, const_fn, hint};

/// Names no node.
pub(super) const NONE: u32 = u32::MAX;
/// The most nodes there can be: all that have an index.
pub(super) const MOST: u32 = NONE;

/// The memory of the first chunk at most, unless that is less than `FEWEST` nodes.
const FIRST_BYTES: usize = 8192;
const FEWEST: usize = 2;
const CHUNKS: usize = hint::tuned(u32::BITS as usize - FEWEST.ilog2() as usize + 1, 3);

/// A node: in the stack, in a thread's cache, or in the list of free ones.
pub(super) struct Node<T> {
    /// The node below it, or the next one of its chain.
    pub(super) below: AtomicU32,
    /// In the list of free chains, for the first node of one: that of the next chain.
    pub(super) chain: AtomicU32,
    pub(super) value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Node<T> {
    fn new(below: u32) -> Self {
        Node {
            below: AtomicU32::new(below),
            chain: AtomicU32::new(NONE),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }
}

/// A node: its index, and where that is.
pub(in crate::stack) struct Named<T> {
    index: u32,
    node: *const Node<T>,
}

impl<T> Clone for Named<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Named<T> {}

impl<T> Named<T> {
    /// # Safety
    ///
    /// As for [`Arena::node`].
    #[inline]
    pub(super) unsafe fn new(arena: &Arena<T>, index: u32) -> Self {
        // SAFETY: the caller's promise.
        let node = unsafe { arena.node(index) };
        Named { index, node }
    }

    /// # Safety
    ///
    /// Its stack is still there.
    #[inline]
    pub(super) unsafe fn node<'stack>(self) -> &'stack Node<T> {
        // SAFETY: a node stays one as long as the stack.
        unsafe { &*self.node }
    }

    #[inline]
    pub(super) const fn index(self) -> u32 {
        self.index
    }
}

pub(super) struct Arena<T> {
    /// Where index 0 of each chunk would be.
    chunks: [AtomicPtr<Node<T>>; CHUNKS],
    limit: u32,
    /// How many nodes have been handed out.
    used: CachePadded<AtomicU64>,
}

impl<T> Arena<T> {
    /// How many nodes the first chunk has: a power of two.
    const FIRST: usize = hint::tuned(
        {
            let fit = FIRST_BYTES / size_of::<Node<T>>();
            if fit <= FEWEST { FEWEST } else { 1 << fit.ilog2() }
        },
        4,
    );
    const FIRST_BITS: u32 = Self::FIRST.ilog2();

    const_fn! {
        pub(super) const fn new(limit: u32) -> Self {
            Arena {
                chunks: array![AtomicPtr::new(ptr::null_mut()); CHUNKS],
                limit,
                used: CachePadded::new(AtomicU64::new(0)),
            }
        }
    }

    /// Whether all nodes have been handed out that there can be.
    pub(super) fn is_exhausted(&self) -> bool {
        // Relaxed: the count never falls.
        self.used.load(Relaxed) >= u64::from(self.limit)
    }

    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    /// The chunk of an index.
    #[inline]
    const fn chunk_of(index: u32) -> usize {
        // The first chunk's indices count as one less than its length.
        let highest = (index | (Self::FIRST as u32 - 1)).ilog2();
        (highest - (Self::FIRST_BITS - 1)) as usize
    }

    /// The first index of a chunk, and how many nodes it has.
    const fn extent(chunk: usize) -> (usize, usize) {
        if chunk == 0 {
            (0, Self::FIRST)
        } else {
            let start = Self::FIRST << (chunk - 1);
            (start, start)
        }
    }

    /// A node.
    ///
    /// # Safety
    ///
    /// This arena has handed out that index, and the calling thread has learned so.
    #[inline]
    pub(super) unsafe fn node(&self, index: u32) -> &Node<T> {
        // Relaxed: the index came to this thread by synchronization, and after the chunk had been entered here.
        let origin = if (index as usize) < Self::FIRST {
            // Most stacks never leave it, and the place of the chunk need not wait for the index.
            self.chunks[0].load(Relaxed)
        } else {
            self.far(index)
        };
        // SAFETY: so the chunk is there, it has a node of that index, and it stays as long as the arena.
        unsafe { &*origin.wrapping_add(index as usize) }
    }

    #[cold]
    #[inline(never)]
    fn far(&self, index: u32) -> *mut Node<T> {
        // Relaxed: as in `node`.
        self.chunks[Self::chunk_of(index)].load(Relaxed)
    }

    fn layout(chunk: usize) -> Option<Layout> {
        let layout = Layout::array::<Node<T>>(Self::extent(chunk).1).ok()?;
        layout.align_to(align_of::<CachePadded<u8>>()).ok()
    }

    /// Makes sure that a chunk is there; false if there is no memory.
    fn has_chunk(&self, chunk: usize) -> bool {
        let place = &self.chunks[chunk];
        // Acquire: synchronizes with the Release below. What the last user of this memory has done
        // with it comes before what this thread does.
        // survivor: no model sees into the allocator; without it, Miri finds the race in `tests/stack`.
        let is_there = || !place.load(Acquire).is_null();
        if is_there() {
            return true;
        }
        let Some(layout) = Self::layout(chunk) else {
            return false;
        };
        // SAFETY: a node has a size, by its links.
        let Some(memory) = NonNull::new(unsafe { alloc(layout) }) else {
            // Another thread may have got the last that there was.
            return is_there();
        };
        let origin = memory.as_ptr().cast::<Node<T>>().wrapping_sub(Self::extent(chunk).0);
        // Release: synchronizes with the Acquire above.
        // survivor: as there.
        let entered = place.compare_exchange(ptr::null_mut(), origin, Release, Relaxed);
        if entered.is_err() {
            // SAFETY: allocated above, and no other thread has seen it.
            unsafe { dealloc(memory.as_ptr(), layout) };
            // This thread uses the memory of the one that was first.
            return is_there();
        }
        true
    }

    /// Makes sure that there is memory for so many nodes, as far as there is memory; returns whether there is for all.
    pub(super) fn reserve(&self, nodes: usize) -> bool {
        let most = nodes.min(self.limit as usize);
        let Some(last) = most.checked_sub(1) else {
            return nodes == 0;
        };
        let last = Self::chunk_of(u32::try_from(last).unwrap_or(MOST - 1));
        (0..=last).all(|chunk| self.has_chunk(chunk)) && most == nodes
    }

    /// A chain of at most so many fresh nodes, which are the caller's; `NONE` if all are in use or there is no memory.
    pub(super) fn fresh(&self, most: u32) -> u32 {
        let (start, count) = loop {
            // Relaxed: proposes to the compare-exchange.
            let start = self.used.load(Relaxed);
            if start >= u64::from(self.limit) {
                return NONE;
            }
            #[allow(clippy::cast_possible_truncation, reason = "below the limit")]
            let first = start as u32;
            let chunk = Self::chunk_of(first);
            if !self.has_chunk(chunk) {
                return NONE;
            }
            let (from, length) = Self::extent(chunk);
            let count = if chunk == 0 {
                1
            } else {
                most.min((from + length - first as usize) as u32)
            };
            let count = count.min(self.limit - first);
            // Relaxed: decides which nodes are whose, and says nothing else.
            // model: stack::fresh_nodes_are_ones_own
            if self
                .used
                .compare_exchange(start, start + u64::from(count), Relaxed, Relaxed)
                .is_ok()
            {
                break (first, count);
            }
        };
        if count == 1 && start < Self::FIRST as u32 {
            let index = Self::spread(start);
            self.initialize(index, NONE);
            return index;
        }
        for index in start..start + count {
            self.initialize(index, if index + 1 == start + count { NONE } else { index + 1 });
        }
        start
    }

    const fn spread(number: u32) -> u32 {
        number.reverse_bits() >> (u32::BITS - Self::FIRST_BITS)
    }

    fn initialize(&self, index: u32, below: u32) {
        // Relaxed: this thread has just seen the chunk.
        let origin = self.chunks[Self::chunk_of(index)].load(Relaxed);
        let node = origin.wrapping_add(index as usize);
        // SAFETY: memory of the chunk, of a node that was handed out to this thread right now.
        unsafe { node.write(Node::new(below)) };
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        // Relaxed, here and below: no other thread uses the arena any more.
        let used = self.used.load(Relaxed);
        if core::mem::needs_drop::<Node<T>>() {
            for number in 0..used {
                #[allow(clippy::cast_possible_truncation, reason = "at most the limit")]
                let number = number as u32;
                let index = if (number as usize) < Self::FIRST {
                    Self::spread(number)
                } else {
                    number
                };
                let origin = self.chunks[Self::chunk_of(index)].load(Relaxed);
                // SAFETY: handed out, and so initialized; used by no thread any more.
                unsafe { origin.wrapping_add(index as usize).drop_in_place() };
            }
        }
        for (chunk, place) in self.chunks.iter().enumerate() {
            let origin = place.load(Relaxed);
            if let (false, Some(layout)) = (origin.is_null(), Self::layout(chunk)) {
                let memory = origin.wrapping_add(Self::extent(chunk).0);
                // SAFETY: allocated by `has_chunk`, with this layout.
                unsafe { dealloc(memory.cast(), layout) };
            }
        }
    }
}
