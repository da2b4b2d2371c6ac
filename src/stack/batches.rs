//! Nodes that wait for their grace period with the thread that has popped them.
//!
//! If each node were handed to the collector by itself, the thread that happens to collect would free it: its line moves there, and
//! the allocator's locks are fought for. So a thread keeps what it retires in batches of [`BATCH`]; the collector is handed one
//! token for each. When it has dropped the token, the grace period of the batch is over, and the thread uses the nodes again,
//! which are still in its cache.
//!
//! A thread has [`PENDING`] such batches of a size, and one that it fills: as many as are retired while another thread is held up
//! for a fraction of a millisecond. What is more is freed by the collector.

use core::array::from_fn;
use core::cell::{Cell, OnceCell};
use core::ptr::{NonNull, null_mut};

use alloc::alloc::dealloc;
use alloc::boxed::Box;
use alloc::sync::Arc;

use super::lists::{CLASSES, Link, layout};
use crate::backend::{hint, per_thread};
use crate::reclaim::epoch::{Guard, pin};

/// A model frees each node by itself, as early as it may.
pub(super) const ARE_KEPT: bool = hint::tuned(true, false);
/// How many nodes are retired at once.
pub(super) const BATCH: usize = 256;
const PENDING: usize = 64;

per_thread! {
    static BATCHES: Batches = Batches([const { Batch::new() }; CLASSES]);
}

/// Those of this thread, by the sizes of their nodes.
struct Batches([Batch; CLASSES]);

struct Batch {
    /// What was retired since the last batch was full.
    first: Cell<*mut Link>,
    count: Cell<usize>,
    /// A ring. The grace period that has begun first ends first, as far as it matters.
    pending: OnceCell<Box<[Pending; PENDING]>>,
    oldest: Cell<usize>,
    newest: Cell<usize>,
}

struct Pending {
    /// Null if there is none.
    first: Cell<*mut Link>,
    /// Shared with the collector until the grace period is over.
    token: Cell<Option<Arc<()>>>,
}

/// Retires a node; false if this thread keeps no batches any more.
///
/// `link` links the node to what it is given. Threads that are pinned may still read what it was linked to; if that is another node
/// by now, their compare-exchange fails, since this node is not on top any more.
///
/// # Safety
///
/// As for [`Guard::retire`]; the node has that class's layout, and begins with its link.
#[inline]
pub(super) unsafe fn retire(guard: &Guard, class: usize, node: NonNull<Link>, link: impl FnOnce(*mut Link)) -> bool {
    let retired = BATCHES.try_with(|batches| {
        let batch = &batches.0[class];
        link(batch.first.replace(node.as_ptr()));
        batch.count.set(batch.count.get() + 1);
        if batch.count.get() == BATCH {
            batch.close(guard, class);
        }
    });
    retired.is_ok()
}

/// A chain of [`BATCH`] nodes whose grace period is over.
pub(super) fn take(class: usize) -> Option<NonNull<Link>> {
    let taken = BATCHES.try_with(|batches| {
        let batch = &batches.0[class];
        let oldest = batch.oldest.get();
        let pending = &batch.pending.get()?[oldest];
        if !pending.is_over() {
            return None;
        }
        batch.oldest.set((oldest + 1) % PENDING);
        NonNull::new(pending.first.replace(null_mut()))
    });
    taken.ok().flatten()
}

impl Pending {
    const fn new() -> Self {
        Pending {
            first: Cell::new(null_mut()),
            token: Cell::new(None),
        }
    }

    /// Whether there is a batch, and the collector has dropped its token: all that threads have done that were pinned then is past.
    fn is_over(&self) -> bool {
        if self.first.get().is_null() {
            return false;
        }
        let mut token = self.token.take();
        // To count costs less, and most of the time it is too early.
        let is_over = token
            .as_mut()
            .is_some_and(|token| Arc::strong_count(token) == 1 && Arc::get_mut(token).is_some());
        self.token.set(token);
        is_over
    }

    fn begin(&self, first: *mut Link, guard: &Guard) {
        let token = self.token.take().unwrap_or_default();
        let theirs = Arc::clone(&token);
        self.token.set(Some(token));
        self.first.set(first);
        // SAFETY: it drops a token, which any thread may do at any time.
        unsafe { guard.retire(move || drop(theirs)) };
    }
}

impl Batch {
    const fn new() -> Self {
        Batch {
            first: Cell::new(null_mut()),
            count: Cell::new(0),
            pending: OnceCell::new(),
            oldest: Cell::new(0),
            newest: Cell::new(0),
        }
    }

    /// Begins the grace period of a full batch.
    #[cold]
    #[inline(never)]
    fn close(&self, guard: &Guard, class: usize) {
        self.count.set(0);
        let first = self.first.replace(null_mut());
        let newest = self.newest.get();
        let pending = &self.pending.get_or_init(|| Box::new(from_fn(|_| Pending::new())))[newest];
        if pending.first.get().is_null() {
            self.newest.set((newest + 1) % PENDING);
            pending.begin(first, guard);
        } else {
            // SAFETY: these nodes were retired, and are used no more.
            unsafe { guard.retire(move || free(first, class)) };
        }
        guard.flush();
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        for (class, batch) in self.0.iter().enumerate() {
            let pending = batch.pending.get().into_iter().flat_map(|pending| pending.iter());
            let pending = pending.map(|pending| &pending.first);
            for first in pending.chain([&batch.first]) {
                let first = first.replace(null_mut());
                if !first.is_null() {
                    // SAFETY: as in `close`. What waits already waits once more.
                    unsafe { pin().retire(move || free(first, class)) };
                }
            }
        }
    }
}

/// Frees a chain.
fn free(mut next: *mut Link, class: usize) {
    while let Some(node) = NonNull::new(next) {
        // SAFETY: the nodes of a chain are this call's, and begin with their links.
        next = unsafe { node.read() }.0;
        // SAFETY: as above, allocated with this layout, and left behind.
        unsafe { dealloc(node.as_ptr().cast(), layout(class)) };
    }
}
