//! The false-sharing demonstration of the README, and its control.

use coherence::sync::atomic::{AtomicU64, Ordering::Relaxed};
use crossbeam_utils::CachePadded;

#[derive(Default)]
#[repr(align(64))]
struct Stats {
    reads: AtomicU64,
    writes: AtomicU64,
}

#[test]
fn the_demonstration_names_both_lines_of_source() {
    let stats = Stats::default();
    let first = line!() + 4;
    let report = coherence::run(&coherence::Machine::flat(2), 2, |thread| {
        for _ in 0..1000 {
            if thread == 0 {
                stats.reads.fetch_add(1, Relaxed);
            } else {
                stats.writes.fetch_add(1, Relaxed);
            }
        }
    });
    assert_eq!((report.false_sharing_misses(), report.cold_misses()), (1998, 2));
    let text = report.total().falsely_shared()[0].to_string();
    assert!(text.contains(&format!("{}:{} [0..8]", file!(), first)), "{text}");
    assert!(text.contains(&format!("{}:{} [8..16]", file!(), first + 2)), "{text}");
}

#[test]
fn padding_ends_it() {
    let stats = [const { CachePadded::new(AtomicU64::new(0)) }; 2];
    let report = coherence::run(&coherence::Machine::flat(2), 2, |thread| {
        (0..1000).for_each(|_| _ = stats[thread].fetch_add(1, Relaxed));
    });
    assert_eq!((report.false_sharing_misses(), report.transactions()), (0, 2));
    assert!(report.total().falsely_shared().is_empty());
}
