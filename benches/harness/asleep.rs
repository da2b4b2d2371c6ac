//! Thousands of threads that sleep: each on a condition variable of its own, to be notified, or for
//! a lock that it never gets, to be in the way.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use linchpin::CachePadded;

use super::Job;
use super::numbers::Numbers;
use super::small::{Gate, join, settle, spawn_small};

/// What a sleeper is told.
#[derive(Clone, Copy, PartialEq)]
pub enum Call {
    /// Nothing: it sleeps on.
    None,
    /// To take the call, and to sleep again.
    Wake,
    /// To end.
    End,
}

/// Where one thread sleeps: a mutex and a condition variable.
pub trait Bed: Send + Sync + 'static {
    fn new() -> Self;
    /// Sleeps, and takes each call, until the end.
    fn sleep(&self);
    /// Leaves a call and notifies, unless the last call is not taken yet. The end replaces any
    /// call.
    fn call(&self, call: Call) -> bool;
}

macro_rules! beds {
    ($($(#[$meta:meta])* $bed:ident: $mutex:ty, $condvar:ty;)*) => {
        $($(#[$meta])*
        pub struct $bed {
            call: $mutex,
            called: $condvar,
        }

        impl Bed for $bed {
            fn new() -> Self {
                $bed { call: <$mutex>::new(Call::None), called: <$condvar>::new() }
            }

            fn sleep(&self) {
                let mut call = self.call.lock();
                loop {
                    match *call {
                        Call::None => self.called.wait(&mut call),
                        Call::Wake => *call = Call::None,
                        Call::End => return,
                    }
                }
            }

            #[inline]
            fn call(&self, new: Call) -> bool {
                let mut call = self.call.lock();
                if *call != Call::None && new != Call::End {
                    return false;
                }
                *call = new;
                drop(call);
                self.called.notify_one();
                true
            }
        })*
    };
}

beds! {
    /// Of `linchpin::futex`.
    Linchpin: linchpin::futex::Mutex<Call>, linchpin::futex::Condvar;
    /// Of `parking_lot`.
    ParkingLot: parking_lot::Mutex<Call>, parking_lot::Condvar;
}

/// Beds with a sleeper in each, until this is dropped.
struct Dormitory<B: Bed> {
    beds: Arc<Vec<CachePadded<B>>>,
    sleepers: Vec<JoinHandle<()>>,
}

impl<B: Bed> Dormitory<B> {
    fn new(number: usize) -> Self {
        let beds: Vec<_> = (0..number).map(|_| CachePadded::new(B::new())).collect();
        let mut dormitory = Dormitory {
            beds: Arc::new(beds),
            sleepers: vec![],
        };
        for bed in 0..number {
            let beds = Arc::clone(&dormitory.beds);
            dormitory.sleepers.push(spawn_small(move || beds[bed].sleep()));
        }
        settle();
        dormitory
    }
}

impl<B: Bed> Drop for Dormitory<B> {
    fn drop(&mut self) {
        for bed in &*self.beds {
            bed.call(Call::End);
        }
        join(&mut self.sleepers);
    }
}

/// Notifications of `number` sleepers, each of one that is taken at random and sleeps again after
/// it.
pub fn notifications<B: Bed>(number: usize) -> Job {
    let dormitory = Dormitory::<B>::new(number);
    Arc::new(move |worker| {
        let mut random = Numbers::new();
        worker.run(1, || while !dormitory.beds[random.below(number)].call(Call::Wake) {})
    })
}

/// Locks that one thread holds, with a thread asleep for each, until this is dropped.
struct Blocked {
    threads: Vec<JoinHandle<()>>,
    gate: Arc<Gate>,
}

impl Blocked {
    fn new<R: lock_api::RawMutex + Send + Sync + 'static>(number: usize) -> Self {
        let lock = || CachePadded::new(lock_api::Mutex::<R, ()>::new(()));
        let locks: Arc<Vec<_>> = Arc::new((0..number).map(|_| lock()).collect());
        let mut blocked = Blocked {
            threads: vec![],
            gate: Arc::default(),
        };
        let (report, held) = channel();
        let (all, gate) = (Arc::clone(&locks), Arc::clone(&blocked.gate));
        blocked.threads.push(spawn_small(move || {
            let _held: Vec<_> = all.iter().map(|lock| lock.lock()).collect();
            report.send(()).expect("the main thread waits for this");
            gate.wait();
        }));
        held.recv().expect("the holder reports");
        for number in 0..number {
            let locks = Arc::clone(&locks);
            blocked.threads.push(spawn_small(move || drop(locks[number].lock())));
        }
        settle();
        blocked
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        self.gate.open();
        join(&mut self.threads);
    }
}

/// `job`, with so many threads asleep for other locks of the kind `R`.
pub fn beside_blocked<R: lock_api::RawMutex + Send + Sync + 'static>(number: usize, job: Job) -> Job {
    let blocked = Blocked::new::<R>(number);
    Arc::new(move |worker| {
        let _ = &blocked;
        job(worker)
    })
}
