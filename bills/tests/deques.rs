//! What owners, thieves and producers may pay, and that what is the deque's own is not shared falsely.
#![cfg(linchpin_coherence)]

use bills::{Bill, workload};
use coherence::Machine;

/// Cores beyond one.
const CORES: [usize; 6] = [2, 4, 8, 16, 32, 64];

const ONE_BY_ONE: [&str; 2] = ["deque::Stealer, one owner", "deque::Stealer, batches"];
const BLOCKS: &str = "deque::block::Stealer, blocks";
const INJECTOR: &str = "deque::Injector";

fn flat(name: &str, cores: usize) -> Bill {
    workload(name).bill(&Machine::flat(cores), cores)
}

/// An element is two transactions, being two lines long here; the ends are one each. Thieves that find little to steal compete:
/// each that fails has looked at both ends, and taken the front.
#[test]
fn a_steal_costs_no_more_than_what_thieves_collide_over() {
    for name in ONE_BY_ONE.into_iter().chain([BLOCKS, INJECTOR]) {
        for cores in CORES {
            let paid = flat(name, cores).transactions();
            let most = 7.0 + 1.25 * cores as f64;
            assert!(paid <= most, "{name} on {cores} cores: {paid}, at most {most}");
        }
    }
}

/// One owner and one thief.
#[test]
fn a_thief_alone_pays_for_what_moves() {
    for (name, most) in [
        (ONE_BY_ONE[0], 3.5),
        (ONE_BY_ONE[1], 4.0),
        (BLOCKS, 5.0),
        (INJECTOR, 5.5),
    ] {
        let paid = flat(name, 2).transactions();
        assert!(paid <= most, "{name}: {paid}, at most {most}");
    }
}

#[test]
fn blocks_and_segments_are_not_shared_falsely() {
    for name in [BLOCKS, INJECTOR] {
        for cores in CORES {
            flat(name, cores).assert_shares_nothing_falsely(&format!("{name} on {cores} cores"));
        }
    }
}

/// The owner reads the two words that a thief announces, once for each lap, and the thief may be writing them just then. That
/// is all, and it is less than one in a hundred operations.
#[test]
fn a_deque_is_shared_falsely_only_where_the_owner_meets_an_announcement() {
    for name in ONE_BY_ONE {
        for cores in CORES {
            let bill = flat(name, cores);
            let misses = bill.false_sharing_misses();
            assert!(
                misses * 100 <= bill.operations(),
                "{name} on {cores} cores:\n{}",
                bill.steady()
            );
            for line in bill.steady().falsely_shared() {
                let is_a_claim = line.sites().iter().all(|site| site.file().ends_with("deque/claims.rs"));
                assert!(is_a_claim, "{name} on {cores} cores:\n{}", bill.steady());
            }
        }
    }
}

#[test]
fn both_ends_on_one_line_are_shared_falsely() {
    for cores in CORES {
        let bill = flat("control: both ends on one line", cores);
        assert!(bill.false_sharing_misses() > 0, "{cores} cores");
    }
}
