//! A global allocator behind a lock of ours: what a lock does while it waits must not need the allocator in a circle.
//!
//! Regression: a `TicketMutex` that is waited for asks the system for the number of cores, and that allocates. It asked
//! again while it was asking, until the stack was full.
//!
//! A queue lock takes its node from the system's allocator: from the global one, the first to lock it would need it.
//!
//! A `futex::Mutex` allocates what a thread sleeps with when more threads sleep than ever before, which is when it is
//! waited for.
#![cfg(feature = "std")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use linchpin::futex;
use linchpin::queue::{ClhMutex, ClhMutexGuard, McsMutex, McsMutexGuard};
use linchpin::spin::TicketMutex;

struct Guarded;

static TICKET: TicketMutex<()> = TicketMutex::new(());
static FUTEX: futex::Mutex<()> = futex::Mutex::new(());
static MCS: McsMutex<()> = McsMutex::new(());
static CLH: ClhMutex<()> = ClhMutex::new(());
/// Which of them is in use.
static TURN: AtomicUsize = AtomicUsize::new(0);
/// Keeps the next allocation under the lock until another thread waits for it.
static LINGER: AtomicBool = AtomicBool::new(false);

/// Holds one of the locks: the system's allocator does not mind which.
#[allow(dead_code, reason = "held, and no more")]
enum Held {
    Ticket(linchpin::spin::TicketMutexGuard<'static, ()>),
    Futex(futex::MutexGuard<'static, ()>),
    Mcs(McsMutexGuard<'static, ()>),
    Clh(ClhMutexGuard<'static, ()>),
}

fn lock() -> Held {
    match TURN.load(Ordering::Relaxed) {
        0 => Held::Ticket(TICKET.lock()),
        1 => Held::Futex(FUTEX.lock()),
        2 => Held::Mcs(MCS.lock()),
        _ => Held::Clh(CLH.lock()),
    }
}

// SAFETY: the system's allocator, under a lock.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _held = lock();
        if LINGER.swap(false, Ordering::AcqRel) {
            thread::sleep(Duration::from_millis(20));
        }
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _held = lock();
        // SAFETY: the caller keeps the contract of `dealloc`, and the block is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Guarded = Guarded;

#[test]
fn a_contended_allocator_gets_through() {
    for turn in 0..4 {
        TURN.store(turn, Ordering::Relaxed);
        let gate = Barrier::new(3);
        let boxes = thread::scope(|scope| {
            let threads = [0, 1, 2].map(|number| {
                let gate = &gate;
                scope.spawn(move || {
                    gate.wait();
                    LINGER.store(number == 0, Ordering::Release);
                    (0..1000).map(Box::new).map(|value| *value).sum::<u64>()
                })
            });
            threads.map(|thread| thread.join().expect("it only allocates"))
        });
        assert_eq!(boxes, [499_500; 3]);
    }
}
