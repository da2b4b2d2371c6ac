//! The locks that are measured, ours and the peers', behind one face.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use hdrhistogram::Histogram;
use linchpin::CachePadded;

use super::numbers::Numbers;
use super::{Job, work};

/// A lock over a number.
pub trait Lock: Send + Sync + 'static {
    /// What a thread brings along: a queue node, where the lock wants one.
    type Node;
    fn new() -> Self;
    fn node() -> Self::Node;
    fn with<R>(&self, node: &mut Self::Node, section: impl FnOnce(&mut u64) -> R) -> R;
}

macro_rules! guarded {
    ($($lock:ty => |$held:ident| $acquire:expr),* $(,)?) => {
        $(impl Lock for $lock {
            type Node = ();
            fn new() -> Self {
                <$lock>::new(0)
            }
            fn node() {}
            #[inline]
            fn with<R>(&self, (): &mut (), section: impl FnOnce(&mut u64) -> R) -> R {
                let $held = self;
                section(&mut $acquire)
            }
        })*
    };
}

guarded! {
    linchpin::spin::Mutex<u64> => |lock| lock.lock(),
    linchpin::spin::TasMutex<u64> => |lock| lock.lock(),
    linchpin::spin::TicketMutex<u64> => |lock| lock.lock(),
    linchpin::spin::RwLock<u64> => |lock| lock.write(),
    linchpin::futex::Mutex<u64> => |lock| lock.lock(),
    linchpin::queue::McsMutex<u64> => |lock| lock.lock(),
    linchpin::queue::ClhMutex<u64> => |lock| lock.lock(),
    std::sync::Mutex<u64> => |lock| lock.lock().expect("no section panics"),
    parking_lot::Mutex<u64> => |lock| lock.lock(),
    spin::mutex::SpinMutex<u64> => |lock| lock.lock(),
    spin::mutex::TicketMutex<u64> => |lock| lock.lock(),
    usync::Mutex<u64> => |lock| lock.lock(),
}

#[cfg(target_os = "linux")]
guarded! {
    linchpin::futex::PiMutex<u64> => |lock| lock.lock().expect("no thread dies, and this kernel has such locks"),
}

macro_rules! queued {
    ($($lock:ty),* $(,)?) => {
        $(impl Lock for $lock {
            type Node = mcslock::raw::MutexNode;
            fn new() -> Self {
                <$lock>::new(0)
            }
            fn node() -> Self::Node {
                mcslock::raw::MutexNode::new()
            }
            #[inline]
            fn with<R>(&self, node: &mut Self::Node, section: impl FnOnce(&mut u64) -> R) -> R {
                self.lock_with_then(node, section)
            }
        })*
    };
}

queued!(mcslock::raw::spins::Mutex<u64>, mcslock::raw::yields::Mutex<u64>);

/// How long a acquisition is, in rounds of [`work`].
#[derive(Clone, Copy)]
pub struct Load {
    /// Inside of the lock, beside the increment of a number.
    pub section: u32,
    /// Between two acquisitions.
    pub outside: u32,
}

/// Acquisitions through a lock of type `L`.
pub fn acquisitions<L: Lock>(load: Load) -> Job {
    let lock = CachePadded::new(L::new());
    Arc::new(move |worker| {
        let mut node = L::node();
        worker.run(1, || {
            lock.with(&mut node, |total| {
                *total += 1;
                work(load.section);
            });
            work(load.outside);
        })
    })
}

/// Acquisitions through `number` locks, one at random after another.
pub fn acquisitions_of_many<L: Lock>(number: usize) -> Job {
    let locks: Vec<L> = (0..number).map(|_| L::new()).collect();
    Arc::new(move |worker| {
        let (mut node, mut random) = (L::node(), Numbers::new());
        worker.run(1, || locks[random.below(number)].with(&mut node, |total| *total += 1))
    })
}

/// The times of acquisitions, in nanoseconds.
pub type Tail = Arc<Mutex<Histogram<u64>>>;

/// The longest acquisition that is told apart, in nanoseconds: a minute.
pub const LONGEST: u64 = 60_000_000_000;

/// A place for them.
pub fn no_times() -> Tail {
    let times = Histogram::new_with_bounds(1, LONGEST, 3).expect("these bounds are allowed");
    Arc::new(Mutex::new(times))
}

/// [`acquisitions`] with a clock at every eighth acquisition; the times go to `tail`.
pub fn timed_acquisitions<L: Lock>(load: Load, tail: Tail) -> Job {
    let lock = CachePadded::new(L::new());
    Arc::new(move |worker| {
        let mut node = L::node();
        let mut times = Histogram::<u64>::new_with_bounds(1, LONGEST, 3).expect("these bounds are allowed");
        let acquisitions = worker.run(8, || {
            for _ in 0..7 {
                lock.with(&mut node, |total| {
                    *total += 1;
                    work(load.section);
                });
                work(load.outside);
            }
            let before = Instant::now();
            let waited = lock.with(&mut node, |total| {
                *total += 1;
                let waited = before.elapsed();
                work(load.section);
                waited
            });
            times.saturating_record(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX));
            work(load.outside);
        });
        tail.lock()
            .expect("no section panics")
            .add(times)
            .expect("they have the same range");
        acquisitions
    })
}
