//! What threads have done to a stack, and whether one thread could have done it: linearizability (Herlihy and Wing, 1990), by
//! the search of Wing and Gong (1993) with what Lowe (2017) remembers of the states it has been in.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// What is done, and what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Done {
    Pushed(u32),
    Popped(Option<u32>),
    PoppedAll(Vec<u32>),
    WasEmpty(bool),
}

/// One operation, and when it began and ended.
#[derive(Clone, Debug)]
pub struct Operation {
    pub done: Done,
    pub begin: u64,
    pub end: u64,
}

/// A clock whose every reading is later than those before it.
#[derive(Default)]
pub struct Clock(AtomicU64);

impl Clock {
    fn now(&self) -> u64 {
        self.0.fetch_add(1, SeqCst)
    }

    /// Does something and notes when. `hesitate` is called before and after: what it lets others do is done at the same time.
    pub fn time(&self, hesitate: impl Fn(), act: impl FnOnce() -> Done) -> Operation {
        let begin = self.now();
        hesitate();
        let done = act();
        hesitate();
        Operation {
            done,
            begin,
            end: self.now(),
        }
    }
}

/// Does `done` to a stack that is a vector; false if that would say something else.
fn replay(stack: &mut Vec<u32>, done: &Done) -> bool {
    match done {
        Done::Pushed(value) => {
            stack.push(*value);
            true
        }
        Done::Popped(value) => stack.pop() == *value,
        Done::PoppedAll(values) => std::mem::take(stack).into_iter().rev().eq(values.iter().copied()),
        Done::WasEmpty(is_empty) => stack.is_empty() == *is_empty,
    }
}

/// Whether there is an order of these operations, at most 64, in which each that had ended before another began comes before
/// it, and in which a sequential stack says the same.
pub fn is_linearizable(history: &[Operation]) -> bool {
    assert!(history.len() <= 64, "a bit for each");
    let mut visited = HashSet::new();
    search(history, 0, &[], &mut visited)
}

fn search(history: &[Operation], done: u64, stack: &[u32], visited: &mut HashSet<(u64, Vec<u32>)>) -> bool {
    if done.count_ones() as usize == history.len() {
        return true;
    }
    if !visited.insert((done, stack.to_vec())) {
        return false;
    }
    let open = || history.iter().enumerate().filter(|(number, _)| done >> number & 1 == 0);
    // The first that must come next ends here; none that begins later can come before it.
    let first_end = open().map(|(_, operation)| operation.end).min();
    open().any(|(number, operation)| {
        let mut next = stack.to_vec();
        first_end.is_some_and(|end| operation.begin < end)
            && replay(&mut next, &operation.done)
            && search(history, done | 1 << number, &next, visited)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(operations: impl IntoIterator<Item = (Done, u64, u64)>) -> Vec<Operation> {
        operations
            .into_iter()
            .map(|(done, begin, end)| Operation { done, begin, end })
            .collect()
    }

    #[test]
    fn the_checker_lets_through_what_is_right() {
        use Done::{Popped, PoppedAll, Pushed, WasEmpty};
        for right in [
            history([]),
            history([(Pushed(1), 0, 1), (Popped(Some(1)), 2, 3), (Popped(None), 4, 5)]),
            // At the same time: in either order.
            history([(Pushed(1), 0, 3), (Popped(None), 1, 2)]),
            history([(Pushed(1), 0, 3), (Popped(Some(1)), 1, 2)]),
            history([
                (Pushed(1), 0, 1),
                (Pushed(2), 2, 5),
                (Popped(Some(1)), 3, 6),
                (Popped(Some(2)), 7, 8),
            ]),
            history([
                (Pushed(1), 0, 1),
                (Pushed(2), 2, 3),
                (PoppedAll(vec![2, 1]), 4, 5),
                (WasEmpty(true), 6, 7),
            ]),
        ] {
            assert!(is_linearizable(&right), "{right:?}");
        }
    }

    #[test]
    fn the_checker_finds_what_is_wrong() {
        use Done::{Popped, PoppedAll, Pushed, WasEmpty};
        for wrong in [
            // Lost, twice, out of order, too early, in pieces.
            history([(Pushed(1), 0, 1), (Popped(None), 2, 3)]),
            history([(Pushed(1), 0, 1), (Popped(Some(1)), 2, 4), (Popped(Some(1)), 3, 5)]),
            history([
                (Pushed(1), 0, 1),
                (Pushed(2), 2, 3),
                (Popped(Some(1)), 4, 5),
                (Popped(Some(2)), 6, 7),
            ]),
            history([(Popped(Some(1)), 0, 1), (Pushed(1), 2, 3)]),
            history([
                (Pushed(1), 0, 1),
                (Pushed(2), 2, 3),
                (PoppedAll(vec![2]), 4, 5),
                (PoppedAll(vec![1]), 6, 7),
            ]),
            history([(Pushed(1), 0, 1), (WasEmpty(true), 2, 3)]),
        ] {
            assert!(!is_linearizable(&wrong), "{wrong:?}");
        }
    }
}
