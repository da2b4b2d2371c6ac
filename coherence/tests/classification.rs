//! Every transaction and every class of miss, on programs small enough to count by hand.

use std::sync::atomic as plain;
use std::time::Duration;

use coherence::cell::UnsafeCell;
use coherence::hint::spin_loop;
use coherence::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::*};
use coherence::time::Instant;
use coherence::{Machine, Report};

/// Words that share a line, and nothing else does.
#[derive(Default)]
#[repr(align(128))]
struct Line {
    a: AtomicU32,
    b: AtomicU32,
    c: AtomicU32,
}

/// Runs the steps one after the other, each on its core: no step begins before the one before has
/// ended.
fn steps(steps: &[(usize, &(dyn Fn() + Sync))]) -> Report {
    let cores = 1 + steps.iter().map(|step| step.0).max().unwrap_or(0);
    coherence::run(&Machine::flat(cores), cores, |core| {
        for (n, (owner, step)) in steps.iter().enumerate() {
            let begin = Instant::START + Duration::from_micros(10 * n as u64);
            while core == *owner && Instant::now() < begin {}
            if core == *owner {
                step();
            }
        }
    })
}

/// `[GetS, GetM, upgrades, invalidations, cold, true, false, hits]`
fn bill(report: &Report) -> [u64; 8] {
    [
        report.get_shared(),
        report.get_modified(),
        report.upgrades(),
        report.invalidations(),
        report.cold_misses(),
        report.true_sharing_misses(),
        report.false_sharing_misses(),
        report.hits(),
    ]
}

#[test]
fn a_lone_core_misses_once() {
    let x = Line::default();
    let load = || _ = x.a.load(Relaxed);
    let store = || x.a.store(1, Relaxed);
    // The load finds the line nowhere else and takes it exclusively: the store needs nothing more.
    assert_eq!(
        bill(&steps(&[(0, &load), (0, &store), (0, &load)])),
        [1, 0, 0, 0, 1, 0, 0, 2]
    );
    assert_eq!(bill(&steps(&[(0, &store), (0, &load)])), [0, 1, 0, 0, 1, 0, 0, 1]);
}

#[test]
fn a_shared_line_is_upgraded() {
    let x = Line::default();
    let load = || _ = x.a.load(Relaxed);
    let store = || x.a.store(1, Relaxed);
    // Core 1 reads what core 0 wrote, and writes it: an upgrade that costs core 0 its copy.
    assert_eq!(
        bill(&steps(&[(0, &store), (1, &load), (1, &store)])),
        [1, 1, 1, 1, 2, 0, 0, 0]
    );
    // Core 0 then misses, and what it reads is new: true sharing.
    assert_eq!(
        bill(&steps(&[(0, &store), (1, &load), (1, &store), (0, &load)])),
        [2, 1, 1, 1, 2, 1, 0, 0]
    );
}

#[test]
fn a_failed_compare_and_swap_is_a_write_of_what_was_there() {
    let x = Line::default();
    let load = || _ = x.a.load(Relaxed);
    let fail = || _ = x.a.compare_exchange(7, 8, Relaxed, Relaxed);
    // Core 1 takes the line away, for the word that core 0 uses too: that is contention, and no
    // false sharing.
    assert_eq!(
        bill(&steps(&[(0, &load), (1, &fail), (0, &load)])),
        [2, 1, 0, 1, 2, 1, 0, 0]
    );
    // It is false sharing where core 0 uses another word of the line.
    let load = || _ = x.b.load(Relaxed);
    assert_eq!(
        bill(&steps(&[(0, &load), (1, &fail), (0, &load)])),
        [2, 1, 0, 1, 2, 0, 1, 0]
    );
}

#[test]
fn neighbours_share_falsely() {
    let x = Line::default();
    let a = || x.a.store(1, Relaxed);
    let b = || x.b.store(1, Relaxed);
    let report = steps(&[(0, &a), (1, &b), (0, &a), (1, &b), (0, &a)]);
    assert_eq!(bill(&report), [0, 5, 0, 4, 2, 0, 3, 0]);
    let worst = report.total().falsely_shared();
    assert_eq!(worst.len(), 1);
    assert_eq!(
        worst[0].sites().iter().map(|s| s.bytes()).collect::<Vec<_>>(),
        [0..4, 4..8]
    );
    assert_eq!(
        worst[0].sites()[0].false_sharing_misses() + worst[0].sites()[1].false_sharing_misses(),
        3
    );
    assert!(worst[0].sites().iter().all(|s| s.file() == file!()));
    assert_eq!(
        worst[0]
            .cores()
            .iter()
            .map(|c| (c.core(), c.false_sharing_misses()))
            .collect::<Vec<_>>(),
        [(0, 2), (1, 1)]
    );
}

