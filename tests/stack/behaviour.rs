//! One thread.

use crate::kinds::{Kind, Stack, on_each_stack};

on_each_stack! {
    the_last_comes_first,
    all_come_at_once,
    iterators_begin_with_the_top,
    an_iterator_that_is_left_drops_the_rest,
    large_and_empty_values_come_back,
    many_come_back,
    debug_says_no_value,
}

fn the_last_comes_first<K: Kind>() {
    let stack = K::Of::<u32>::default();
    assert!(stack.is_empty());
    assert_eq!(stack.pop(), None);
    stack.push(1);
    assert_eq!(stack.try_push(2), Ok(()));
    assert!(!stack.is_empty());
    assert_eq!(stack.pop(), Some(2));
    stack.push(3);
    assert_eq!(stack.pop(), Some(3));
    assert_eq!(stack.pop(), Some(1));
    assert_eq!(stack.pop(), None);
    assert!(stack.is_empty());
}

fn all_come_at_once<K: Kind>() {
    let stack = K::Of::<u32>::default();
    assert_eq!(stack.pop_all().next(), None);
    (0..5).for_each(|value| stack.push(value));
    let mut all = stack.pop_all();
    assert!(stack.is_empty());
    // What is pushed meanwhile is not among them.
    stack.push(10);
    assert_eq!(all.next(), Some(4));
    assert_eq!(stack.pop(), Some(10));
    stack.push(11);
    assert_eq!(all.collect::<Vec<_>>(), [3, 2, 1, 0]);
    assert_eq!(stack.pop(), Some(11));
    assert_eq!(stack.pop(), None);
}

fn iterators_begin_with_the_top<K: Kind>() {
    let mut stack: K::Of<u32> = (0..3).collect();
    stack.extend([3, 4]);
    assert_eq!(stack.into_iter().collect::<Vec<_>>(), [4, 3, 2, 1, 0]);
}

fn an_iterator_that_is_left_drops_the_rest<K: Kind>() {
    let value = std::sync::Arc::new(());
    let stack = K::Of::default();
    (0..10).for_each(|_| stack.push(value.clone()));
    let mut all = stack.pop_all();
    drop((all.next(), all.next()));
    drop(all);
    assert_eq!(std::sync::Arc::strong_count(&value), 1);
    (0..10).for_each(|_| stack.push(value.clone()));
    let mut all = stack.into_iter();
    drop(all.next());
    drop(all);
    assert_eq!(std::sync::Arc::strong_count(&value), 1);
}

fn large_and_empty_values_come_back<K: Kind>() {
    let stack = K::Of::<()>::default();
    (0..100).for_each(|_| stack.push(()));
    assert_eq!(std::iter::from_fn(|| stack.pop()).count(), 100);

    let stack = K::Of::<[u8; 4096]>::default();
    (0..100).for_each(|value| stack.push([value; 4096]));
    for value in (0..100).rev() {
        assert!(stack.pop().is_some_and(|found| found == [value; 4096]));
    }
    assert!(stack.is_empty());

    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(align(256))]
    struct Aligned(u8);
    let stack = K::Of::<Aligned>::default();
    (0..100).for_each(|value| stack.push(Aligned(value)));
    let all: Vec<Aligned> = stack.pop_all().collect();
    assert!(all.iter().rev().map(|value| value.0).eq(0..100));
}

/// More than fit into the first chunks, up and down, and each at its place.
fn many_come_back<K: Kind>() {
    const MANY: u32 = if cfg!(miri) { 1_200 } else { 300_000 };
    let stack = K::Of::<u32>::default();
    for round in 0..3 {
        (0..MANY).for_each(|value| stack.push(value ^ round));
        for value in (0..MANY).rev() {
            assert_eq!(stack.pop(), Some(value ^ round));
        }
        assert_eq!(stack.pop(), None);
    }
}

fn debug_says_no_value<K: Kind>() {
    let stack = K::Of::<u32>::default();
    assert!(format!("{stack:?}").contains("is_empty: true"));
    stack.push(77);
    assert!(format!("{stack:?}").contains("is_empty: false"));
    assert!(!format!("{stack:?}").contains("77"));
}
