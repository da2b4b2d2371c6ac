//! Holds the bills: exact where the algorithm determines them, bounded where it does not, and never a false-sharing
//! miss. Beside them the controls: the same without padding has to show what it costs.
#![cfg(linchpin_coherence)]

use bills::{CORES, all, workload};
use coherence::Machine;

/// What a workload may cost, in transactions per operation, on so many cores.
fn most(name: &str, cores: usize) -> f64 {
    let n = cores as f64;
    match name {
        // Its node is first looked at by the first unlock, which falls into the steady state.
        "queue::McsMutex" | "queue::McsMutex, Spin" if cores == 1 => 1.0 / 16.0,
        // So are the announcements.
        "futex::Mutex" | "futex::RwLock, write" | "futex::RwLock, write, no membarrier" if cores == 1 => 1.0 / 16.0,
        // A sampled read, one in 64, looks at what a fence costs.
        "futex::RwLock, one each, padded" => 1.0 / 64.0,
        // Few of its accesses are of a line that it has not seen.
        "futex::RwLock, 1 write in 16" | "futex::RwLock, 1 write in 16, no membarrier" if cores == 1 => 1.0 / 16.0,
        // Its elements are boxed, and where the system's allocator puts a box is new to it now and then. No other thread wants its lines.
        name if name.starts_with("deque::") && name.ends_with("alone") => 0.5,
        // In the tests of their own.
        name if name.starts_with("deque::") => f64::INFINITY,
        // Nodes come from an allocator, and whether their lines are new is up to that; with hazard pointers, until the first
        // scan.
        "stack::EpochStack, padded values" | "stack::HazardStack, padded values" if cores == 1 => 4.0,
        // No other thread wants the line.
        _ if cores == 1 && !name.contains("Approximate") => 0.0,
        // N - 1 read the hand-over and N - 1 the next arrival, which is on the same line; the two stores, and what an
        // arrival looks at before its RMW.
        "spin::TicketMutex" => 2.0 * n + 5.0,
        "spin::Mutex" | "spin::RwLock, write" => 4.0 * n,
        "spin::TasMutex" => 8.0 * n,
        // However many wait (see the tests below).
        "queue::McsMutex, Spin" => 6.0,
        "queue::ClhMutex, Spin" => 5.0,
        // An arrival looks at the tail before it joins, and at the count of long waits; a waiter that sleeps adds
        // itself to that count and takes itself off again.
        "queue::McsMutex" | "queue::ClhMutex" => 11.0,
        // Most of them sleep, and a sleep costs what it costs, however many there are.
        "futex::Mutex" => 48.0_f64.min(6.0 * n),
        // It is handed over, however many wait (see the tests below).
        "futex::PiMutex" => 5.0,
        "futex::RwLock, write" | "futex::RwLock, write, no membarrier" => 64.0_f64.min(8.0 * n),
        "futex::RwLock, 1 write in 16" | "futex::RwLock, 1 write in 16, no membarrier" => 96.0_f64.min(2.5 * n),
        // The mutex, the queue, the waiter and its flag, which the sleeper, the notifier and the kernel all touch; and
        // the queues of the other pairs, which are all in one bucket here.
        "futex::Condvar, taking turns" => 17.0 + 2.0 * n,
        // The same, and what it takes to say that all wait.
        "futex::Condvar, notify_all" => 44.0,
        // One to come and one to go; more where compare-exchanges collide.
        "spin::RwLock, read" => 2.0 + n / 16.0,
        // A thread whose compare-exchange has failed waits, and the others go on: by the pair of a push and a pop.
        "stack::TaggedStack" => n / 2.0,
        "stack::TaggedStack, work outside" => 2.5_f64.max(n / 2.0),
        "stack::TaggedStack, bounded" => n,
        "stack::EpochStack, padded values" => 0.75 * n + 4.0,
        "stack::HazardStack, padded values" => 0.5 * n + 6.0,
        // A batch is one RMW on a shared line, and each core's first may fall into the steady state.
        "ApproximateCounter, batches of 64" => 1.0 / 64.0 + 1.0 / 256.0,
        // By the episode; exactly, in the tests of their own.
        "barrier::Barrier" => 2.0 * n,
        "barrier::CombiningBarrier" => 7.0 / 3.0 * n + 1.0,
        "barrier::TreeBarrier" | "barrier::TournamentBarrier" => 4.0 * (n - 1.0),
        "barrier::TreeBarrier, global flag" => 3.0 * n,
        "barrier::DisseminationBarrier" => 2.0 * n * n.log2().ceil(),
        // Two scans in 2,000: each takes over the right to hide slots, and looks for what ended threads have left.
        "hazard, retire" => 8.0 / 1_000.0,
        _ => 0.0,
    }
}

