//! What may be sent and shared, both ways, and how large everything is: checked where it is compiled.
//!
//! More than 50 of 65 thread-safety advisories are a guard or a handle that is `Send` or `Sync` without the bound it
//! needs. So each type is asked with a value of each of the four kinds, and each answer that is *no* is asserted too.
#![allow(dead_code, reason = "types that only the assertions use")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;

use linchpin::CachePadded;
use linchpin::spin::{
    Mutex, MutexGuard, RawMutex, RawRwLock, RawTasMutex, RawTicketMutex, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard, TasMutex, TasMutexGuard, TicketMutex, TicketMutexGuard,
};
use linchpin::wait::{Backoff, DefaultWait, Epoch, Flag, Spin};
use lock_api::{MappedMutexGuard, MappedRwLockReadGuard, MappedRwLockWriteGuard};
use static_assertions::{assert_eq_align, assert_eq_size, assert_impl_all, assert_not_impl_any, const_assert_eq};

/// `Send` and `Sync`.
type Both = u64;
/// `Send`, not `Sync`.
type OnlySend = Cell<u64>;
/// `Sync`, not `Send`, as std's guard is.
type OnlySync = std::sync::MutexGuard<'static, u64>;
/// Neither.
type Neither = Rc<u64>;
/// Neither, for another reason.
type Pointer = *const ();

assert_impl_all!(Both: Send, Sync);
assert_impl_all!(OnlySend: Send);
assert_not_impl_any!(OnlySend: Sync);
assert_impl_all!(OnlySync: Sync);
assert_not_impl_any!(OnlySync: Send);
assert_not_impl_any!(Neither: Send, Sync);
assert_not_impl_any!(Pointer: Send, Sync);

/// Asserts that a type implements exactly this much of `Send` and `Sync`.
macro_rules! exactly {
    ($type:ty: Send + Sync) => {
        assert_impl_all!($type: Send, Sync);
    };
    ($type:ty: Send) => {
        assert_impl_all!($type: Send);
        assert_not_impl_any!($type: Sync);
    };
    ($type:ty: Sync) => {
        assert_impl_all!($type: Sync);
        assert_not_impl_any!($type: Send);
    };
    ($type:ty: neither) => {
        assert_not_impl_any!($type: Send, Sync);
    };
}

/// A lock passes its value from thread to thread, the thread that shares it: that takes `Send`, and no more.
macro_rules! mutex {
    ($($lock:ident)*) => {$(
        exactly!($lock<Both>: Send + Sync);
        exactly!($lock<OnlySend>: Send + Sync);
        exactly!($lock<OnlySync>: neither);
        exactly!($lock<Neither>: neither);
        exactly!($lock<Pointer>: neither);
        exactly!($lock<dyn Send>: Send + Sync);
        exactly!($lock<dyn Sync>: neither);
        exactly!($lock<[u8]>: Send + Sync);
    )*};
}

mutex! { Mutex TasMutex TicketMutex }

