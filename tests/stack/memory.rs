//! What the stacks hold on to, counted: the whole program goes through an allocator that counts for each thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Barrier;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize};
use std::thread;

use linchpin::stack::{HazardStack, TaggedStack};

use crate::kinds::{Kind, Stack, on_each_stack};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
    static FAILS: Cell<bool> = const { Cell::new(false) };
    /// The next allocation of this thread waits for [`OTHER_IS_DONE`], and fails.
    static FAILS_LATE: Cell<bool> = const { Cell::new(false) };
}

static IS_ALLOCATING: AtomicBool = AtomicBool::new(false);
static OTHER_IS_DONE: AtomicBool = AtomicBool::new(false);

/// In large pieces, which the other tests of this program do not ask for: of [`Large`].
static LARGE: AtomicIsize = AtomicIsize::new(0);

/// A value of a size that no other test uses.
#[derive(Clone, Copy)]
pub struct Large(#[allow(dead_code, reason = "it is there for its size")] [u8; 7777]);

impl Large {
    /// A value.
    pub const fn new() -> Self {
        Large([1; 7777])
    }
}

/// How many nodes with a [`Large`] value there are.
pub fn large_nodes() -> isize {
    LARGE.load(Relaxed)
}

// SAFETY: passes everything on to the system's allocator, or fails, as an allocator may.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + layout.size()));
        if FAILS.try_with(Cell::get) == Ok(true) {
            return std::ptr::null_mut();
        }
        if FAILS_LATE.try_with(|fails| fails.replace(false)) == Ok(true) {
            IS_ALLOCATING.store(true, Release);
            while !OTHER_IS_DONE.load(Acquire) {
                thread::yield_now();
            }
            return std::ptr::null_mut();
        }
        if is_large(layout) {
            LARGE.fetch_add(1, Relaxed);
        }
        if is_odd(layout) {
            ODD.fetch_add(1, Relaxed);
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if is_large(layout) {
            LARGE.fetch_sub(1, Relaxed);
        }
        if is_odd(layout) {
            ODD.fetch_sub(1, Relaxed);
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) };
    }
}

/// Of a size that no other test uses, and nodes of which a thread keeps.
#[cfg(feature = "epoch")]
struct Odd(#[allow(dead_code, reason = "it is there for its size")] [u64; 29]);

/// Nodes of such values: of this size exactly. This thread, which has dropped the stack, keeps 32 KiB.
static ODD: AtomicIsize = AtomicIsize::new(0);
#[cfg(feature = "epoch")]
const KEPT: isize = 32 * 1024 / 240;

fn is_odd(layout: Layout) -> bool {
    layout.size() == 30 * size_of::<u64>() && layout.align() == 16
}

fn is_large(layout: Layout) -> bool {
    (size_of::<Large>()..size_of::<Large>() + 16).contains(&layout.size())
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(act: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    act();
    ALLOCATIONS.get() - before
}

#[test]
#[cfg_attr(miri, ignore = "too long")]
fn a_tagged_stack_allocates_no_more_once_it_is_large_enough() {
    let stack = TaggedStack::<u64>::new();
    let work = || {
        for round in 0..50 {
            (0..1000).for_each(|value| stack.push(value));
            if round % 2 == 0 {
                (0..1000).for_each(|_| _ = stack.pop());
            } else {
                drop(stack.pop_all());
            }
        }
    };
    assert!(allocations(work) > 0);
    assert_eq!(allocations(work), 0);
    // Another thread pays for nothing but its own first use.
    thread::scope(|scope| {
        scope.spawn(|| {
            work();
            assert_eq!(allocations(work), 0);
        });
    });
}

/// What a stack allocates for a thread does not depend on how many other threads there are.
#[test]
fn many_threads_do_not_make_a_stack_large() {
    // More than have their caches in one block.
    const OTHERS: usize = if cfg!(miri) { 10 } else { 100 };
    let all = Barrier::new(OTHERS + 1);
    let bytes = thread::scope(|scope| {
        for _ in 0..OTHERS {
            scope.spawn(|| {
                // So it has a number, until it ends.
                TaggedStack::new().push(1);
                all.wait();
                all.wait();
            });
        }
        all.wait();
        let last = scope.spawn(|| {
            // This thread's number.
            TaggedStack::new().push(1);
            let before = BYTES.get();
            TaggedStack::new().push(1);
            BYTES.get() - before
        });
        let bytes = last.join();
        all.wait();
        bytes.expect("it only pushes")
    });
    // Nodes, caches for eight threads, and the way to them: a branch for each digit of a number below 8^5 but one.
    assert!(bytes <= 8192 + 1024 + 4 * 1024, "{bytes} bytes");
}

/// A few large values are not paid for as if there were many.
#[test]
fn one_large_value_takes_the_memory_of_two() {
    const SIZE: usize = 1 << 14;
    // This thread's number.
    TaggedStack::new().push(1);
    let before = BYTES.get();
    let stack = TaggedStack::new();
    stack.push([1_u8; SIZE]);
    let bytes = BYTES.get() - before;
    // And the caches, which are smaller than one more.
    assert!(bytes < 3 * SIZE, "{bytes} bytes");
    assert_eq!(stack.pop(), Some([1; SIZE]));
}

#[test]
#[cfg_attr(miri, ignore = "too long")]
fn memory_beforehand_is_all_there_is() {
    let stack = TaggedStack::<u64>::with_capacity(10_000);
    // This thread's number and its caches.
    stack.push(0);
    assert_eq!(allocations(|| (1..10_000).for_each(|value| stack.push(value))), 0);
}

/// From the first push on, whichever threads use it.
#[test]
#[cfg_attr(miri, ignore = "too long")]
fn a_bounded_stack_whose_memory_is_reserved_never_allocates() {
    let stack = TaggedStack::<u64>::bounded(600);
    assert!(stack.reserve_total(600));
    let work = || {
        (0..600).for_each(|value| stack.push(value));
        assert_eq!(stack.pop_all().count(), 600);
    };
    assert_eq!(allocations(work), 0);
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(allocations(work), 0));
    });
    // No more than its limit can ever be in it.
    assert!(!stack.reserve_total(601));
    let none = TaggedStack::<u64>::bounded(600);
    FAILS.set(true);
    assert!(!none.reserve_total(1));
    assert!(none.reserve_total(0));
    FAILS.set(false);
}

