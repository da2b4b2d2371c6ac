//! When is a program livelocked? The count of events in a row, of all threads, in which no memory
//! changed.

/// So many events without progress are a livelock: a look (see `window`) at a line the core holds
/// counts once, and what takes longer to simulate counts more. What threads may look before they go
/// dormant comes on top.
const BOUND: u64 = 1 << 26;

/// So many events without progress, beyond those before, of a thread that unwinds are a wait.
const UNWINDING: u64 = 1 << 22;

/// What a look that moves a line counts, or a wait that times out, and half of what a yield counts.
pub(crate) const SLOW: u64 = 64;

/// What a turn counts that a dormant thread gets when no thread can run.
pub(crate) const EXTRA_TURN: u64 = 16;

/// What it counts that a dormant thread loses its core.
pub(crate) const PREEMPTION: u64 = 1024;

/// Events in a row in which nothing changed.
pub(crate) struct IdleEvents {
    count: u64,
    bound: u64,
    /// What `count` may come to while a thread unwinds.
    unwinding_bound: u64,
}

impl IdleEvents {
    pub(crate) fn new() -> IdleEvents {
        IdleEvents {
            count: 0,
            bound: BOUND,
            unwinding_bound: BOUND,
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, events: u64) {
        self.count += events;
    }

    /// Memory changed, or something else happened that lets threads go on.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.count = 0;
    }

    /// Threads may look so often before they go dormant.
    pub(crate) fn allow(&mut self, looks: u64) {
        self.bound = BOUND + looks;
    }

    /// Whether nothing has changed for so long that nothing will.
    #[inline]
    pub(crate) fn are_a_livelock(&self) -> bool {
        self.count > self.bound
    }

    /// A thread begins to unwind.
    pub(crate) fn begin_unwinding(&mut self) {
        self.unwinding_bound = self.count + UNWINDING;
    }

    /// Whether the thread that unwinds has changed nothing for so long that it waits for another.
    pub(crate) fn are_a_wait(&self) -> bool {
        self.count > self.unwinding_bound
    }
}
