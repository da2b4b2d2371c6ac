//! Nodes that are allocated one by one and freed when no thread looks at them any more: what the stacks over epochs and over
//! hazard pointers share.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use alloc::alloc::handle_alloc_error;
use crossbeam_utils::CachePadded;

use super::memory;
use super::policy::{Head, Policy};
use crate::backend::atomic::{AtomicPtr, Ordering, Relaxed};
use crate::backend::cell::UnsafeCell;
use crate::backend::const_fn;

/// When a node may be freed.
///
/// # Safety
///
/// What [`protect`](Self::protect) returns, if it is in a stack whose nodes are all retired by this, is not freed until the guard is
/// dropped or protects something else.
pub(super) unsafe trait Reclaim: Send + Sync {
    /// What keeps a node from being freed.
    type Guard<'reclaim>
    where
        Self: 'reclaim;

    /// Begins to look at nodes.
    fn enter(&self) -> Self::Guard<'_>;

    /// Loads and protects. With Acquire: what was stored by a Release is seen.
    fn protect<T>(guard: &mut Self::Guard<'_>, head: &AtomicPtr<Node<T>>) -> *mut Node<T>;

    /// Frees a node when no thread looks at it any more.
    ///
    /// # Safety
    ///
    /// It comes from an [`Nodes`], is retired once, has no value in it, and is to be found in no stack from now on.
    unsafe fn retire<T>(&self, guard: &mut Self::Guard<'_>, node: NonNull<Node<T>>);
}

/// A node. It begins with its link, by which free memory is linked as well.
#[repr(C)]
pub(super) struct Node<T> {
    below: AtomicPtr<Node<T>>,
    /// Empty once the value was moved out.
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: what is sent is a retired node, to be freed: an empty one, which drops no value.
unsafe impl<T> Send for Node<T> {}

impl<T> Node<T> {
    /// Links it to a node of any type, when it is in no stack any more.
    #[cfg(feature = "epoch")]
    #[inline]
    pub(super) fn link_retired<N>(&self, to: *mut N) {
        // Relaxed: a thread that reads this instead of the link in the stack does nothing with it.
        self.below.store(to.cast(), Relaxed);
    }

    /// Frees a node.
    ///
    /// # Safety
    ///
    /// It comes from `acquire`, has no value in it, and is used no more.
    #[inline]
    pub(super) unsafe fn free(node: NonNull<Self>) {
        // SAFETY: the caller's promise. In a model, there is something in a node to be dropped.
        unsafe { node.drop_in_place() };
        // SAFETY: as above, and nothing is in it any more.
        unsafe { memory::free(node) };
    }
}

/// The nodes of a stack.
///
/// A compare-exchange compares addresses: a thread that proposes a pointer from before may put it back where, at the same address,
/// another node is by now. Its address is right then, but it is a pointer to an allocation that was freed. So a pointer in the
/// head or in a link counts as an address only. A push exposes the node, and what an address names is the node that was exposed
/// last at it.
pub(super) struct Nodes<T, R> {
    head: CachePadded<AtomicPtr<Node<T>>>,
    reclaim: R,
    owns: PhantomData<T>,
}

impl<T, R> Nodes<T, R> {
    const_fn! {
        pub(super) const fn new(reclaim: R) -> Self {
            Nodes {
                head: CachePadded::new(AtomicPtr::new(ptr::null_mut())),
                reclaim,
                owns: PhantomData,
            }
        }
    }

    /// Says why there is no node.
    #[cold]
    pub(super) fn refuse() -> ! {
        handle_alloc_error(Layout::new::<Node<T>>())
    }
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

// SAFETY: 1: a node is one allocation. 3: a protected node is not freed, so no push can make a node at its address, which would
// bring it back to the top.
unsafe impl<T, R: Reclaim> Policy<T> for Nodes<T, R> {
    type Head = AtomicPtr<Node<T>>;
    type Guard<'policy>
        = R::Guard<'policy>
    where
        Self: 'policy;
    const FREES_TOGETHER: bool = false;
    type Node = NonNull<Node<T>>;
    type Link = *mut Node<T>;

    #[inline]
    fn head(&self) -> &AtomicPtr<Node<T>> {
        &self.head
    }

    #[inline]
    fn is_empty(word: *mut Node<T>) -> bool {
        word.is_null()
    }

    #[inline]
    fn node(&self, word: *mut Node<T>) -> Option<NonNull<Node<T>>> {
        // The node that is there now (see `Nodes`).
        NonNull::new(ptr::with_exposed_provenance_mut(word.addr()))
    }

    #[inline]
    fn pushed(_: *mut Node<T>, node: NonNull<Node<T>>) -> *mut Node<T> {
        let _ = node.as_ptr().expose_provenance();
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
    fn below(&self, link: *mut Node<T>) -> Option<NonNull<Node<T>>> {
        self.node(link)
    }

    #[inline]
    fn acquire(&self, value: T) -> Result<NonNull<Node<T>>, T> {
        let Some(node) = memory::allocate::<Node<T>>() else {
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
    fn enter(&self) -> R::Guard<'_> {
        self.reclaim.enter()
    }

    #[inline]
    fn protect(&self, guard: &mut R::Guard<'_>) -> *mut Node<T> {
        R::protect(guard, &self.head)
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
            unsafe { place.cast::<T>().read() }
        })
    }

    #[inline]
    unsafe fn retire(&self, guard: &mut R::Guard<'_>, node: NonNull<Node<T>>) {
        // SAFETY: the caller's, which has taken it away from the stack, and the value out of it.
        unsafe { self.reclaim.retire(guard, node) };
    }

    #[inline]
    unsafe fn release(&mut self, node: NonNull<Node<T>>) {
        // SAFETY: as in `retire`; and no thread looks at it.
        unsafe { Node::free(node) };
    }
}
