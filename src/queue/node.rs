//! What stands in the queues.

#[cfg(feature = "std")]
use core::ptr::NonNull;
use core::ptr::null_mut;

use crate::backend::atomic::AtomicPtr;
#[cfg(feature = "std")]
use crate::backend::cell::UnsafeCell;
use crate::backend::const_fn;
#[cfg(feature = "std")]
use crate::internal::Pooled;
use crate::wait::Flag;

/// What an acquisition puts in the queue. All of it is on one cache line: the thread that links itself to a node takes
/// the line that its owner next looks at anyway, and brings both words with one transfer.
pub(super) struct Node {
    /// MCS: the next node; null while that is not known, and while the node is in no queue.
    pub(super) next: AtomicPtr<Node>,
    /// Set once for each wait. It is never reset: to wait is to wait for the present epoch to end.
    pub(super) flag: Flag,
    /// What is under it in a stack of free nodes: see `cache`. It is the owner's of that stack.
    #[cfg(feature = "std")]
    below: UnsafeCell<Option<NonNull<Node>>>,
}

impl Node {
    const_fn! {
        pub(super) const fn new() -> Self {
            Node {
                next: AtomicPtr::new(null_mut()),
                flag: Flag::new(),
                #[cfg(feature = "std")]
                below: UnsafeCell::new(None),
            }
        }
    }

    /// What was under a node that no thread uses any more.
    #[cfg(feature = "std")]
    pub(super) fn into_below(self) -> Option<NonNull<Node>> {
        self.below.into_inner()
    }
}

// SAFETY: `below` is what was noted last; a store is left out only where it would change nothing.
#[cfg(feature = "std")]
unsafe impl Pooled for Node {
    unsafe fn below(&self) -> Option<NonNull<Node>> {
        // SAFETY: the caller owns the stack, so no other thread uses the cell, and no reference into it leaves.
        self.below.with(|below| unsafe { *below })
    }

    unsafe fn set_below(&self, below: Option<NonNull<Node>>) {
        // A store would take the line from others; mostly it says already what it would.
        // SAFETY: the caller owns it.
        if unsafe { self.below() } != below {
            // SAFETY: as above.
            self.below.with_mut(|place| unsafe { *place = below });
        }
    }
}
