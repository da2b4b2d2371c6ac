//! Who is measured against whom, under which loads, and what has to come out.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::arena::locks::{LONGEST, Load, Lock, passages, reads_and_writes, timed_passages};
use crate::arena::{Crew, Crowd, cores, counters};
use crate::document::{Section, Table};
use crate::score::{Score, best};
use crate::{Contest, Contestant, Scores};

const SHORT: &str = "locks: short section, no work outside";
const COUNTERS: &str = "counters: adds";

/// A short section is one increment; a long one, and the work outside, some 40 ns.
const WORK: u32 = 25;

fn lock<L: Lock>(name: &'static str, load: Load) -> Contestant {
    let tail = Arc::new(Mutex::new(
        Histogram::new_with_bounds(1, LONGEST, 3).expect("these bounds are allowed"),
    ));
    Contestant {
        name,
        ours: name.starts_with("linchpin"),
        job: passages::<L>(load),
        timed: Some((timed_passages::<L>(load, Arc::clone(&tail)), tail)),
    }
}

fn locks<const SECTION: u32, const OUTSIDE: u32>() -> Vec<Contestant> {
    let load = Load {
        section: SECTION,
        outside: OUTSIDE,
    };
    vec![
        lock::<linchpin::spin::Mutex<u64>>("linchpin Mutex", load),
        lock::<linchpin::spin::TasMutex<u64>>("linchpin TasMutex", load),
        lock::<linchpin::spin::TicketMutex<u64>>("linchpin TicketMutex", load),
        lock::<linchpin::spin::RwLock<u64>>("linchpin RwLock, write", load),
        lock::<std::sync::Mutex<u64>>("std", load),
        lock::<parking_lot::Mutex<u64>>("parking_lot", load),
        lock::<spin::mutex::SpinMutex<u64>>("spin", load),
        lock::<spin::mutex::TicketMutex<u64>>("spin ticket", load),
        lock::<mcslock::raw::spins::Mutex<u64>>("mcslock spins", load),
        lock::<mcslock::raw::yields::Mutex<u64>>("mcslock yields", load),
    ]
}

fn rwlocks<const WRITES: u64>() -> Vec<Contestant> {
    let lock = |name: &'static str, job| Contestant {
        name,
        ours: name.starts_with("linchpin"),
        job,
        timed: None,
    };
    vec![
        lock(
            "linchpin RwLock",
            reads_and_writes::<linchpin::spin::RwLock<u64>>(WRITES),
        ),
        lock(
            "linchpin futex RwLock",
            reads_and_writes::<linchpin::futex::RwLock<u64>>(WRITES),
        ),
        lock("std RwLock", reads_and_writes::<std::sync::RwLock<u64>>(WRITES)),
        lock(
            "parking_lot RwLock",
            reads_and_writes::<parking_lot::RwLock<u64>>(WRITES),
        ),
        lock("spin RwLock", reads_and_writes::<spin::RwLock<u64>>(WRITES)),
    ]
}

