//! Counters that many threads add to and few read.
//!
//! | counter | one `add` | to read | reach for it when |
//! |---|---|---|---|
//! | `CachePadded<AtomicU64>` | 1 RMW on a line that all share | 1 load | it is read about as often as written, or must be exact while others add |
//! | [`Counter`] | 1 RMW on the thread's own line | 1 load for each of 64 stripes | any thread may add, anywhere, as to a `static` |
//! | [`LocalCounter`] | a load and a store | 1 load for each handle ever held at once | the adders can keep a handle |
//! | [`ApproximateCounter`] | a load and a store; 1 RMW for each batch | 1 load for the estimate | it is read often, and may be off by a known amount |
//!
//! (RMW: a locked read-modify-write instruction.)
//!
//! **Start with a padded atomic.** One line that moves between cores at every add costs some 50 to 200 ns a time; if
//! the threads add less than a million times a second, no thread will notice. Nothing here is cheaper to read, and all
//! of it is larger: 8 KiB for a [`Counter`], a line for each handle of the others.
//!
//! # What a sum means
//!
//! A sum taken while others add is some number between what had been added before it began and what has been added when
//! it returns; it need not be a total that ever held at one instant. It is exact for every add that *happens before*
//! it: once the adding threads have been joined, or have told of it through a lock, a channel or a barrier. Nothing
//! that was added is ever lost, also when its thread is gone or its handle dropped.
//!
//! All counts are modulo 2^64: they wrap, without a panic. At one add a nanosecond that takes 584 years.

#[cfg(feature = "alloc")]
mod approximate;
#[cfg(feature = "alloc")]
mod local;
#[cfg(feature = "alloc")]
mod registry;
mod stripe_index;
mod striped;

#[cfg(feature = "alloc")]
pub use approximate::{ApproximateCounter, ApproximateHandle};
#[cfg(feature = "alloc")]
pub use local::{LocalCounter, LocalCounterHandle};
pub use striped::Counter;
