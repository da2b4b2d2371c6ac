//! Locks that sleep, and the condition variable, against their peers, under criterion: one lock and unlock, alone and
//! contended; one turn of two threads that pass it back and forth.
//!
//! `cargo xtask bench` is the better picture of contention: it lets the subjects take turns, and tells fairness and
//! tails. This is for following one lock over time.

mod harness;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use harness::condvars::{Linchpin, ParkingLot, Std, turns};
use harness::locks::{Load, acquisitions};
#[cfg(target_os = "linux")]
use harness::pthreads::{PthreadMutex, PthreadPiMutex};
use harness::{Job, ThreadConfig, Workers, cores};

fn configs() -> [ThreadConfig; 3] {
    [1, cores(), 4 * cores()].map(ThreadConfig::of)
}

fn mutexes(criterion: &mut Criterion) {
    let load = Load { section: 0, outside: 0 };
    let subjects: &[(&str, Job)] = &[
        ("linchpin Mutex", acquisitions::<linchpin::futex::Mutex<u64>>(load)),
        ("std", acquisitions::<std::sync::Mutex<u64>>(load)),
        ("parking_lot", acquisitions::<parking_lot::Mutex<u64>>(load)),
        ("usync", acquisitions::<usync::Mutex<u64>>(load)),
        #[cfg(target_os = "linux")]
        ("pthread", acquisitions::<PthreadMutex>(load)),
    ];
    compare(criterion, "mutex", &configs(), subjects);
}

/// Threads of one priority, which is not what these are for: this is what the promise costs.
#[cfg(target_os = "linux")]
fn priority_inheriting_mutexes(criterion: &mut Criterion) {
    let load = Load { section: 0, outside: 0 };
    let subjects = [
        ("linchpin PiMutex", acquisitions::<linchpin::futex::PiMutex<u64>>(load)),
        ("pthread, PRIO_INHERIT", acquisitions::<PthreadPiMutex>(load)),
    ];
    compare(criterion, "mutex with priority inheritance", &configs(), &subjects);
}

#[cfg(not(target_os = "linux"))]
fn priority_inheriting_mutexes(_: &mut Criterion) {}

fn condvars(criterion: &mut Criterion) {
    let subjects = [
        ("linchpin Condvar", turns::<Linchpin>()),
        ("std Condvar", turns::<Std>()),
        ("parking_lot Condvar", turns::<ParkingLot>()),
    ];
    let configs = [ThreadConfig::of(2), ThreadConfig::on_one_cpu(2), ThreadConfig::of(8)];
    compare(criterion, "turns", &configs, &subjects);
}

fn compare(criterion: &mut Criterion, family: &str, configs: &[ThreadConfig], subjects: &[(&str, Job)]) {
    for &config in configs {
        let workers = Workers::new(config);
        let place = if config.one_cpu { " on one CPU" } else { "" };
        let mut group = criterion.benchmark_group(format!("{family}, {} threads{place}", config.threads));
        group.throughput(Throughput::Elements(1));
        for (name, job) in subjects {
            group.bench_function(*name, |bencher| {
                bencher.iter_custom(|acquisitions| workers.finish(job, acquisitions))
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = harness::criterion();
    targets = mutexes, priority_inheriting_mutexes, condvars
}
criterion_main!(benches);
