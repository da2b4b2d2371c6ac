//! The deques and injectors that are measured, and the loads: an owner alone, with a thief, producers and consumers.

use std::collections::VecDeque;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use linchpin::CachePadded;
use linchpin::deque::{self, block};

use super::{Job, WorkerCtx};

/// Operations between two looks at whether the heat is over.
const BATCH: u64 = 64;
/// How many elements an owner pushes before it pops as many.
const BURST: u64 = 256;
/// How many elements lie in a deque at most.
const MOST: u64 = 2048;

/// The owner of a deque.
pub trait Owner: Send + 'static {
    fn new() -> Self;
    fn push(&self, element: u64);
    fn pop(&self) -> Option<u64>;
}

/// A deque from which threads steal.
pub trait Shared: Owner {
    type Thief: Send + Sync + 'static;
    fn thief(&self) -> Self::Thief;
    /// Steals one, or nothing.
    fn steal(thief: &Self::Thief) -> Option<u64>;
    /// Steals several into `own`, which is empty, and pops them all; returns how many there were.
    fn steal_batch(thief: &Self::Thief, own: &Self) -> u64;
}

/// A queue that all threads push to and pop from.
pub trait Queue: Send + Sync + 'static {
    fn new() -> Self;
    fn push(&self, element: u64);
    /// The oldest; `None` if there was none, or another thread was faster.
    fn steal(&self) -> Option<u64>;
}

/// A deque as made by one of its constructors.
pub struct Lifo<W>(W);
/// The same as a FIFO queue.
pub struct Fifo<W>(W);

macro_rules! chase_lev {
    ($($wrapper:ident, $make:ident, $worker:ty, $stealer:ty;)*) => {$(
        impl Owner for $wrapper<$worker> {
            fn new() -> Self {
                $wrapper(<$worker>::$make())
            }
            #[inline]
            fn push(&self, element: u64) {
                self.0.push(element);
            }
            #[inline]
            fn pop(&self) -> Option<u64> {
                self.0.pop()
            }
        }

        impl Shared for $wrapper<$worker> {
            type Thief = $stealer;
            fn thief(&self) -> $stealer {
                self.0.stealer()
            }
            #[inline]
            fn steal(thief: &$stealer) -> Option<u64> {
                thief.steal().success()
            }
            #[inline]
            fn steal_batch(thief: &$stealer, own: &Self) -> u64 {
                let first = thief.steal_batch_and_pop(&own.0).success();
                first.into_iter().chain(std::iter::from_fn(|| own.0.pop())).map(black_box).count() as u64
            }
        }
    )*};
}

chase_lev! {
    Lifo, new_lifo, deque::Worker<u64>, deque::Stealer<u64>;
    Fifo, new_fifo, deque::Worker<u64>, deque::Stealer<u64>;
    Lifo, new_lifo, block::Worker<u64>, block::Stealer<u64>;
    Fifo, new_fifo, block::Worker<u64>, block::Stealer<u64>;
    Lifo, new_lifo, crossbeam_deque::Worker<u64>, crossbeam_deque::Stealer<u64>;
    Fifo, new_fifo, crossbeam_deque::Worker<u64>, crossbeam_deque::Stealer<u64>;
}

impl Owner for st3::lifo::Worker<u64> {
    fn new() -> Self {
        st3::lifo::Worker::new(MOST as usize * 2)
    }
    #[inline]
    fn push(&self, element: u64) {
        st3::lifo::Worker::push(self, element).expect("there is room");
    }
    #[inline]
    fn pop(&self) -> Option<u64> {
        st3::lifo::Worker::pop(self)
    }
}

impl Shared for st3::lifo::Worker<u64> {
    type Thief = st3::lifo::Stealer<u64>;
    fn thief(&self) -> Self::Thief {
        self.stealer()
    }
    #[inline]
    fn steal(_: &Self::Thief) -> Option<u64> {
        unreachable!("it steals batches only")
    }
    #[inline]
    fn steal_batch(thief: &Self::Thief, own: &Self) -> u64 {
        match thief.steal_and_pop(own, |count| count.div_ceil(2).min(32)) {
            Ok((first, _)) => std::iter::once(first)
                .chain(std::iter::from_fn(|| own.pop()))
                .map(black_box)
                .count() as u64,
            Err(_) => 0,
        }
    }
}

/// What one would write without any of them.
type Locked = Arc<Mutex<VecDeque<u64>>>;

fn locked(deque: &Mutex<VecDeque<u64>>) -> std::sync::MutexGuard<'_, VecDeque<u64>> {
    deque.lock().expect("no thread panics")
}

impl Owner for Lifo<Locked> {
    fn new() -> Self {
        Lifo(Locked::default())
    }
    #[inline]
    fn push(&self, element: u64) {
        locked(&self.0).push_back(element);
    }
    #[inline]
    fn pop(&self) -> Option<u64> {
        locked(&self.0).pop_back()
    }
}

