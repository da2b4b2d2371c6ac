//! Stacks against Treiber's on crossbeam-epoch and vectors behind locks, under criterion: a push and a pop, again and again.

mod harness;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use harness::stacks::{EpochTreiber, pairs};
use harness::{Job, ThreadConfig, Workers, cores};
#[cfg(feature = "epoch")]
use linchpin::stack::EpochStack;
use linchpin::stack::{HazardStack, TaggedStack};

type Start = fn() -> Job;

fn push_and_pop(criterion: &mut Criterion) {
    for threads in [1, cores(), 4 * cores()] {
        let workers = Workers::new(ThreadConfig::of(threads));
        let mut group = criterion.benchmark_group(format!("push and pop, {threads} threads"));
        group.throughput(Throughput::Elements(1));
        let subjects: &[(&str, Start)] = &[
            ("linchpin TaggedStack", pairs::<TaggedStack<u64>>),
            ("linchpin HazardStack", pairs::<HazardStack<u64>>),
            #[cfg(feature = "epoch")]
            ("linchpin EpochStack", pairs::<EpochStack<u64>>),
            ("Treiber on crossbeam-epoch", pairs::<EpochTreiber>),
            ("std Mutex<Vec>", pairs::<std::sync::Mutex<Vec<u64>>>),
            ("parking_lot Mutex<Vec>", pairs::<parking_lot::Mutex<Vec<u64>>>),
        ];
        for (name, job) in subjects {
            let job = job();
            group.bench_function(*name, |bencher| {
                bencher.iter_custom(|operations| workers.finish(&job, operations))
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = harness::criterion();
    targets = push_and_pop
}
criterion_main!(benches);
