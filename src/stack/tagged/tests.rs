//! A tag that comes round, and nodes that are where they should be.

use std::collections::BTreeSet;

use super::arena::{self, Arena};
use super::*;
use crate::backend::atomic::Relaxed;

/// With the caches of threads, in which the nodes of a thread wait for it.
#[cfg(feature = "std")]
mod laps {
    use std::vec::Vec;

    use super::*;
    use crate::stack::policy::Policy;

    #[cfg(test)]
    use std::thread;

    /// A thread is held up between its look at the top and its compare-exchange, while others push so many values.
    /// Returns whether it then succeeds, and what is there afterwards.
    fn held_up<const TAG_BITS: u32>(pushes: u32) -> (bool, Vec<u32>) {
        let stack = Treiber::<u32, Nodes<u32, TAG_BITS>>::new(Nodes::new(arena::MOST, true));
        stack.push(1).expect("there is memory");
        stack.push(2).expect("there is memory");
        let nodes = stack.policy();
        let seen = nodes.protect(&mut ());
        let upper = nodes.node(seen).expect("there are two");
        // SAFETY: a node that was found in the stack; its link is an atomic.
        let link = unsafe { nodes.link(upper) };

        // This thread has the upper node then, and another the lower.
        assert_eq!(stack.pop(), Some(2));
        thread::scope(|scope| scope.spawn(|| assert_eq!(stack.pop(), Some(1))).join()).expect("it only pops");
        for value in 10..10 + pushes {
            let _ = stack.pop();
            stack.push(value).expect("there is memory");
        }
        assert_eq!(
            nodes.head().load().index(),
            seen.index(),
            "the upper node is back, alone"
        );

        let popped = Nodes::<u32, TAG_BITS>::popped(seen, link);
        let deceived = nodes.head().compare_exchange_as(seen, popped, Relaxed, Relaxed).is_ok();
        (deceived, core::iter::from_fn(|| stack.pop()).take(3).collect())
    }

    #[test]
    fn a_tag_of_two_bits_comes_round() {
        // The value that was pushed last is lost, and one that was popped long ago comes again.
        assert_eq!(held_up::<2>(4), (true, Vec::from([1])));
        assert_eq!(held_up::<2>(8), (true, Vec::from([1])));
        // Not a whole lap.
        for pushes in [1, 2, 3, 5, 6, 7] {
            assert_eq!(held_up::<2>(pushes), (false, Vec::from([9 + pushes])));
        }
    }

    #[test]
    fn a_tag_of_32_bits_does_not() {
        for pushes in (1..20).chain([256, 65_536].into_iter().filter(|_| !cfg!(miri))) {
            assert_eq!(held_up::<TAG_BITS>(pushes), (false, Vec::from([9 + pushes])));
        }
    }

    #[test]
    fn a_frozen_tag_is_deceived_at_once() {
        assert_eq!(held_up::<0>(1), (true, Vec::from([1])));
    }
}

/// Hands out fresh nodes of a small and of a large type until the third chunk, and looks at where they are.
#[test]
fn each_fresh_node_has_its_own_place() {
    fn places<T>(count: usize) {
        let arena = Arena::<T>::new(arena::MOST);
        let mut places = BTreeSet::new();
        while places.len() < count {
            let mut index = arena.fresh(CHAIN);
            while index != arena::NONE {
                // SAFETY: handed out above.
                let node = unsafe { arena.node(index) };
                assert!(places.insert(core::ptr::from_ref(node).addr()), "node {index} twice");
                index = node.below.load(Relaxed);
            }
        }
        let distances = places.iter().zip(places.iter().skip(1)).map(|(one, next)| next - one);
        assert!(distances.min() >= Some(size_of::<arena::Node<T>>()));
    }
    places::<()>(5_000);
    places::<u64>(3_000);
    places::<[u8; 4096]>(100);
}

#[test]
fn the_first_nodes_are_on_lines_of_their_own() {
    let arena = Arena::<u64>::new(arena::MOST);
    let lines: BTreeSet<_> = (0..64)
        .map(|_| {
            // SAFETY: handed out right there.
            let node = unsafe { arena.node(arena.fresh(CHAIN)) };
            core::ptr::from_ref(node).addr() / align_of::<crossbeam_utils::CachePadded<u8>>()
        })
        .collect();
    assert_eq!(lines.len(), 64);
}

#[test]
fn fresh_nodes_end_at_the_limit() {
    let arena = Arena::<u64>::new(530);
    let mut count = 0;
    loop {
        let mut index = arena.fresh(CHAIN);
        if index == arena::NONE {
            break;
        }
        while index != arena::NONE {
            count += 1;
            // SAFETY: handed out above.
            index = unsafe { arena.node(index) }.below.load(Relaxed);
        }
    }
    assert_eq!(count, 530);
    assert!(arena.is_exhausted());
}
