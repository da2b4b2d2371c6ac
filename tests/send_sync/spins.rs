//! The spin locks, and what waits.

use super::*;
use linchpin::spin::{
    Barrier, BarrierWaitResult, Mutex, MutexGuard, RawMutex, RawRwLock, RawTasMutex, RawTicketMutex, RwLock,
    RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard, TasMutex, TasMutexGuard, TicketMutex,
    TicketMutexGuard,
};
use linchpin::wait::{Backoff, DefaultWait, Epoch, Flag};
use lock_api::{MappedMutexGuard, MappedRwLockReadGuard, MappedRwLockWriteGuard};

mutex! { Mutex TasMutex TicketMutex }
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

exactly!(Barrier: Send + Sync);
exactly!(Barrier<PhantomData<Rc<()>>>: Send + Sync);
exactly!(BarrierWaitResult: Send + Sync);
assert_eq_size!(Barrier, [usize; 2]);
