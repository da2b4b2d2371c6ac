//! All barriers through the same episodes, with phase counters that no thread may be off by.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::thread;

use linchpin::barrier::{
    Barrier, CombiningBarrier, DisseminationBarrier, Kind, Participant, TournamentBarrier, TreeBarrier, WakeUp,
};

use crate::common::{times, watchdog};

/// What a thread waits with; answers whether it is the leader.
pub type Wait = Box<dyn FnMut() -> bool + Send>;

/// For so many threads, a wait for each.
pub type Make = fn(usize) -> Vec<Wait>;

fn central(n: usize) -> Vec<Wait> {
    let barrier = Arc::new(Barrier::new(n));
    let wait = |_| {
        let barrier = Arc::clone(&barrier);
        Box::new(move || barrier.wait().is_leader()) as Wait
    };
    (0..n).map(wait).collect()
}

/// Arrives first, and waits in a second step.
fn split(n: usize) -> Vec<Wait> {
    let barrier = Arc::new(Barrier::new(n));
    let wait = |_| {
        let barrier = Arc::clone(&barrier);
        Box::new(move || barrier.arrive().wait().unwrap().is_leader()) as Wait
    };
    (0..n).map(wait).collect()
}

fn waits<K: Kind + Send + Sync + 'static>(participants: Vec<Participant<K>>) -> Vec<Wait> {
    let wait = |mut participant: Participant<K>| Box::new(move || participant.wait().unwrap().is_leader()) as Wait;
    participants.into_iter().map(wait).collect()
}

pub const ALL: [(&str, Make); 9] = [
    ("Barrier", central),
    ("Barrier, split", split),
    ("CombiningBarrier", |n| waits(CombiningBarrier::new(n))),
    ("TreeBarrier", |n| waits(TreeBarrier::with_wake_up(n, WakeUp::Tree))),
    ("TreeBarrier, as it comes", |n| waits(TreeBarrier::new(n))),
    ("TournamentBarrier, global flag", |n| {
        waits(TournamentBarrier::with_wake_up(n, WakeUp::Global))
    }),
    ("TreeBarrier, global flag", |n| {
        waits(TreeBarrier::with_wake_up(n, WakeUp::Global))
    }),
    ("TournamentBarrier", |n| {
        waits(TournamentBarrier::with_wake_up(n, WakeUp::Tree))
    }),
    ("DisseminationBarrier", |n| waits(DisseminationBarrier::new(n))),
];

/// So many episodes: after each wait no other thread is in an earlier episode, nor more than one further.
fn meet(name: &str, waits: Vec<Wait>, episodes: u32) {
    let phases: Vec<AtomicU32> = waits.iter().map(|_| AtomicU32::new(0)).collect();
    let leaders = AtomicUsize::new(0);
    thread::scope(|scope| {
        for (me, mut wait) in waits.into_iter().enumerate() {
            let (phases, leaders) = (&phases, &leaders);
            let act = move || {
                for episode in 1..=episodes {
                    // Relaxed: it is the barrier that has to make it seen.
                    phases[me].store(episode, Relaxed);
                    if wait() {
                        leaders.fetch_add(1, Relaxed);
                    }
                    for (other, phase) in phases.iter().enumerate() {
                        let phase = phase.load(Relaxed);
                        assert!(
                            phase == episode || phase == episode + 1,
                            "{name}: {other} is in {phase}, and {me} in {episode}"
                        );
                    }
                }
            };
            let builder = thread::Builder::new().stack_size(256 << 10);
            builder.spawn_scoped(scope, act).expect("a thread starts");
        }
    });
    assert_eq!(
        leaders.into_inner(),
        episodes as usize,
        "{name}: one leader for each episode"
    );
}

fn meet_all(threads: &[usize], episodes: u32) {
    for (name, make) in ALL {
        for &n in threads {
            let _alive = watchdog();
            meet(name, make(n), episodes);
        }
    }
}

#[test]
fn a_hundred_thousand_episodes() {
    meet_all(&[1, 2], times(100_000, 20) as u32);
    meet_all(&[3], times(100_000, 5) as u32);
}

#[test]
fn any_number_of_threads() {
    meet_all(&[5, 8, 13], times(2_000, 3) as u32);
    meet_all(&[64], times(300, 2) as u32);
    if !cfg!(miri) {
        meet_all(&[257], 40);
    }
}

/// If each had to wait for the time slices of the others, three milliseconds each, this would take minutes.
#[test]
#[cfg_attr(miri, ignore = "Miri has no time slices")]
fn sixty_four_threads_do_not_wait_for_time_slices() {
    let _alive = watchdog();
    meet("Barrier", central(64), 1_500);
}

#[test]
#[cfg_attr(miri, ignore = "too many threads for Miri")]
fn four_thousand_and_ninety_six_threads() {
    for (name, make) in ALL {
        let _alive = watchdog();
        let episodes = AtomicUsize::new(0);
        thread::scope(|scope| {
            for mut wait in make(4_096) {
                let episodes = &episodes;
                let builder = thread::Builder::new().stack_size(64 << 10);
                let act = move || {
                    for _ in 0..3 {
                        if wait() {
                            episodes.fetch_add(1, Relaxed);
                        }
                    }
                    // A participant may go when all are through the last episode, and this one is.
                };
                builder.spawn_scoped(scope, act).expect("a thread starts");
            }
        });
        assert_eq!(episodes.into_inner(), 3, "{name}");
    }
}
