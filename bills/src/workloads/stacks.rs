//! Stacks: a push and a pop, again and again. An operation is the pair.

use coherence::Machine;
use linchpin::CachePadded;
use linchpin::stack::{EpochStack, HazardStack, TaggedStack};

use super::{APART, Apart, OPERATIONS, STACKS, control, ours, pause, places};
use crate::{Bill, Workload, bill};

/// Operations between which a thread does something else, so that a stack is where threads meet and not where they live.
const WORK: usize = 64;

pub(super) const ALL: &[Workload] = &[
    ours(STACKS, "stack::TaggedStack", |machine, threads| {
        let stack = Apart(TaggedStack::new());
        pairs(machine, threads, 0, |thread| {
            stack.0.push(thread);
            stack.0.pop()
        })
    }),
    ours(STACKS, "stack::TaggedStack, work outside", |machine, threads| {
        let stack = Apart(TaggedStack::new());
        pairs(machine, threads, WORK, |thread| {
            stack.0.push(thread);
            stack.0.pop()
        })
    }),
    ours(STACKS, "stack::TaggedStack, bounded", |machine, threads| {
        let stack = Apart(TaggedStack::bounded(64));
        pairs(machine, threads, 0, |thread| {
            stack.0.push(thread);
            stack.0.pop()
        })
    }),
    // Where nodes come from an allocator, what lies beside a small one is not up to the stack: so values have their own lines.
    ours(STACKS, "stack::EpochStack, padded values", |machine, threads| {
        let stack = Apart(EpochStack::new());
        pairs(machine, threads, 0, |thread| {
            stack.0.push(CachePadded::new(thread));
            stack.0.pop()
        })
    }),
    ours(STACKS, "stack::HazardStack, padded values", |machine, threads| {
        let stack = Apart(HazardStack::new());
        pairs(machine, threads, 0, |thread| {
            stack.0.push(CachePadded::new(thread));
            stack.0.pop()
        })
    }),
    control(STACKS, "control: futex::Mutex<Vec>", |machine, threads| {
        let stack = Apart(linchpin::futex::Mutex::new(Vec::with_capacity(64)));
        pairs(machine, threads, 0, |thread| {
            stack.0.lock().push(thread);
            stack.0.lock().pop()
        })
    }),
    ours(APART, "stack::TaggedStack, one each", |machine, threads| {
        let stacks = places(threads, TaggedStack::new);
        pairs(machine, threads, 0, |thread| {
            stacks.0[thread].push(thread);
            stacks.0[thread].pop()
        })
    }),
];

fn pairs<T>(machine: &Machine, threads: usize, work: usize, pair: impl Fn(usize) -> Option<T> + Sync) -> Bill {
    bill(machine, threads, OPERATIONS / 4, usize::MAX, |thread, meter| {
        while meter.goes_on() {
            assert!(pair(thread).is_some(), "no thread pops more than it has pushed");
            meter.tick(thread);
            pause(work);
        }
    })
}
