//! Hazard pointers: a reader says which object it is reading, and no thread frees that object meanwhile.
//!
//! For pointers that are read far more often than they are replaced, and for nodes of lock-free structures, where an
//! object must not be freed while a thread that has found it may still look at it. After Michael, "Hazard pointers:
//! safe memory reclamation for lock-free objects" (IEEE TPDS 15, 2004), with the asymmetric fences of Folly's
//! implementation, and the API of the crate `haphazard` 0.1: its users change the line that says `use haphazard::...`.
//!
//! ```
//! use linchpin::hazard::{AtomicPtr, HazardPointer};
//!
//! let settings: AtomicPtr<String> = AtomicPtr::from(Box::new("slow".to_string()));
//!
//! std::thread::scope(|scope| {
//!     scope.spawn(|| {
//!         let mut hazard_pointer = HazardPointer::new(); // kept, and used for many loads
//!         for _ in 0..1000 {
//!             let current = settings.safe_load(&mut hazard_pointer).expect("never null");
//!             assert!(["slow", "fast"].contains(&current.as_str()));
//!         }
//!     });
//!     scope.spawn(|| {
//!         let old = settings.swap(Box::new("fast".to_string())).expect("never null");
//!         // SAFETY: it is in no pointer any more, and is retired once.
//!         unsafe { old.retire() };
//!     });
//! });
//! # // SAFETY: the object is in this pointer alone.
//! # unsafe { settings.retire() };
//! ```
//!
//! # Guarantee
//!
//! What a hazard pointer protects is not reclaimed until it protects something else, is reset or dropped. What was
//! retired and nothing protects is reclaimed by a later scan, once; when its domain is dropped, at the latest. Loading
//! is lock-free: it begins anew only when another thread has stored. Retiring and scanning are lock-free as well, apart
//! from the allocator and the object's destructor: a thread that is held up anywhere, for ever, keeps what it protects
//! and what it has retired, and keeps no other thread from anything.
//!
//! # Cost
//!
//! To protect and let go: two stores, a load and two branches more than a plain load, all in the cache of the thread,
//! and no read-modify-write. To make a hazard pointer and to drop it touches nothing that other threads write either.
//!
//! To retire is a few stores, and its share of a scan: that sorts what is protected, goes through what this thread has
//! retired, and makes one *heavy* fence, which is the membarrier system call where the readers do without a fence
//! (Linux): 14 microseconds while other cores run threads of the process. What a scan finds unprotected is freed an
//! object at a time, by the retirements that follow, so that an allocator finds its last few blocks in its cache.
//! Neither allocates in the long run.
//!
//! | ns, one thread | ours | `haphazard` | `crossbeam-epoch` | `seize` | without |
//! |---|---|---|---|---|---|
//! | protect, read, let go, with a hazard pointer that is kept | 1.9 | 13 | 14 (`pin`) | 16 | 0.8 |
//! | the same with a new hazard pointer each time | 7 | 42 | | | |
//! | make a `Box` and retire it | 24 | 211 | 97 | 60 | 18 |
//!
//! (Medians of one run of `cargo bench --bench race -- --only=reclamation`, 2 cores of a busy x86-64 virtual machine,
//! glibc 2.36: only the ratios mean anything.)
//!
//! To make a hazard pointer costs the same however many there are. A thread keeps 16 slots for its next ones; what it
//! holds beyond that (an array of 32, say) costs a read-modify-write each to make, and one to drop.
//!
//! In memory, an empty domain is a word; one that is used takes 2.9 kilobytes with its first thread, 256 bytes more for
//! each further thread and 128 for each hazard pointer that exist at one time, in chunks that double; and 16 bytes for
//! each object in the lists, which shrink again. A thread that has used a domain which another one drops keeps its memory
//! until it scans elsewhere, uses two other domains in turn, or ends.
//!
//! A scan looks at the slots of hazard pointers that exist, and of those that were dropped not long ago. Of threads
//! that have ended, or have had no hazard pointer since two scans, it looks at a few bits each: ten thousand of them
//! are no burden.
//!
//! # Bound
//!
//! A thread scans when it has so many retired objects that may be protected: 1000, or twice the number H of slots that
//! the last scan has looked at, if that is more. Together with those that are only waiting to be freed, one thread
//! never keeps more than max(1000, 2 H), also if a reader never lets go; T threads keep T times that. What a thread
//! leaves when it ends is inherited by the next one or taken over by the next scans, so T counts threads that have
//! retired and live at one time. A scan that takes over keeps up to twice as much on top until it is done, and frees it
//! before it returns: so one call of `retire` may free three lists of objects, and `eager_reclaim` all there are. While
//! destructors are called that retire others, those come on top. Without `std` lists are of no one thread, and what a
//! scan takes over may be that of a thread that lives: T threads keep three times T max(1000, 2 H) at most.
//!
//! Three things are beyond the bound. Objects without a size share an address: one that is protected holds up all. A
//! thread that never retires again keeps what it has retired, and so does a `static` domain at the end of the program.
//! And **if the kernel refuses membarrier after it has granted it** (a sandbox that comes late), nothing can be known
//! of what is protected: all that the refused threads retire is kept, until a thread scans to which the fence is
//! granted, or the domain is dropped. (What a refused thread finds at a scan it leaves for any other.) Such a program
//! calls [`membarrier::disable`](crate::membarrier::disable) first, and both sides are ordinary fences for good.
//!
//! # What differs from `haphazard`
//!
//! Retired objects are in a list for each thread, where `haphazard` has lists for all: what another thread has retired that still
//! lives is not reclaimed by [`eager_reclaim`](Domain::eager_reclaim) of this one. No scan is due by the clock, where
//! `haphazard` makes one every two seconds, the first at the first retired object. An [`AtomicPtr`] that is null may be retired.
//!
//! # When not to use it
//!
//! To read a long list: each step is protected by itself, where an epoch is entered once. For an object that may as
//! well be counted: [`Arc`](std::sync::Arc) says when the last user is gone, and drops it then. For memory that is only
//! ever recycled among objects of one kind: a tag in the pointer is cheaper. Where a reader holds on for long, and
//! memory counts, there is nothing better than hazard pointers: epochs keep all that is retired meanwhile.
//!
//! # Errors
//!
//! Nothing here returns an error. Used wrongly, `unsafe` functions are undefined behaviour: their contracts are those of
//! `haphazard`. `unique_domain!` panics where it would make a second domain of its family, and the 268 millionth hazard
//! pointer of a domain at one time does.
//!
//! # Forks, signals, `no_std`
//!
//! None of this may be used in a signal handler, not even a hazard pointer that exists: the handler may have interrupted
//! the same operation of the same thread.
//!
//! In the child of a fork, what other threads of the parent protected stays protected, and what they had retired stays
//! as it is, until the domain is dropped; all else goes on. Without `std` (but with `alloc`) there are no
//! thread-locals: each hazard pointer leases a slot by a read-modify-write and each retired object a list, and both
//! sides make ordinary fences.

mod atomic_ptr;
mod domain;
mod family;
mod hazard_pointer;
mod inner;
#[cfg(feature = "std")]
mod kept;
mod local;
mod pointer;
mod record;
mod remains;
mod scan;
mod slot;
mod table;

pub use crate::{static_unique_domain, unique_domain};
pub use atomic_ptr::{AtomicPtr, Replaced};
pub use domain::Domain;
#[doc(hidden)]
pub use family::FirstRun;
pub use family::{Global, Singleton};
pub use hazard_pointer::{HazardPointer, HazardPointerArray};

#[cfg(feature = "std")]
crate::backend::only_in_models! {
    pub use local::as_if_past_destructors;
}

/// What the rest is made of, under the names that `haphazard` has for it.
pub mod raw {
    pub use super::domain::Domain;
    pub use super::hazard_pointer::HazardPointer;
    pub use super::pointer::{Pointer, Reclaim};

    /// Families of domains.
    pub mod families {
        pub use super::super::family::Global;
    }
}