#[test]
fn nobody_pays_more_than_the_algorithm_asks_for() {
    for workload in all().filter(|workload| workload.ours) {
        for cores in CORES {
            let paid = workload.bill(&Machine::flat(cores), cores).transactions();
            let most = most(workload.name, cores);
            assert!(
                paid <= most + 0.001,
                "{} on {cores} cores: {paid} transactions, at most {most}",
                workload.name
            );
        }
    }
}

/// Both words of a ticket lock are on one line by choice: two threads find on it all they need. What it costs the
/// others: each waiter that looks at `serving` loses its copy to each arrival.
#[test]
fn a_ticket_lock_shares_falsely_once_for_each_in_the_queue_at_most() {
    for cores in CORES {
        let bill = workload("spin::TicketMutex").bill(&Machine::flat(cores), cores);
        let misses = bill.false_sharing_misses() as f64 / bill.operations() as f64;
        let most = if cores <= 2 { 0.0 } else { cores as f64 + 2.0 };
        assert!(
            misses <= most,
            "{cores} cores: {misses} false-sharing misses, at most {most}"
        );
        assert!(
            cores != 4 || misses > 0.5,
            "4 cores: {misses} false-sharing misses, and two words on one line"
        );
    }
}

#[test]
fn a_queue_costs_the_same_however_many_wait() {
    let paid = |name: &str, cores| workload(name).bill(&Machine::flat(cores), cores).transactions();
    for (name, exactly) in [("queue::McsMutex, Spin", 6.0), ("queue::ClhMutex, Spin", 5.0)] {
        for cores in [4, 8, 16, 32, 64] {
            let paid = paid(name, cores);
            assert!(
                (paid - exactly).abs() < 0.05,
                "{name} on {cores} cores: {paid} transactions"
            );
        }
        assert!((paid(name, 32) - paid(name, 4)).abs() <= 0.5, "{name}");
    }
    // Looking before joining, and sleeping, cost something, and nothing that grows (with 4, not all sleep).
    for name in ["queue::McsMutex", "queue::ClhMutex"] {
        assert!(paid(name, 32) - paid(name, 8) <= 0.5, "{name}");
        assert!((paid(name, 64) - paid(name, 8)).abs() <= 0.5, "{name}");
    }
}

/// The holder's unlock finds the mark of a waiter, hands over in the kernel and wakes; the next arrival leaves its
/// mark.
#[test]
#[cfg(any(target_os = "linux", target_os = "android"))]
fn a_lock_that_the_kernel_hands_over_costs_the_same_however_many_wait() {
    for cores in [2, 4, 8, 16, 32] {
        let paid = workload("futex::PiMutex")
            .bill(&Machine::flat(cores), cores)
            .transactions();
        assert!((paid - 4.0).abs() < 0.05, "{cores} cores: {paid} transactions");
    }
}

#[test]
fn a_notification_costs_the_same_however_many_wait() {
    let paid = |name: &str, cores| workload(name).bill(&Machine::flat(cores), cores).transactions();
    let name = "futex::Condvar, notify_all";
    assert!(paid(name, 64) - paid(name, 8) <= 0.5, "{name}");
}

#[test]
fn without_membarrier_a_biased_read_costs_two_fences_more_and_no_transaction() {
    // What a fence costs on `Machine::flat`.
    const FENCE: f64 = 5.4;
    let nanoseconds = |name: &str| 1e9 / workload(name).bill(&Machine::flat(1), 1).throughput();
    let more = nanoseconds("futex::RwLock, biased read, no membarrier") - nanoseconds("futex::RwLock, biased read");
    assert!((more - 2.0 * FENCE).abs() < 0.5, "{more} ns more");
}