/// A guard is the exclusive reference that it gives: sent, it sends the value; shared, it shares the value.
macro_rules! exclusive_guard {
    ($($guard:ident$(<$raw:ty>)?)*) => {$(
        exactly!($guard<'static, $($raw,)? Both>: Send + Sync);
        exactly!($guard<'static, $($raw,)? OnlySend>: Send);
        exactly!($guard<'static, $($raw,)? Neither>: neither);
        exactly!($guard<'static, $($raw,)? Pointer>: neither);
        // That it is not `Sync` is more careful than it need be, in some guards of `lock_api`; what matters is `Send`.
        assert_not_impl_any!($guard<'static, $($raw,)? OnlySync>: Send);
    )*};
}

exclusive_guard! {
    MutexGuard
    TasMutexGuard
    TicketMutexGuard
    MappedMutexGuard<RawMutex>
    MappedMutexGuard<RawTasMutex>
    MappedMutexGuard<RawTicketMutex>
    MappedRwLockWriteGuard<RawRwLock>
}

// The guard of a writer could be sent with a value that is only `Send`; `lock_api` asks for more, by the lock it refers
// to.
exactly!(RwLockWriteGuard<'static, Both>: Send + Sync);
exactly!(RwLockWriteGuard<'static, OnlySend>: neither);
exactly!(RwLockWriteGuard<'static, Neither>: neither);
exactly!(RwLockWriteGuard<'static, Pointer>: neither);
assert_not_impl_any!(RwLockWriteGuard<'static, OnlySync>: Send);

// Readers share the value, so that a reader-writer lock needs `Sync` of it too.
exactly!(RwLock<Both>: Send + Sync);
exactly!(RwLock<OnlySend>: Send);
exactly!(RwLock<OnlySync>: neither);
exactly!(RwLock<Neither>: neither);
exactly!(RwLock<Pointer>: neither);
exactly!(RwLock<dyn Send>: Send);
exactly!(RwLock<dyn Send + Sync>: Send + Sync);

/// A reader's guard is the shared reference that it gives: to send it takes `Sync`.
macro_rules! shared_guard {
    ($($guard:ident$(<$raw:ty>)?)*) => {$(
        exactly!($guard<'static, $($raw,)? Both>: Send + Sync);
        exactly!($guard<'static, $($raw,)? OnlySend>: neither);
        exactly!($guard<'static, $($raw,)? Neither>: neither);
        exactly!($guard<'static, $($raw,)? Pointer>: neither);
    )*};
}

shared_guard! {
    RwLockReadGuard
    MappedRwLockReadGuard<RawRwLock>
}

// An upgradable reader may become the writer, on whichever thread it then is: to send it takes `Send` as well.
exactly!(RwLockUpgradableReadGuard<'static, Both>: Send + Sync);
exactly!(RwLockUpgradableReadGuard<'static, OnlySend>: neither);
exactly!(RwLockUpgradableReadGuard<'static, Neither>: neither);
exactly!(RwLockUpgradableReadGuard<'static, Pointer>: neither);
assert_not_impl_any!(RwLockUpgradableReadGuard<'static, OnlySync>: Send);

// A raw lock is what its policy says only at compile time: no policy makes it less shareable.
exactly!(RawMutex<Spin>: Send + Sync);
exactly!(RawTasMutex<Spin>: Send + Sync);
exactly!(RawTicketMutex<Spin>: Send + Sync);
exactly!(RawRwLock<Spin>: Send + Sync);
exactly!(RawMutex<DefaultWait>: Send + Sync);
exactly!(RawTasMutex<DefaultWait>: Send + Sync);
exactly!(RawTicketMutex<DefaultWait>: Send + Sync);
exactly!(RawRwLock<DefaultWait>: Send + Sync);
exactly!(RawMutex<PhantomData<Rc<()>>>: Send + Sync);
exactly!(RawRwLock<PhantomData<Rc<()>>>: Send + Sync);
exactly!(Backoff: Send + Sync);
exactly!(Flag: Send + Sync);
exactly!(Epoch: Send + Sync);
assert_eq_size!(Flag, u32);

#[cfg(feature = "std")]
mod futexes {
    use super::*;
    use linchpin::futex::{Condvar, MappedMutexGuard, Mutex, MutexGuard, MutexGuardState, RawCondvar, RawMutex};

    mutex! { Mutex }
    exclusive_guard! { MutexGuard MappedMutexGuard }
    exactly!(RawMutex: Send + Sync);
    exactly!(MutexGuardState: Send + Sync);
    exactly!(Condvar: Send + Sync);
    exactly!(RawCondvar: Send + Sync);
    assert_eq_size!(Mutex<()>, Condvar, u32);
    assert_eq_size!(Mutex<u32>, [u32; 2]);
    // A guard knows how its lock is held.
    assert_eq_size!(MutexGuard<'static, u64>, [usize; 2]);
    assert_eq_size!(Option<MutexGuard<'static, u64>>, [usize; 2]);

    mod rwlock {
        use super::super::*;
        use linchpin::futex::{
            MappedRwLockReadGuard, MappedRwLockWriteGuard, RawRwLock, ReadGuardState, RwLock, RwLockReadGuard,
            RwLockUpgradableReadGuard, RwLockWriteGuard,
        };

        exactly!(RwLock<Both>: Send + Sync);
        exactly!(RwLock<OnlySend>: Send);
        exactly!(RwLock<OnlySync>: neither);
        exactly!(RwLock<Neither>: neither);
        exactly!(RwLock<dyn Send + Sync>: Send + Sync);
        exactly!(RawRwLock: Send + Sync);
        exactly!(ReadGuardState: Send + Sync);
        assert_not_impl_any!(ReadGuardState: Clone, Copy);
        shared_guard! { RwLockReadGuard MappedRwLockReadGuard }
        exclusive_guard! { MappedRwLockWriteGuard }
        exactly!(RwLockWriteGuard<'static, Both>: Send + Sync);
        exactly!(RwLockWriteGuard<'static, OnlySend>: neither);
        exactly!(RwLockWriteGuard<'static, Neither>: neither);
        assert_not_impl_any!(RwLockWriteGuard<'static, OnlySync>: Send);
        exactly!(RwLockUpgradableReadGuard<'static, Both>: Send + Sync);
        exactly!(RwLockUpgradableReadGuard<'static, OnlySend>: neither);
        exactly!(RwLockUpgradableReadGuard<'static, Neither>: neither);
        assert_not_impl_any!(RwLockUpgradableReadGuard<'static, OnlySync>: Send);
        assert_eq_size!(RwLock<()>, [u64; 2]);
        // A reader's guard names its slot.
        assert_eq_size!(RwLockReadGuard<'static, u64>, [usize; 2]);
        assert_eq_size!(
            RwLockWriteGuard<'static, u64>,
            RwLockUpgradableReadGuard<'static, u64>,
            usize
        );
    }
}

#[cfg(all(feature = "std", any(target_os = "linux", target_os = "android")))]
mod pi {
    use super::*;
    use linchpin::futex::{PiError, PiMutex, PiMutexGuard};

    mutex! { PiMutex }

    // The kernel knows the holder by its thread: no guard is sent, whatever the value.
    exactly!(PiMutexGuard<'static, Both>: Sync);
    exactly!(PiMutexGuard<'static, OnlySync>: Sync);
    exactly!(PiMutexGuard<'static, OnlySend>: neither);
    exactly!(PiMutexGuard<'static, Neither>: neither);
    exactly!(PiMutexGuard<'static, Pointer>: neither);
    exactly!(PiMutexGuard<'static, dyn Send + Sync>: Sync);
    // An error may carry a guard, and is sent where that may be.
    exactly!(PiError<PiMutexGuard<'static, Both>>: Sync);
    exactly!(PiError<()>: Send + Sync);
    assert_impl_all!(PiError<PiMutexGuard<'static, Neither>>: std::error::Error);

    const_assert_eq!(size_of::<PiMutex<()>>(), 8);
    assert_eq_size!(PiMutex<u64>, [u64; 2]);
}

#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
mod deques {
    use super::*;
    use linchpin::deque::{Bounded, Drain, Injector, Steal, Stealer, Unbounded, Worker, block};

    /// Elements pass from one thread to another and are never shared: that takes `Send`, and no more. There is one owner at a
    /// time, which may move; stealers and injectors are shared.
    macro_rules! deque {
        ($(($owner:ident $(, $capacity:ty)?), $shared:ident;)*) => {$(
            exactly!($owner<Both $(, $capacity)?>: Send);
            exactly!($owner<OnlySend $(, $capacity)?>: Send);
            exactly!($owner<OnlySync $(, $capacity)?>: neither);
            exactly!($owner<Neither $(, $capacity)?>: neither);
            exactly!($owner<Pointer $(, $capacity)?>: neither);
            exactly!($shared<Both>: Send + Sync);
            exactly!($shared<OnlySend>: Send + Sync);
            exactly!($shared<OnlySync>: neither);
            exactly!($shared<Neither>: neither);
            exactly!($shared<Pointer>: neither);
            assert_not_impl_any!($owner<Both $(, $capacity)?>: Clone, Copy);
        )*};
    }

    use block::{Stealer as BlockStealer, Worker as BlockWorker};
    deque! {
        (Worker), Stealer;
        (Worker, Unbounded), Stealer;
        (Worker, Bounded), Injector;
        (BlockWorker), BlockStealer;
    }
    assert_impl_all!(Stealer<Both>: Clone);
    // As the peer's: none of them is left broken by a panic.
    assert_impl_all!(Worker<OnlySend>: std::panic::UnwindSafe);
    assert_impl_all!(Stealer<OnlySend>: std::panic::UnwindSafe, std::panic::RefUnwindSafe);
    assert_impl_all!(Injector<OnlySend>: std::panic::UnwindSafe, std::panic::RefUnwindSafe);
    assert_impl_all!(BlockWorker<OnlySend>: std::panic::UnwindSafe);
    assert_impl_all!(BlockStealer<OnlySend>: std::panic::UnwindSafe, std::panic::RefUnwindSafe);
    assert_impl_all!(BlockStealer<Both>: Clone);
    // Borrowed from an owner, which is not shared.
    exactly!(Drain<'static, Both, Unbounded>: neither);
    exactly!(block::Drain<'static, Both>: neither);
    exactly!(Steal<Both>: Send + Sync);
    exactly!(Steal<Neither>: neither);
    assert_eq_size!(Stealer<Both>, [usize; 2]);
}

mod queues {
    use super::*;
    use linchpin::queue::{McsCell, McsNode, RawMcsMutex};

    exactly!(McsCell<Both>: Send + Sync);
    exactly!(McsCell<OnlySend>: Send + Sync);
    exactly!(McsCell<OnlySync>: neither);
    exactly!(McsCell<Neither>: neither);
    exactly!(McsCell<dyn Send>: Send + Sync);
    exactly!(RawMcsMutex<Spin>: Send + Sync);
    exactly!(RawMcsMutex<PhantomData<Rc<()>>>: Send + Sync);
    assert_impl_all!(McsNode: Send);
    assert_not_impl_any!(McsNode: Clone, Copy);
    assert_eq_size!(McsNode, CachePadded<u8>);
    assert_eq_align!(McsNode, CachePadded<u8>);
    assert_eq_size!(RawMcsMutex, usize);

    #[cfg(feature = "std")]
    mod guarded {
        use super::*;
        use linchpin::queue::{ClhMutex, ClhMutexGuard, McsMutex, McsMutexGuard, RawClhMutex};

        mutex! { McsMutex ClhMutex }

        /// Its node stays on its thread, whatever the value. Shared, it shares the value.
        macro_rules! guard_that_stays {
            ($($guard:ident$(<$raw:ty>)?)*) => {$(
                exactly!($guard<'static, $($raw,)? Both>: Sync);
                exactly!($guard<'static, $($raw,)? OnlySend>: neither);
                assert_not_impl_any!($guard<'static, $($raw,)? OnlySync>: Send);
                exactly!($guard<'static, $($raw,)? Neither>: neither);
            )*};
        }

        guard_that_stays! {
            McsMutexGuard
            ClhMutexGuard
            MappedMutexGuard<RawMcsMutex>
            MappedMutexGuard<RawClhMutex>
        }

        exactly!(RawClhMutex<Spin>: Send + Sync);
        exactly!(RawClhMutex<PhantomData<Rc<()>>>: Send + Sync);
        assert_eq_size!(McsMutex<()>, ClhMutex<()>, usize);
        assert_eq_size!(McsMutexGuard<'static, u64>, ClhMutexGuard<'static, u64>, [usize; 2]);
    }
}

#[cfg(target_has_atomic = "64")]
mod counters {
    use super::*;
    use linchpin::counter::Counter;
    use std::panic::{RefUnwindSafe, UnwindSafe};

    exactly!(Counter: Send + Sync);
    exactly!(Counter<1>: Send + Sync);
    assert_impl_all!(Counter: UnwindSafe, RefUnwindSafe);

    // 128 bytes for each stripe (on x86-64), 8 KiB by default.
    assert_eq_size!(Counter, Counter<64>);
    assert_eq_size!(Counter<64>, [CachePadded<u64>; 64]);
    assert_eq_size!(Counter<1>, CachePadded<u64>);
    assert_eq_align!(Counter<1>, CachePadded<u64>);
    #[cfg(target_arch = "x86_64")]
    const_assert_eq!(size_of::<Counter>(), 8 * 1024);
    #[cfg(target_arch = "x86_64")]
    const_assert_eq!(size_of::<Counter<4>>(), 4 * 128);

    #[cfg(feature = "alloc")]
    mod handles {
        use super::*;
        use linchpin::counter::{ApproximateCounter, ApproximateHandle, LocalCounter, LocalCounterHandle};

        exactly!(LocalCounter: Send + Sync);
        exactly!(ApproximateCounter: Send + Sync);
        // A slot has one writer: its handle may move to another thread, and not be shared by two.
        exactly!(LocalCounterHandle<'static>: Send);
        exactly!(ApproximateHandle<'static>: Send);
        assert_not_impl_any!(LocalCounterHandle<'static>: Clone, Copy);
        assert_not_impl_any!(ApproximateHandle<'static>: Clone, Copy);
        assert_impl_all!(LocalCounter: UnwindSafe, RefUnwindSafe);
        assert_impl_all!(ApproximateCounter: UnwindSafe, RefUnwindSafe);

        // No more than the two words of the documentation.
        static_assertions::const_assert!(size_of::<LocalCounter>() <= 2 * size_of::<usize>());
        // The estimate has its own line, and the rest one more.
        assert_eq_align!(ApproximateCounter, CachePadded<u64>);
        static_assertions::const_assert!(size_of::<ApproximateCounter>() == 2 * size_of::<CachePadded<u64>>());
    }
}

/// A value goes in on one thread and comes out on another; no thread has a reference to one inside.
#[cfg(feature = "std")]
mod stacks {
    use super::*;
    use linchpin::reclaim::{AtomicTagged, Tagged};
    use linchpin::stack::{HazardStack, TaggedStack, hazard, tagged};

    macro_rules! stack {
        ($($Stack:ident $module:ident)*) => {$(
            exactly!($Stack<Both>: Send + Sync);
            exactly!($Stack<OnlySend>: Send + Sync);
            exactly!($Stack<OnlySync>: neither);
            exactly!($Stack<Neither>: neither);
            exactly!($Stack<Pointer>: neither);
            exactly!($module::IntoIter<OnlySend>: Send + Sync);
            exactly!($module::IntoIter<OnlySync>: neither);
            exactly!($module::PopAll<'static, Both>: Send + Sync);
            exactly!($module::PopAll<'static, OnlySend>: Send + Sync);
            exactly!($module::PopAll<'static, OnlySync>: neither);
            exactly!($module::PopAll<'static, Neither>: neither);
            assert_not_impl_any!($Stack<Both>: Clone);
            assert_not_impl_any!($module::PopAll<'static, Both>: Clone);
        )*};
    }

    stack! { TaggedStack tagged HazardStack hazard }
    #[cfg(feature = "epoch")]
    mod epochs {
        use super::*;
        use linchpin::stack::{EpochStack, epoch};

        stack! { EpochStack epoch }
    }
    exactly!(AtomicTagged: Send + Sync);
    exactly!(Tagged: Send + Sync);
    assert_eq_size!(AtomicTagged, Tagged, u64);
}

#[cfg(all(feature = "alloc", target_has_atomic = "64"))]
mod hazards {
    use super::*;
    use linchpin::hazard::{AtomicPtr, Domain, Global, HazardPointer, HazardPointerArray, Replaced};
    use std::ptr::NonNull;

    // A family is a name, and no value of it is shared.
    exactly!(Domain<Global>: Send + Sync);
    exactly!(Domain<Neither>: Send + Sync);
    exactly!(HazardPointer<'static>: Send + Sync);
    exactly!(HazardPointer<'static, Neither>: Send + Sync);
    exactly!(HazardPointerArray<'static, Neither, 3>: Send + Sync);
    assert_not_impl_any!(HazardPointer<'static>: Clone, Copy);
    // It is a word, whatever it points to: the methods that give out or drop a `T` have the bounds.
    exactly!(AtomicPtr<Both>: Send + Sync);
    exactly!(AtomicPtr<Neither>: Send + Sync);
    exactly!(AtomicPtr<Neither, Neither>: Send + Sync);
    // A raw pointer, which is what it is.
    exactly!(Replaced<Both, Global, Box<Both>>: neither);
    assert_impl_all!(Replaced<Neither, Global, Box<Neither>>: Clone, Copy);

    assert_eq_size!(AtomicPtr<u64>, Domain<Global>, usize);
    assert_eq_size!(HazardPointer<'static>, [usize; 2]);
    assert_eq_size!(Option<HazardPointer<'static>>, [usize; 2]);
    assert_eq_size!(Replaced<u64, Global, Box<u64>>, NonNull<u64>);
    assert_eq_size!(Option<Replaced<u64, Global, Box<u64>>>, usize);
}

// One byte, two words, four bytes; a guard is a reference and no more.
assert_eq_size!(Mutex<()>, TasMutex<()>, u8);
assert_eq_size!(Mutex<u8>, [u8; 2]);
assert_eq_size!(TicketMutex<()>, [usize; 2]);
assert_eq_size!(RwLock<()>, u32);
assert_eq_size!(RawMutex<Spin>, RawMutex, u8);
assert_eq_size!(RawTicketMutex<Spin>, RawTicketMutex, [usize; 2]);
// Both words are always on one cache line.
const _: () = assert!(align_of::<RawTicketMutex>() == size_of::<RawTicketMutex>());
assert_eq_size!(RawRwLock<Spin>, RawRwLock, u32);
assert_eq_size!(
    MutexGuard<'static, u64>,
    TasMutexGuard<'static, u64>,
    TicketMutexGuard<'static, u64>,
    usize
);
assert_eq_size!(
    RwLockReadGuard<'static, u64>,
    RwLockWriteGuard<'static, u64>,
    RwLockUpgradableReadGuard<'static, u64>,
    usize
);
assert_eq_size!(Option<MutexGuard<'static, u64>>, usize);

/// `CachePadded` *is* that of `crossbeam_utils`, which other crates hand around: there is one in the dependency graph.
#[test]
fn what_this_file_asserts_has_been_compiled() {
    assert_eq!(
        std::any::type_name::<CachePadded<u8>>(),
        "crossbeam_utils::cache_padded::CachePadded<u8>"
    );
}