impl Shared for Lifo<Locked> {
    type Thief = Locked;
    fn thief(&self) -> Locked {
        Arc::clone(&self.0)
    }
    #[inline]
    fn steal(thief: &Locked) -> Option<u64> {
        locked(thief).pop_front()
    }
    #[inline]
    fn steal_batch(thief: &Locked, _: &Self) -> u64 {
        let mut from = locked(thief);
        let count = from.len().div_ceil(2).min(32);
        from.drain(..count).map(black_box).count() as u64
    }
}

macro_rules! queue {
    ($($queue:ty: $push:expr, $steal:expr;)*) => {$(
        impl Queue for $queue {
            fn new() -> Self {
                Self::default()
            }
            #[inline]
            fn push(&self, element: u64) {
                $push(self, element);
            }
            #[inline]
            fn steal(&self) -> Option<u64> {
                $steal(self)
            }
        }
    )*};
}

queue! {
    deque::Injector<u64>: deque::Injector::push, |queue: &Self| deque::Injector::steal(queue).success();
    crossbeam_deque::Injector<u64>:
        crossbeam_deque::Injector::push, |queue: &Self| crossbeam_deque::Injector::steal(queue).success();
    Mutex<VecDeque<u64>>:
        |queue: &Self, element| locked(queue).push_back(element), |queue: &Self| locked(queue).pop_front();
}

/// The owner pushes and pops, one by one or in bursts.
pub fn alone<D: Owner>(burst: bool) -> Job {
    let owner = Mutex::new(D::new());
    Arc::new(move |worker| {
        let owner = owner.lock().expect("no thread panics");
        let (times, count) = if burst { (1, BURST) } else { (BATCH, 1) };
        worker.run(times * count, || {
            for _ in 0..times {
                (0..count).for_each(|element| owner.push(black_box(element)));
                for _ in 0..count {
                    black_box(owner.pop());
                }
            }
        })
    })
}

/// One thread pushes two and pops one, or lets the others have all; they steal one by one, or in batches. What comes out counts.
pub fn stolen<D: Shared>(pops: bool, batches: bool) -> Job {
    let owner = D::new();
    let thief = owner.thief();
    let owner = Mutex::new(owner);
    let stolen = CachePadded::new(AtomicU64::new(0));
    let kept = AtomicU64::new(0);
    Arc::new(move |worker| {
        if worker.thread == 0 {
            let owner = owner.lock().expect("no thread panics");
            own(worker, &*owner, pops, &stolen, &kept)
        } else {
            let own = D::new();
            let mut done = 0;
            let mut last = (0, 0);
            while !worker.is_over(done) && !is_idle(&mut last, done) {
                for _ in 0..BATCH {
                    let count = if batches {
                        D::steal_batch(&thief, &own)
                    } else {
                        D::steal(&thief).map_or(0, |_| 1)
                    };
                    done += count;
                    stolen.fetch_add(count, Ordering::Relaxed);
                }
            }
            done
        }
    })
}

/// Whether a thread has got nothing for so long that the others must have ended: `last` is what it had, and how often since.
fn is_idle(last: &mut (u64, u32), done: u64) -> bool {
    *last = if last.0 == done { (done, last.1 + 1) } else { (done, 0) };
    last.1 > 1 << 14
}

/// The owner's part. It pushes no more while as many lie there as may.
fn own<D: Owner>(worker: &WorkerCtx, owner: &D, pops: bool, stolen: &AtomicU64, kept: &AtomicU64) -> u64 {
    // What is in the deque: pushed here, less what was popped, since the first heat.
    let mut balance = kept.load(Ordering::Relaxed);
    let mut done = 0;
    while !worker.is_over(done) {
        if balance.saturating_sub(stolen.load(Ordering::Relaxed)) < MOST {
            for element in 0..BATCH {
                owner.push(black_box(element));
            }
            balance += BATCH;
            done += if pops { 0 } else { BATCH };
        } else if !pops {
            spin_loop();
        }
        if pops {
            let popped = (0..BATCH / 2).filter(|_| owner.pop().map(black_box).is_some()).count() as u64;
            balance -= popped;
            done += popped;
        }
    }
    kept.store(balance, Ordering::Relaxed);
    done
}

/// One thread pushes and steals; of several, every other one pushes and every other one steals.
pub fn passed<Q: Queue>(threads: usize) -> Job {
    let queue = Q::new();
    let taken = CachePadded::new(AtomicU64::new(0));
    let pushed = CachePadded::new(AtomicU64::new(0));
    Arc::new(move |worker| {
        let mut done = 0;
        let mut last = (0, 0);
        while !worker.is_over(done) && (worker.thread % 2 == 0 || !is_idle(&mut last, done)) {
            if worker.thread % 2 == 0 && pushed.load(Ordering::Relaxed) < MOST + taken.load(Ordering::Relaxed) {
                (0..BATCH).for_each(|element| queue.push(black_box(element)));
                pushed.fetch_add(BATCH, Ordering::Relaxed);
                done += BATCH;
            }
            if worker.thread % 2 == 1 || threads == 1 {
                let got = (0..BATCH).filter(|_| queue.steal().map(black_box).is_some()).count() as u64;
                taken.fetch_add(got, Ordering::Relaxed);
                done += if threads == 1 { 0 } else { got };
            }
        }
        done
    })
}
