//! Episodes of barriers against those of std, spin and the C library, under criterion.

mod arena;

#[cfg(target_os = "linux")]
use arena::barriers::Pthread;
use arena::barriers::{Exchange, Meeting, Participants, episodes};
use arena::{Crew, Crowd, cores};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use linchpin::barrier::{Barrier, CombiningBarrier, DisseminationBarrier, TournamentBarrier, TreeBarrier};

/// An iteration is an episode: as many passages as there are threads.
fn bench<M: Meeting>(group: &mut BenchmarkGroup<'_, WallTime>, crew: &Crew, crowd: Crowd, name: &str) {
    let job = episodes::<M>(crowd);
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|episodes| crew.finish(&job, episodes * crowd.threads as u64));
    });
}

fn meetings(criterion: &mut Criterion) {
    for threads in [2, 4 * cores(), 16 * cores()] {
        let crowd = Crowd::of(threads);
        let crew = Crew::new(crowd);
        let mut group = criterion.benchmark_group(format!("episode, {threads} threads"));
        bench::<Barrier>(&mut group, &crew, crowd, "linchpin Barrier");
        bench::<Participants<CombiningBarrier>>(&mut group, &crew, crowd, "linchpin CombiningBarrier");
        bench::<Participants<TreeBarrier>>(&mut group, &crew, crowd, "linchpin TreeBarrier");
        bench::<Participants<TournamentBarrier>>(&mut group, &crew, crowd, "linchpin TournamentBarrier");
        bench::<Participants<DisseminationBarrier>>(&mut group, &crew, crowd, "linchpin DisseminationBarrier");
        bench::<std::sync::Barrier>(&mut group, &crew, crowd, "std");
        #[cfg(target_os = "linux")]
        bench::<Pthread>(&mut group, &crew, crowd, "pthread");
        // These spin without end.
        if threads <= cores() {
            bench::<spin::Barrier>(&mut group, &crew, crowd, "spin");
            if threads == 2 {
                bench::<Exchange>(&mut group, &crew, crowd, "two flags");
            }
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = arena::criterion();
    targets = meetings
}
criterion_main!(benches);
