//! What stands in the queues.

#[cfg(feature = "std")]
use core::cell::Cell;
use core::ptr::null_mut;

use crate::backend::atomic::AtomicPtr;
use crate::backend::const_fn;
use crate::wait::Flag;

/// What an acquisition puts in line. All of it is on one line of memory: whoever links itself to a node takes the line that
/// its owner next looks at anyway, and brings both words with one transfer.
pub(super) struct Node {
    /// MCS: who comes next; null while that is not known, and while the node is in no queue.
    pub(super) next: AtomicPtr<Node>,
    /// Set once for each wait. It is never reset: to wait is to wait for the present epoch to end.
    pub(super) flag: Flag,
    /// The free node under this one: see `cache`.
    #[cfg(feature = "std")]
    pub(super) below: Cell<*mut Node>,
    /// How many free nodes are under this one.
    #[cfg(feature = "std")]
    pub(super) depth: Cell<usize>,
}

impl Node {
    const_fn! {
        pub(super) const fn new() -> Self {
            Node {
                next: AtomicPtr::new(null_mut()),
                flag: Flag::new(),
                #[cfg(feature = "std")]
                below: Cell::new(null_mut()),
                #[cfg(feature = "std")]
                depth: Cell::new(0),
            }
        }
    }
}
