//! [`EpochStack`]: a stack whose nodes are freed when no thread is left that may look at them, by epochs.

use core::ptr::NonNull;

use super::api::stack_api;
use super::boxed::{Node, Nodes, Reclaim};
use super::memory;
use super::treiber::Treiber;
use crate::backend::atomic::{Acquire, AtomicPtr};
use crate::backend::const_fn;
use crate::reclaim::epoch::{Guard, pin};

/// A lock-free stack that any number of threads push to and pop from; a popped node is freed when no thread is left that may
/// look at it, by `crossbeam-epoch`.
///
/// * **Guarantee**: linearizable: each value that is pushed is popped once, the last first. No operation waits for another
///   thread, wherever that is held up. Values are never kept back: a pop moves the value out, and only the empty node waits.
/// * **Cost**: a push is an allocation, mostly from memory that the thread keeps, and a compare-exchange. A pop pins (a store and a
///   full fence), and is a compare-exchange and a retirement, of which every 256th calls on the collector. For each size of
///   node, in steps of 16 bytes up to 256, a thread keeps up to 65 batches of 256 that wait, and free memory of 32 KiB or one
///   batch, whichever is more.
/// * **Not for**: where a thread may be held up within a pop, or pinned by other code, for long: nothing that is retired
///   after that is freed before it goes on. **Memory behind a thread that is held up has no bound.** Take a `HazardStack`
///   or a [`TaggedStack`](super::TaggedStack) where that matters.
///
/// Only with the feature `epoch`.
///
/// ```
/// use linchpin::stack::EpochStack;
///
/// let stack: EpochStack<String> = ["a", "b"].map(String::from).into_iter().collect();
/// std::thread::scope(|scope| {
///     scope.spawn(|| stack.push("c".to_owned()));
/// });
/// assert_eq!(stack.pop().as_deref(), Some("c"));
/// assert_eq!(stack.into_iter().collect::<Vec<_>>(), ["b", "a"]);
/// ```
pub struct EpochStack<T> {
    inner: Treiber<T, Nodes<T, Epochs>>,
}

impl<T> EpochStack<T> {
    const_fn! {
        /// An empty stack.
        #[must_use]
        pub const fn new() -> Self {
            EpochStack { inner: Treiber::new(Nodes::new(Epochs)) }
        }
    }

    #[cold]
    #[allow(clippy::unused_self, reason = "as the other stacks")]
    fn refuse(&self) -> ! {
        Nodes::<T, Epochs>::refuse()
    }
}

stack_api! { EpochStack, Nodes<T, Epochs> }

/// By epochs.
struct Epochs;

// SAFETY: what is found by a pinned thread is freed only after that has unpinned.
unsafe impl Reclaim for Epochs {
    type Guard<'reclaim> = Guard;

    #[inline]
    fn enter(&self) -> Guard {
        pin()
    }

    #[inline]
    fn protect<T>(_: &mut Guard, head: &AtomicPtr<Node<T>>) -> *mut Node<T> {
        // Acquire: synchronizes with the Release in `push`, for the node's link and value.
        // model: stack::epoch_loses_nothing
        head.load(Acquire)
    }

    #[inline]
    unsafe fn retire<T>(&self, guard: &mut Guard, node: NonNull<Node<T>>) {
        // SAFETY: a node of the caller's, which is not freed before it is retired.
        let link = |next| unsafe { node.as_ref() }.link_retired(next);
        // SAFETY: the caller's promise; an empty node may be freed by any thread, and after its stack.
        unsafe { memory::retire(guard, node, link, Node::free) };
    }
}
