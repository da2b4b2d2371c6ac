//! What only the tagged stack has: a capacity, memory beforehand, and nodes that are used again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use linchpin::stack::TaggedStack;

#[test]
fn a_capacity_gives_back_what_is_too_much() {
    for capacity in [1, 2, 3, 15, 16, 17, 511, 512, 513, 2000] {
        let stack = TaggedStack::bounded(capacity);
        assert_eq!(stack.limit(), capacity);
        for _ in 0..3 {
            (0..capacity).for_each(|value| stack.push(value));
            assert_eq!(stack.try_push(usize::MAX), Err(usize::MAX));
            assert_eq!(stack.try_push(usize::MAX), Err(usize::MAX));
            assert_eq!(stack.pop(), Some(capacity - 1));
            assert_eq!(stack.try_push(7), Ok(()));
            assert_eq!(stack.try_push(8), Err(8));
            assert_eq!(stack.pop(), Some(7));
            (0..capacity - 1)
                .rev()
                .for_each(|value| assert_eq!(stack.pop(), Some(value)));
            assert_eq!(stack.pop(), None);
        }
    }
}

#[test]
fn a_push_beyond_the_capacity_says_so() {
    let stack = TaggedStack::bounded(1);
    stack.push(1);
    let panic = catch_unwind(AssertUnwindSafe(|| stack.push(2))).expect_err("it is full");
    let said = panic.downcast_ref::<String>().expect("it says a sentence");
    assert!(
        said.contains("TaggedStack::push") && said.contains("1 values at most"),
        "{said}"
    );
    assert_eq!(stack.pop_all().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_wrong_capacity_says_so() {
    for capacity in [0, 1 << 32] {
        let panic = catch_unwind(|| TaggedStack::<u8>::bounded(capacity)).expect_err("it is wrong");
        let said = panic.downcast_ref::<&str>().expect("it says a sentence");
        assert!(said.contains("`capacity`") && said.contains("2^32 - 1"), "{said}");
    }
}

/// Instead of all the address space that there is.
#[test]
#[cfg(all(feature = "std", target_pointer_width = "64"))]
fn a_capacity_that_no_stack_has_says_so() {
    let panic = catch_unwind(|| TaggedStack::<u8>::with_capacity(usize::MAX)).expect_err("it is too much");
    let said = panic.downcast_ref::<&str>().expect("it says a sentence");
    assert!(said.contains("`capacity`") && said.contains("2^32 - 1"), "{said}");
}

/// As many as the capacity are in it at once, from whatever threads, and no more.
#[test]
fn a_capacity_holds_among_threads() {
    const CAPACITY: usize = 8;
    const ROUNDS: usize = if cfg!(miri) { 50 } else { 100_000 };
    let stack = TaggedStack::bounded(CAPACITY);
    let (inside, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..4 {
            let (stack, inside, refused) = (&stack, &inside, &refused);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    // Counted after a push and before a pop: so never more than there are.
                    match stack.try_push(number * ROUNDS + round) {
                        Ok(()) => assert!(inside.fetch_add(1, SeqCst) < CAPACITY),
                        Err(back) => {
                            assert_eq!(back, number * ROUNDS + round);
                            refused.fetch_add(1, SeqCst);
                        }
                    }
                    if round % 3 != 0 {
                        // What is taken out of the count is one of those inside, whichever.
                        let mut seen = inside.load(SeqCst);
                        while seen > 0 {
                            match inside.compare_exchange(seen, seen - 1, SeqCst, SeqCst) {
                                Ok(_) => {
                                    assert!(stack.pop().is_some());
                                    break;
                                }
                                Err(now) => seen = now,
                            }
                        }
                    }
                }
            });
        }
    });
    assert_eq!(stack.pop_all().count(), inside.into_inner());
    // All nodes are back.
    (0..CAPACITY).for_each(|value| assert_eq!(stack.try_push(value), Ok(())));
    assert_eq!(stack.try_push(0), Err(0));
}

#[test]
fn capacity_beforehand_is_no_limit() {
    let stack = TaggedStack::with_capacity(10);
    (0..5000).for_each(|value| stack.push(value));
    assert_eq!(stack.limit(), u32::MAX as usize);
    assert!(stack.pop_all().eq((0..5000).rev()));
    // None at all is as good.
    TaggedStack::with_capacity(0).push(1);
}
