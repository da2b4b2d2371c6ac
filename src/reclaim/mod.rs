//! When may an object be freed that other threads may still be reading?
//!
//! A thread that has loaded a pointer may be held up before it follows it. A thread that unlinks the object in the meantime cannot free
//! it at once. There are three ways out, and a [stack](crate::stack) over each:
//!
//! | | [`hazard`] | epochs (`crossbeam-epoch`) | [`tagged`] |
//! |---|---|---|---|
//! | idea | a reader says which object it reads | a reader says that it reads | nothing is freed, only used again; a tag tells |
//! | to begin reading | a store and a load (and a fence, without `membarrier`) | a store and a full fence | nothing |
//! | to retire | a store; every thousandth a scan of all hazard pointers | a store; at times a look at all threads | nothing |
//! | kept in memory | bounded: each thread up to max(1000, 2 × hazard pointers), and what is protected | **unbounded** behind a thread that is held up while it reads | as many as were ever in use at once |
//! | what may be read | what was protected, and looked at again | all that was reachable | index and link only, never what an object holds |
//! | `no_std` | yes, with `alloc` | no | yes, with `alloc` |
//!
//! # Which, when
//!
//! * A fixed kind of node that comes and goes in about the same number all the time, such as a free list or a pool: **tagged**. It is
//!   the fastest, and allocates nothing in the long run. Its limit is the [wrap of the tag](tagged#when-a-tag-comes-round).
//! * Objects of any kind, memory that has to be given back, or threads that may be stopped for long: **hazard pointers**. Each
//!   object that is read costs a store and a second load; so they fit structures in which a reader holds few objects at once.
//! * Long reads over many objects, and threads that are never held up for long while they read: **epochs**. One store and one fence
//!   for any number of objects.
//! * Few writers and time to wait: a lock around an `Arc` is none of this, and easier.

#[cfg(feature = "epoch")]
pub(crate) mod epoch;
#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
pub mod hazard;
#[cfg(target_has_atomic = "64")]
pub mod tagged;
#[cfg(all(feature = "tagged_ptr", target_pointer_width = "64"))]
mod tagged_ptr;

#[cfg(target_has_atomic = "64")]
pub use tagged::{AtomicTagged, Tagged};
#[cfg(all(feature = "tagged_ptr", target_pointer_width = "64"))]
pub use tagged_ptr::{AtomicTaggedPtr, TaggedPtr};