fn adds() -> Vec<Contestant> {
    let contestant = |&(name, job): &(&'static str, counters::Start)| Contestant {
        name,
        ours: name.starts_with("linchpin"),
        job: job(),
        timed: None,
    };
    counters::ALL.iter().map(contestant).collect()
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

/// All that is measured, in this order.
pub fn contests() -> Vec<Contest> {
    let cores = cores();
    let powers = |most: usize| {
        (0..)
            .map(|power| 1 << power)
            .take_while(move |threads| *threads <= most)
    };
    let mut crowds: Vec<Crowd> = powers(8 * cores).map(Crowd::of).collect();
    crowds.push(Crowd {
        threads: 4 * cores,
        one_cpu: true,
    });
    let adders = powers(4 * cores).map(Crowd::of).collect();
    let readers: Vec<Crowd> = vec![Crowd::of(1), Crowd::of(cores), Crowd::of(4 * cores)];
    let contest = |name, crowds: &Vec<Crowd>, contestants| Contest {
        name,
        crowds: crowds.clone(),
        contestants,
    };
    vec![
        contest(SHORT, &crowds, locks::<0, 0>),
        contest("locks: short section, work outside", &crowds, locks::<0, WORK>),
        contest("locks: long section, no work outside", &crowds, locks::<WORK, 0>),
        contest("locks: long section, work outside", &crowds, locks::<WORK, WORK>),
        contest("reader-writer locks: reads only", &readers, rwlocks::<0>),
        contest("reader-writer locks: 1 write in 20", &readers, rwlocks::<20>),
        Contest {
            name: COUNTERS,
            crowds: adders,
            contestants: adds,
        },
    ]
}

/// What is compared in a target: throughput, or its inverse, the time.
#[derive(PartialEq)]
enum Measure {
    Throughput,
    Time,
}
use Measure::{Throughput, Time};

/// What this crate sets out to reach, beside what it has reached in this run.
pub fn targets(results: &[(&'static str, Scores)]) -> Section {
    let scores = |contest: &str, crowd: Crowd| -> &[Score] {
        // Left out by `--only`, or a crowd that this machine has not.
        let scores = results
            .iter()
            .find(|(name, _)| *name == contest)
            .map_or(&[][..], |(_, scores)| scores);
        scores
            .iter()
            .find(|(other, _)| *other == crowd)
            .map_or(&[], |(_, scores)| scores)
    };
    let mut rows = vec![];
    let mut target = |contest: &str, threads: usize, ours: &str, peer: &str, measure: Measure, bound: f64| {
        let scores = scores(contest, Crowd::of(threads));
        let named = |name: &str| scores.iter().find(|score| score.name == name);
        let against = match peer {
            "best of spin" => best(
                scores
                    .iter()
                    .filter(|score| ["spin", "spin ticket"].contains(&score.name)),
            ),
            _ => named(peer),
        };
        let (Some(ours), Some(against)) = (named(ours), against) else {
            return;
        };
        let (sign, ratio) = match measure {
            Throughput => (">=", ours.over(against)),
            Time => ("<=", 1.0 / ours.over(against)),
        };
        let met = if measure == Time {
            ratio <= bound
        } else {
            ratio >= bound
        };
        rows.push(vec![
            format!(
                "{}, {threads} {}",
                ours.name,
                if threads == 1 { "thread" } else { "threads" }
            ),
            against.name.into(),
            format!("{} {sign} {bound}", if measure == Time { "time" } else { "throughput" }),
            format!("{ratio:.3}"),
            if met { "yes" } else { "NO" }.into(),
        ]);
    };
    let crowd = 8 * cores();
    target(SHORT, 1, "linchpin Mutex", "spin", Time, 1.05);
    target(SHORT, 2, "linchpin Mutex", "best of spin", Throughput, 1.0);
    target(SHORT, crowd, "linchpin Mutex", "std", Throughput, 0.8);
    target(SHORT, 4, "linchpin TicketMutex", "spin ticket", Throughput, 4.0);
    target(SHORT, crowd, "linchpin TicketMutex", "spin ticket", Throughput, 4.0);
    target(COUNTERS, 1, "linchpin Counter", "fetch_add, shared", Time, 1.1);
    target(COUNTERS, 1, "linchpin LocalCounter", "fetch_add, shared", Time, 0.15);
    target(COUNTERS, 2, "linchpin Counter", "fetch_add, shared", Throughput, 2.5);
    target(
        COUNTERS,
        2,
        "linchpin LocalCounter",
        "fetch_add, shared",
        Throughput,
        30.0,
    );
    target(
        COUNTERS,
        2,
        "fetch_add, padded",
        "fetch_add, neighbours",
        Throughput,
        1.0,
    );
    let columns = ["what", "against", "has to reach", "reached", "met"];
    Section {
        title: "Targets".into(),
        text: vec![
            "Each ratio is the median of the rounds in which both took part. The last line is the false-sharing measure: \
             the same adds to words that have a line each, over adds to words that are neighbours on one."
                .into(),
        ],
        tables: vec![Table {
            caption: "ratios in this run".into(),
            columns: columns.map(String::from).into(),
            rows,
        }],
        plots: vec![],
        maps: vec![],
    }
}
