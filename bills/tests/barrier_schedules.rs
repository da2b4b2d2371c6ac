//! Barriers under thousands of schedules of 8 to 16 threads, which loom cannot have: simulated threads that pause at
//! random, on machines with as many cores and with fewer. A schedule is found again by its seed; a deadlock ends the
//! simulation.
#![cfg(linchpin_coherence)]

use std::sync::Mutex;
use std::time::Duration;

use bills::Random;
use coherence::Machine;
use linchpin::barrier::{
    Barrier, CombiningBarrier, DisseminationBarrier, Kind, Participant, TournamentBarrier, TreeBarrier, WaitError,
    WakeUp,
};

const SEEDS: u64 = 1_500;
const EPISODES: u32 = 6;

/// Mostly short, and sometimes so long that the others sleep: a thread is held up.
fn pause(random: &Random) {
    let most = if random.below(8) == 0 { 2_000 } else { 12 };
    random.pause(most);
}

/// The scenario on each machine, with each seed and some number of threads.
fn explore(scenario: impl Fn(&Machine, usize, u64)) {
    let machines = [
        Machine::flat(16),
        Machine::flat(3),
        Machine::two_cores(),
        Machine::epyc_9654(),
    ];
    for seed in 0..SEEDS {
        let threads = 8 + (seed % 9) as usize;
        scenario(&machines[(seed / 9 % 4) as usize], threads, seed);
    }
}

/// What threads do in an episode, counted by std's words, which are no part of the simulation.
struct Phases(Vec<Mutex<u32>>, Mutex<u32>);

impl Phases {
    fn of(threads: usize) -> Self {
        Phases((0..threads).map(|_| Mutex::new(0)).collect(), Mutex::new(0))
    }

    fn begin(&self, me: usize, episode: u32) {
        *self.0[me].lock().unwrap() = episode;
    }

    fn end(&self, episode: u32, leads: bool, seed: u64) {
        for phase in &self.0 {
            let phase = *phase.lock().unwrap();
            assert!(
                phase >= episode,
                "seed {seed}: one is in {phase}, another through {episode}"
            );
        }
        *self.1.lock().unwrap() += u32::from(leads);
    }

    fn leaders(self) -> u32 {
        self.1.into_inner().unwrap()
    }
}

#[test]
fn time_outs_take_their_arrivals_back() {
    let time_outs = Mutex::new(0);
    explore(|machine, threads, seed| {
        let (barrier, phases) = (Barrier::new(threads), Phases::of(threads));
        coherence::run(machine, threads, |me| {
            let random = Random::new(seed, me);
            for episode in 1..=EPISODES {
                phases.begin(me, episode);
                let leads = loop {
                    pause(&random);
                    let arrival = barrier.arrive();
                    pause(&random);
                    if random.below(3) == 0 {
                        break arrival.wait().unwrap().is_leader();
                    }
                    match arrival.wait_timeout(Duration::from_nanos(random.below(30_000))) {
                        Ok(result) => break result.is_leader(),
                        Err(WaitError::TimedOut) => *time_outs.lock().unwrap() += 1,
                        Err(WaitError::Poisoned) => unreachable!("nothing poisons it"),
                    }
                };
                phases.end(episode, leads, seed);
            }
        });
        assert_eq!(phases.leaders(), EPISODES, "seed {seed}");
    });
    assert!(
        time_outs.into_inner().unwrap() > 1_000,
        "this has tested hardly any time-out"
    );
}

#[test]
fn threads_leave() {
    explore(|machine, threads, seed| {
        let (barrier, phases) = (Barrier::new(threads), Phases::of(threads));
        let most = Mutex::new(0);
        coherence::run(machine, threads, |me| {
            let random = Random::new(seed, me);
            let mine = random.below(u64::from(EPISODES)) as u32;
            for episode in 1..=mine {
                phases.begin(me, episode);
                pause(&random);
                let leads = barrier.wait().is_leader();
                phases.end(episode, leads, seed);
            }
            // It is in none of the later episodes.
            phases.begin(me, u32::MAX);
            pause(&random);
            barrier.arrive_and_drop();
            let mut most = most.lock().unwrap();
            *most = mine.max(*most);
        });
        assert_eq!(
            phases.leaders(),
            most.into_inner().unwrap(),
            "seed {seed}: one leader for each episode that is waited for"
        );
    });
}

