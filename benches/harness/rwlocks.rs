//! The reader-writer locks that are measured, ours and the peers', behind one face.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use hdrhistogram::Histogram;
use linchpin::CachePadded;

use super::locks::{LONGEST, Tail};
use super::{Job, work};

/// A reader-writer lock over a number.
pub trait ReaderWriter: Send + Sync + 'static {
    fn new() -> Self;
    fn read(&self) -> u64;
    /// Reads, with so many rounds of work meanwhile.
    fn read_for(&self, rounds: u32);
    fn write<R>(&self, change: impl FnOnce(&mut u64) -> R) -> R;
}

macro_rules! reader_writer {
    ($($lock:ty => |$held:ident| $read:expr, $write:expr),* $(,)?) => {
        $(impl ReaderWriter for $lock {
            fn new() -> Self {
                <$lock>::new(0)
            }
            #[inline]
            fn read(&self) -> u64 {
                let $held = self;
                *$read
            }
            #[inline]
            fn read_for(&self, rounds: u32) {
                let $held = self;
                let reader = $read;
                work(rounds);
                black_box(*reader);
            }
            #[inline]
            fn write<R>(&self, change: impl FnOnce(&mut u64) -> R) -> R {
                let $held = self;
                change(&mut $write)
            }
        })*
    };
}

reader_writer! {
    linchpin::futex::RwLock<u64> => |lock| lock.read(), lock.write(),
    linchpin::spin::RwLock<u64> => |lock| lock.read(), lock.write(),
    usync::RwLock<u64> => |lock| lock.read(), lock.write(),
    parking_lot::RwLock<u64> => |lock| lock.read(), lock.write(),
    spin::RwLock<u64> => |lock| lock.read(), lock.write(),
    std::sync::RwLock<u64> => |lock| lock.read().expect("no section panics"), lock.write().expect("no section panics"),
}

/// Reads, of which every `one_in`-th is a write instead; none is, if that is 0.
pub fn reads_and_writes<L: ReaderWriter>(one_in: u64) -> Job {
    let lock = CachePadded::new(L::new());
    Arc::new(move |worker| {
        let mut turn = 0;
        worker.run(1, || {
            turn += 1;
            if one_in > 0 && turn % one_in == 0 {
                lock.write(|total| *total += 1);
            } else {
                black_box(lock.read());
            }
        })
    })
}

/// A thread that writes, with `outside` rounds of work after each write, and the others, which read,
/// with `section` rounds of work in each read. The time that each write takes to acquire goes to
/// `tail`.
pub fn writes_beside_readers<L: ReaderWriter>(section: u32, outside: u32, tail: Option<Tail>) -> Job {
    let lock = CachePadded::new(L::new());
    Arc::new(move |worker| {
        if worker.thread > 0 {
            return worker.run(1, || lock.read_for(section));
        }
        let Some(tail) = &tail else {
            return worker.run(1, || {
                lock.write(|total| *total += 1);
                work(outside);
            });
        };
        let mut times = Histogram::<u64>::new_with_bounds(1, LONGEST, 3).expect("these bounds are allowed");
        let writes = worker.run(1, || {
            let before = Instant::now();
            let waited = lock.write(|total| {
                *total += 1;
                before.elapsed()
            });
            times.saturating_record(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX));
            work(outside);
        });
        tail.lock()
            .expect("no section panics")
            .add(times)
            .expect("they have the same range");
        writes
    })
}
