//! A global allocator that reads under a reader-writer lock of ours: the first read of a thread makes a row of slots, and
//! that allocates, which reads.
#![cfg(feature = "std")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::thread;

use linchpin::futex::RwLock;

struct Guarded;

static LOCK: RwLock<()> = RwLock::new(());

// SAFETY: the system's allocator, under a lock.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _held = LOCK.read();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // Often enough for each to wait for the other.
        let held = (layout.size() == 24).then(|| LOCK.write());
        // SAFETY: the caller keeps the contract of `dealloc`, and the block is the system's.
        unsafe { System.dealloc(pointer, layout) }
        drop(held);
    }
}

#[global_allocator]
static ALLOCATOR: Guarded = Guarded;

#[test]
fn an_allocator_that_reads_gets_through() {
    for _ in 0..20 {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let sum: u64 = (0..40_000).map(|number| Box::new([number; 2])[1]).sum();
                    assert_eq!(sum, 799_980_000);
                    for _ in 0..20 {
                        drop(Box::new([0_u64; 3]));
                    }
                });
            }
        });
    }
}
