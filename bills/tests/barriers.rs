//! What an episode of each barrier may cost, and how long it takes on the machines that are known.
#![cfg(linchpin_coherence)]

use bills::{Bill, workload};
use coherence::Machine;

/// Cores beyond one.
const CORES: [usize; 6] = [2, 4, 8, 16, 32, 64];

const NAMES: [&str; 6] = [
    "barrier::Barrier",
    "barrier::CombiningBarrier",
    "barrier::TreeBarrier",
    "barrier::TreeBarrier, global flag",
    "barrier::TournamentBarrier",
    "barrier::DisseminationBarrier",
];
const CONTROL: &str = "control: a central barrier on one line";

fn flat(name: &str, cores: usize) -> Bill {
    workload(name).bill(&Machine::flat(cores), cores)
}

/// Transactions for each episode, on so many cores that each have a thread.
fn paid(name: &str, cores: usize) -> f64 {
    flat(name, cores).transactions()
}

/// Mellor-Crummey and Scott's tree sets `2P - 2` flags and so does a tournament; each is one transaction for the thread
/// that sets it and one for the thread that awaits it. Dissemination sets `P ceil(log2 P)`.
#[test]
fn flags_cost_what_the_algorithms_determine() {
    for cores in [2, 3, 4, 5, 8, 13, 16, 32, 64] {
        let n = cores as f64;
        for (name, flags) in [
            ("barrier::TreeBarrier", 2.0 * n - 2.0),
            ("barrier::TournamentBarrier", 2.0 * n - 2.0),
            ("barrier::DisseminationBarrier", n * n.log2().ceil()),
        ] {
            let paid = paid(name, cores);
            assert!(
                (paid - 2.0 * flags).abs() < 0.05,
                "{name} on {cores} cores: {paid}, for {flags} flags"
            );
        }
    }
}

/// An arrival takes the counter, and each but the last looks at the gate once more; opening it is one.
#[test]
fn a_central_barrier_costs_two_for_each_thread() {
    for cores in CORES {
        let paid = paid("barrier::Barrier", cores);
        assert!((paid - (2.0 * cores as f64 - 1.0)).abs() < 0.5, "{cores} cores: {paid}");
    }
}

/// `P - 1` flags of two transactions; then the gate is opened, and `P - 1` look at it.
#[test]
fn a_global_flag_saves_a_quarter_of_the_tree() {
    for cores in CORES {
        let paid = paid("barrier::TreeBarrier, global flag", cores);
        assert!(
            (paid - (3.0 * cores as f64 - 2.0)).abs() < 0.05,
            "{cores} cores: {paid}"
        );
    }
}

#[test]
fn a_combining_tree_costs_a_counter_for_each_three_more() {
    for cores in CORES {
        let n = cores as f64;
        let paid = paid("barrier::CombiningBarrier", cores);
        assert!(
            (2.0 * n - 1.0 - 0.05..=7.0 / 3.0 * n).contains(&paid),
            "{cores} cores: {paid}"
        );
    }
}

#[test]
fn no_barrier_shares_falsely() {
    for name in NAMES {
        for cores in [2, 3, 4, 7, 8, 16, 33, 64] {
            flat(name, cores).assert_shares_nothing_falsely(&format!("{name} on {cores} cores"));
        }
    }
}

/// The negative control: with the sense beside the counter, each thread that waits misses for an arrival that is
/// no business of its own.
#[test]
fn one_line_for_counter_and_sense_shares_falsely_and_pays_more() {
    for cores in CORES {
        let bill = flat(CONTROL, cores);
        assert!(
            bill.false_sharing_misses() >= (cores as u64 - 1) * bill.operations(),
            "{cores} cores"
        );
        assert!(
            bill.transactions() >= 1.9 * paid("barrier::Barrier", cores),
            "{cores} cores"
        );
        assert!(
            bill.throughput() < 0.6 * flat("barrier::Barrier", cores).throughput(),
            "{cores} cores"
        );
    }
}

/// How long an episode takes on a socket of that machine, in virtual nanoseconds.
fn nanoseconds(name: &str, machine: &Machine, cores: usize) -> f64 {
    1e9 / workload(name).bill(machine, cores).throughput()
}

#[test]
fn sixty_four_cores_of_an_epyc_meet_in_half_the_time() {
    let epyc = Machine::epyc_9654();
    let central = nanoseconds("barrier::Barrier", &epyc, 64);
    for name in [
        "barrier::TreeBarrier",
        "barrier::TournamentBarrier",
        "barrier::DisseminationBarrier",
    ] {
        let ours = nanoseconds(name, &epyc, 64);
        assert!(
            ours <= 0.5 * central,
            "{name}: {ours} ns, and {central} ns with one counter"
        );
    }
}

/// The table in the documentation of `barrier`: `cargo test -p bills --test barriers -- --ignored --nocapture`.
#[test]
#[ignore = "prints the table of the documentation"]
fn print_the_table() {
    let machines = [
        (Machine::xeon_8375c(), 32),
        (Machine::graviton_3(), 64),
        (Machine::epyc_9654(), 64),
    ];
    for (machine, most) in machines {
        for name in NAMES {
            let cells = [2, 4, 8, 16, 32, 64].into_iter().filter(|&cores| cores <= most);
            let cells: Vec<String> = cells
                .map(|cores| format!("{:.0}", nanoseconds(name, &machine, cores)))
                .collect();
            eprintln!("| {} | `{name}` | {} |", machine.name(), cells.join(" | "));
        }
    }
}
