//! Deques and injectors against crossbeam-deque, st3 and a locked `VecDeque`, under criterion.

mod harness;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use harness::deques::{Fifo, Lifo, alone, passed, stolen};
use harness::{Job, ThreadConfig, Workers};
use linchpin::deque::{self, block};

type Locked = Arc<Mutex<VecDeque<u64>>>;

fn compare(criterion: &mut Criterion, name: &str, threads: usize, subjects: &[(&str, Job)]) {
    let workers = Workers::new(ThreadConfig::of(threads));
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(1));
    for (name, job) in subjects {
        group.bench_function(*name, |bencher| bencher.iter_custom(|count| workers.finish(job, count)));
    }
    group.finish();
}

fn owners(criterion: &mut Criterion) {
    for (name, burst) in [("LIFO push and pop", false), ("LIFO, 256 and 256", true)] {
        compare(
            criterion,
            name,
            1,
            &[
                ("linchpin", alone::<Lifo<deque::Worker<u64>>>(burst)),
                ("linchpin block", alone::<Lifo<block::Worker<u64>>>(burst)),
                ("crossbeam", alone::<Lifo<crossbeam_deque::Worker<u64>>>(burst)),
                ("st3", alone::<st3::lifo::Worker<u64>>(burst)),
                ("Mutex<VecDeque>", alone::<Lifo<Locked>>(burst)),
            ],
        );
    }
    compare(
        criterion,
        "FIFO push and pop",
        1,
        &[
            ("linchpin", alone::<Fifo<deque::Worker<u64>>>(false)),
            ("linchpin block", alone::<Fifo<block::Worker<u64>>>(false)),
            ("crossbeam", alone::<Fifo<crossbeam_deque::Worker<u64>>>(false)),
        ],
    );
}

fn thieves(criterion: &mut Criterion) {
    compare(
        criterion,
        "one owner, one thief",
        2,
        &[
            ("linchpin", stolen::<Lifo<deque::Worker<u64>>>(true, false)),
            ("linchpin block", stolen::<Lifo<block::Worker<u64>>>(true, false)),
            ("crossbeam", stolen::<Lifo<crossbeam_deque::Worker<u64>>>(true, false)),
        ],
    );
    compare(
        criterion,
        "one producer, one thief that steals batches",
        2,
        &[
            ("linchpin", stolen::<Fifo<deque::Worker<u64>>>(false, true)),
            ("linchpin block", stolen::<Fifo<block::Worker<u64>>>(false, true)),
            ("crossbeam", stolen::<Fifo<crossbeam_deque::Worker<u64>>>(false, true)),
        ],
    );
}

fn injectors(criterion: &mut Criterion) {
    for threads in [1, 2, 4] {
        compare(
            criterion,
            &format!("injector, {threads} threads"),
            threads,
            &[
                ("linchpin", passed::<deque::Injector<u64>>(threads)),
                ("crossbeam", passed::<crossbeam_deque::Injector<u64>>(threads)),
                ("Mutex<VecDeque>", passed::<Mutex<VecDeque<u64>>>(threads)),
            ],
        );
    }
}

criterion_group! {
    name = benches;
    config = harness::criterion();
    targets = owners, thieves, injectors
}
criterion_main!(benches);
