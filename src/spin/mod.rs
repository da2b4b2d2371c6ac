//! Locks that spin: a word, no queue, no kernel object.
//!
//! | lock | word | fairness | alone | reach for it when |
//! |---|---|---|---|---|
//! | [`Mutex`] | 1 byte | none | 1 RMW | sections are short and threads do not outnumber cores by much |
//! | [`TasMutex`] | 1 byte | none | 1 RMW | contention is rare: its uncontended path is the same, its code the smallest |
//! | [`TicketMutex`] | 2 words | first come, first served | 1 RMW | nobody may wait for longer than the others before it |
//! | [`RwLock`] | 4 bytes | a waiting writer holds off new readers | 1 RMW, read 2 | readers dominate and sections are short |
//!
//! (RMW: a locked read-modify-write instruction for lock and unlock together, with nobody else there.)
//!
//! All four are `lock_api` raw locks under an alias, so guards, `map`, `Debug`, `Default`, `From<T>` and `?Sized` values
//! work as in `parking_lot`; a guard may be dropped on another thread if the value may be
//! sent there. Each fits in a `static`, and needs neither `std`
//! nor `alloc`. With `std`, a thread that has spun for a few microseconds yields to the scheduler
//! ([`SpinThenYield`](crate::wait::SpinThenYield)); to spin for ever, name the raw lock:
//! `lock_api::Mutex<linchpin::spin::RawMutex<Spin>, T>`.
//!
//! When *not* to use them: for sections that block, allocate, or last longer than a context switch. A waiter burns its
//! core; a lock that sleeps does not.
//!
//! A panic while a guard is held releases the lock, without poisoning. A guard that is forgotten leaves the lock locked
//! for ever, and nothing worse.
//!
//! ```
//! use linchpin::spin;
//!
//! static VISITS: spin::Mutex<Vec<&str>> = spin::Mutex::new(Vec::new());
//!
//! std::thread::scope(|scope| {
//!     scope.spawn(|| VISITS.lock().push("one"));
//!     scope.spawn(|| VISITS.lock().push("two"));
//! });
//! assert_eq!(VISITS.lock().len(), 2);
//! ```

mod mutex;
mod rwlock;
mod ticket;

pub use mutex::{Mutex, MutexGuard, RawMutex, RawSpinMutex, RawTasMutex, TasMutex, TasMutexGuard};
pub use rwlock::{RawRwLock, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};
pub use ticket::{RawTicketMutex, TicketMutex, TicketMutexGuard};
