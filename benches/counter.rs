//! Counters against a `fetch_add` on a shared word, on neighbouring words and on padded words, under criterion.

mod harness;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use harness::{ThreadConfig, Workers, cores, counters};

fn adds(criterion: &mut Criterion) {
    for threads in [1, cores(), 4 * cores()] {
        let workers = Workers::new(ThreadConfig::of(threads));
        let mut group = criterion.benchmark_group(format!("add, {threads} threads"));
        group.throughput(Throughput::Elements(1));
        for (name, job) in counters::ALL {
            let job = job();
            group.bench_function(name, |bencher| bencher.iter_custom(|adds| workers.finish(&job, adds)));
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = harness::criterion();
    targets = adds
}
criterion_main!(benches);
