//! [`HazardStack`]: a stack whose nodes are freed when no hazard pointer protects them.

use core::mem::forget;
use core::ops::Deref;
use core::ptr::{NonNull, null_mut};

use super::api::stack_api;
use super::boxed::{Node, Nodes, Reclaim};
use super::treiber::Treiber;
use crate::backend::atomic::AtomicPtr;
use crate::backend::{const_fn, immortal};
use crate::hazard::raw::Pointer;
use crate::hazard::{Domain, HazardPointer};

/// A lock-free stack that any number of threads push to and pop from; a popped node is freed when no thread is looking at it,
/// as its hazard pointer says.
///
/// * **Guarantee**: linearizable: each value that is pushed is popped once, the last first. No operation waits for another
///   thread, wherever that is held up. Values are never kept back: a pop moves the value out, and only the empty node waits.
///   **Memory is bounded, also behind a thread that is held up for ever**: it keeps one node, and each thread up to 1,000 or twice
///   as many as there are hazard pointers; where the kernel refuses `membarrier` after it has granted it, nothing is freed (see
///   [`hazard`](crate::hazard#bound)).
/// * **Cost**: a push is an allocation, mostly from memory that the thread keeps (32 KiB for each size of node), and a
///   compare-exchange. A pop takes a hazard pointer (a few loads and stores of the
///   thread's own), and is a compare-exchange and a retirement. Every thousandth or so scans, with a heavy fence.
/// * **Not for**: where no allocation may happen in the long run: take a [`TaggedStack`](super::TaggedStack).
///
/// All such stacks share one [`Domain`], of their own: nothing of a user's is ever freed by an operation on a stack.
///
/// ```
/// use linchpin::stack::HazardStack;
///
/// let stack: HazardStack<String> = ["a", "b"].map(String::from).into_iter().collect();
/// std::thread::scope(|scope| {
///     scope.spawn(|| stack.push("c".to_owned()));
/// });
/// assert_eq!(stack.pop().as_deref(), Some("c"));
/// assert_eq!(stack.into_iter().collect::<Vec<_>>(), ["b", "a"]);
/// ```
pub struct HazardStack<T> {
    inner: Treiber<T, Nodes<T, Shared>>,
}

impl<T> HazardStack<T> {
    const_fn! {
        /// An empty stack.
        #[must_use]
        pub const fn new() -> Self {
            HazardStack { inner: Treiber::new(Nodes::new(Shared)) }
        }
    }

    #[cold]
    #[allow(clippy::unused_self, reason = "as the other stacks")]
    fn refuse(&self) -> ! {
        Nodes::<T, Shared>::refuse()
    }
}

stack_api! { HazardStack, Nodes<T, Shared> }

/// The family of the domain of stacks.
struct Family;

immortal! {
    fn stacks() -> Domain<Family> = Domain::new(&Family);
}

/// By hazard pointers of the domain that all stacks share.
struct Shared;

// SAFETY: all nodes are retired in the domain of the hazard pointer.
unsafe impl Reclaim for Shared {
    type Guard<'reclaim> = HazardPointer<'static, Family>;

    #[inline]
    fn enter(&self) -> HazardPointer<'static, Family> {
        HazardPointer::new_in_domain(stacks())
    }

    #[inline]
    fn protect<T>(guard: &mut HazardPointer<'static, Family>, head: &AtomicPtr<Node<T>>) -> *mut Node<T> {
        protect(guard, head)
    }

    #[inline]
    unsafe fn retire<T>(&self, guard: &mut HazardPointer<'static, Family>, node: NonNull<Node<T>>) {
        // Else a scan would find it protected.
        guard.reset_protection();
        // SAFETY: the caller's promise.
        unsafe { stacks().retire_ptr::<_, Empty<T>>(node.as_ptr()) };
    }
}

#[cfg(feature = "std")]
crate::backend::only_in_models! {
    /// By hazard pointers of a domain of its own.
    struct Own(Domain<Family>);

    // SAFETY: all nodes are retired in the domain of the hazard pointer.
    unsafe impl Reclaim for Own {
        type Guard<'reclaim> = HazardPointer<'reclaim, Family>;

        fn enter(&self) -> HazardPointer<'_, Family> {
            HazardPointer::new_in_domain(&self.0)
        }

        fn protect<T>(guard: &mut HazardPointer<'_, Family>, head: &AtomicPtr<Node<T>>) -> *mut Node<T> {
            protect(guard, head)
        }

        unsafe fn retire<T>(&self, guard: &mut HazardPointer<'_, Family>, node: NonNull<Node<T>>) {
            guard.reset_protection();
            // SAFETY: the caller's promise.
            unsafe { self.0.retire_ptr::<_, Empty<T>>(node.as_ptr()) };
        }
    }

    crate::stack::api::model_stack! {
        /// The same with a domain that ends with the stack. A model has nothing that lives for ever.
        OwnDomainStack, Nodes<T, Own>, Nodes::new(Own(Domain::new(&Family)))
    }
}

#[inline]
fn protect<T>(guard: &mut HazardPointer<'_, Family>, head: &AtomicPtr<Node<T>>) -> *mut Node<T> {
    guard.protect_ptr(head).map_or(null_mut(), |(node, _)| node.as_ptr())
}

/// An empty node, which is freed when it is dropped.
struct Empty<T>(NonNull<Node<T>>);

impl<T> Deref for Empty<T> {
    type Target = Node<T>;

    fn deref(&self) -> &Node<T> {
        // SAFETY: it is this one's.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Drop for Empty<T> {
    fn drop(&mut self) {
        // SAFETY: it is this one's, from a stack, and empty.
        unsafe { Node::free(self.0) };
    }
}

// SAFETY: it owns the node, which is neither moved nor freed while it is in parts.
unsafe impl<T> Pointer<Node<T>> for Empty<T> {
    fn into_raw(self) -> *mut Node<T> {
        let node = self.0;
        forget(self);
        node.as_ptr()
    }

    unsafe fn from_raw(node: *mut Node<T>) -> Self {
        // SAFETY: from `into_raw`, or what a stack has popped.
        Empty(unsafe { NonNull::new_unchecked(node) })
    }
}