#[test]
fn poison_lets_all_go() {
    explore(|machine, threads, seed| {
        let (barrier, phases) = (Barrier::new(threads), Phases::of(threads));
        let through = Phases::of(threads);
        coherence::run(machine, threads, |me| {
            let random = Random::new(seed, me);
            let poisons = (me == 0).then(|| random.below(u64::from(EPISODES)) as u32 + 1);
            for episode in 1.. {
                phases.begin(me, episode);
                pause(&random);
                if poisons == Some(episode) {
                    barrier.poison();
                    return;
                }
                match barrier.wait_checked() {
                    Ok(result) => phases.end(episode, result.is_leader(), seed),
                    Err(_) => return through.begin(me, episode),
                }
            }
        });
        let failed: Vec<u32> = through.0.iter().skip(1).map(|phase| *phase.lock().unwrap()).collect();
        assert!(
            failed.iter().all(|&episode| episode == failed[0]),
            "seed {seed}: {failed:?}"
        );
        assert_eq!(phases.leaders() + 1, failed[0], "seed {seed}");
    });
}

#[test]
fn more_threads_than_participants() {
    explore(|machine, threads, seed| {
        let participants = 1 + seed as usize % 4;
        let threads = threads / participants * participants;
        let steps = Mutex::new(0);
        let leaders = Mutex::new(0);
        let through = Mutex::new(0);
        let inside = Mutex::new(false);
        let (random, inside, steps_done) = (Random::new(seed, threads), &inside, &steps);
        let barrier = Barrier::with_step(participants, move || {
            // Long enough for others to arrive meanwhile.
            assert!(
                !std::mem::replace(&mut *inside.lock().unwrap(), true),
                "seed {seed}: two steps at once"
            );
            random.pause(500);
            *inside.lock().unwrap() = false;
            *steps_done.lock().unwrap() += 1;
        });
        // Each arrives once: what a thread does in the next episode depends on which other came with it in this.
        coherence::run(machine, threads, |me| {
            pause(&Random::new(seed, me));
            let leads = barrier.wait().is_leader();
            *leaders.lock().unwrap() += usize::from(leads);
            let mut through = through.lock().unwrap();
            *through += 1;
            let most = *steps.lock().unwrap() * participants;
            assert!(
                *through <= most,
                "seed {seed}: {through} are through, and {most} may be"
            );
        });
        assert_eq!(leaders.into_inner().unwrap(), threads / participants, "seed {seed}");
        assert_eq!(steps.into_inner().unwrap(), threads / participants, "seed {seed}");
    });
}

/// All wait; one is dropped after some episode, and the others get an error in the one that follows. Or it leaves.
fn participants<K: Kind + Send + Sync>(make: impl Fn(usize) -> Vec<Participant<K>>, leaves: bool) {
    explore(|machine, threads, seed| {
        let phases = Phases::of(threads);
        let all: Vec<_> = make(threads).into_iter().map(|one| Mutex::new(Some(one))).collect();
        let last = (seed % u64::from(EPISODES)) as u32;
        let goes = seed as usize % threads;
        coherence::run(machine, threads, |me| {
            let random = Random::new(seed, me);
            let mut participant = all[me].lock().unwrap().take().unwrap();
            for episode in 1..=EPISODES {
                pause(&random);
                if me == goes && episode > last {
                    phases.begin(me, u32::MAX);
                    return;
                }
                phases.begin(me, episode);
                match participant.wait() {
                    Ok(result) => phases.end(episode, result.is_leader(), seed),
                    Err(_) => {
                        assert!(!leaves && episode == last + 1, "seed {seed}: an error in {episode}");
                        return;
                    }
                }
                assert!(
                    leaves || episode <= last,
                    "seed {seed}: {episode} is complete without one"
                );
            }
        });
        assert_eq!(phases.leaders(), if leaves { EPISODES } else { last }, "seed {seed}");
    });
}

#[test]
fn participants_go() {
    participants(CombiningBarrier::new, true);
    participants(|n| TreeBarrier::with_wake_up(n, WakeUp::Tree), false);
    participants(|n| TreeBarrier::with_wake_up(n, WakeUp::Global), false);
    participants(|n| TournamentBarrier::with_wake_up(n, WakeUp::Tree), false);
    participants(DisseminationBarrier::new, false);
}
