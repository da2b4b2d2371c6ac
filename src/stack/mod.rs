//! Lock-free stacks: one algorithm (Treiber's), over three ways to know when a node may be used again.
//!
//! | | [`TaggedStack`] | [`HazardStack`] | `EpochStack` (feature `epoch`) |
//! |---|---|---|---|
//! | a popped node is | used again by this stack | freed when no hazard pointer protects it | freed when no thread reads any more |
//! | a push allocates | only where the stack grows | mostly not: each thread keeps some free memory | as there |
//! | memory | the most that was in use at once; freed with the stack | bounded, also behind a thread that is held up | **unbounded** behind a thread that is held up within a pop |
//! | limit | `2^32 - 1` nodes; a tag that [comes round](crate::reclaim::tagged#when-a-tag-comes-round) | none | none |
//! | `no_std` | with `alloc`; no free nodes are kept by thread then | with `alloc` | no |
//!
//! Which way fits when is on the page of [`reclaim`](crate::reclaim).
//!
//! **What all three promise.** Any number of threads push and pop. Each value comes out once, on any thread, the last first; there is one
//! order of all operations in which that is so, and it agrees with the order in which they were made (linearizability). No
//! operation takes a lock or waits for another thread: wherever one is stopped, the others go on. The allocator is not
//! included in that, as most have locks: a stack that must go on while a thread is stopped *in the allocator* is a
//! [bounded](TaggedStack::bounded) `TaggedStack` with its memory [reserved](TaggedStack::reserve_total).
//!
//! **What they do not.** There is no length, which would be a second word for all to write; and no look at the top, which may be gone
//! at any moment. A signal handler must not use a stack that the thread it interrupts may be using.
//!
//! **Forks.** The child of a fork goes on with a stack wherever other threads of the parent were in their operations. What
//! those threads kept for themselves (free nodes, nodes that they had retired) is lost to the child. If one of them was within
//! a pop, an `EpochStack` frees nothing in the child any more; a `HazardStack` keeps the one node that it was looking at.
//!
//! **Under contention** a thread whose compare-exchange has failed waits for some microseconds, so that the one that has
//! succeeded goes on alone for dozens of operations: the top's line is fetched once for all these. (Elimination,
//! in which a push and a pop meet elsewhere, would need a transfer of a line for each pair.)
//!
//! **When not to use one.** If one thread at a time uses it, take a `Vec`. If the order does not matter and each thread mostly takes
//! back what it has put in, a queue for each thread is better: every push and pop here writes the one line that all share.

mod api;
#[cfg(feature = "epoch")]
mod batches;
mod boxed;
mod contention;
#[cfg(feature = "epoch")]
pub mod epoch;
pub mod hazard;
#[cfg(feature = "std")]
mod lists;
mod memory;
mod policy;
pub mod tagged;
mod treiber;

#[cfg(feature = "epoch")]
pub use epoch::EpochStack;
pub use hazard::HazardStack;
pub use tagged::TaggedStack;
