//! Children of a fork, and a kernel that refuses the fence.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::thread;

use linchpin::stack::HazardStack;

use crate::kinds::{Hazard, Kind, Stack, Tagged};
use crate::memory::{Large, large_nodes};
use crate::process::{Child, alone, in_a_fork};
use crate::seccomp::refuse_membarrier;
use crate::system::{Actor, leak, until};

/// How many threads a child has beside its first, and how many values each of them pushes.
const THREADS: usize = 3;
const EACH: usize = 2_000;
/// Values of the child; those of the parent are smaller.
const FIRST: u64 = 1 << 32;

/// How often each value of the child has been popped there.
static POPPED: [AtomicU8; THREADS * EACH] = [const { AtomicU8::new(0) }; THREADS * EACH];

fn note(popped: Option<u64>) {
    if let Some(value) = popped.and_then(|value| value.checked_sub(FIRST)) {
        POPPED[value as usize].fetch_add(1, Relaxed);
    }
}

/// What a thread of a child works with.
struct Part<S: 'static> {
    stack: &'static S,
    number: usize,
}

/// A thread of a child: the system's, since Rust's may need what another thread of the parent was in the middle of.
extern "C" fn work<S: Stack<u64> + 'static>(part: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: `child_goes_on` passes one, which it keeps until this thread has ended.
    let part = unsafe { &*part.cast::<Part<S>>() };
    for round in 0..EACH {
        part.stack.push(FIRST + (part.number * EACH + round) as u64);
        if round % 2 == 1 {
            note(part.stack.pop());
            note(part.stack.pop());
        }
    }
    std::ptr::null_mut()
}

/// Threads that the child starts push and pop, at the stack that the parent's threads were at; nothing is lost or comes twice.
fn child_goes_on<S: Stack<u64> + 'static>(stack: &'static S) -> bool {
    let parts = [0, 1, 2].map(|number| Part { stack, number });
    let threads = parts.each_ref().map(|part| {
        let mut thread = 0;
        // SAFETY: places for the thread and for what it is given, which lives until it is joined below.
        let failed = unsafe {
            libc::pthread_create(
                &raw mut thread,
                std::ptr::null(),
                work::<S>,
                std::ptr::from_ref(part).cast_mut().cast(),
            )
        };
        (failed == 0).then_some(thread)
    });
    for thread in threads {
        let Some(thread) = thread else { return false };
        // SAFETY: started above, and joined once.
        if unsafe { libc::pthread_join(thread, std::ptr::null_mut()) } != 0 {
            return false;
        }
    }
    for value in stack.pop_all() {
        note(Some(value));
    }
    stack.is_empty() && POPPED.iter().all(|popped| popped.load(Relaxed) == 1)
}

/// Children that are forked while other threads are anywhere in an operation go on with the same stack.
fn children_go_on<K: Kind>() {
    let stack: &'static K::Of<u64> = leak(K::Of::<u64>::default());
    let (is_over, rounds) = (leak(AtomicBool::new(false)), leak(AtomicU64::new(0)));
    let actors = [0, 1, 2].map(|number| {
        Actor::start(move || {
            while !is_over.load(Relaxed) {
                for step in 0..16 {
                    if (step + number) % 8 < 4 {
                        stack.push(number);
                    } else {
                        stack.pop();
                    }
                }
                rounds.fetch_add(1, Relaxed);
            }
        })
    });
    for _ in 0..20 {
        // What this thread keeps of its own goes along.
        for value in 0..300 {
            stack.push(value);
            stack.pop();
        }
        let before = rounds.load(Relaxed);
        until("the others are at work", || rounds.load(Relaxed) > before + 100);
        assert_eq!(in_a_fork(60, || child_goes_on(stack)), Child::Right);
    }
    is_over.store(true, Relaxed);
    actors.into_iter().for_each(Actor::join);
}

#[test]
fn a_child_of_a_fork_goes_on_with_a_tagged_stack() {
    alone(|| {
        children_go_on::<Tagged>();
    });
}

#[test]
fn a_child_of_a_fork_goes_on_with_a_hazard_stack() {
    alone(|| {
        children_go_on::<Hazard>();
    });
}

#[cfg(feature = "epoch")]
#[test]
fn a_child_of_a_fork_goes_on_with_an_epoch_stack() {
    alone(|| {
        children_go_on::<crate::kinds::Epoch>();
    });
}

/// Pushes and pops so often, and wants back what it has pushed; returns how many nodes more there are then.
fn one_by_one(stack: &HazardStack<Large>, times: usize) -> isize {
    let before = large_nodes();
    for _ in 0..times {
        stack.push(Large::new());
        assert!(stack.pop().is_some(), "no thread pops more than it has pushed");
    }
    large_nodes() - before
}

/// A sandbox refuses `membarrier` after it was used: threads in it push and pop as before, and no node is freed that they have
/// popped, since another thread may be looking at it; a thread outside takes over what they leave.
#[test]
fn a_sandbox_refuses_the_fence() {
    alone(|| {
        let stack = leak(HazardStack::<Large>::new());
        // It has been used: nodes have been freed.
        assert!(one_by_one(stack, 5_000) <= 1_001, "nothing was freed");
        let values = leak(HazardStack::<u64>::new());
        let (has_begun, is_over) = (leak(AtomicBool::new(false)), leak(AtomicBool::new(false)));
        // Outside, and at the same stack as those inside; not at once, since it takes over what they leave.
        let outside = thread::spawn(move || {
            let mut popped = 0;
            while !has_begun.load(Relaxed) {
                thread::yield_now();
            }
            while !is_over.load(Relaxed) {
                values.push(0);
                popped += values.pop().expect("no thread pops more than it has pushed");
            }
            popped
        });
        let inside = thread::spawn(move || {
            let kept = refuse_membarrier().then(|| one_by_one(stack, 3_000));
            has_begun.store(true, Relaxed);
            let kept = kept?;
            // Threads of a sandboxed thread are in the sandbox.
            let sums = thread::scope(|scope| {
                [1, 2]
                    .map(|number| {
                        scope.spawn(move || {
                            let mut popped = 0;
                            for round in 1..=5_000 {
                                values.push(number * 10_000 + round);
                                popped += values.pop().expect("no thread pops more than it has pushed");
                            }
                            popped
                        })
                    })
                    .map(|thread| thread.join().expect("it pushes and pops"))
            });
            Some((kept, sums.iter().sum::<u64>()))
        });
        let outcome = inside.join().expect("it pushes and pops");
        is_over.store(true, Relaxed);
        let popped = outside.join().expect("it pushes and pops");
        let Some((kept, inside)) = outcome else {
            return;
        };
        let pushed: u64 = (1..=5_000).map(|round| 3 * 10_000 + 2 * round).sum();
        assert_eq!(inside + popped, pushed);
        assert!(values.is_empty());
        // Too late to disable anything: it answers whether there is nothing to disable.
        let was_refused = !linchpin::membarrier::disable();
        assert!(
            !was_refused || kept == 3_000,
            "{kept} nodes are kept: others were freed"
        );
        // What the thread in the sandbox has left is taken over by this one, which is outside.
        let before = large_nodes();
        let more = one_by_one(stack, 5_000);
        assert!(
            before + more <= 2_002,
            "{before} nodes, and {more} more: nothing was taken over"
        );
        // And then it is inside as well.
        assert!(refuse_membarrier());
        let kept = one_by_one(stack, 3_000);
        assert!(
            !was_refused || kept >= 2_000,
            "{kept} nodes are kept: others were freed"
        );
    });
}
