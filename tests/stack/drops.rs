//! Each value is dropped once, wherever it is, and whatever its `drop` does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::kinds::{Kind, Stack, on_each_stack};

on_each_stack! {
    what_is_left_is_dropped_once,
    a_panic_in_drop_loses_no_other,
    a_panic_in_drop_of_what_was_taken_loses_no_other,
    #[cfg_attr(miri, ignore = "ten million pushes")]
    ten_million_are_dropped_without_recursion,
}

/// Counts how often it is dropped, and panics at one of them.
struct Counted {
    number: usize,
    panics_at: usize,
    drops: Arc<[AtomicUsize]>,
}

impl Counted {
    fn push_all<S: Stack<Counted>>(stack: &S, count: usize, panics_at: usize) -> Arc<[AtomicUsize]> {
        let drops: Arc<[AtomicUsize]> = (0..count).map(|_| AtomicUsize::new(0)).collect();
        for number in 0..count {
            stack.push(Counted {
                number,
                panics_at,
                drops: drops.clone(),
            });
        }
        drops
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.drops[self.number].fetch_add(1, Relaxed);
        assert!(self.number != self.panics_at, "this one panics");
    }
}

fn each_once(drops: &[AtomicUsize]) -> bool {
    drops.iter().all(|drops| drops.load(Relaxed) == 1)
}

fn what_is_left_is_dropped_once<K: Kind>() {
    let stack = K::Of::default();
    let drops = Counted::push_all(&stack, 1000, usize::MAX);
    for _ in 0..300 {
        drop(stack.pop().expect("there are 1000"));
    }
    let mut rest = stack.pop_all();
    drop(rest.next());
    std::mem::drop(rest);
    assert!(each_once(&drops));
    let drops = Counted::push_all(&stack, 1000, usize::MAX);
    drop(stack);
    assert!(each_once(&drops));
}

fn a_panic_in_drop_loses_no_other<K: Kind>() {
    let stack = K::Of::default();
    let drops = Counted::push_all(&stack, 100, 50);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(stack))).is_err());
    assert!(each_once(&drops));
    let stack = K::Of::default();
    let drops = Counted::push_all(&stack, 100, 50);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(stack.into_iter()))).is_err());
    assert!(each_once(&drops));
}

fn a_panic_in_drop_of_what_was_taken_loses_no_other<K: Kind>() {
    let stack = K::Of::default();
    let drops = Counted::push_all(&stack, 100, 50);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(stack.pop_all()))).is_err());
    assert!(each_once(&drops));
    // The stack is as good as new.
    let drops = Counted::push_all(&stack, 100, usize::MAX);
    assert_eq!(stack.pop().map(|value| value.number), Some(99));
    drop(stack);
    assert!(each_once(&drops));
}

/// On a small stack of calls, which a recursion would overrun.
fn ten_million_are_dropped_without_recursion<K: Kind>() {
    const MANY: usize = 10_000_000;
    struct Adds(Arc<AtomicUsize>);
    impl Drop for Adds {
        fn drop(&mut self) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    let small = std::thread::Builder::new().stack_size(64 * 1024);
    let thread = small.spawn(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let stack = K::Of::default();
        (0..MANY).for_each(|_| stack.push(Adds(drops.clone())));
        drop(stack);
        assert_eq!(drops.load(Relaxed), MANY);
    });
    thread.expect("there is room").join().expect("no value is lost");
}
