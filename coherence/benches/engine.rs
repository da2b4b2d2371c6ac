//! How fast the simulator is: accesses a second of real time. Each group sets its throughput to the
//! accesses it simulates.

#![allow(missing_docs)]

use coherence::Machine;
use coherence::sync::atomic::{AtomicU64, Ordering::Relaxed};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_utils::CachePadded;

#[path = "../tests/locks/mod.rs"]
mod locks;
use locks::{Lock, Mcs, Packed};

/// Accesses of each simulated thread in one iteration.
const ACCESSES: u64 = 20_000;

fn padded(threads: usize) -> Vec<CachePadded<AtomicU64>> {
    (0..threads).map(|_| CachePadded::default()).collect()
}

fn accesses(c: &mut Criterion) {
    let mut group = c.benchmark_group("accesses");
    for threads in [1, 2, 64] {
        let machine = Machine::flat(threads);
        group.throughput(Throughput::Elements(ACCESSES * threads as u64));
        group.bench_function(format!("hits, {threads} threads"), |b| {
            let counters = padded(threads);
            b.iter(|| {
                coherence::run(&machine, threads, |i| {
                    for _ in 0..ACCESSES {
                        counters[i].fetch_add(1, Relaxed);
                    }
                })
            });
        });
        if threads == 1 {
            continue;
        }
        group.bench_function(format!("every access a miss, {threads} threads"), |b| {
            let counter = CachePadded::new(AtomicU64::new(0));
            b.iter(|| {
                coherence::run(&machine, threads, |_| {
                    for _ in 0..ACCESSES {
                        counter.fetch_add(1, Relaxed);
                    }
                })
            });
        });
    }
    group.finish();
}

fn many_lines(c: &mut Criterion) {
    const LINES: usize = 4096;
    let machine = Machine::flat(2);
    let mut group = c.benchmark_group("accesses");
    group.throughput(Throughput::Elements(2 * ACCESSES));
    group.bench_function(format!("over {LINES} lines, 2 threads"), |b| {
        let counters = padded(2 * LINES);
        b.iter(|| {
            coherence::run(&machine, 2, |i| {
                for n in 0..ACCESSES as usize {
                    counters[2 * (n * 7 % LINES) + i].fetch_add(1, Relaxed);
                }
            })
        });
    });
    group.finish();
}

fn mcs(c: &mut Criterion) {
    const ACQUISITIONS: u64 = 1000;
    const THREADS: usize = 64;
    let mut group = c.benchmark_group("mcs, 1,000 acquisitions each");
    group.sample_size(10);
    let machine = Machine::flat(THREADS);
    group.throughput(Throughput::Elements(ACQUISITIONS * THREADS as u64));
    group.bench_function(format!("{THREADS} threads"), |b| {
        b.iter(|| {
            let lock = Mcs::<Packed>::new(THREADS);
            coherence::run(&machine, THREADS, |i| {
                (0..ACQUISITIONS).for_each(|_| lock.with_lock(i, &|| ()))
            })
        });
    });
    group.finish();
}

criterion_group!(benches, accesses, many_lines, mcs);
criterion_main!(benches);
