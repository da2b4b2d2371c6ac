//! A global allocator that reads under a reader-writer lock of ours: the first read of a thread makes a row of slots,
//! and that allocates, which reads.
#![cfg(feature = "std")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

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

/// Regression: the writer made what it parks with when it had claimed the lock already, by an allocation that read:
/// each waited for the other for ever.
#[test]
fn a_writer_that_has_to_wait_for_readers_needs_no_memory_of_theirs() {
    let (held, is_held) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            let guard = LOCK.read();
            held.send(()).expect("it is awaited");
            thread::sleep(Duration::from_millis(50));
            drop(guard);
        });
        is_held.recv().expect("it holds the lock");
        // A thread that has never waited for a lock.
        scope.spawn(|| drop(LOCK.write()));
    });
}
