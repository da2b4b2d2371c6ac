//! Locks that sleep, and the condition variable, against their peers, under criterion: one lock and unlock, alone and
//! contended; one turn of two threads that pass it back and forth.
//!
//! `cargo xtask bench` is the better picture of contention: it lets the contestants take turns, and tells fairness and
//! tails. This is for following one lock over time.

mod arena;

use arena::condvars::{Linchpin, ParkingLot, Std, turns};
use arena::locks::{Load, passages};
#[cfg(target_os = "linux")]
use arena::pthreads::{PthreadMutex, PthreadPiMutex};
use arena::{Crew, Crowd, Job, cores};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn crowds() -> [Crowd; 3] {
    [1, cores(), 4 * cores()].map(Crowd::of)
}

fn mutexes(criterion: &mut Criterion) {
    let load = Load { section: 0, outside: 0 };
    let contestants: &[(&str, Job)] = &[
        ("linchpin Mutex", passages::<linchpin::futex::Mutex<u64>>(load)),
        ("std", passages::<std::sync::Mutex<u64>>(load)),
        ("parking_lot", passages::<parking_lot::Mutex<u64>>(load)),
        ("usync", passages::<usync::Mutex<u64>>(load)),
        #[cfg(target_os = "linux")]
        ("pthread", passages::<PthreadMutex>(load)),
    ];
    compare(criterion, "mutex", &crowds(), contestants);
}

/// Threads of one priority, which is not what these are for: this is what the promise costs.
#[cfg(target_os = "linux")]
fn priority_inheriting_mutexes(criterion: &mut Criterion) {
    let load = Load { section: 0, outside: 0 };
    let contestants = [
        ("linchpin PiMutex", passages::<linchpin::futex::PiMutex<u64>>(load)),
        ("pthread, PRIO_INHERIT", passages::<PthreadPiMutex>(load)),
    ];
    compare(criterion, "mutex with priority inheritance", &crowds(), &contestants);
}

#[cfg(not(target_os = "linux"))]
fn priority_inheriting_mutexes(_: &mut Criterion) {}

fn condvars(criterion: &mut Criterion) {
    let contestants = [
        ("linchpin Condvar", turns::<Linchpin>()),
        ("std Condvar", turns::<Std>()),
        ("parking_lot Condvar", turns::<ParkingLot>()),
    ];
    let crowds = [Crowd::of(2), Crowd::on_one_cpu(2), Crowd::of(8)];
    compare(criterion, "turns", &crowds, &contestants);
}

fn compare(criterion: &mut Criterion, family: &str, crowds: &[Crowd], contestants: &[(&str, Job)]) {
    for &crowd in crowds {
        let crew = Crew::new(crowd);
        let place = if crowd.one_cpu { " on one CPU" } else { "" };
        let mut group = criterion.benchmark_group(format!("{family}, {} threads{place}", crowd.threads));
        group.throughput(Throughput::Elements(1));
        for (name, job) in contestants {
            group.bench_function(*name, |bencher| {
                bencher.iter_custom(|passages| crew.finish(job, passages))
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = arena::criterion();
    targets = mutexes, priority_inheriting_mutexes, condvars
}
criterion_main!(benches);
