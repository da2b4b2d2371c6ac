//! A node whose memory comes back to the top while another thread holds its address from before. Natively these check the
//! values; Miri also sees a missing synchronization, and a pointer to an allocation that was freed.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use linchpin::stack::HazardStack;

use crate::kinds::{Kind, Stack, on_each_stack};

on_each_stack! {
    pop_all_of_a_node_that_came_back,
    pop_all_of_a_node_that_was_allocated_anew,
    push_onto_a_node_that_was_allocated_anew,
}

/// Pops that let the threads' domain and the collector free what was retired before.
fn let_all_be_freed() {
    let other = HazardStack::<[u64; 40]>::new();
    for _ in 0..1_050 {
        other.push([0; 40]);
        let _ = other.pop();
    }
    #[cfg(feature = "epoch")]
    (0..8).for_each(|_| crossbeam_epoch::pin().flush());
}

/// A value is pushed and popped, and another pushed, perhaps at the same address. Another thread, which no synchronization has
/// told of this, may have loaded the head when the first one was there; it does `act`, until that returns values.
fn came_back<K: Kind, const WORDS: usize>(act: impl Fn(&K::Of<[u64; WORDS]>) -> Vec<u64>) -> Vec<u64> {
    let stack = K::Of::<[u64; WORDS]>::default();
    let is_there = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            stack.push([1; WORDS]);
            assert_eq!(stack.pop(), Some([1; WORDS]));
            let_all_be_freed();
            stack.push([2; WORDS]);
            // Relaxed: it must not tell the other thread of the push.
            is_there.store(true, Relaxed);
        });
        while !is_there.load(Relaxed) {
            thread::yield_now();
        }
        loop {
            let values = act(&stack);
            if !values.is_empty() {
                return values;
            }
            thread::yield_now();
        }
    })
}

fn pop_all_of_a_node_that_came_back<K: Kind>() {
    let values = came_back::<K, 1>(|stack| stack.pop_all().map(|value| value[0]).collect());
    assert_eq!(values, [2]);
}

/// Of a size of which no thread keeps free memory.
fn pop_all_of_a_node_that_was_allocated_anew<K: Kind>() {
    let values = came_back::<K, 64>(|stack| stack.pop_all().map(|value| value[0]).collect());
    assert_eq!(values, [2]);
}

fn push_onto_a_node_that_was_allocated_anew<K: Kind>() {
    let values = came_back::<K, 64>(|stack| {
        stack.push([3; 64]);
        let mut values = Vec::new();
        while values.len() < 2 {
            values.extend(stack.pop().map(|value| value[0]));
        }
        values.sort_unstable();
        values
    });
    assert_eq!(values, [2, 3]);
}
