//! In which order values come.

use std::sync::Arc;

use loom_tests::{explore_to, spawn};

use super::Stack;

/// One thread pushes 1 and 2, another pops twice, and the third, while they do, once. Of 1 and 2, the later comes first if both were there.
pub fn takes_the_last_first<S: Stack<u32>>(new: fn() -> S) -> usize {
    let outcomes = [
        (None, None),
        (None, Some(1)),
        (None, Some(2)),
        (Some(1), None),
        (Some(1), Some(2)),
        (Some(2), Some(1)),
    ];
    explore_to(outcomes, move || {
        let stack = Arc::new(new());
        let pusher = spawn({
            let stack = Arc::clone(&stack);
            move || {
                stack.push(1);
                stack.push(2);
            }
        });
        let popper = spawn({
            let stack = Arc::clone(&stack);
            move || (stack.pop(), stack.pop())
        });
        pusher.join().expect("it only pushes");
        popper.join().expect("it only pops")
    })
}

/// Two threads push one and two values, a third takes all: what each has pushed is there up to a point, the last first.
pub fn pop_all_takes_all<S: Stack<u32>>(new: fn() -> S) -> usize {
    let outcomes = [
        vec![],
        vec![1],
        vec![2, 1],
        vec![3],
        vec![3, 1],
        vec![1, 3],
        vec![3, 2, 1],
        vec![2, 3, 1],
        vec![2, 1, 3],
    ];
    explore_to(outcomes, move || {
        let stack = Arc::new(new());
        let twice = spawn({
            let stack = Arc::clone(&stack);
            move || {
                stack.push(1);
                stack.push(2);
            }
        });
        let once = spawn({
            let stack = Arc::clone(&stack);
            move || stack.push(3)
        });
        // Not the main thread: a thread whose first operation is a load makes loom 0.7 leave out schedules (see `spawn`).
        let taker = spawn({
            let stack = Arc::clone(&stack);
            move || stack.pop_all()
        });
        twice.join().expect("it only pushes");
        once.join().expect("it only pushes");
        let taken = taker.join().expect("it only takes");
        let mut all = [taken.clone(), stack.pop_all()].concat();
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3]);
        taken
    })
}
