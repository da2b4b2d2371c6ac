//! Spin locks against their peers, under criterion: one lock and unlock, alone and contended.
//!
//! `cargo xtask bench` is the better picture of contention: it lets the contestants take turns, and tells fairness and
//! tails. This is for following one lock over time.

mod arena;

use arena::locks::{Load, passages};
use arena::rwlocks::reads_and_writes;
use arena::{Crew, Crowd, Job, cores};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn mutexes(criterion: &mut Criterion) {
    let load = Load { section: 0, outside: 0 };
    let contestants: [(&str, Job); 8] = [
        ("linchpin Mutex", passages::<linchpin::spin::Mutex<u64>>(load)),
        ("linchpin TasMutex", passages::<linchpin::spin::TasMutex<u64>>(load)),
        (
            "linchpin TicketMutex",
            passages::<linchpin::spin::TicketMutex<u64>>(load),
        ),
        ("std", passages::<std::sync::Mutex<u64>>(load)),
        ("parking_lot", passages::<parking_lot::Mutex<u64>>(load)),
        ("spin", passages::<spin::mutex::SpinMutex<u64>>(load)),
        ("spin ticket", passages::<spin::mutex::TicketMutex<u64>>(load)),
        ("mcslock yields", passages::<mcslock::raw::yields::Mutex<u64>>(load)),
    ];
    compare(criterion, "mutex", &contestants);
}

fn rwlocks(criterion: &mut Criterion) {
    let contestants: [(&str, Job); 4] = [
        ("linchpin RwLock", reads_and_writes::<linchpin::spin::RwLock<u64>>(20)),
        ("std RwLock", reads_and_writes::<std::sync::RwLock<u64>>(20)),
        ("parking_lot RwLock", reads_and_writes::<parking_lot::RwLock<u64>>(20)),
        ("spin RwLock", reads_and_writes::<spin::RwLock<u64>>(20)),
    ];
    compare(criterion, "rwlock, 1 write in 20", &contestants);
}

fn compare(criterion: &mut Criterion, family: &str, contestants: &[(&str, Job)]) {
    for threads in [1, cores(), 4 * cores()] {
        let crew = Crew::new(Crowd::of(threads));
        let mut group = criterion.benchmark_group(format!("{family}, {threads} threads"));
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
    targets = mutexes, rwlocks
}
criterion_main!(benches);
