//! The free nodes that each thread keeps of one stack, by the number of the thread.
//!
//! A cache is used by the one thread that has its number, without any atomic operation. It holds two chains of at most
//! [`CHAIN`] nodes each: one that is taken from and put to, and one in reserve, so that a thread which goes up and down by a
//! few nodes never leaves its cache (the magazines of Bonwick and Adams, USENIX 2001).
//!
//! Caches are made by the block, of [`WIDTH`] numbers that follow one another. The block of the lowest numbers hangs on the stack
//! itself; for each further digit that a number has, there is a tree that is one level deeper. So a thread makes at most a block
//! and a branch for each digit of its number, however many threads there are.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use alloc::alloc::{alloc, dealloc};
use crossbeam_utils::CachePadded;

use super::arena::NONE;
use crate::backend::atomic::{Acquire, AtomicPtr, Relaxed, Release};
use crate::backend::cell::UnsafeCell;
use crate::backend::{array, const_fn, hint};
use crate::internal::thread_number;

/// How many caches a block has, and how many blocks or branches a branch has.
const WIDTH: u32 = hint::tuned(8, 4);
const DIGIT_BITS: u32 = WIDTH.ilog2();
/// Trees: as many as a number has digits.
const TREES: usize = (thread_number::MOST.ilog2() / DIGIT_BITS + 1) as usize;

/// What one thread keeps.
pub(super) struct Cache {
    /// The node that was put here last; `NONE` if it was taken.
    pub(super) last: u32,
    /// The first node of the chain in use; `NONE` if it is empty.
    pub(super) top: u32,
    /// No less than its nodes.
    pub(super) count: u32,
    /// The first node of the chain in reserve; `NONE` if there is none.
    pub(super) reserve: u32,
}

impl Cache {
    const EMPTY: Self = Cache {
        last: NONE,
        top: NONE,
        count: 0,
        reserve: NONE,
    };
}

/// On lines of its own.
type Slot = CachePadded<UnsafeCell<Cache>>;

type Block = [Slot; WIDTH as usize];
/// Blocks, or branches of the level below; each on a line of its own, as in `Caches`.
type Branch = [CachePadded<AtomicPtr<Below>>; WIDTH as usize];

/// What a branch leads to, by its level: a [`Branch`] or a [`Block`].
enum Below {}

/// The caches of all threads, in blocks that are made with the first use.
pub(super) struct Caches {
    /// By the number of digits, less one: the block of the numbers that have one, and the first branch for all others. Each on a
    /// line of its own: to make a further one is no concern of threads with lower numbers.
    trees: [CachePadded<AtomicPtr<Below>>; TREES],
}

impl Caches {
    const_fn! {
        pub(super) const fn new() -> Self {
            Caches { trees: array![CachePadded::new(AtomicPtr::new(ptr::null_mut())); TREES] }
        }
    }

    /// Lends this thread's cache to `act`, which calls nothing that may come back here; `None` if this thread has none.
    #[inline]
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Cache) -> R) -> Option<R> {
        // Few programs have more threads; their block need not be looked for.
        let number = thread_number::known();
        let slot = if number.wrapping_sub(1) < WIDTH - 1
            && let Some(block) = get::<Block>(&self.trees[0])
        {
            &block[number as usize]
        } else {
            self.find_slot()?
        };
        slot.with_mut(|cache| {
            // SAFETY: no other thread has the number now. The last one that had it is done: the number was taken by a
            // synchronization. And `act` does not come back.
            Some(act(unsafe { &mut *cache }))
        })
    }

    #[cold]
    #[inline(never)]
    fn find_slot(&self) -> Option<&Slot> {
        let number = thread_number::current()?.get();
        let digit = |level: u32| (number >> (level * DIGIT_BITS)) as usize % WIDTH as usize;
        let depth = number.ilog2() / DIGIT_BITS;
        let mut place: &AtomicPtr<Below> = &self.trees[depth as usize];
        for level in (1..=depth).rev() {
            let branch = get_or_make(
                place,
                || array![CachePadded::new(AtomicPtr::new(ptr::null_mut())); WIDTH as usize],
            )?;
            place = &branch[digit(level)];
        }
        let block: &Block = get_or_make(
            place,
            || array![CachePadded::new(UnsafeCell::new(Cache::EMPTY)); WIDTH as usize],
        )?;
        Some(&block[digit(0)])
    }
}

/// What `place` leads to, if that is there.
///
/// A place of level 0 leads to a [`Block`], any other to a [`Branch`]: what is asked for here is what is made here.
#[inline(always)]
fn get<N>(place: &AtomicPtr<Below>) -> Option<&N> {
    // Acquire: synchronizes with the Release in `make`, so that the caches are seen as they
    // were made.
    // model: stack::caches_are_made_by_another
    let below = place.load(Acquire);
    // SAFETY: null, or made by `make` at a place of this level; it stays as long as the stack, which `place` is borrowed from.
    unsafe { below.cast::<N>().as_ref() }
}

fn get_or_make<N>(place: &AtomicPtr<Below>, new: impl FnOnce() -> N) -> Option<&N> {
    get(place).or_else(|| {
        make(place, new)?;
        get(place)
    })
}

/// Makes what `place` leads to, if another thread has not; `None` if there is no memory.
fn make<N>(place: &AtomicPtr<Below>, new: impl FnOnce() -> N) -> Option<()> {
    // SAFETY: blocks and branches have a size.
    let memory = NonNull::new(unsafe { alloc(Layout::new::<N>()) }.cast::<N>())?;
    // SAFETY: allocated above, for this.
    unsafe { memory.write(new()) };
    // Release: synchronizes with the Acquire in `get`.
    // model: stack::caches_are_made_by_another
    let made = place.compare_exchange(ptr::null_mut(), memory.as_ptr().cast(), Release, Relaxed);
    if made.is_err() {
        // SAFETY: made above, and seen by no other thread.
        unsafe { free(memory) };
    }
    Some(())
}

/// Frees a block or a branch, but not what a branch leads to.
///
/// # Safety
///
/// It was made by `make`, and is used no more.
unsafe fn free<N>(memory: NonNull<N>) {
    // SAFETY: the caller's promise. In a model, there is something in it to be dropped.
    unsafe { memory.drop_in_place() };
    // SAFETY: as above, and nothing is in it any more.
    unsafe { dealloc(memory.as_ptr().cast(), Layout::new::<N>()) };
}

/// Frees what `place` leads to, with all below.
///
/// # Safety
///
/// `place` is of that level, and no thread is left to use it.
unsafe fn free_below(place: &AtomicPtr<Below>, level: usize) {
    // Relaxed: no other thread uses the stack any more.
    let Some(below) = NonNull::new(place.load(Relaxed)) else {
        return;
    };
    if level == 0 {
        // SAFETY: a place of level 0 leads to a block.
        unsafe { free::<Block>(below.cast()) };
        return;
    }
    let branch = below.cast::<Branch>();
    // SAFETY: a place of another level leads to a branch, which is not freed yet.
    for place in unsafe { branch.as_ref() } {
        // SAFETY: the caller's promise.
        unsafe { free_below(place, level - 1) };
    }
    // SAFETY: as above, and what it leads to is freed.
    unsafe { free::<Branch>(branch) };
}

impl Drop for Caches {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        for (level, place) in self.trees.iter().enumerate() {
            // SAFETY: as `find_slot` has it; and the stack is used no more.
            unsafe { free_below(place, level) };
        }
    }
}
