//! What each test of a deque needs to know of its elements: how often they have come out, and that they are dropped.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::common::{Drops, die};

/// How often each element has come out.
pub struct Ledger(Vec<AtomicU8>);

impl Ledger {
    pub fn new(elements: usize) -> Self {
        Ledger((0..elements).map(|_| AtomicU8::new(0)).collect())
    }

    pub fn note(&self, element: usize) {
        assert_eq!(
            self.0[element].fetch_add(1, Ordering::Relaxed),
            0,
            "{element} has come out twice"
        );
    }

    pub fn assert_complete(&self) {
        let missing = self
            .0
            .iter()
            .filter(|element| element.load(Ordering::Relaxed) == 0)
            .count();
        assert_eq!(missing, 0, "so many elements have not come out");
    }
}

/// Pushes all elements and pops some of them, in bursts that let a deque grow, shrink and run empty.
pub fn in_bursts(elements: usize, push: impl Fn(usize), pop: impl Fn()) {
    let mut next = 0;
    let mut burst = 1;
    while next < elements {
        for _ in 0..burst {
            if next < elements {
                push(next);
                next += 1;
            }
        }
        (0..burst / 2).for_each(|_| pop());
        burst = burst * 5 % 1009 + 1;
    }
}

/// Its destructor is counted, and panics if that is the wish.
pub struct Panics(pub Drops, pub bool);

impl Drop for Panics {
    fn drop(&mut self) {
        drop(self.0.counted());
        if self.1 {
            die();
        }
    }
}
