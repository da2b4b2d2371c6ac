//! The families of primitives, each against its peers under the usual loads.

use std::sync::Arc;
use std::time::Duration;

use crate::benchmark::{Benchmark, Subject};
use crate::harness::condvars::{self, turns};
use crate::harness::locks::{Load, Lock, acquisitions, no_times, timed_acquisitions};
#[cfg(target_os = "linux")]
use crate::harness::pthreads::{PthreadMutex, PthreadPiMutex};
use crate::harness::rwlocks::{ReaderWriter, reads_and_writes};
use crate::harness::{ThreadConfig, Workers, cores, counters};

/// A short critical section is one increment; a long one, and the work outside, some 40 ns.
const WORK: u32 = 25;

/// The loads of a lock, and their names.
const LOADS: [(&str, Load); 4] = [
    ("short section, no work outside", Load { section: 0, outside: 0 }),
    (
        "short section, work outside",
        Load {
            section: 0,
            outside: WORK,
        },
    ),
    (
        "long section, no work outside",
        Load {
            section: WORK,
            outside: 0,
        },
    ),
    (
        "long section, work outside",
        Load {
            section: WORK,
            outside: WORK,
        },
    ),
];

fn lock<L: Lock>(name: &'static str, load: Load) -> Subject {
    let tail = no_times();
    Subject::new(name, acquisitions::<L>(load)).timed(timed_acquisitions::<L>(load, Arc::clone(&tail)), tail)
}

pub fn spin_locks(load: Load) -> Vec<Subject> {
    vec![
        lock::<linchpin::spin::Mutex<u64>>("linchpin spin::Mutex", load),
        lock::<linchpin::spin::TasMutex<u64>>("linchpin spin::TasMutex", load),
        lock::<linchpin::spin::TicketMutex<u64>>("linchpin spin::TicketMutex", load),
        lock::<linchpin::spin::RwLock<u64>>("linchpin spin::RwLock, write", load),
        lock::<spin::mutex::SpinMutex<u64>>("spin", load),
        lock::<spin::mutex::TicketMutex<u64>>("spin ticket", load),
        lock::<std::sync::Mutex<u64>>("std", load),
    ]
}

fn sleeping_locks(load: Load) -> Vec<Subject> {
    vec![
        lock::<linchpin::futex::Mutex<u64>>("linchpin futex::Mutex", load),
        lock::<std::sync::Mutex<u64>>("std", load),
        lock::<parking_lot::Mutex<u64>>("parking_lot", load),
        lock::<usync::Mutex<u64>>("usync", load),
        #[cfg(target_os = "linux")]
        lock::<PthreadMutex>("pthread", load),
    ]
}

/// Threads of one priority, which is not what these are for: this is what the promise costs.
#[cfg(target_os = "linux")]
fn priority_inheriting_locks(load: Load) -> Vec<Subject> {
    vec![
        lock::<linchpin::futex::PiMutex<u64>>("linchpin futex::PiMutex", load),
        lock::<PthreadPiMutex>("pthread, PRIO_INHERIT", load),
    ]
}

pub fn queue_locks(load: Load) -> Vec<Subject> {
    vec![
        lock::<linchpin::queue::McsMutex<u64>>("linchpin queue::McsMutex", load),
        lock::<linchpin::queue::ClhMutex<u64>>("linchpin queue::ClhMutex", load),
        lock::<mcslock::raw::spins::Mutex<u64>>("mcslock spins", load),
        lock::<mcslock::raw::yields::Mutex<u64>>("mcslock yields", load),
        lock::<std::sync::Mutex<u64>>("std", load),
    ]
}

fn reader<L: ReaderWriter>(name: &'static str, one_in: u64) -> Subject {
    Subject::new(name, reads_and_writes::<L>(one_in))
}

fn rwlocks(one_in: u64) -> Vec<Subject> {
    vec![
        reader::<linchpin::futex::RwLock<u64>>("linchpin futex::RwLock", one_in),
        reader::<linchpin::spin::RwLock<u64>>("linchpin spin::RwLock", one_in),
        reader::<std::sync::RwLock<u64>>("std", one_in),
        reader::<parking_lot::RwLock<u64>>("parking_lot", one_in),
        reader::<usync::RwLock<u64>>("usync", one_in),
        reader::<spin::RwLock<u64>>("spin", one_in),
    ]
}

pub fn condvars() -> Vec<Subject> {
    vec![
        Subject::new("linchpin futex::Condvar", turns::<condvars::Linchpin>()),
        Subject::new("std", turns::<condvars::Std>()),
        Subject::new("parking_lot", turns::<condvars::ParkingLot>()),
    ]
}

fn adds() -> Vec<Subject> {
    counters::ALL
        .iter()
        .map(|&(name, job)| Subject::new(name, job()))
        .collect()
}

/// Lets threads that are not pinned wait for a ticket, as users' threads do: that is when it is found out how many can
/// run at once, and threads that are pinned would be told less.
pub fn unpinned_first() {
    let config = ThreadConfig::of(4 * cores());
    let tickets = acquisitions::<linchpin::spin::TicketMutex<u64>>(Load {
        section: WORK,
        outside: 0,
    });
    Workers::new(config).measure(&tickets, Duration::from_millis(100));
}

/// The usual loads, in this order.
pub fn benchmarks() -> Vec<Benchmark> {
    let cores = cores();
    let config = 4 * cores;
    // Alone, one thread for each core, more, many more, and everything on one CPU.
    let mut configs: Vec<ThreadConfig> = [1, cores, 2 * cores, 8 * cores].map(ThreadConfig::of).into();
    configs.dedup();
    configs.push(ThreadConfig::on_one_cpu(config));

    let mut benchmarks = vec![];
    for (family, subjects) in [
        ("spin locks", spin_locks as fn(Load) -> Vec<Subject>),
        ("sleeping locks", sleeping_locks),
        ("queue locks", queue_locks),
    ] {
        benchmarks.extend(
            LOADS.map(|(name, load)| Benchmark::new(format!("{family}: {name}"), &configs, move |_| subjects(load))),
        );
    }
    #[cfg(target_os = "linux")]
    benchmarks.push(Benchmark::new(
        format!("locks with priority inheritance: {}", LOADS[0].0),
        &configs,
        |_| priority_inheriting_locks(LOADS[0].1),
    ));
    for (name, one_in) in [
        ("reads only", 0),
        ("1 write in 20", 20),
        ("1 write in 2", 2),
        ("writes only", 1),
    ] {
        let name = format!("reader-writer locks: {name}");
        benchmarks.push(Benchmark::new(name, &configs, move |_| rwlocks(one_in)));
    }
    benchmarks.push(Benchmark::new(
        "condition variables: two threads take turns",
        &[ThreadConfig::of(2), ThreadConfig::on_one_cpu(2)],
        |_| condvars(),
    ));
    benchmarks.push(Benchmark::new(
        "counters: adds",
        &[1, cores, config].map(ThreadConfig::of),
        |_| adds(),
    ));
    benchmarks
}