/// Threads that take from one another: nodes go round by the list that all share, and none are made.
#[test]
#[cfg_attr(miri, ignore = "too long")]
fn nodes_come_back_from_those_who_pop() {
    let stack = TaggedStack::<u64>::new();
    let (pushed, popped) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                match stack.pop() {
                    Some(_) => _ = popped.fetch_add(1, Relaxed),
                    None => thread::yield_now(),
                }
            }
        });
        // Never more than 100 at once.
        let push = |values: usize| {
            for value in 0..values {
                while pushed.load(Relaxed) - popped.load(Relaxed) >= 100 {
                    thread::yield_now();
                }
                pushed.fetch_add(1, Relaxed);
                stack.push(value as u64);
            }
        };
        push(10_000);
        assert_eq!(allocations(|| push(100_000)), 0);
        is_over.store(true, Relaxed);
    });
}

/// Two threads come to the end of a chunk at once, and there is memory for one more: the thread that gets none uses that of the
/// other.
#[test]
fn a_push_is_not_refused_where_another_thread_has_made_room() {
    /// Also if a push panics, the other thread does not wait for ever.
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            OTHER_IS_DONE.store(true, Release);
        }
    }
    let stack = TaggedStack::<u64>::bounded(1024);
    // The first chunk.
    (0..512).for_each(|value| stack.push(value));
    thread::scope(|scope| {
        scope.spawn(|| {
            let _done = Done;
            while !IS_ALLOCATING.load(Acquire) {
                thread::yield_now();
            }
            assert_eq!(stack.try_push(1), Ok(()));
        });
        FAILS_LATE.set(true);
        let pushed = stack.try_push(2);
        // If it did not come to that.
        FAILS_LATE.set(false);
        IS_ALLOCATING.store(true, Release);
        assert_eq!(pushed, Ok(()));
    });
    assert_eq!(stack.pop_all().count(), 514);
}

on_each_stack! {
    what_does_not_fit_comes_back,
}

/// No memory: the value comes back, and the stack is as it was.
fn what_does_not_fit_comes_back<K: Kind>() {
    let stack = K::Of::<[u64; 100]>::default();
    let mut count = 0;
    FAILS.set(true);
    // What there is in reserve may be used up first.
    let back = loop {
        match stack.try_push([count; 100]) {
            Ok(()) => count += 1,
            Err(back) => break back,
        }
    };
    FAILS.set(false);
    assert_eq!(back, [count; 100]);
    stack.push([77; 100]);
    assert_eq!(stack.pop(), Some([77; 100]));
    assert!(stack.pop_all().map(|value| value[0]).eq((0..count).rev()));
}

/// When the threads have ended that have used it, and the collector has been asked often enough, nothing is kept of a stack.
#[cfg(feature = "epoch")]
#[test]
#[cfg_attr(miri, ignore = "too long")]
fn an_epoch_stack_gives_back_what_its_threads_have_kept() {
    let live = || ODD.load(Relaxed);
    let stack = linchpin::stack::EpochStack::<Odd>::new();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    stack.push(Odd([1; 29]));
                    assert!(stack.pop().is_some());
                }
                (0..100).for_each(|_| stack.push(Odd([2; 29])));
            });
        }
    });
    drop(stack);
    // Other tests of this program pin as well, and may be held up.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while live() > KEPT && std::time::Instant::now() < end {
        crossbeam_epoch::pin().flush();
        thread::yield_now();
    }
    assert!(live() <= KEPT, "{} nodes are left", live());
}

/// However much goes through, what is kept is bounded; and nothing is kept when the stack and its users are gone, but what the
/// domain of all stacks has retired.
#[test]
#[cfg_attr(miri, ignore = "too long")]
fn a_hazard_stack_keeps_a_bounded_number_of_nodes() {
    const EACH: usize = 50_000;
    const THREADS: usize = 3;
    let before = large_nodes();
    let stack = HazardStack::<Large>::new();
    let most = AtomicIsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    stack.push(Large::new());
                    assert!(stack.pop().is_some());
                    most.fetch_max(large_nodes() - before, Relaxed);
                }
            });
        }
    });
    // A thousand retired for each thread, as much again for a scan under way, and what is in the stack.
    let bound = 2 * 1_000 * THREADS as isize + 100;
    assert!(most.load(Relaxed) <= bound, "{} nodes at once", most.load(Relaxed));
}
