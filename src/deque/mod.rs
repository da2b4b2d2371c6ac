//! Work-stealing deques: an owner pushes and pops at one end, thieves steal at the other.
//!
//! | type | for | alone, a push / a pop or steal |
//! |---|---|---|
//! | [`Worker`], [`Stealer`] | the tasks of one thread, which others may take over | nothing / one RMW or one fence |
//! | [`Injector`] | where all threads push: first in, first out | one RMW / one RMW |
//! | [`block::Worker`], [`block::Stealer`] | as the first; the owner shares 64 elements at a time | nothing / nothing |
//!
//! (RMW: a locked read-modify-write instruction. Nothing: neither RMW nor fence.)
//!
//! The API of the first two is that of `crossbeam-deque` 0.8: to migrate, change the `use`. Beyond it there are [`Worker::bounded`], whose `push`
//! gives back what the deque cannot hold, [`Worker::drain`], and `Extend`.
//!
//! # What is guaranteed
//!
//! (Of `Worker` and `Stealer`; what differs is on the pages of [`Injector`] and of [`block`].)
//!
//! * Each element comes out once: by a pop, by a steal, or dropped with the deque, when its worker and all stealers are gone.
//! * An element can be stolen from the moment its `push` returns, whatever the owner does then.
//! * No data race, on any path. A thief reads a slot after it has claimed the element, and the owner writes to no slot that may
//!   still be read; so elements may have any size, padding and destructor, and sanitizers and Miri need no exception.
//! * `push` and `pop` of a LIFO owner are wait-free, but for the allocator when the buffer grows, shrinks or is replaced; `pop` of a
//!   FIFO owner repeats its compare-exchange when a thief was faster. The buffer of a bounded deque is replaced only beside a thief
//!   that is held up in the middle of a steal (see [`Worker::bounded`]). A steal never waits: it says `Retry` when another thread was
//!   faster, in which case that thread has got an element, or has changed the buffer.
//! * A thread that is held up anywhere holds up no other one. A thief that is held up in the middle of a steal keeps the buffer
//!   it reads from.
//!
//! # What it costs
//!
//! * Memory: a buffer of the next power of two, from 64 slots; it is halved when a pop finds less than a quarter in use. Beside it,
//!   one old buffer at most for each thief that was in the middle of a steal when it was replaced; it is freed when the owner next
//!   comes round its buffer or replaces it, or with the deque. And a cache line (two on x86-64) for each stealer, of the most there
//!   ever were; with more than 64, the buffer has as many slots, or half as many, as long as it is not larger than they are.
//! * A LIFO owner that pops pays a fence; for the last element, one compare-exchange in place of it. A FIFO owner pays a
//!   compare-exchange. Once for each lap round the buffer, or round what a bounded one has to spare, the owner looks at each
//!   stealer's line. To make a stealer, and to drop it, costs no more where there are many, but for a search when others have been
//!   dropped.
//! * A steal: two RMWs (the thief's own line, and `front`), and the lines of `front`, of `back` and of the element. A look that finds
//!   the deque empty only reads.
//!
//! When *not* to use them: where each element passes from one thread to another, a channel that can block is simpler. None of
//! these waits: a thread that finds nothing has to decide for itself when to sleep (`examples/thread_pool` shows one way). The
//! calls are no fences: a thread that pushes and then looks whether another one sleeps puts a `SeqCst` fence between.
//!
//! # Example
//!
//! ```
//! use linchpin::deque::{Steal, Worker};
//!
//! let worker = Worker::new_lifo();
//! (0..1000).for_each(|task| worker.push(task));
//! let stealer = worker.stealer();
//! let sum: u64 = std::thread::scope(|scope| {
//!     let thief = scope.spawn(move || {
//!         let mut sum = 0;
//!         loop {
//!             match stealer.steal() {
//!                 Steal::Success(task) => sum += task,
//!                 Steal::Empty => return sum,
//!                 Steal::Retry => {}
//!             }
//!         }
//!     });
//!     let own: u64 = worker.drain().sum();
//!     own + thief.join().unwrap()
//! });
//! assert_eq!(sum, 499_500);
//! ```

// The algorithm of Chase and Lev ("Dynamic circular work-stealing deque", SPAA 2005) with the fences of Lê, Pop, Cohen and Zappa
// Nardelli ("Correct and efficient work-stealing for weak memory models", PPoPP 2013), and two differences.
//
// First, slots are not atomic: a thief claims before it reads, and announces beforehand what it may read (`claims`). Chase and
// Lev's thief reads first, while the owner may be writing to the slot, and throws the value away if its claim fails: a data
// race that atomic slots can avoid only for elements of a word without padding.
//
// Second, the owner of a LIFO deque claims the last element as a thief would, without moving `back`, which saves its fence.
//
// `front` and `back` are 64 bits wide everywhere, so that no thief ever meets an index again; they may wrap.
//
// Invariants:
// 1. An element is in the deque if its index is in `front .. back`. The owner raises `back` by publishing. An element leaves by
//    a claim, which moves `front` past it by compare-exchange; or from the back, by the owner of a LIFO deque, which has lowered
//    `back`, fenced, and found `front` before it.
// 2. A thief reads from a buffer that it has announced, fenced, and then, having loaded `back`, found to be current. All elements
//    in `front .. back` as it knows them are in that buffer, and the owner writes to no buffer but the current one.
// 3. The owner writes to slots of indices before `limit` only. `limit` is no more than `front` plus the capacity, for a `front` that
//    was loaded with Acquire; nor more than that of any announced index. A claimed element's announcement is seen by an owner
//    that sees the claim, so a slot that is written again has been read.
// 4. A buffer is freed when another one is current, the owner has fenced since, and no thief announces it.

mod batch;
pub mod block;
mod buffer;
mod claims;
mod drain;
mod injector;
mod room;
mod shared;
mod steal;
mod stealer;
#[cfg(all(test, feature = "std"))]
mod tests;
mod worker;

pub use drain::Drain;
pub use injector::Injector;
pub use steal::Steal;
pub use stealer::Stealer;
pub use worker::{Bounded, Unbounded, Worker};
