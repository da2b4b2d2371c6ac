//! An allocator without a lock, for tests that stop threads anywhere: with the system's, a thread that is stopped within it may
//! hold the lock of memory that others want to free.
//!
//! Off until a test turns it on, in a process of its own. Memory comes from one region, and what a thread frees it keeps for
//! itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};

/// Of address space; the system gives memory where it is used.
const REGION: usize = 64 << 30;
/// From 16 bytes to 64 KiB.
const CLASSES: usize = 13;

/// Where the region begins, or 0; and what of it was given out.
static REGION_AT: AtomicUsize = AtomicUsize::new(0);
static USED: AtomicUsize = AtomicUsize::new(0);

/// How many allocations there were in all, and how many pieces of each class are not free.
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static LIVE: [AtomicIsize; CLASSES] = [const { AtomicIsize::new(0) }; CLASSES];

thread_local! {
    static FREE: [Cell<*mut u8>; CLASSES] = const { [const { Cell::new(null_mut()) }; CLASSES] };
}

pub struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// From now on no allocation takes a lock.
pub fn without_locks() {
    // SAFETY: asks for address space, at no particular place.
    let region = unsafe {
        libc::mmap(
            null_mut(),
            REGION,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    assert_ne!(region, libc::MAP_FAILED, "there is address space");
    REGION_AT.store(region.expose_provenance(), Relaxed);
}

/// How many allocations there were, of all threads, since there are no locks.
pub fn allocations() -> usize {
    ALLOCATIONS.load(Relaxed)
}

/// How many pieces of memory of about that size are not free.
pub fn live(size: usize) -> isize {
    let layout = Layout::from_size_align(size, 1).expect("a small size");
    LIVE[class(layout).expect("a small size")].load(Relaxed)
}

fn class(layout: Layout) -> Option<usize> {
    let size = layout.size().max(layout.align()).max(16).next_power_of_two();
    let class = (size.ilog2() - 4) as usize;
    (class < CLASSES).then_some(class)
}

// SAFETY: memory is given out once, or again after it was freed, at multiples of its size, which is a power of two and no less than
// what was asked for. What is not of the region is the system's.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let region = REGION_AT.load(Relaxed);
        let Some(class) = class(layout).filter(|_| region != 0) else {
            // SAFETY: the caller's promise.
            return unsafe { System.alloc(layout) };
        };
        ALLOCATIONS.fetch_add(1, Relaxed);
        LIVE[class].fetch_add(1, Relaxed);
        let kept = FREE.with(|free| {
            let first = free[class].get();
            if !first.is_null() {
                // SAFETY: what is kept begins with the next.
                free[class].set(unsafe { first.cast::<*mut u8>().read() });
            }
            first
        });
        if !kept.is_null() {
            return kept;
        }
        let size = 16 << class;
        // With room to begin at a multiple.
        let at = (region + USED.fetch_add(2 * size, Relaxed)).next_multiple_of(size);
        assert!(at + size <= region + REGION, "the region is used up");
        std::ptr::with_exposed_provenance_mut(at)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let region = REGION_AT.load(Relaxed);
        let is_ours = region != 0 && (region..region + REGION).contains(&memory.addr());
        match class(layout).filter(|_| is_ours) {
            Some(class) => {
                LIVE[class].fetch_sub(1, Relaxed);
                // SAFETY: free, and at least 16 bytes.
                FREE.with(|free| unsafe { memory.cast::<*mut u8>().write(free[class].replace(memory)) });
            }
            // SAFETY: the caller's promise.
            None => unsafe { System.dealloc(memory, layout) },
        }
    }
}
