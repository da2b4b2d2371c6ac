//! The API of `spin` 0.12 over [`linchpin::spin`], for `[patch.crates-io]`. Without the feature `std` waiters spin for ever, with it
//! they yield.
//!
//! What it has not, so that code which uses it does not compile:
//!
//! * **Methods that `lock_api` has not**, where the trait is not imported: `linchpin::spin::{MutexExt, RwLockExt, ..}` have
//!   `as_mut_ptr`, `try_lock_weak`, `upgradeable_read`, `reader_count`, and `upgrade` and `downgrade` as methods of guards.
//!   `force_unlock` and its like take the state of a guard.
//! * **Locks as raw locks** (`lock_api::Mutex<spin::Mutex<()>, T>`): the raw locks are `linchpin::spin::RawMutex` and its like. The module
//!   [`lock_api`] is there.
//! * **`mutex::FairMutex`**, and a `RelaxStrategy` of one's own: the trait is sealed.
//! * The features `portable-atomic` and `rustc-dep-of-std`: a dependent that turns them on does not resolve.
#![no_std]

#[cfg(feature = "std")]
pub use linchpin::wait::SpinThenYield as Yield;

pub use barrier::Barrier;
pub use lazylock::LazyLock;
pub use linchpin::spin::{Lazy, Once, RwLock, RwLockReadGuard, RwLockUpgradableGuard, RwLockWriteGuard};
#[cfg(not(feature = "use_ticket_mutex"))]
pub use linchpin::spin::{Mutex, MutexGuard};
#[cfg(feature = "use_ticket_mutex")]
pub use linchpin::spin::{TicketMutex as Mutex, TicketMutexGuard as MutexGuard};
pub use relax::{RelaxStrategy, Spin};

/// What waiters do.
pub mod relax {
    #[cfg(feature = "std")]
    pub use linchpin::wait::SpinThenYield as Yield;
    pub use linchpin::wait::{Spin, Wait as RelaxStrategy};
}

/// Mutexes.
pub mod mutex {
    pub use super::{Mutex, MutexGuard};
    pub use linchpin::spin::{Mutex as SpinMutex, MutexGuard as SpinMutexGuard, TicketMutex, TicketMutexGuard};

    /// The one without a queue.
    pub mod spin {
        pub use super::{SpinMutex, SpinMutexGuard};
    }

    /// The one in the order of arrival.
    pub mod ticket {
        pub use super::{TicketMutex, TicketMutexGuard};
    }
}

/// The reader-writer lock.
pub mod rwlock {
    pub use linchpin::spin::{RwLock, RwLockReadGuard, RwLockUpgradableGuard, RwLockWriteGuard};
}

/// Values that are made once.
pub mod once {
    /// A value that is made once, whose waiters wait as `W` says.
    pub type Once<T = (), W = linchpin::wait::DefaultWait> = linchpin::wait::OnceLock<T, W>;
}

/// Values that are made when they are first used.
pub mod lazylock {
    /// A value that is made when it is first used, whose waiters wait as `W` says.
    pub type LazyLock<T, F = fn() -> T, W = linchpin::wait::DefaultWait> = linchpin::wait::LazyLock<T, F, W>;
}

/// The barrier.
pub mod barrier {
    pub use linchpin::spin::{Barrier, BarrierWaitResult};
}

/// The same locks, under the name by which `spin` tells its own from those of `lock_api`.
#[cfg(feature = "lock_api")]
pub mod lock_api {
    pub use linchpin::spin::{
        MappedMutexGuard, MappedRwLockReadGuard, MappedRwLockWriteGuard, Mutex, MutexGuard, RwLock, RwLockReadGuard,
        RwLockUpgradableReadGuard, RwLockWriteGuard,
    };
}
