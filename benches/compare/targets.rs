//! What this crate sets out to reach.

use Measure::{Fairness, Spread, Tail, Throughput, Time};

use crate::harness::{Beside, ThreadConfig, cores};

/// What is compared.
#[derive(Clone, Copy, PartialEq)]
pub enum Measure {
    /// Acquisitions per second: at least so many times the peer's.
    Throughput,
    /// The inverse: at most so many times the peer's.
    Time,
    /// Slowest over fastest thread: at least so many times the peer's.
    Fairness,
    /// The time within which this part of the acquisitions came: at most so many times the peer's.
    Tail {
        /// The part.
        part: f64,
        /// Only where the peer is fairer than this: a lock that lets few threads in has short times
        /// for most acquisitions.
        fairer: f64,
    },
    /// The best throughput of all subjects whose name begins as ours does, over their worst: at
    /// most so much.
    Spread,
}

/// One of ours has to be that much better than the best of `peers`, under each load whose name
/// begins so.
pub struct Target {
    /// How the names of the benchmarks begin.
    pub benchmark: &'static str,
    /// In which config.
    pub config: ThreadConfig,
    /// The subject that has to reach it.
    pub ours: &'static str,
    /// The peers, of which the best counts.
    pub peers: &'static [&'static str],
    /// What is compared.
    pub measure: Measure,
    /// The least or the most.
    pub bound: f64,
}

pub const fn target(
    benchmark: &'static str,
    config: ThreadConfig,
    ours: &'static str,
    peers: &'static [&'static str],
    measure: Measure,
    bound: f64,
) -> Target {
    Target {
        benchmark,
        config,
        ours,
        peers,
        measure,
        bound,
    }
}

const SPIN: &str = "spin locks: short section, no work outside";
const SLEEP: &str = "sleeping locks: short section, no work outside";
const QUEUE: &str = "queue locks: short section, no work outside";
const READ: &str = "reader-writer locks: reads only";
const READ_MOSTLY: &str = "reader-writer locks: 1 write in 20";
const TURNS: &str = "condition variables: two threads take turns";
const COUNTERS: &str = "counters: adds";
const SLEEPERS: &[&str] = &["std", "parking_lot", "usync"];
const PARKING_LOT: &[&str] = &["parking_lot"];

const MUTEX: &str = "linchpin futex::Mutex";
const RWLOCK: &str = "linchpin futex::RwLock";
const CONDVAR: &str = "linchpin futex::Condvar";
const SPIN_MUTEX: &str = "linchpin spin::Mutex";
const TICKET: &str = "linchpin spin::TicketMutex";
const MCS: &str = "linchpin queue::McsMutex";
const CLH: &str = "linchpin queue::ClhMutex";

const ALONE: ThreadConfig = ThreadConfig::of(1);
const TWO: ThreadConfig = ThreadConfig::of(2);
const FOUR: ThreadConfig = ThreadConfig::of(4);

/// All of them.
pub fn all() -> Vec<Target> {
    let mut targets = usual();
    targets.extend(oversubscribed());
    targets.extend(beside_busy_processes());
    targets.extend(thousands());
    targets.extend(crate::barriers::targets());
    targets.extend(crate::reclamation::targets());
    targets.extend(crate::deques::targets());
    targets.extend(crate::stacks::targets());
    targets
}

fn usual() -> Vec<Target> {
    let many = ThreadConfig::of(8 * cores());
    let tail = Tail {
        part: 0.999,
        fairer: 0.0,
    };
    let shared = &["fetch_add, shared"];
    let mut targets = vec![
        target(SPIN, ALONE, SPIN_MUTEX, &["spin"], Time, 1.05),
        target(SPIN, TWO, SPIN_MUTEX, &["spin", "spin ticket"], Throughput, 1.0),
        target(SPIN, many, SPIN_MUTEX, &["std"], Throughput, 0.8),
        target(SPIN, FOUR, TICKET, &["spin ticket"], Throughput, 4.0),
        target(SPIN, many, TICKET, &["spin ticket"], Throughput, 4.0),
        target(SLEEP, ALONE, MUTEX, PARKING_LOT, Time, 0.65),
    ];
    // At each point, with short critical sections and with long ones.
    for config in [TWO, FOUR, many] {
        targets.push(target("sleeping locks:", config, MUTEX, SLEEPERS, Throughput, 1.0));
    }
    targets.extend([
        target("sleeping locks:", many, MUTEX, PARKING_LOT, tail, 1.0),
        target(READ, ALONE, RWLOCK, PARKING_LOT, Time, 0.8),
        target(READ, TWO, RWLOCK, PARKING_LOT, Throughput, 3.0),
        target(READ_MOSTLY, FOUR, RWLOCK, PARKING_LOT, Throughput, 1.5),
        target(TURNS, TWO, CONDVAR, PARKING_LOT, Time, 1.0),
        target(QUEUE, ALONE, MCS, &["mcslock spins"], Time, 1.0),
        target(QUEUE, TWO, MCS, &["mcslock spins"], Throughput, 2.0),
        target(QUEUE, many, MCS, &["std"], Throughput, 0.5),
        target(QUEUE, many, CLH, &["std"], Throughput, 0.5),
        target(COUNTERS, ALONE, "linchpin Counter", shared, Time, 1.1),
        target(COUNTERS, ALONE, "linchpin LocalCounter", shared, Time, 0.15),
        target(COUNTERS, TWO, "linchpin Counter", shared, Throughput, 2.5),
        target(COUNTERS, TWO, "linchpin LocalCounter", shared, Throughput, 30.0),
        target(
            COUNTERS,
            TWO,
            "fetch_add, padded",
            &["fetch_add, neighbours"],
            Throughput,
            1.0,
        ),
    ]);
    targets
}

