//! What only the tagged stack has: the word, fresh nodes, chains of free ones, and the caches of the threads.

use std::sync::Arc;

use linchpin::reclaim::{AtomicTagged, AtomicTaggedPtr};
use linchpin::stack::TaggedStack;
use linchpin::stack::tagged::FrozenTagStack;
use loom_tests::{Watched, explore_to, explore_within_to, spawn};

/// Two threads write to a place of their own and put its number into the word; a third looks at the place that it finds.
pub fn a_word_publishes() -> usize {
    explore_to([None, Some(0), Some(1)], || {
        let shared = Arc::new((AtomicTagged::new(None), [Watched::default(), Watched::default()]));
        let writers = [0, 1].map(|place| {
            let shared = Arc::clone(&shared);
            spawn(move || {
                let (word, places) = &*shared;
                places[place as usize].add(1);
                let mut seen = word.load();
                while let Err(now) = word.replace(seen, Some(place)) {
                    seen = now;
                    let other = now.index().expect("the other writer was first");
                    assert_eq!(places[other as usize].get(), 1);
                }
            })
        });
        let reader = spawn({
            let shared = Arc::clone(&shared);
            move || {
                let (word, places) = &*shared;
                let found = word.load().index();
                if let Some(place) = found {
                    assert_eq!(places[place as usize].get(), 1);
                }
                found
            }
        });
        for writer in writers {
            writer.join().expect("it only writes");
        }
        assert_eq!(shared.0.load().tag(), 2);
        reader.join().expect("it only reads")
    })
}

/// The same with pointers to the places.
pub fn a_pointer_publishes() -> usize {
    explore_to([false, true], || {
        let word = Arc::new(AtomicTaggedPtr::new(std::ptr::null_mut()));
        let writer = spawn({
            let word = Arc::clone(&word);
            move || {
                let place = Box::new(Watched::default());
                place.add(1);
                let seen = word.load();
                word.replace(seen, Box::into_raw(place))
                    .expect("there is no other writer");
            }
        });
        let reader = spawn({
            let word = Arc::clone(&word);
            move || {
                // SAFETY: null, or a box that is freed after this thread has ended.
                let found: Option<&Watched> = unsafe { word.load().pointer().as_ref() };
                found.inspect(|place| assert_eq!(place.get(), 1)).is_some()
            }
        });
        writer.join().expect("it only writes");
        let found = reader.join().expect("it only reads");
        // SAFETY: the writer's box, which no thread uses any more.
        drop(unsafe { Box::from_raw(word.load().pointer()) });
        found
    })
}

/// Three threads push at once into an empty stack, each into a fresh node.
pub fn fresh_nodes_are_ones_own() -> usize {
    explore_within_to(2, [()], || {
        let stack = Arc::new(TaggedStack::bounded(3));
        let others = [1, 2].map(|value| {
            let stack = Arc::clone(&stack);
            spawn(move || stack.push(value))
        });
        stack.push(3);
        for other in others {
            other.join().expect("it only pushes");
        }
        let mut all: Vec<u32> = stack.pop_all().collect();
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3]);
    })
}

/// There is one node. One thread pops its value, the others push if they find it free.
pub fn chains_change_hands() -> usize {
    let outcomes = [(false, false), (false, true), (true, false)];
    explore_to(outcomes, || {
        let stack = Arc::new(TaggedStack::bounded(1));
        stack.push(1);
        let pushers = [2, 3].map(|value| {
            let stack = Arc::clone(&stack);
            spawn(move || stack.try_push(value).is_ok())
        });
        assert_eq!(stack.pop(), Some(1));
        let pushed = pushers.map(|pusher| pusher.join().expect("it only pushes"));
        let expected = match pushed {
            [true, false] => Some(2),
            [false, true] => Some(3),
            _ => None,
        };
        assert_eq!(stack.pop(), expected);
        (pushed[0], pushed[1])
    })
}

/// Two threads use an empty stack at once: one of them makes the caches of both.
pub fn caches_are_made_by_another() -> usize {
    two_push_and_pop(|stack| assert_eq!(stack.pop(), None))
}

/// Two threads use a stack, perhaps one after the other and then with the same number: the second goes on with the cache
/// of the first.
pub fn a_departed_thread_leaves_its_nodes() -> usize {
    two_push_and_pop(|stack| assert!(stack.is_empty()))
}

/// Two threads push and pop a value each; `end` looks at the stack when they have ended.
fn two_push_and_pop(end: fn(&TaggedStack<u32>)) -> usize {
    explore_within_to(2, [()], move || {
        let stack = Arc::new(TaggedStack::new());
        let others = [1, 2].map(|value| {
            let stack = Arc::clone(&stack);
            spawn(move || {
                stack.push(value);
                assert!(stack.pop().is_some());
            })
        });
        for other in others {
            other.join().expect("it only pushes and pops");
        }
        end(&stack);
    })
}

trait Pops: Send + Sync + 'static {
    fn push(&self, value: u32);
    fn pop(&self) -> Option<u32>;
}

impl Pops for TaggedStack<u32> {
    fn push(&self, value: u32) {
        self.push(value);
    }

    fn pop(&self) -> Option<u32> {
        self.pop()
    }
}

impl Pops for FrozenTagStack<u32> {
    fn push(&self, value: u32) {
        self.push(value);
    }

    fn pop(&self) -> Option<u32> {
        self.pop()
    }
}

/// Of two nodes, one thread is about to pop the upper. Another pops both apart from each other with a third, and puts
/// the upper back, alone.
fn comes_back<S: Pops>(new: fn() -> S) -> usize {
    explore_to([()], move || {
        let stack = Arc::new(new());
        stack.push(1);
        stack.push(2);
        let swapper = spawn({
            let stack = Arc::clone(&stack);
            move || {
                let popped = stack.pop();
                stack.push(3);
                popped
            }
        });
        let popper = spawn({
            let stack = Arc::clone(&stack);
            move || stack.pop()
        });
        let own = stack.pop();
        let others = [swapper, popper].map(|other| other.join().expect("it only pushes and pops"));
        let mut all: Vec<u32> = [own, others[0], others[1]].into_iter().flatten().collect();
        all.extend(std::iter::from_fn(|| stack.pop()).take(3));
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3]);
    })
}

pub fn a_tag_tells_what_came_back() -> usize {
    comes_back(TaggedStack::new)
}

/// The same with the tag frozen is wrong: two threads move the same value out.
#[test]
#[should_panic(expected = "Concurrent write accesses")]
fn without_a_tag_a_value_is_lost() {
    comes_back(FrozenTagStack::new);
}

/// One thread takes all, while another pops the only node and pushes it once more. With the tag frozen the word is then what it
/// was, as a pointer is whose address has come back: only the compare-exchange tells the taker of the second push.
pub fn pop_all_sees_what_came_back() -> usize {
    explore_to([vec![], vec![1], vec![2]], || {
        let stack = Arc::new(FrozenTagStack::<u32>::new());
        stack.push(1);
        let taker = spawn({
            let stack = Arc::clone(&stack);
            move || stack.pop_all().collect::<Vec<_>>()
        });
        let again = spawn({
            let stack = Arc::clone(&stack);
            move || {
                let popped = stack.pop();
                stack.push(2);
                popped
            }
        });
        let popped = again.join().expect("it only pops and pushes");
        let taken = taker.join().expect("it only takes");
        let mut all: Vec<u32> = taken.iter().copied().chain(popped).chain(stack.pop_all()).collect();
        all.sort_unstable();
        assert_eq!(all, [1, 2]);
        taken
    })
}
