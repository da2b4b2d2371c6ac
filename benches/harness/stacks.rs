//! The stacks that are measured, and what they are measured against: Treiber's on crossbeam-epoch as its users write it, and
//! a vector behind a lock.

use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crossbeam_epoch::{Atomic, Owned, pin};

use super::Job;

/// Pairs of a push and a pop between two looks at the clock.
const BATCH: u64 = 64;

/// What is measured of a stack.
pub trait Stack: Default + Send + Sync + 'static {
    /// Puts a value on top.
    fn push(&self, value: u64);
    /// Takes the value on top.
    fn pop(&self) -> Option<u64>;
}

/// A push, then a pop, again and again. The value that is popped is the next one to be pushed.
pub fn pairs<S: Stack>() -> Job {
    let stack = S::default();
    Arc::new(move |worker| {
        let mut value = worker.thread as u64;
        worker.run(BATCH, || {
            for _ in 0..BATCH {
                stack.push(value);
                // Another thread may have taken this thread's value; there is one for each that has pushed.
                value = stack.pop().expect("no thread pops more than it has pushed");
            }
        })
    })
}

macro_rules! ours {
    ($($Stack:ident)*) => {$(
        impl Stack for linchpin::stack::$Stack<u64> {
            #[inline]
            fn push(&self, value: u64) {
                self.push(value);
            }

            #[inline]
            fn pop(&self) -> Option<u64> {
                self.pop()
            }
        }
    )*};
}

ours! { TaggedStack HazardStack }
#[cfg(feature = "epoch")]
ours! { EpochStack }

impl Stack for std::sync::Mutex<Vec<u64>> {
    #[inline]
    fn push(&self, value: u64) {
        self.lock().expect("no section panics").push(value);
    }

    #[inline]
    fn pop(&self) -> Option<u64> {
        self.lock().expect("no section panics").pop()
    }
}

impl Stack for parking_lot::Mutex<Vec<u64>> {
    #[inline]
    fn push(&self, value: u64) {
        self.lock().push(value);
    }

    #[inline]
    fn pop(&self) -> Option<u64> {
        self.lock().pop()
    }
}

/// Treiber's stack on crossbeam-epoch, as in that crate's own examples.
#[derive(Default)]
pub struct EpochTreiber {
    head: Atomic<Node>,
}

struct Node {
    value: ManuallyDrop<u64>,
    next: Atomic<Node>,
}

impl Stack for EpochTreiber {
    fn push(&self, value: u64) {
        let mut node = Owned::new(Node {
            value: ManuallyDrop::new(value),
            next: Atomic::null(),
        });
        let guard = pin();
        loop {
            let head = self.head.load(Relaxed, &guard);
            node.next.store(head, Relaxed);
            match self.head.compare_exchange(head, node, Release, Relaxed, &guard) {
                Ok(_) => break,
                Err(failed) => node = failed.new,
            }
        }
    }

    fn pop(&self) -> Option<u64> {
        let guard = pin();
        loop {
            let head = self.head.load(Acquire, &guard);
            // SAFETY: loaded while pinned, from where nodes are published with Release.
            let node = unsafe { head.as_ref() }?;
            let next = node.next.load(Relaxed, &guard);
            if self.head.compare_exchange(head, next, Relaxed, Relaxed, &guard).is_ok() {
                // SAFETY: this thread has unlinked the node, so it reads the value and retires the node, once.
                unsafe {
                    let value = ptr::read(&raw const *node.value);
                    guard.defer_destroy(head);
                    return Some(value);
                }
            }
        }
    }
}

impl Drop for EpochTreiber {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}