/// An MCS node is one line by choice: a thread that links itself to a node takes the line from its owner, which looks
/// at the flag beside, and so does one that sets the flag beside the link. With two lines that would be no false
/// sharing, and 7 transactions for 6.
const NODE_ON_ONE_LINE: [&str; 2] = ["queue::McsMutex", "queue::McsMutex, Spin"];

#[test]
fn a_node_on_one_line_shares_falsely_twice_at_most_and_pays_less() {
    for name in NODE_ON_ONE_LINE {
        for cores in CORES {
            let bill = workload(name).bill(&Machine::flat(cores), cores);
            assert!(
                bill.false_sharing_misses() <= 2 * bill.operations(),
                "{name} on {cores} cores:\n{}",
                bill.steady()
            );
        }
    }
}

/// The lock's line holds three words by choice: a reader that looks at the hints or at the identity may lose it to a
/// change of the state in between. At most five times an operation, where 64 cores read and write at once.
const WORDS_ON_ONE_LINE: [&str; 7] = [
    "futex::Condvar, taking turns",
    "futex::Condvar, notify_all",
    "futex::Mutex",
    "futex::RwLock, write",
    "futex::RwLock, write, no membarrier",
    "futex::RwLock, 1 write in 16",
    "futex::RwLock, 1 write in 16, no membarrier",
];

#[test]
fn a_lock_on_one_line_shares_falsely_five_times_at_most() {
    for name in WORDS_ON_ONE_LINE {
        for cores in CORES {
            let bill = workload(name).bill(&Machine::flat(cores), cores);
            assert!(
                bill.false_sharing_misses() <= 5 * bill.operations(),
                "{name} on {cores} cores:\n{}",
                bill.steady()
            );
        }
    }
}

#[test]
fn nothing_of_ours_shares_falsely() {
    for workload in all().filter(|workload| {
        workload.ours
            // Those have a test of their own, in `deques.rs`.
            && !workload.name.starts_with("deque::Stealer")
            && ![&NODE_ON_ONE_LINE[..], &WORDS_ON_ONE_LINE, &["spin::TicketMutex"]]
                .concat()
                .contains(&workload.name)
    }) {
        for cores in CORES {
            let bill = workload.bill(&Machine::flat(cores), cores);
            bill.assert_shares_nothing_falsely(&format!("{} on {cores} cores", workload.name));
        }
    }
}

#[test]
fn the_controls_do() {
    for name in [
        "control: fetch_add, neighbours",
        "control: spin::Mutex, neighbours",
        "control: hazards, neighbours",
    ] {
        for cores in CORES.into_iter().filter(|cores| *cores > 1) {
            let bill = workload(name).bill(&Machine::flat(cores), cores);
            assert!(
                bill.false_sharing_misses() * 4 > bill.operations(),
                "{name} on {cores} cores:\n{}",
                bill.steady()
            );
        }
    }
}

#[test]
fn one_word_for_all_costs_a_transaction_for_each_change_of_core_and_shares_truly() {
    for cores in CORES.into_iter().filter(|cores| *cores > 1) {
        let bill = workload("control: fetch_add, shared").bill(&Machine::flat(cores), cores);
        assert!(
            (bill.transactions() - 1.0).abs() < 0.01,
            "{cores} cores: {}",
            bill.transactions()
        );
        assert_eq!(bill.false_sharing_misses(), 0);
    }
}

#[test]
fn two_runs_make_out_the_same_bill() {
    // What frees blocks or nodes has others where the system's allocator finds room.
    let allocates = |name: &str| {
        let families = ["deque::", "stack::EpochStack", "stack::HazardStack"];
        families.iter().any(|family| name.starts_with(family))
    };
    for workload in all().filter(|workload| !allocates(workload.name)) {
        let report = || workload.bill(&Machine::epyc_9654(), 16).steady().to_string();
        assert_eq!(report(), report(), "{}", workload.name);
    }
}
