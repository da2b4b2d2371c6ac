//! A value's `drop` that uses the stack it was in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::kinds::{Kind, Stack, on_each_stack};

on_each_stack! {
    a_drop_pushes_to_its_stack,
    a_drop_pops_from_its_stack,
    values_hold_stacks_of_values,
}

/// Pushes another, `left` times, into the stack it was in.
struct Pushes<K: Kind> {
    stack: Arc<K::Of<Pushes<K>>>,
    left: usize,
    drops: Arc<AtomicUsize>,
}

// SAFETY: the stack of such values is shared; each value is `Send` as its parts are. (A stack of a type that has such a stack is
// what the compiler cannot work out by itself.)
unsafe impl<K: Kind> Send for Pushes<K> {}

impl<K: Kind> Drop for Pushes<K> {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Relaxed);
        if self.left > 0 {
            self.stack.push(Pushes {
                stack: self.stack.clone(),
                left: self.left - 1,
                drops: self.drops.clone(),
            });
        }
    }
}

fn a_drop_pushes_to_its_stack<K: Kind>() {
    let stack = Arc::new(K::Of::<Pushes<K>>::default());
    let drops = Arc::new(AtomicUsize::new(0));
    for _ in 0..10 {
        stack.push(Pushes {
            stack: stack.clone(),
            left: 5,
            drops: drops.clone(),
        });
    }
    // Each `pop_all` drops what it has taken, which pushes as many.
    while !stack.is_empty() {
        drop(stack.pop_all());
    }
    assert_eq!(drops.load(Relaxed), 60);
}

/// Pops from the stack it was in.
struct Pops<K: Kind>(Arc<K::Of<Pops<K>>>, Arc<AtomicUsize>);

// SAFETY: as above.
unsafe impl<K: Kind> Send for Pops<K> {}

impl<K: Kind> Drop for Pops<K> {
    fn drop(&mut self) {
        self.1.fetch_add(1, Relaxed);
        drop(self.0.pop());
    }
}

fn a_drop_pops_from_its_stack<K: Kind>() {
    let stack = Arc::new(K::Of::<Pops<K>>::default());
    let drops = Arc::new(AtomicUsize::new(0));
    (0..100).for_each(|_| stack.push(Pops(stack.clone(), drops.clone())));
    drop(stack.pop());
    assert_eq!(drops.load(Relaxed), 100);
    assert!(stack.is_empty());
}

fn values_hold_stacks_of_values<K: Kind>() {
    let value = Arc::new(());
    let stack = K::Of::<K::Of<Arc<()>>>::default();
    for _ in 0..10 {
        stack.push((0..10).map(|_| value.clone()).collect());
    }
    assert_eq!(Arc::strong_count(&value), 101);
    drop(stack.pop());
    assert_eq!(Arc::strong_count(&value), 91);
    drop(stack);
    assert_eq!(Arc::strong_count(&value), 1);
}
