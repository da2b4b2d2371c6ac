//! Models of the stacks: nothing is lost, nothing comes twice, and the last comes first.
#![cfg(linchpin_loom)]

mod order;
mod tagged;

use std::sync::Arc;

use linchpin::stack::hazard::OwnDomainStack;
use linchpin::stack::{EpochStack, TaggedStack};
use loom::alloc::Track;
use loom_tests::{explore_at_most_to, explore_to, models, spawn};

models! {
    stack, sources: [
        "src/stack/treiber.rs", "src/stack/epoch.rs", "src/stack/tagged/nodes.rs", "src/stack/tagged/arena.rs",
        "src/stack/tagged/caches.rs", "src/reclaim/tagged.rs",
        "src/reclaim/tagged_ptr.rs", "src/internal/numbers.rs",
    ],
    tagged_loses_nothing => loses_nothing(tagged),
    epoch_loses_nothing => loses_nothing(EpochStack::new),
    hazard_loses_nothing => hazard_loses_nothing(),
    tagged_takes_the_last_first => order::takes_the_last_first(tagged),
    epoch_takes_the_last_first => order::takes_the_last_first(EpochStack::new),
    tagged_pop_all_takes_all => order::pop_all_takes_all(tagged),
    epoch_pop_all_takes_all => order::pop_all_takes_all(EpochStack::new),
    a_tagged_word_publishes => tagged::a_word_publishes(),
    a_tagged_pointer_publishes => tagged::a_pointer_publishes(),
    fresh_nodes_are_ones_own => tagged::fresh_nodes_are_ones_own(),
    chains_change_hands => tagged::chains_change_hands(),
    caches_are_made_by_another => tagged::caches_are_made_by_another(),
    a_departed_thread_leaves_its_nodes => tagged::a_departed_thread_leaves_its_nodes(),
    pop_all_sees_what_came_back => tagged::pop_all_sees_what_came_back(),
    a_tag_tells_what_came_back => tagged::a_tag_tells_what_came_back(),
}

/// What all stacks can do.
trait Stack<T>: Send + Sync + 'static {
    fn push(&self, value: T);
    fn pop(&self) -> Option<T>;
    fn pop_all(&self) -> Vec<T>;
}

macro_rules! stacks {
    ($($Stack:ident)*) => {$(
        impl<T: Send + 'static> Stack<T> for $Stack<T> {
            fn push(&self, value: T) {
                self.push(value);
            }

            fn pop(&self) -> Option<T> {
                self.pop()
            }

            fn pop_all(&self) -> Vec<T> {
                self.pop_all().collect()
            }
        }
    )*};
}

stacks! { TaggedStack EpochStack }

/// A stack of at most three values, whose memory is there already. (A thread that misses a synchronization would find it missing,
/// and end the program instead of the model.)
fn tagged<T>() -> TaggedStack<T> {
    let stack = TaggedStack::bounded(3);
    assert!(stack.reserve_total(3));
    stack
}

/// One thread pushes and pops, one pushes, one pops. Together with what is left they have each value once; loom would tell if
/// one was not dropped.
fn loses_nothing<S: Stack<Track<u32>>>(new: fn() -> S) -> usize {
    let outcomes = [
        (None, Some(1)),
        (Some(1), None),
        (Some(1), Some(2)),
        (Some(2), None),
        (Some(2), Some(1)),
    ];
    explore_to(outcomes, move || {
        let stack = Arc::new(new());
        let both = spawn({
            let stack = Arc::clone(&stack);
            move || {
                stack.push(Track::new(1));
                stack.pop().map(Track::into_inner)
            }
        });
        let pusher = spawn({
            let stack = Arc::clone(&stack);
            move || stack.push(Track::new(2))
        });
        let popper = spawn({
            let stack = Arc::clone(&stack);
            move || stack.pop().map(Track::into_inner)
        });
        pusher.join().expect("it only pushes");
        let popped = [both, popper].map(|popper| popper.join().expect("it only pushes and pops"));
        let rest = std::iter::from_fn(|| stack.pop().map(Track::into_inner)).take(3);
        let mut all: Vec<u32> = popped.into_iter().flatten().chain(rest).collect();
        all.sort_unstable();
        assert_eq!(all, [1, 2]);
        (popped[0], popped[1])
    })
}

/// Two threads pop, one of which pushes as well, at what is allocated anew and perhaps where a node was freed. (What the domain does has
/// models of its own; with three threads, this is hours.)
fn hazard_loses_nothing() -> usize {
    let outcomes = [(Some(1), Some(2)), (Some(2), Some(1)), (Some(3), Some(2))];
    explore_at_most_to(2, 3, outcomes, || {
        let stack = Arc::new(OwnDomainStack::new());
        stack.push(Track::new(1));
        stack.push(Track::new(2));
        let popper = spawn({
            let stack = Arc::clone(&stack);
            move || stack.pop().map(Track::into_inner)
        });
        let both = spawn({
            let stack = Arc::clone(&stack);
            move || {
                let popped = stack.pop().map(Track::into_inner);
                stack.push(Track::new(3));
                popped
            }
        });
        let popped = [popper, both].map(|thread| thread.join().expect("it only pushes and pops"));
        let rest = stack.pop_all().map(Track::into_inner);
        let mut all: Vec<u32> = popped.into_iter().flatten().chain(rest).collect();
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3]);
        (popped[0], popped[1])
    })
}
