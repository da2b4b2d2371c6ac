//! Spin locks against their peers, under criterion: one lock and unlock, alone and contended.
//!
//! `cargo xtask bench` is the better picture of contention: it lets the subjects take turns, and tells fairness and
//! tails. This is for following one lock over time.

mod harness;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use harness::locks::{Load, acquisitions};
use harness::rwlocks::reads_and_writes;
use harness::{Job, ThreadConfig, Workers, cores};

fn mutexes(criterion: &mut Criterion) {
    let load = Load { section: 0, outside: 0 };
    let subjects: [(&str, Job); 8] = [
        ("linchpin Mutex", acquisitions::<linchpin::spin::Mutex<u64>>(load)),
        ("linchpin TasMutex", acquisitions::<linchpin::spin::TasMutex<u64>>(load)),
        (
            "linchpin TicketMutex",
            acquisitions::<linchpin::spin::TicketMutex<u64>>(load),
        ),
        ("std", acquisitions::<std::sync::Mutex<u64>>(load)),
        ("parking_lot", acquisitions::<parking_lot::Mutex<u64>>(load)),
        ("spin", acquisitions::<spin::mutex::SpinMutex<u64>>(load)),
        ("spin ticket", acquisitions::<spin::mutex::TicketMutex<u64>>(load)),
        ("mcslock yields", acquisitions::<mcslock::raw::yields::Mutex<u64>>(load)),
    ];
    compare(criterion, "mutex", &subjects);
}

fn rwlocks(criterion: &mut Criterion) {
    let subjects: [(&str, Job); 4] = [
        ("linchpin RwLock", reads_and_writes::<linchpin::spin::RwLock<u64>>(20)),
        ("std RwLock", reads_and_writes::<std::sync::RwLock<u64>>(20)),
        ("parking_lot RwLock", reads_and_writes::<parking_lot::RwLock<u64>>(20)),
        ("spin RwLock", reads_and_writes::<spin::RwLock<u64>>(20)),
    ];
    compare(criterion, "rwlock, 1 write in 20", &subjects);
}

fn compare(criterion: &mut Criterion, family: &str, subjects: &[(&str, Job)]) {
    for threads in [1, cores(), 4 * cores()] {
        let workers = Workers::new(ThreadConfig::of(threads));
        let mut group = criterion.benchmark_group(format!("{family}, {threads} threads"));
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
    targets = mutexes, rwlocks
}
criterion_main!(benches);
