//! The lock of a bucket: one word, and a stack of waiters that its unlock turns into a queue
//! (`parking_lot_core/src/word_lock.rs`).
//!
//! The upper bits of the word name the waiter that came last. A waiter publishes itself with `next` only; the thread
//! that then holds `QUEUE_LOCKED` fills in the links back, and keeps the longest waiter in the `tail` of the last to
//! come.

use coherence::futex;
use coherence::sync::atomic::AtomicU32;
use coherence::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::spin_wait::SpinWait;
use super::{NONE, Version, me};
use crate::baseline::Apart;

const LOCKED: u32 = 1;
const QUEUE_LOCKED: u32 = 2;
const HEAD: u32 = 4;

#[derive(Default)]
struct Node {
    futex: AtomicU32,
    tail: AtomicU32,
    prev: AtomicU32,
    next: AtomicU32,
}

pub(super) struct WordLock {
    state: AtomicU32,
    version: Version,
    /// One for each thread, on a line of its own: the original has them on the stacks.
    nodes: Box<[Apart<Node>]>,
}

fn head(state: u32) -> u32 {
    state / HEAD
}

/// What came of an attempt to take the longest waiter out.
enum Unlinked {
    Done,
    /// The lock is held: its holder will see to it.
    Held,
    /// Another waiter has come, so the links are to be filled in again.
    Grown,
}

impl WordLock {
    pub(super) fn new(threads: usize, version: Version) -> Self {
        WordLock {
            state: AtomicU32::new(0),
            version,
            nodes: (0..threads).map(|_| Apart::default()).collect(),
        }
    }

    fn node(&self, link: u32) -> &Node {
        &self.nodes[link as usize - 1].0
    }

    pub(super) fn lock(&self) {
        if self.state.compare_exchange_weak(0, LOCKED, Acquire, Relaxed).is_err() {
            self.lock_contended();
        }
    }

    fn lock_contended(&self) {
        let mut spin_wait = SpinWait::new(self.version);
        let mut state = self.state.load(Relaxed);
        loop {
            if state & LOCKED == 0 {
                match self
                    .state
                    .compare_exchange_weak(state, state | LOCKED, Acquire, Relaxed)
                {
                    Ok(_) => return,
                    Err(now) => state = now,
                }
                continue;
            }
            if head(state) == NONE && spin_wait.spin() {
                state = self.state.load(Relaxed);
                continue;
            }
            let node = self.node(me());
            node.futex.store(1, Relaxed);
            node.prev.store(NONE, Relaxed);
            if head(state) == NONE {
                node.tail.store(me(), Relaxed);
            } else {
                node.tail.store(NONE, Relaxed);
                node.next.store(head(state), Relaxed);
            }
            let queued = (state & (LOCKED | QUEUE_LOCKED)) | (me() * HEAD);
            if let Err(now) = self.state.compare_exchange_weak(state, queued, AcqRel, Relaxed) {
                state = now;
                continue;
            }
            super::sleep(&node.futex);
            spin_wait.reset();
            state = self.state.load(Relaxed);
        }
    }

    pub(super) fn unlock(&self) {
        let state = self.state.fetch_sub(LOCKED, Release);
        if state & QUEUE_LOCKED == 0 && head(state) != NONE {
            self.wake_longest();
        }
    }

    fn wake_longest(&self) {
        let mut state = self.state.load(Relaxed);
        loop {
            if state & QUEUE_LOCKED != 0 || head(state) == NONE {
                return;
            }
            let locked = state | QUEUE_LOCKED;
            match self.state.compare_exchange_weak(state, locked, Acquire, Relaxed) {
                Ok(_) => {
                    state = locked;
                    break;
                }
                Err(now) => state = now,
            }
        }
        loop {
            let last = head(state);
            let longest = self.fill_in(last);
            match self.unlink(&mut state, last, self.node(longest).prev.load(Relaxed)) {
                Unlinked::Done => {
                    let futex = &self.node(longest).futex;
                    futex.store(0, Release);
                    futex::wake(futex, 1);
                    return;
                }
                Unlinked::Held => return,
                Unlinked::Grown => {}
            }
        }
    }

    /// Fills in the links back from the waiter that came last on; answers with the longest waiter.
    fn fill_in(&self, last: u32) -> u32 {
        let mut link = last;
        let longest = loop {
            let tail = self.node(link).tail.load(Relaxed);
            if tail != NONE {
                break tail;
            }
            let next = self.node(link).next.load(Relaxed);
            self.node(next).prev.store(link, Relaxed);
            link = next;
        };
        self.node(last).tail.store(longest, Relaxed);
        longest
    }

    /// Makes `before` the longest waiter, and lets go of the queue.
    fn unlink(&self, state: &mut u32, last: u32, before: u32) -> Unlinked {
        loop {
            if *state & LOCKED != 0 {
                let left = *state & !QUEUE_LOCKED;
                match self.state.compare_exchange_weak(*state, left, Release, Acquire) {
                    Ok(_) => return Unlinked::Held,
                    Err(now) => *state = now,
                }
                continue;
            }
            if head(*state) != last {
                return Unlinked::Grown;
            }
            if before != NONE {
                self.node(last).tail.store(before, Relaxed);
                self.state.fetch_and(!QUEUE_LOCKED, Release);
                return Unlinked::Done;
            }
            match self.state.compare_exchange_weak(*state, 0, Release, Acquire) {
                Ok(_) => return Unlinked::Done,
                Err(now) => *state = now,
            }
        }
    }
}
