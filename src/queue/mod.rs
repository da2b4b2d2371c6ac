//! Queue locks: first come, first served, and each waiter waits for a word that no other thread waits for.
//!
//! | lock | word | alone | an acquisition in the queue | reach for it when |
//! |---|---|---|---|---|
//! | `McsMutex` | 1 | 2 RMWs | 6 transfers | no thread may be passed by the others again and again, and threads do wait |
//! | `ClhMutex` | 1 | 2 RMWs | 5 transfers | the same, and unlocking must not wait for anybody |
//! | [`McsCell`] | 1, and the value | 2 RMWs | 6 transfers | there is no `std`: the caller brings the place in the queue |
//!
//! (RMW: a locked read-modify-write instruction. Transfer: a cache line that moves from one core to another.)
//!
//! Other locks pay for a hand-over as often as there are waiters, since all look at one word; here it costs the same
//! with 64 threads as with 4. `McsMutex` and `ClhMutex` are `lock_api` raw locks under an alias, so guards, `map`,
//! `Debug`, `Default`, `From<T>` and `?Sized` values work as in `parking_lot`. They need `std`. A guard stays on its
//! thread.
//!
//! **First come, first served** holds from joining the queue on. Threads that spin in the queue are served at once, but
//! one that is not running holds up all behind it until it runs again. So a thread that finds the lock taken does not
//! join at once. It looks 4 times within some 15 pauses. Then, if as many threads sleep for this lock as there are
//! cores, it sleeps itself, once: 250 us for each of them, 16 ms at most, and not again within the 100 us after. Else
//! it yields, 8 times at most, and only while yields are short. Then it joins, whatever the queue. No thread that has
//! joined is passed; until then others may pass it, those that came later too. That is what lets these locks keep pace
//! where threads outnumber cores: a few are active at a time and pass the lock on without a context switch, and all
//! have their turns (Dice, "Malthusian locks", EuroSys 2017). With [`Spin`](crate::wait::Spin) as `W` (`StrictMcsMutex`) a thread
//! joins at once, for places where each has a core of its own.
//!
//! When *not* to use them: where the lock is mostly free, one word and one RMW do ([`spin`](crate::spin)). Where
//! throughput counts and fairness does not, a lock whose holder may come back at once passes more.
//!
//! A panic while a guard is held releases the lock, without poisoning. A guard that is forgotten leaves the lock locked
//! for ever and its node lost, and nothing worse. Thread-local destructors may lock. So may a global allocator on Linux
//! and Android: nodes come from the system's. Elsewhere a thread sleeps by `parking_lot_core`, which allocates from the
//! global allocator, and an allocator may only be guarded by a lock whose waiters do not sleep:
//! `lock_api::Mutex<RawMcsMutex<SpinThenYield>, T>`, or one of [`spin`](crate::spin).
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use linchpin::queue::ClhMutex;
//!
//! static VISITS: ClhMutex<Vec<&str>> = ClhMutex::new(Vec::new());
//!
//! std::thread::scope(|scope| {
//!     scope.spawn(|| VISITS.lock().push("one"));
//!     scope.spawn(|| VISITS.lock().push("two"));
//! });
//! assert_eq!(VISITS.lock().len(), 2);
//! # }
//! ```

#[cfg(feature = "std")]
mod aliases;
mod barging;
#[cfg(feature = "std")]
mod cache;
#[cfg(feature = "std")]
mod clh;
mod mcs;
mod mcs_cell;
#[cfg(feature = "std")]
mod mcs_guard;
mod node;
#[cfg(all(test, feature = "std"))]
mod tests;

#[cfg(feature = "std")]
pub use aliases::{
    MappedClhMutexGuard, MappedMcsMutexGuard, StrictClhMutex, StrictClhMutexGuard, StrictMcsMutex, StrictMcsMutexGuard,
};
#[cfg(feature = "std")]
pub use clh::{ClhGuardState, ClhMutex, ClhMutexGuard, RawClhMutex};
#[cfg(all(feature = "std", feature = "arc_lock"))]
pub use lock_api::ArcMutexGuard;
pub use mcs::RawMcsMutex;
#[cfg(feature = "std")]
pub use mcs_cell::LockWith;
pub use mcs_cell::{McsCell, McsNode};
#[cfg(feature = "std")]
pub use mcs_guard::{McsGuardState, McsMutex, McsMutexGuard};
