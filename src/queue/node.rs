//! What stands in the queues.

use core::ptr::null_mut;

use crate::backend::atomic::AtomicPtr;
#[cfg(feature = "std")]
use crate::backend::cell::UnsafeCell;
use crate::backend::const_fn;
use crate::wait::Flag;

/// What an acquisition puts in line. All of it is on one line of memory: whoever links itself to a node takes the line that
/// its owner next looks at anyway, and brings both words with one transfer.
pub(super) struct Node {
    /// MCS: who comes next; null while that is not known, and while the node is in no queue.
    pub(super) next: AtomicPtr<Node>,
    /// Set once for each wait. It is never reset: to wait is to wait for the present epoch to end.
    pub(super) flag: Flag,
    /// What is under it in a stack of free nodes: see `cache`. It is the owner's of that stack.
    #[cfg(feature = "std")]
    below: UnsafeCell<Below>,
}

/// What is under a free node.
#[cfg(feature = "std")]
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Below {
    /// The next free node; null if this is the last.
    pub(super) node: *mut Node,
    /// How many free nodes there are, at most.
    pub(super) depth: usize,
}

#[cfg(feature = "std")]
impl Below {
    pub(super) const NOTHING: Self = Below {
        node: null_mut(),
        depth: 0,
    };
}

impl Node {
    const_fn! {
        pub(super) const fn new() -> Self {
            Node {
                next: AtomicPtr::new(null_mut()),
                flag: Flag::new(),
                #[cfg(feature = "std")]
                below: UnsafeCell::new(Below::NOTHING),
            }
        }
    }

    /// What is under it.
    ///
    /// # Safety
    ///
    /// It is free, and the stack that it is in is the caller's.
    #[cfg(feature = "std")]
    pub(super) unsafe fn below(&self) -> Below {
        // SAFETY: by the caller's promise no other thread uses the cell, and no reference into it leaves.
        self.below.with(|below| unsafe { *below })
    }

    /// Puts it on top of `below`.
    ///
    /// # Safety
    ///
    /// It is the caller's, and in no stack or in one of the caller's.
    #[cfg(feature = "std")]
    pub(super) unsafe fn put_on(&self, below: Below) {
        // A store would take the line from others; mostly it says already what it would.
        // SAFETY: the caller's promise, which includes that of `below`.
        if unsafe { self.below() } != below {
            // SAFETY: as in `below`.
            self.below.with_mut(|place| unsafe { *place = below });
        }
    }

    /// What was under a node that no thread uses any more.
    #[cfg(feature = "std")]
    pub(super) fn into_below(self) -> Below {
        self.below.into_inner()
    }
}
