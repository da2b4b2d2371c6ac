//! Who may be sent and shared, both ways, and how large a barrier is: checked where it is compiled.

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;

use linchpin::CachePadded;
use linchpin::barrier::{
    Arrival, Barrier, BarrierWaitResult, CombiningBarrier, DisseminationBarrier, NoStep, Participant, ParticipantGuard,
    PendingArrival, PoisonOnPanic, Poisoned, TournamentBarrier, TreeBarrier, WaitError,
};
use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};

/// Asserts that a type is both `Send` and `Sync`, or neither.
macro_rules! exactly {
    ($type:ty: both) => {
        assert_impl_all!($type: Send, Sync);
    };
    ($type:ty: neither) => {
        assert_not_impl_any!($type: Send, Sync);
    };
}

/// `Sync`, not `Send`.
type OnlySync = std::sync::MutexGuard<'static, u64>;

/// Steps that capture one of the four kinds. One thread at a time runs a step, whichever that is: it takes `Send`.
type StepOf<T> = (fn(), PhantomData<T>);

exactly!(Barrier: both);
exactly!(Arrival<'static>: both);
exactly!(PoisonOnPanic<'static>: both);
exactly!(Barrier<StepOf<u64>>: both);
exactly!(Barrier<StepOf<Cell<u64>>>: both);
exactly!(Barrier<StepOf<OnlySync>>: neither);
exactly!(Barrier<StepOf<Rc<u64>>>: neither);
exactly!(Participant<CombiningBarrier>: both);
exactly!(Participant<TreeBarrier>: both);
exactly!(Participant<TournamentBarrier>: both);
exactly!(Participant<DisseminationBarrier>: both);
exactly!(ParticipantGuard<'static, TreeBarrier>: both);
exactly!(PendingArrival<'static, NoStep>: both);
assert_not_impl_any!(Participant<TreeBarrier>: Clone, Copy);
assert_not_impl_any!(Arrival<'static>: Clone, Copy);
assert_impl_all!(Barrier: std::panic::UnwindSafe, std::panic::RefUnwindSafe);
assert_impl_all!(BarrierWaitResult: Send, Sync, std::fmt::Debug);
assert_impl_all!(Poisoned: std::error::Error, Send, Sync);
assert_impl_all!(WaitError: std::error::Error, Send, Sync);
// A line each for the arrivals, the gate, and what is known of yields.
const_assert_eq!(size_of::<Barrier>(), 3 * size_of::<CachePadded<u64>>());
