//! Thousands of locks, of sleepers, and of threads that were here once: nothing of that may cost a
//! thread that has nothing to do with them. And reads at the pace of a sampler.

use std::sync::Arc;

use crate::benchmark::{Benchmark, Source, Subject};
use crate::harness::asleep::{self, Bed, beside_blocked, notifications};
use crate::harness::locks::{Lock, acquisitions_of_many};
use crate::harness::periods::worst_phase;
use crate::harness::rwlocks::{ReaderWriter, reads_and_writes};
use crate::harness::{Beside, ThreadConfig};

/// Mutexes that one thread takes at random.
const MANY: usize = 1_000_000;
/// Sleepers on condition variables.
const SLEEPERS: [usize; 3] = [64, 1_024, 8_192];
/// Sleepers for locks that are held.
const BLOCKED: usize = 5_000;
/// Threads that have read once.
const READERS: [usize; 2] = [1_000, 10_000];
/// Reads and the write that follows them.
const ONE_WRITE_IN: u64 = 17;

/// How many sleepers a config has beside it.
fn asleep(config: ThreadConfig) -> usize {
    match config.beside {
        Beside::Asleep(number) => number,
        _ => 0,
    }
}

fn notified(config: ThreadConfig) -> Vec<Subject> {
    fn beds<B: Bed>(name: &'static str, number: usize) -> Subject {
        Subject::of(name, Source::Fresh(Box::new(move || notifications::<B>(number))))
    }
    vec![
        beds::<asleep::Linchpin>("linchpin futex::Condvar", asleep(config)),
        beds::<asleep::ParkingLot>("parking_lot", asleep(config)),
    ]
}

fn many_mutexes() -> Vec<Subject> {
    fn many<L: Lock>(name: &'static str) -> Subject {
        Subject::new(name, acquisitions_of_many::<L>(MANY))
    }
    vec![
        many::<linchpin::futex::Mutex<u64>>("linchpin futex::Mutex"),
        many::<std::sync::Mutex<u64>>("std"),
        many::<parking_lot::Mutex<u64>>("parking_lot"),
    ]
}

fn readers_beside_sleepers(config: ThreadConfig) -> Vec<Subject> {
    fn reader<L: ReaderWriter, R: lock_api::RawMutex + Send + Sync + 'static>(
        name: &'static str,
        number: usize,
    ) -> Subject {
        let reads = reads_and_writes::<L>(0);
        let fresh = move || beside_blocked::<R>(number, Arc::clone(&reads));
        Subject::of(name, Source::Fresh(Box::new(fresh)))
    }
    vec![
        reader::<linchpin::futex::RwLock<u64>, linchpin::futex::RawMutex>("linchpin futex::RwLock", asleep(config)),
        reader::<parking_lot::RwLock<u64>, parking_lot::RawMutex>("parking_lot", asleep(config)),
    ]
}

fn readers_beside_readers() -> Vec<Subject> {
    fn reader<L: ReaderWriter>(name: &'static str) -> Subject {
        Subject::new(name, reads_and_writes::<L>(ONE_WRITE_IN))
    }
    vec![
        reader::<linchpin::futex::RwLock<u64>>("linchpin futex::RwLock"),
        reader::<std::sync::RwLock<u64>>("std"),
        reader::<parking_lot::RwLock<u64>>("parking_lot"),
    ]
}

fn periods() -> Vec<Subject> {
    fn period<L: ReaderWriter>(name: &'static str, period: usize) -> Subject {
        Subject::of(name, Source::Own(Box::new(move || worst_phase::<L>(period))))
    }
    type Ours = linchpin::futex::RwLock<u64>;
    vec![
        period::<Ours>("linchpin, period 32", 32),
        period::<Ours>("linchpin, period 48", 48),
        period::<Ours>("linchpin, period 61", 61),
        period::<Ours>("linchpin, period 64", 64),
        period::<Ours>("linchpin, period 128", 128),
        period::<parking_lot::RwLock<u64>>("parking_lot, period 64", 64),
    ]
}

/// These benchmarks. The last of them leave their mark on a process, if a lock remembers each thread
/// that ever read.
pub fn benchmarks() -> Vec<Benchmark> {
    let alone = ThreadConfig::of(1);
    let configs = SLEEPERS.map(|number| alone.beside(Beside::Asleep(number)));
    let mut benchmarks = vec![
        Benchmark::new(
            "notify_one, each sleeper on its own condition variable",
            &configs,
            notified,
        )
        .slow(4)
        .costly(),
        Benchmark::new("a million mutexes at random", &[alone], |_| many_mutexes()).slow(2),
        Benchmark::new("reading with a period", &[alone], |_| periods()).costly(),
    ];
    let configs = [1, 2].map(|threads| ThreadConfig::of(threads).beside(Beside::Asleep(BLOCKED)));
    let name = "reader-writer locks beside sleepers for other locks: reads only";
    benchmarks.push(Benchmark::new(name, &configs, readers_beside_sleepers).costly());

    let mut configs = vec![];
    for number in READERS {
        for ended in [false, true] {
            let beside = Beside::HaveRead { threads: number, ended };
            configs.extend([1, 2].map(|threads| ThreadConfig::of(threads).beside(beside)));
        }
    }
    let name = "reader-writer locks beside threads that have read: 1 write to 16 reads";
    benchmarks.push(Benchmark::new(name, &configs, |_| readers_beside_readers()));
    benchmarks
}
