//! The families of primitives, each against its peers under the usual loads.

use std::sync::Arc;
use std::time::Duration;

use crate::arena::condvars::{self, turns};
use crate::arena::locks::{Load, Lock, no_times, passages, timed_passages};
#[cfg(target_os = "linux")]
use crate::arena::pthreads::{PthreadMutex, PthreadPiMutex};
use crate::arena::rwlocks::{ReaderWriter, reads_and_writes};
use crate::arena::{Crew, Crowd, cores, counters};
use crate::contest::{Contest, Contestant};

/// A short section is one increment; a long one, and the work outside, some 40 ns.
const WORK: u32 = 25;

/// The loads of a lock, and their names.
const LOADS: [(&str, Load); 4] = [
    ("short section, no work outside", Load { section: 0, outside: 0 }),
    (
        "short section, work outside",
        Load {
            section: 0,
            outside: WORK,
        },
    ),
    (
        "long section, no work outside",
        Load {
            section: WORK,
            outside: 0,
        },
    ),
    (
        "long section, work outside",
        Load {
            section: WORK,
            outside: WORK,
        },
    ),
];

fn lock<L: Lock>(name: &'static str, load: Load) -> Contestant {
    let tail = no_times();
    Contestant::new(name, passages::<L>(load)).timed(timed_passages::<L>(load, Arc::clone(&tail)), tail)
}

pub fn spin_locks(load: Load) -> Vec<Contestant> {
    vec![
        lock::<linchpin::spin::Mutex<u64>>("linchpin spin::Mutex", load),
        lock::<linchpin::spin::TasMutex<u64>>("linchpin spin::TasMutex", load),
        lock::<linchpin::spin::TicketMutex<u64>>("linchpin spin::TicketMutex", load),
        lock::<linchpin::spin::RwLock<u64>>("linchpin spin::RwLock, write", load),
        lock::<spin::mutex::SpinMutex<u64>>("spin", load),
        lock::<spin::mutex::TicketMutex<u64>>("spin ticket", load),
        lock::<std::sync::Mutex<u64>>("std", load),
    ]
}

fn sleeping_locks(load: Load) -> Vec<Contestant> {
    vec![
        lock::<linchpin::futex::Mutex<u64>>("linchpin futex::Mutex", load),
        lock::<std::sync::Mutex<u64>>("std", load),
        lock::<parking_lot::Mutex<u64>>("parking_lot", load),
        lock::<usync::Mutex<u64>>("usync", load),
        #[cfg(target_os = "linux")]
        lock::<PthreadMutex>("pthread", load),
    ]
}

/// Threads of one priority, which is not what these are for: this is what the promise costs.
#[cfg(target_os = "linux")]
fn priority_inheriting_locks(load: Load) -> Vec<Contestant> {
    vec![
        lock::<linchpin::futex::PiMutex<u64>>("linchpin futex::PiMutex", load),
        lock::<PthreadPiMutex>("pthread, PRIO_INHERIT", load),
    ]
}

pub fn queue_locks(load: Load) -> Vec<Contestant> {
    vec![
        lock::<linchpin::queue::McsMutex<u64>>("linchpin queue::McsMutex", load),
        lock::<linchpin::queue::ClhMutex<u64>>("linchpin queue::ClhMutex", load),
        lock::<mcslock::raw::spins::Mutex<u64>>("mcslock spins", load),
        lock::<mcslock::raw::yields::Mutex<u64>>("mcslock yields", load),
        lock::<std::sync::Mutex<u64>>("std", load),
    ]
}

fn reader<L: ReaderWriter>(name: &'static str, one_in: u64) -> Contestant {
    Contestant::new(name, reads_and_writes::<L>(one_in))
}

fn rwlocks(one_in: u64) -> Vec<Contestant> {
    vec![
        reader::<linchpin::futex::RwLock<u64>>("linchpin futex::RwLock", one_in),
        reader::<linchpin::spin::RwLock<u64>>("linchpin spin::RwLock", one_in),
        reader::<std::sync::RwLock<u64>>("std", one_in),
        reader::<parking_lot::RwLock<u64>>("parking_lot", one_in),
        reader::<usync::RwLock<u64>>("usync", one_in),
        reader::<spin::RwLock<u64>>("spin", one_in),
    ]
}

pub fn condvars() -> Vec<Contestant> {
    vec![
        Contestant::new("linchpin futex::Condvar", turns::<condvars::Linchpin>()),
        Contestant::new("std", turns::<condvars::Std>()),
        Contestant::new("parking_lot", turns::<condvars::ParkingLot>()),
    ]
}

fn adds() -> Vec<Contestant> {
    counters::ALL
        .iter()
        .map(|&(name, job)| Contestant::new(name, job()))
        .collect()
}

/// Lets threads that are not pinned wait for a ticket, as users' threads do: that is when it is found out how many can run
/// at once, and threads that are pinned would be told less.
pub fn unpinned_first() {
    let crowd = Crowd::of(4 * cores());
    let tickets = passages::<linchpin::spin::TicketMutex<u64>>(Load {
        section: WORK,
        outside: 0,
    });
    Crew::new(crowd).race(&tickets, Duration::from_millis(100));
}

/// The usual loads, in this order.
pub fn contests() -> Vec<Contest> {
    let cores = cores();
    let crowd = 4 * cores;
    // Alone, one thread for each core, more, many more, and everything on one CPU.
    let mut crowds: Vec<Crowd> = [1, cores, 2 * cores, 8 * cores].map(Crowd::of).into();
    crowds.dedup();
    crowds.push(Crowd::on_one_cpu(crowd));

    let mut contests = vec![];
    for (family, contestants) in [
        ("spin locks", spin_locks as fn(Load) -> Vec<Contestant>),
        ("sleeping locks", sleeping_locks),
        ("queue locks", queue_locks),
    ] {
        contests.extend(
            LOADS.map(|(name, load)| Contest::new(format!("{family}: {name}"), &crowds, move |_| contestants(load))),
        );
    }
    #[cfg(target_os = "linux")]
    contests.push(Contest::new(
        format!("locks with priority inheritance: {}", LOADS[0].0),
        &crowds,
        |_| priority_inheriting_locks(LOADS[0].1),
    ));
    for (name, one_in) in [
        ("reads only", 0),
        ("1 write in 20", 20),
        ("1 write in 2", 2),
        ("writes only", 1),
    ] {
        let name = format!("reader-writer locks: {name}");
        contests.push(Contest::new(name, &crowds, move |_| rwlocks(one_in)));
    }
    contests.push(Contest::new(
        "condition variables: two threads take turns",
        &[Crowd::of(2), Crowd::on_one_cpu(2)],
        |_| condvars(),
    ));
    contests.push(Contest::new(
        "counters: adds",
        &[1, cores, crowd].map(Crowd::of),
        |_| adds(),
    ));
    contests
}
