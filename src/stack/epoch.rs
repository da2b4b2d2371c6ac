//! [`EpochStack`]: a stack whose nodes are freed when no thread is left that may look at them, by epochs.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use alloc::alloc::{alloc, handle_alloc_error};
use alloc::boxed::Box;
use crossbeam_utils::CachePadded;

use super::api::stack_api;
use super::policy::{Head, Policy};
use super::treiber::Treiber;
use crate::backend::atomic::{Acquire, AtomicPtr, Ordering, Relaxed};
use crate::backend::cell::UnsafeCell;
use crate::backend::const_fn;
use crate::reclaim::epoch::{Guard, pin};

/// A lock-free stack that any number of threads push to and pop from; a popped node is freed when no thread is left that may
/// look at it, by `crossbeam-epoch`.
///
/// * **Guarantee**: linearizable: each value that is pushed is popped once, the last first. No operation waits for another
///   thread, wherever that is held up. Values are never kept back: a pop moves the value out, and only the empty node waits.
/// * **Cost**: a push is an allocation and a compare-exchange. A pop pins (a store and a full fence), and is a compare-exchange
///   and a retirement.
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
    inner: Treiber<T, Nodes<T>>,
}

impl<T> EpochStack<T> {
    const_fn! {
        /// An empty stack.
        #[must_use]
        pub const fn new() -> Self {
            EpochStack { inner: Treiber::new(Nodes { head: CachePadded::new(AtomicPtr::new(ptr::null_mut())) }) }
        }
    }

    #[cold]
    #[allow(clippy::unused_self, reason = "as the other stacks")]
    fn refuse(&self) -> ! {
        handle_alloc_error(Layout::new::<Node<T>>())
    }
}

stack_api! { EpochStack, Nodes<T> }

struct Node<T> {
    below: AtomicPtr<Node<T>>,
    /// Empty once the value was moved out.
    value: UnsafeCell<MaybeUninit<T>>,
}

struct Nodes<T> {
    head: CachePadded<AtomicPtr<Node<T>>>,
}

impl<T> Head for AtomicPtr<Node<T>> {
    type Word = *mut Node<T>;

    #[inline]
    #[track_caller]
    fn load(&self, ordering: Ordering) -> *mut Node<T> {
        self.load(ordering)
    }

    #[inline]
    #[track_caller]
    fn compare_exchange(
        &self,
        current: *mut Node<T>,
        new: *mut Node<T>,
        success: Ordering,
        failure: Ordering,
    ) -> Result<*mut Node<T>, *mut Node<T>> {
        self.compare_exchange(current, new, success, failure)
    }

    #[inline]
    #[track_caller]
    fn store(&self, word: *mut Node<T>, ordering: Ordering) {
        self.store(word, ordering);
    }
}

// SAFETY: 1: a node is one allocation. 3: a node that a pinned thread has found in the stack is not freed before that thread
// unpins, so it cannot come back to the top before either: each push makes a node of its own.
unsafe impl<T> Policy<T> for Nodes<T> {
    type Head = AtomicPtr<Node<T>>;
    type Guard<'policy>
        = Guard
    where
        T: 'policy;
    type Node = NonNull<Node<T>>;
    type Link = *mut Node<T>;

    #[inline]
    fn head(&self) -> &AtomicPtr<Node<T>> {
        &self.head
    }

    #[inline]
    fn node(word: *mut Node<T>) -> Option<NonNull<Node<T>>> {
        NonNull::new(word)
    }

    #[inline]
    fn pushed(_: *mut Node<T>, node: NonNull<Node<T>>) -> *mut Node<T> {
        node.as_ptr()
    }

    #[inline]
    fn popped(_: *mut Node<T>, link: *mut Node<T>) -> *mut Node<T> {
        link
    }

    #[inline]
    fn emptied(_: *mut Node<T>) -> *mut Node<T> {
        ptr::null_mut()
    }

    #[inline]
    fn below(link: *mut Node<T>) -> Option<NonNull<Node<T>>> {
        NonNull::new(link)
    }

    #[inline]
    fn acquire(&self, value: T) -> Result<NonNull<Node<T>>, T> {
        // SAFETY: a node has a size, by its link.
        let memory = unsafe { alloc(Layout::new::<Node<T>>()) }.cast::<Node<T>>();
        let Some(node) = NonNull::new(memory) else {
            return Err(value);
        };
        // SAFETY: allocated above, for this.
        unsafe {
            node.write(Node {
                below: AtomicPtr::new(ptr::null_mut()),
                value: UnsafeCell::new(MaybeUninit::new(value)),
            });
        }
        Ok(node)
    }

    #[inline]
    fn enter(&self) -> Guard {
        pin()
    }

    #[inline]
    fn protect(&self, _: &mut Guard) -> *mut Node<T> {
        // Acquire: synchronizes with the Release in `push`, for the node's link and value (killed by
        // `stack::epoch_loses_nothing`).
        self.head.load(Acquire)
    }

    #[inline]
    unsafe fn link(&self, node: NonNull<Node<T>>) -> *mut Node<T> {
        // SAFETY: the caller owns or protects it.
        // Relaxed: written before the node was published.
        unsafe { node.as_ref() }.below.load(Relaxed)
    }

    #[inline]
    unsafe fn set_link(&self, node: NonNull<Node<T>>, word: *mut Node<T>) {
        // SAFETY: the caller owns it.
        // Relaxed: published by the push.
        unsafe { node.as_ref() }.below.store(word, Relaxed);
    }

    #[inline]
    unsafe fn take_value(&self, node: NonNull<Node<T>>) -> T {
        // SAFETY: the caller owns it.
        unsafe { node.as_ref() }.value.with_mut(|place| {
            // SAFETY: as above, and the value is still there, as the caller promises.
            unsafe { place.read().assume_init() }
        })
    }

    #[inline]
    unsafe fn retire(&self, guard: &mut Guard, node: NonNull<Node<T>>) {
        // SAFETY: allocated as a box would be, and the caller's, who has taken it away from the stack. Its value is gone, and
        // there is nothing else in it to be dropped.
        unsafe { guard.retire(node.as_ptr()) };
    }

    #[inline]
    unsafe fn release(&mut self, node: NonNull<Node<T>>) {
        // SAFETY: as in `retire`; and no thread looks at it.
        drop(unsafe { Box::from_raw(node.as_ptr()) });
    }
}
