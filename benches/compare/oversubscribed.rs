//! More threads than cores, processes that keep the cores busy, and a writer among readers: where
//! waiting is decided by the scheduler.

use std::sync::Arc;

use crate::arena::locks::{Load, Lock, no_times, passages, timed_passages};
use crate::arena::rwlocks::{ReaderWriter, writes_beside_readers};
use crate::arena::{Beside, Crowd, cores};
use crate::contest::{Contest, Contestant};
use crate::families;

/// The crowds of a mutex.
const THREADS: [usize; 6] = [3, 4, 8, 16, 32, 64];
/// The crowd in which the times to acquire are measured.
const TIMED: usize = 16;
/// Work in the critical section, and between two: some 1.6 ns each.
const LOADS: [(u32, u32); 6] = [(0, 0), (25, 25), (100, 100), (400, 400), (0, 400), (400, 0)];
/// How much longer than usual a heat is beside busy processes: slices take milliseconds.
const SLICES: u32 = 4;
/// What a writer does between two writes: next to nothing, or for so long (some 50 us) that the
/// readers go about their reads meanwhile.
const PAUSES: [(&str, u32); 2] = [("often", 400), ("rarely", 50_000)];
/// What a reader does in a read.
const READS: [u32; 2] = [0, 100];

fn load((section, outside): (u32, u32)) -> Load {
    Load { section, outside }
}

fn mutexes(load: Load, crowd: Crowd) -> Vec<Contestant> {
    fn mutex<L: Lock>(name: &'static str, load: Load, crowd: Crowd) -> Contestant {
        let contestant = Contestant::new(name, passages::<L>(load));
        if crowd.threads != TIMED {
            return contestant;
        }
        let tail = no_times();
        contestant.timed(timed_passages::<L>(load, Arc::clone(&tail)), tail)
    }
    vec![
        mutex::<linchpin::futex::Mutex<u64>>("linchpin futex::Mutex", load, crowd),
        mutex::<std::sync::Mutex<u64>>("std", load, crowd),
        mutex::<parking_lot::Mutex<u64>>("parking_lot", load, crowd),
        mutex::<usync::Mutex<u64>>("usync", load, crowd),
    ]
}

/// Queue locks and spin locks where there are more threads than cores, against locks that sleep.
fn fair_and_spinning(load: Load) -> Vec<Contestant> {
    vec![
        Contestant::new(
            "linchpin queue::McsMutex",
            passages::<linchpin::queue::McsMutex<u64>>(load),
        ),
        Contestant::new(
            "linchpin queue::ClhMutex",
            passages::<linchpin::queue::ClhMutex<u64>>(load),
        ),
        Contestant::new("linchpin spin::Mutex", passages::<linchpin::spin::Mutex<u64>>(load)),
        Contestant::new(
            "linchpin spin::TicketMutex",
            passages::<linchpin::spin::TicketMutex<u64>>(load),
        ),
        Contestant::new("std", passages::<std::sync::Mutex<u64>>(load)),
        Contestant::new("parking_lot", passages::<parking_lot::Mutex<u64>>(load)),
        Contestant::new("spin", passages::<spin::mutex::SpinMutex<u64>>(load)),
    ]
}

fn writers(section: u32, outside: u32) -> Vec<Contestant> {
    fn writer<L: ReaderWriter>(name: &'static str, section: u32, outside: u32) -> Contestant {
        let tail = no_times();
        let timed = writes_beside_readers::<L>(section, outside, Some(Arc::clone(&tail)));
        Contestant::new(name, writes_beside_readers::<L>(section, outside, None)).timed(timed, tail)
    }
    vec![
        writer::<linchpin::futex::RwLock<u64>>("linchpin futex::RwLock", section, outside),
        writer::<std::sync::RwLock<u64>>("std", section, outside),
        writer::<parking_lot::RwLock<u64>>("parking_lot", section, outside),
    ]
}

/// These contests.
pub fn contests() -> Vec<Contest> {
    let mut contests = vec![];
    for (section, outside) in LOADS {
        let load = load((section, outside));
        let name = format!("mutex: {section}/{outside}");
        let contest = Contest::new(name, &THREADS.map(Crowd::of), move |crowd| mutexes(load, crowd));
        contests.push(contest.by_crowd());
    }

    for (section, outside) in [LOADS[0], (40, 40)] {
        let load = load((section, outside));
        let name = format!("fair and spinning locks: {section}/{outside}");
        let crowds = [2, 4, 16, 64].map(Crowd::of);
        contests.push(Contest::new(name, &crowds, move |_| fair_and_spinning(load)).by_crowd());
    }

    let busy = |threads, number| Crowd::of(threads).beside(Beside::BusyPerCore(number));
    let turns = "condition variables beside busy processes: two threads take turns";
    let crowds = [1, 2, 4].map(|number| busy(2, number));
    contests.push(Contest::new(turns, &crowds, |_| families::condvars()).slow(SLICES));
    let crowds = [cores(), 2 * cores()].map(|threads| busy(threads, 1));
    for (section, outside) in [LOADS[0], LOADS[2]] {
        let load = load((section, outside));
        let name = format!("mutex beside busy processes: {section}/{outside}");
        contests.push(Contest::new(name, &crowds, move |crowd| mutexes(load, crowd)).slow(SLICES));
    }
    let (section, outside) = LOADS[1];
    for (family, contestants) in [
        ("spin locks", families::spin_locks as fn(Load) -> Vec<Contestant>),
        ("queue locks", families::queue_locks),
    ] {
        let load = load((section, outside));
        let name = format!("{family} beside busy processes: {section}/{outside}");
        let contest = Contest::new(name, &crowds, move |_| {
            contestants(load).into_iter().map(Contestant::untimed).collect()
        });
        contests.push(contest.slow(SLICES));
    }

    for (how_often, outside) in PAUSES {
        for section in READS {
            let name = format!("a writer beside 2 readers: writes {how_often}, reads of {section}");
            let contest = Contest::new(name, &[Crowd::of(3)], move |_| writers(section, outside));
            contests.push(contest.slow(2));
        }
    }
    contests
}
