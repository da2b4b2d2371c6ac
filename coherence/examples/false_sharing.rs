//! The README's example: finds a false-sharing miss, and prints both source lines.

use coherence::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Default)]
#[repr(align(64))]
struct Stats {
    reads: AtomicU64,
    writes: AtomicU64,
}

fn main() {
    let stats = Stats::default();
    let report = coherence::run(&coherence::Machine::flat(2), 2, |thread| {
        for _ in 0..1000 {
            if thread == 0 {
                stats.reads.fetch_add(1, Relaxed);
            } else {
                stats.writes.fetch_add(1, Relaxed);
            }
        }
    });
    println!("{report}\nFalsely shared:");
    println!("{}", report.total().falsely_shared()[0]);
}