#[test]
fn a_lifetime_is_true_sharing_whenever_the_other_cores_word_is_used() {
    let x = Line::default();
    let (load_a, load_b) = (|| _ = x.a.load(Relaxed), || _ = x.b.load(Relaxed));
    let store_b = || x.b.store(1, Relaxed);
    // Core 0's second miss comes for `a`, which no core wrote, but it goes on to use `b`.
    let used = steps(&[(0, &load_a), (1, &store_b), (0, &load_a), (0, &load_b)]);
    assert_eq!(bill(&used), [2, 1, 0, 1, 2, 1, 0, 1]);
    let unused = steps(&[(0, &load_a), (1, &store_b), (0, &load_a)]);
    assert_eq!(bill(&unused), [2, 1, 0, 1, 2, 0, 1, 0]);
}

#[test]
fn what_was_not_seen_stays_unseen_through_useless_lifetimes() {
    let x = Line::default();
    let (load_a, load_b) = (|| _ = x.a.load(Relaxed), || _ = x.b.load(Relaxed));
    let store_b = || x.b.store(1, Relaxed);
    let fail = || _ = x.c.compare_exchange(9, 9, Relaxed, Relaxed);
    // Core 1 writes `b` once. Core 0's next two lifetimes are useless; the third reads `b` at last.
    // Then nothing is left.
    let report = steps(&[
        (0, &load_a),
        (1, &store_b),
        (0, &load_a),
        (1, &fail),
        (0, &load_a),
        (1, &fail),
        (0, &load_b),
        (1, &fail),
        (0, &load_b),
    ]);
    // Core 0: cold, false, false, true, false; core 1: cold, then three upgrades.
    assert_eq!(
        [
            report.cold_misses(),
            report.true_sharing_misses(),
            report.false_sharing_misses()
        ],
        [2, 1, 3]
    );
}

#[test]
fn size_is_true_to_the_byte() {
    #[repr(align(128))]
    struct Bytes([AtomicU8; 64]);
    let x = Bytes([const { AtomicU8::new(0) }; 64]);
    let (a, b) = (|| x.0[10].store(1, Relaxed), || x.0[11].store(1, Relaxed));
    assert_eq!(steps(&[(0, &a), (1, &b), (0, &a)]).false_sharing_misses(), 1);
    assert_eq!(steps(&[(0, &a), (1, &a), (0, &a)]).false_sharing_misses(), 0);
}

#[test]
fn a_cell_is_billed_for_all_its_lines() {
    #[repr(align(128))]
    struct Cell(UnsafeCell<[u8; 192]>);
    // SAFETY: the simulated threads take turns.
    unsafe impl Sync for Cell {}
    impl Cell {
        fn read(&self) {
            self.0.with(drop);
        }
        fn write(&self) {
            self.0.with_mut(drop);
        }
    }
    let x = Cell(UnsafeCell::new([0; 192]));
    let x = &x;
    let (read, write) = (|| x.read(), || x.write());
    assert_eq!(
        bill(&steps(&[(0, &write), (1, &read), (0, &write)])),
        [3, 3, 3, 3, 6, 0, 0, 0]
    );
}

