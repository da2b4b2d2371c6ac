//! Barriers: episodes one after the other, billed by the episode.

use std::sync::Mutex;

use coherence::Machine;
use coherence::hint::spin_loop;
use coherence::sync::atomic::{AtomicU32, Ordering};
use linchpin::barrier::{
    Barrier, CombiningBarrier, DisseminationBarrier, Kind, Participant, TournamentBarrier, TreeBarrier, WakeUp,
};

use crate::workloads::Apart;
use crate::{Bill, one_at_a_time};

/// Episodes before the bill begins, and those that are billed.
const COLD: u64 = 4;
const BILLED: u64 = 64;

/// Episodes of threads that each have a `wait`. The first begins and ends the bill, each time when it is through: what
/// the others have not yet done of the episode before is billed at the beginning, and at the end it is not.
fn episodes<W: FnMut()>(machine: &Machine, threads: usize, wait: impl Fn(usize) -> W + Sync) -> Bill {
    let report = one_at_a_time(|| {
        coherence::run(machine, threads, |thread| {
            let mut wait = wait(thread);
            for episode in 0..COLD + BILLED + 1 {
                if thread == 0 && episode == COLD {
                    coherence::phase("steady");
                } else if thread == 0 && episode == COLD + BILLED {
                    coherence::phase("end");
                }
                wait();
            }
        })
    });
    Bill {
        report,
        operations: BILLED,
    }
}

fn participants<K: Kind + Send + Sync>(
    machine: &Machine,
    threads: usize,
    make: fn(usize) -> Vec<Participant<K>>,
) -> Bill {
    let participants: Vec<_> = make(threads).into_iter().map(|one| Mutex::new(Some(one))).collect();
    episodes(machine, threads, |thread| {
        let mut participant = participants[thread]
            .lock()
            .expect("none panics")
            .take()
            .expect("each is taken once");
        move || {
            participant.wait().expect("none goes before the last episode");
        }
    })
}

pub fn central(machine: &Machine, threads: usize) -> Bill {
    let barrier = Apart(Barrier::new(threads));
    episodes(machine, threads, |_| {
        || {
            barrier.0.wait();
        }
    })
}

pub fn combining(machine: &Machine, threads: usize) -> Bill {
    participants(machine, threads, CombiningBarrier::new)
}

pub fn tree(machine: &Machine, threads: usize) -> Bill {
    participants(machine, threads, |n| TreeBarrier::with_wake_up(n, WakeUp::Tree))
}

pub fn tree_with_global_flag(machine: &Machine, threads: usize) -> Bill {
    participants(machine, threads, |n| TreeBarrier::with_wake_up(n, WakeUp::Global))
}

pub fn tournament(machine: &Machine, threads: usize) -> Bill {
    participants(machine, threads, |n| TournamentBarrier::with_wake_up(n, WakeUp::Tree))
}

pub fn dissemination(machine: &Machine, threads: usize) -> Bill {
    participants(machine, threads, DisseminationBarrier::new)
}

/// Sense-reversing, with the counter beside the sense.
pub fn on_one_line(machine: &Machine, threads: usize) -> Bill {
    let words = Apart([const { AtomicU32::new(0) }; 2]);
    let [arrived, sense] = &words.0;
    let last = u32::try_from(threads).expect("there are few") - 1;
    episodes(machine, threads, |_| {
        let mut mine = 0;
        move || {
            mine += 1;
            if arrived.fetch_add(1, Ordering::AcqRel) == last {
                arrived.store(0, Ordering::Relaxed);
                sense.store(mine, Ordering::Release);
            }
            while sense.load(Ordering::Acquire) != mine {
                spin_loop();
            }
        }
    })
}
