//! Protecting objects and retiring them, by hazard pointers and by what the peers do, under criterion.

mod harness;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use harness::reclamation::{PROTECT, RETIRE, Start};
use harness::{ThreadConfig, Workers, cores};

fn measure(criterion: &mut Criterion, what: &str, subjects: &[(&str, Start)]) {
    for threads in [1, cores(), 4 * cores()] {
        let workers = Workers::new(ThreadConfig::of(threads));
        let mut group = criterion.benchmark_group(format!("{what}, {threads} threads"));
        group.throughput(Throughput::Elements(1));
        for (name, job) in subjects {
            let job = job();
            group.bench_function(*name, |bencher| {
                bencher.iter_custom(|operations| workers.finish(&job, operations))
            });
        }
        group.finish();
    }
}

fn protect(criterion: &mut Criterion) {
    measure(criterion, "protect", &PROTECT);
}

fn retire(criterion: &mut Criterion) {
    measure(criterion, "retire", &RETIRE);
}

criterion_group! {
    name = benches;
    config = harness::criterion();
    targets = protect, retire
}
criterion_main!(benches);