#[test]
fn sums_agree_and_phases_add_up() {
    let words: Vec<_> = (0..32).map(|_| AtomicU64::new(0)).collect();
    let seed = plain::AtomicU64::new(1);
    let report = coherence::run(&Machine::epyc_9654(), 8, |i| {
        for round in 0..300 {
            if round == 100 {
                coherence::phase("second");
            }
            let random = seed
                .fetch_add(0x9E37_79B9_7F4A_7C15, Relaxed)
                .rotate_left(31)
                .wrapping_mul(i as u64 + 3)
                >> 40;
            let word = &words[random as usize % 32];
            match random % 3 {
                0 => _ = word.load(Relaxed),
                1 => word.store(random, Relaxed),
                _ => _ = word.compare_exchange(random, 0, Relaxed, Relaxed),
            }
        }
    });
    assert_eq!(report.hits() + report.transactions(), 8 * 300);
    let misses = report.cold_misses() + report.true_sharing_misses() + report.false_sharing_misses();
    assert_eq!(misses, report.get_shared() + report.get_modified());
    assert!(report.true_sharing_misses() > 0 && report.false_sharing_misses() > 0 && report.upgrades() > 0);
    let sum = |f: &dyn Fn(&coherence::Section) -> u64| report.phases().iter().map(f).sum::<u64>();
    assert_eq!(sum(&|p| p.transactions()), report.transactions());
    assert_eq!(sum(&|p| p.hits()), report.hits());
    assert_eq!(sum(&|p| p.false_sharing_misses()), report.false_sharing_misses());
    assert_eq!(
        report
            .phases()
            .iter()
            .map(|p| p.elapsed())
            .sum::<Duration>()
            .as_micros(),
        report.elapsed().as_micros()
    );
    for line in report.lines() {
        assert_eq!(
            line.sites().iter().map(|s| s.transactions()).sum::<u64>(),
            line.transactions()
        );
        assert_eq!(
            line.cores().iter().map(|c| c.transactions()).sum::<u64>(),
            line.transactions()
        );
    }
}

#[test]
fn the_pair_of_a_line_is_fetched_where_the_machine_does_so() {
    #[derive(Default)]
    #[repr(align(128))]
    struct Pair {
        left: AtomicU64,
        _gap: [u64; 7],
        right: AtomicU64,
    }
    let bill_on = |adjacent: bool| {
        let machine = Machine::builder("pairs")
            .cores(2)
            .adjacent_line_prefetch(adjacent)
            .build()
            .expect("a fine machine");
        let pair = Pair::default();
        coherence::run(&machine, 2, |i| {
            for _ in 0..50 {
                (if i == 0 { &pair.left } else { &pair.right }).fetch_add(1, Relaxed);
                (0..10).for_each(|_| spin_loop());
            }
        })
    };
    assert_eq!(bill_on(false).false_sharing_misses(), 0);
    assert!(bill_on(true).false_sharing_misses() > 0, "{}", bill_on(true));
}

#[test]
fn latency_follows_the_distance() {
    let machine = Machine::builder("near and far")
        .cores(8)
        .cluster(2)
        .socket(4)
        .transfer_ns(10.0, 100.0, 1000.0)
        .memory_ns(5.0)
        .hit_ns(1.0)
        .rmw_ns(0.0)
        .build()
        .expect("a fine machine");
    let elapsed = |reader: usize| {
        let x = Line::default();
        let report = coherence::run(&machine, 8, |i| {
            if i == 0 {
                x.a.store(1, Relaxed);
            } else if i == reader {
                (0..10).for_each(|_| spin_loop());
                x.a.load(Relaxed);
            }
        });
        report.elapsed().as_nanos() as u64 - 200
    };
    assert_eq!(
        [elapsed(1), elapsed(2), elapsed(3), elapsed(4), elapsed(7)],
        [10, 100, 100, 1000, 1000]
    );
}

/// Core 0 reads both lines of a pair, and writes the left one: an upgrade, which brings back the
/// right one too.
#[test]
fn an_upgrade_fetches_the_pair_as_well() {
    #[derive(Default)]
    #[repr(align(128))]
    struct Pair {
        left: AtomicU64,
        _gap: [u64; 7],
        right: AtomicU64,
    }
    let bill_on = |adjacent: bool| {
        let machine = Machine::builder("pairs")
            .cores(2)
            .adjacent_line_prefetch(adjacent)
            .build()
            .expect("a fine machine");
        let pair = Pair::default();
        let turn = plain::AtomicUsize::new(0);
        let report = coherence::run(&machine, 2, |i| {
            let step = |owner: usize, n: usize, step: &dyn Fn()| {
                while turn.load(Relaxed) < n {
                    spin_loop();
                }
                if i == owner {
                    step();
                    turn.store(n + 1, Relaxed);
                }
            };
            step(0, 0, &|| _ = pair.left.load(Relaxed));
            step(1, 1, &|| _ = pair.left.load(Relaxed));
            step(1, 2, &|| pair.right.store(1, Relaxed));
            step(0, 3, &|| pair.left.store(1, Relaxed));
        });
        bill(&report)
    };
    assert_eq!(bill_on(false), [2, 1, 1, 1, 3, 0, 0, 0]);
    assert_eq!(bill_on(true), [3, 1, 1, 1, 4, 0, 0, 0]);
}