/// More threads than cores, and a writer among readers.
fn oversubscribed() -> Vec<Target> {
    let mut targets = vec![];
    for config in [3, 4, 8, 16, 32, 64].map(ThreadConfig::of) {
        targets.push(target("mutex:", config, MUTEX, SLEEPERS, Throughput, 1.0));
        targets.push(target("mutex:", config, MUTEX, PARKING_LOT, Fairness, 0.8));
    }
    let of_the_fair = Tail {
        part: 0.999,
        fairer: 0.3,
    };
    targets.push(target(
        "mutex:",
        ThreadConfig::of(16),
        MUTEX,
        PARKING_LOT,
        of_the_fair,
        1.0,
    ));
    let writer = Tail { part: 0.9, fairer: 0.0 };
    targets.push(target(
        "a writer beside 2 readers",
        ThreadConfig::of(3),
        RWLOCK,
        PARKING_LOT,
        writer,
        1.5,
    ));
    targets
}

/// No yield may give a slice away that a thread which sleeps would have kept.
fn beside_busy_processes() -> Vec<Target> {
    const BOUND: f64 = 0.7;
    let mut targets = vec![];
    for number in [1, 2, 4] {
        let config = TWO.beside(Beside::BusyPerCore(number));
        let turns = "condition variables beside busy";
        targets.push(target(turns, config, CONDVAR, PARKING_LOT, Throughput, BOUND));
    }
    for threads in [cores(), 2 * cores()] {
        let config = ThreadConfig::of(threads).beside(Beside::BusyPerCore(1));
        targets.extend([
            target("mutex beside busy", config, MUTEX, SLEEPERS, Throughput, BOUND),
            target(
                "spin locks beside busy",
                config,
                SPIN_MUTEX,
                &["spin"],
                Throughput,
                BOUND,
            ),
            target(
                "spin locks beside busy",
                config,
                TICKET,
                &["spin ticket"],
                Throughput,
                BOUND,
            ),
            target(
                "queue locks beside busy",
                config,
                MCS,
                &["mcslock yields"],
                Throughput,
                BOUND,
            ),
            target(
                "queue locks beside busy",
                config,
                CLH,
                &["mcslock yields"],
                Throughput,
                BOUND,
            ),
        ]);
    }
    targets
}

/// Threads that sleep for other locks, or have read before, cost nothing.
fn thousands() -> Vec<Target> {
    let mut targets = vec![];
    for number in [64, 1_024, 8_192] {
        let config = ALONE.beside(Beside::Asleep(number));
        targets.push(target("notify_one", config, CONDVAR, PARKING_LOT, Time, 1.0));
    }
    targets.push(target(
        "a million mutexes",
        ALONE,
        MUTEX,
        &["std", "parking_lot"],
        Time,
        1.0,
    ));
    let periods = "reading with a period";
    targets.push(target(periods, ALONE, "linchpin, period", &[], Spread, 2.0));
    // As without any sleepers.
    let sleepers = "reader-writer locks beside sleepers";
    let beside = Beside::Asleep(5_000);
    targets.push(target(sleepers, ALONE.beside(beside), RWLOCK, PARKING_LOT, Time, 0.8));
    targets.push(target(
        sleepers,
        TWO.beside(beside),
        RWLOCK,
        PARKING_LOT,
        Throughput,
        3.0,
    ));
    for number in [1_000, 10_000] {
        for ended in [false, true] {
            let beside = Beside::HaveRead { threads: number, ended };
            for config in [ALONE, TWO] {
                let readers = "reader-writer locks beside threads that have read";
                targets.push(target(readers, config.beside(beside), RWLOCK, PARKING_LOT, Time, 2.0));
            }
        }
    }
    targets
}
