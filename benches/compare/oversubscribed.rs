//! More threads than cores, processes that keep the cores busy, and a writer among readers: where
//! waiting is decided by the scheduler.

use std::sync::Arc;

use crate::benchmark::{Benchmark, Subject};
use crate::families;
use crate::harness::locks::{Load, Lock, acquisitions, no_times, timed_acquisitions};
use crate::harness::rwlocks::{ReaderWriter, writes_beside_readers};
use crate::harness::{Beside, ThreadConfig, cores};

/// The configs of a mutex.
const THREADS: [usize; 6] = [3, 4, 8, 16, 32, 64];
/// The config in which the times to acquire are measured.
const TIMED: usize = 16;
/// Work in the critical section, and between two: some 1.6 ns each.
const LOADS: [(u32, u32); 6] = [(0, 0), (25, 25), (100, 100), (400, 400), (0, 400), (400, 0)];
/// How much longer than usual a run is beside busy processes: slices take milliseconds.
const SLICES: u32 = 4;
/// What a writer does between two writes: next to nothing, or for so long (some 50 us) that the
/// readers go about their reads meanwhile.
const PAUSES: [(&str, u32); 2] = [("often", 400), ("rarely", 50_000)];
/// What a reader does in a read.
const READS: [u32; 2] = [0, 100];

fn load((section, outside): (u32, u32)) -> Load {
    Load { section, outside }
}

fn mutexes(load: Load, config: ThreadConfig) -> Vec<Subject> {
    fn mutex<L: Lock>(name: &'static str, load: Load, config: ThreadConfig) -> Subject {
        let subject = Subject::new(name, acquisitions::<L>(load));
        if config.threads != TIMED {
            return subject;
        }
        let tail = no_times();
        subject.timed(timed_acquisitions::<L>(load, Arc::clone(&tail)), tail)
    }
    vec![
        mutex::<linchpin::futex::Mutex<u64>>("linchpin futex::Mutex", load, config),
        mutex::<std::sync::Mutex<u64>>("std", load, config),
        mutex::<parking_lot::Mutex<u64>>("parking_lot", load, config),
        mutex::<usync::Mutex<u64>>("usync", load, config),
    ]
}

/// Queue locks and spin locks where there are more threads than cores, against locks that sleep.
fn fair_and_spinning(load: Load) -> Vec<Subject> {
    vec![
        Subject::new(
            "linchpin queue::McsMutex",
            acquisitions::<linchpin::queue::McsMutex<u64>>(load),
        ),
        Subject::new(
            "linchpin queue::ClhMutex",
            acquisitions::<linchpin::queue::ClhMutex<u64>>(load),
        ),
        Subject::new("linchpin spin::Mutex", acquisitions::<linchpin::spin::Mutex<u64>>(load)),
        Subject::new(
            "linchpin spin::TicketMutex",
            acquisitions::<linchpin::spin::TicketMutex<u64>>(load),
        ),
        Subject::new("std", acquisitions::<std::sync::Mutex<u64>>(load)),
        Subject::new("parking_lot", acquisitions::<parking_lot::Mutex<u64>>(load)),
        Subject::new("spin", acquisitions::<spin::mutex::SpinMutex<u64>>(load)),
    ]
}

fn writers(section: u32, outside: u32) -> Vec<Subject> {
    fn writer<L: ReaderWriter>(name: &'static str, section: u32, outside: u32) -> Subject {
        let tail = no_times();
        let timed = writes_beside_readers::<L>(section, outside, Some(Arc::clone(&tail)));
        Subject::new(name, writes_beside_readers::<L>(section, outside, None)).timed(timed, tail)
    }
    vec![
        writer::<linchpin::futex::RwLock<u64>>("linchpin futex::RwLock", section, outside),
        writer::<std::sync::RwLock<u64>>("std", section, outside),
        writer::<parking_lot::RwLock<u64>>("parking_lot", section, outside),
    ]
}

/// These benchmarks.
pub fn benchmarks() -> Vec<Benchmark> {
    let mut benchmarks = vec![];
    for (section, outside) in LOADS {
        let load = load((section, outside));
        let name = format!("mutex: {section}/{outside}");
        let benchmark = Benchmark::new(name, &THREADS.map(ThreadConfig::of), move |config| {
            mutexes(load, config)
        });
        benchmarks.push(benchmark.by_threads());
    }

    for (section, outside) in [LOADS[0], (40, 40)] {
        let load = load((section, outside));
        let name = format!("fair and spinning locks: {section}/{outside}");
        let configs = [2, 4, 16, 64].map(ThreadConfig::of);
        benchmarks.push(Benchmark::new(name, &configs, move |_| fair_and_spinning(load)).by_threads());
    }

    let busy = |threads, number| ThreadConfig::of(threads).beside(Beside::BusyPerCore(number));
    let turns = "condition variables beside busy processes: two threads take turns";
    let configs = [1, 2, 4].map(|number| busy(2, number));
    benchmarks.push(Benchmark::new(turns, &configs, |_| families::condvars()).slow(SLICES));
    let configs = [cores(), 2 * cores()].map(|threads| busy(threads, 1));
    for (section, outside) in [LOADS[0], LOADS[2]] {
        let load = load((section, outside));
        let name = format!("mutex beside busy processes: {section}/{outside}");
        benchmarks.push(Benchmark::new(name, &configs, move |config| mutexes(load, config)).slow(SLICES));
    }
    let (section, outside) = LOADS[1];
    for (family, subjects) in [
        ("spin locks", families::spin_locks as fn(Load) -> Vec<Subject>),
        ("queue locks", families::queue_locks),
    ] {
        let load = load((section, outside));
        let name = format!("{family} beside busy processes: {section}/{outside}");
        let benchmark = Benchmark::new(name, &configs, move |_| {
            subjects(load).into_iter().map(Subject::untimed).collect()
        });
        benchmarks.push(benchmark.slow(SLICES));
    }

    for (how_often, outside) in PAUSES {
        for section in READS {
            let name = format!("a writer beside 2 readers: writes {how_often}, reads of {section}");
            let benchmark = Benchmark::new(name, &[ThreadConfig::of(3)], move |_| writers(section, outside));
            benchmarks.push(benchmark.slow(2));
        }
    }
    benchmarks
}
