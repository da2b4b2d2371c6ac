//! Protecting objects and retiring them, by hazard pointers and by what the peers do, under criterion.

mod arena;

use arena::reclamation::{PROTECT, RETIRE, Start};
use arena::{Crew, Crowd, cores};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn measure(criterion: &mut Criterion, what: &str, contestants: &[(&str, Start)]) {
    for threads in [1, cores(), 4 * cores()] {
        let crew = Crew::new(Crowd::of(threads));
        let mut group = criterion.benchmark_group(format!("{what}, {threads} threads"));
        group.throughput(Throughput::Elements(1));
        for (name, job) in contestants {
            let job = job();
            group.bench_function(*name, |bencher| {
                bencher.iter_custom(|operations| crew.finish(&job, operations))
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
    config = arena::criterion();
    targets = protect, retire
}
criterion_main!(benches);
