//! Locks as the textbooks have them, in loom's shape.

#![allow(dead_code)] // Each test and bench that includes this file uses some of it.

use coherence::cell::UnsafeCell;
use coherence::hint::spin_loop;
use coherence::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering::*};
use crossbeam_utils::CachePadded;

/// A lock with a node or the like for each of its threads.
pub trait Lock: Sync {
    /// For thread `i`: takes the lock, calls `critical`, releases the lock.
    fn with_lock(&self, i: usize, critical: &dyn Fn());
}

/// Test-and-test-and-set.
#[derive(Default)]
pub struct Ttas(CachePadded<AtomicBool>);

impl Lock for Ttas {
    fn with_lock(&self, _: usize, critical: &dyn Fn()) {
        while self.0.load(Relaxed) || self.0.swap(true, Acquire) {
            spin_loop();
        }
        critical();
        self.0.store(false, Release);
    }
}

/// The ticket lock, with its two words laid out as `Word` says.
#[derive(Default)]
pub struct Ticket<Word> {
    next: Word,
    serving: Word,
}

impl<Word: AsRef<AtomicU32> + Sync> Lock for Ticket<Word> {
    fn with_lock(&self, _: usize, critical: &dyn Fn()) {
        let mine = self.next.as_ref().fetch_add(1, Relaxed);
        let serving = self.serving.as_ref();
        while serving.load(Acquire) != mine {
            spin_loop();
        }
        critical();
        serving.store(mine + 1, Release);
    }
}

/// A word that shares its line.
#[derive(Default)]
pub struct OneLine(AtomicU32);
/// A word on its own line.
#[derive(Default)]
pub struct TwoLines(CachePadded<AtomicU32>);

impl AsRef<AtomicU32> for OneLine {
    fn as_ref(&self) -> &AtomicU32 {
        &self.0
    }
}

impl AsRef<AtomicU32> for TwoLines {
    fn as_ref(&self) -> &AtomicU32 {
        &self.0
    }
}

/// Craig's and Landin and Hagersten's queue lock: each thread has a node, and takes over that of
/// its predecessor.
pub struct Clh {
    tail: CachePadded<AtomicUsize>,
    locked: Vec<CachePadded<AtomicBool>>,
    mine: Vec<CachePadded<UnsafeCell<usize>>>,
}

// SAFETY: thread `i` alone uses `mine[i]`.
unsafe impl Sync for Clh {}

impl Clh {
    /// A lock for threads 0 to `threads - 1`.
    pub fn new(threads: usize) -> Self {
        Clh {
            tail: CachePadded::new(AtomicUsize::new(threads)),
            locked: (0..=threads).map(|_| CachePadded::default()).collect(),
            mine: (0..threads).map(|i| CachePadded::new(UnsafeCell::new(i))).collect(),
        }
    }
}

impl Lock for Clh {
    fn with_lock(&self, i: usize, critical: &dyn Fn()) {
        // SAFETY: thread `i` alone uses `mine[i]`.
        let mine = self.mine[i].with(|node| unsafe { *node });
        self.locked[mine].store(true, Relaxed);
        let before = self.tail.swap(mine, AcqRel);
        while self.locked[before].load(Acquire) {
            spin_loop();
        }
        critical();
        self.locked[mine].store(false, Release);
        // SAFETY: as above.
        self.mine[i].with_mut(|node| unsafe { *node = before });
    }
}

/// Mellor-Crummey and Scott's queue lock.
#[derive(Default)]
pub struct Mcs<Node> {
    tail: CachePadded<AtomicPtr<Node>>,
    nodes: Vec<CachePadded<Node>>,
}

/// A node on one line.
#[derive(Default)]
pub struct Packed {
    next: AtomicPtr<Packed>,
    locked: AtomicBool,
}

/// A node on two lines.
#[derive(Default)]
pub struct Spread {
    next: CachePadded<AtomicPtr<Spread>>,
    locked: CachePadded<AtomicBool>,
}

/// An MCS node.
pub trait Node: Default + Sync + Sized {
    /// The successor.
    fn next(&self) -> &AtomicPtr<Self>;
    /// Whether the node's thread must wait.
    fn locked(&self) -> &AtomicBool;
}

impl Node for Packed {
    fn next(&self) -> &AtomicPtr<Self> {
        &self.next
    }
    fn locked(&self) -> &AtomicBool {
        &self.locked
    }
}

impl Node for Spread {
    fn next(&self) -> &AtomicPtr<Self> {
        &self.next
    }
    fn locked(&self) -> &AtomicBool {
        &self.locked
    }
}

impl<N: Node> Mcs<N> {
    /// A lock for threads 0 to `threads - 1`.
    pub fn new(threads: usize) -> Self {
        Mcs {
            tail: CachePadded::default(),
            nodes: (0..threads).map(|_| CachePadded::default()).collect(),
        }
    }
}

impl<N: Node> Lock for Mcs<N> {
    fn with_lock(&self, i: usize, critical: &dyn Fn()) {
        let mine: &N = &self.nodes[i];
        let me = core::ptr::from_ref(mine).cast_mut();
        mine.next().store(core::ptr::null_mut(), Relaxed);
        mine.locked().store(true, Relaxed);
        let before = self.tail.swap(me, AcqRel);
        // SAFETY: nodes live as long as the lock.
        if let Some(before) = unsafe { before.as_ref() } {
            before.next().store(me, Release);
            while mine.locked().load(Acquire) {
                spin_loop();
            }
        }
        critical();
        if mine.next().load(Acquire).is_null() {
            if self
                .tail
                .compare_exchange(me, core::ptr::null_mut(), Release, Relaxed)
                .is_ok()
            {
                return;
            }
            while mine.next().load(Acquire).is_null() {
                spin_loop();
            }
        }
        // SAFETY: as above, and no longer null.
        unsafe { &*mine.next().load(Relaxed) }.locked().store(false, Release);
    }
}
