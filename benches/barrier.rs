//! Episodes of barriers against those of std, spin and the C library, under criterion.

mod harness;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
#[cfg(target_os = "linux")]
use harness::barriers::Pthread;
use harness::barriers::{Exchange, Meeting, Participants, episodes};
use harness::{ThreadConfig, Workers, cores};
use linchpin::barrier::{Barrier, CombiningBarrier, DisseminationBarrier, TournamentBarrier, TreeBarrier};

/// An iteration is an episode: as many acquisitions as there are threads.
fn bench<M: Meeting>(group: &mut BenchmarkGroup<'_, WallTime>, workers: &Workers, config: ThreadConfig, name: &str) {
    let job = episodes::<M>(config);
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|episodes| workers.finish(&job, episodes * config.threads as u64));
    });
}

fn meetings(criterion: &mut Criterion) {
    for threads in [2, 4 * cores(), 16 * cores()] {
        let config = ThreadConfig::of(threads);
        let workers = Workers::new(config);
        let mut group = criterion.benchmark_group(format!("episode, {threads} threads"));
        bench::<Barrier>(&mut group, &workers, config, "linchpin Barrier");
        bench::<Participants<CombiningBarrier>>(&mut group, &workers, config, "linchpin CombiningBarrier");
        bench::<Participants<TreeBarrier>>(&mut group, &workers, config, "linchpin TreeBarrier");
        bench::<Participants<TournamentBarrier>>(&mut group, &workers, config, "linchpin TournamentBarrier");
        bench::<Participants<DisseminationBarrier>>(&mut group, &workers, config, "linchpin DisseminationBarrier");
        bench::<std::sync::Barrier>(&mut group, &workers, config, "std");
        #[cfg(target_os = "linux")]
        bench::<Pthread>(&mut group, &workers, config, "pthread");
        // These spin without end.
        if threads <= cores() {
            bench::<spin::Barrier>(&mut group, &workers, config, "spin");
            if threads == 2 {
                bench::<Exchange>(&mut group, &workers, config, "two flags");
            }
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = harness::criterion();
    targets = meetings
}
criterion_main!(benches);
