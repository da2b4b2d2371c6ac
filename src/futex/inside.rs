//! The parking core as its own models see it: what the locks of this family use, with nothing of a lock around it.

use super::park::{
    Fence, Key, KeyKind, ParkResult, ParkToken, Request, UnparkToken, Validate, is_announced, park, take_front,
    unpark_deputy, unpark_front, with_waiter,
};
use super::park::unpark::Taken;
use crate::backend::time::Instant;

/// What threads wait for. It is the name of a queue of each kind.
#[repr(align(4))]
#[derive(Debug, Default)]
pub struct Object {
    _place: u8,
}

/// The kinds of queues.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Of a mutex.
    Mutex,
    /// Of a condition variable, which has another bucket than a mutex, where there are two.
    Condvar,
}

/// What a thread that is about to park decides.
#[derive(Clone, Copy, Debug)]
pub enum Decision {
    /// It parks, and another thread will unpark it.
    Park,
    /// It parks if this is still so when it has announced itself and made a fence.
    ParkAnnounced,
    /// It parks beside a thread that is awake for the others, and looks again itself after a while.
    ParkBesideDeputy,
    /// There is no need.
    Abort,
}

/// What has come of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Parked {
    /// There was no need.
    Needless,
    /// It was unparked.
    Unparked,
    /// It was unparked and told that it is responsible for the others.
    AsDeputy,
    /// The deadline has passed.
    TimedOut,
}

impl Object {
    fn key(&self, kind: Kind) -> Key {
        let kind = match kind {
            Kind::Mutex => KeyKind::Mutex,
            Kind::Condvar => KeyKind::Condvar,
        };
        Key::of(self, kind)
    }

    /// Parks. `decide` is asked under the lock of the bucket, and told whether the announcement has been fenced;
    /// `timed_out` is called there.
    pub fn park(
        &self,
        kind: Kind,
        deadline: Option<Instant>,
        decide: impl Fn(bool) -> Decision,
        timed_out: impl FnOnce(),
    ) -> Parked {
        let validate = |fence| match decide(!matches!(fence, Fence::NotYet { .. })) {
            Decision::Park => Validate::Park,
            Decision::ParkAnnounced => Validate::NeedsHeavyFence,
            Decision::ParkBesideDeputy => Validate::ParkBesideDeputy,
            Decision::Abort => Validate::Abort,
        };
        let parked = with_waiter(|waiter| {
            let request = Request {
                waiter,
                key: self.key(kind),
                token: ParkToken(0),
                at_front: false,
                spins: false,
                deadline,
            };
            park(&request, validate, || {}, |_| timed_out())
        });
        match parked {
            ParkResult::Invalid { .. } => Parked::Needless,
            ParkResult::Unparked(UnparkToken::WokenAsDeputy) => Parked::AsDeputy,
            ParkResult::Unparked(_) => Parked::Unparked,
            ParkResult::TimedOut => Parked::TimedOut,
        }
    }

    /// Unparks the first, if there is one, after `change` under the lock of the bucket; answers whether there was.
    pub fn unpark(&self, kind: Kind, change: impl FnOnce()) -> bool {
        unpark_front(self.key(kind), |front| {
            change();
            let is_there = front.token().is_some();
            front.unpark(UnparkToken::Notified);
            is_there
        })
    }

    /// Whether a waiter is announced; also if two of other keys are.
    pub fn is_announced(&self, kind: Kind) -> bool {
        is_announced(self.key(kind))
    }

    /// What the holder of a lock does after a plain store and a fence: looks for an announcement, and unparks the first.
    pub fn look(&self, kind: Kind) {
        if is_announced(self.key(kind)) {
            unpark_deputy(self.key(kind));
        }
    }

    /// Takes up to `most` out of the queue, after `count` was told how many, under the lock of the bucket.
    pub fn take(&self, kind: Kind, most: usize, count: impl FnOnce(usize)) -> Detached {
        Detached(take_front(self.key(kind), most, count))
    }
}

/// Waiters that are in no queue of the table.
pub struct Detached(Taken);

impl core::fmt::Debug for Detached {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Detached").finish_non_exhaustive()
    }
}

impl Detached {
    /// Unparks the first.
    pub fn unpark(&mut self) {
        self.0.unpark(UnparkToken::Notified);
    }

    /// Moves them to another queue, in which they rely on a holder if `rely` says so under the lock of the bucket; else the
    /// first is unparked.
    pub fn requeue(&mut self, object: &Object, kind: Kind, rely: impl FnOnce() -> bool) {
        self.0.requeue(object.key(kind), rely, || {});
    }
}
