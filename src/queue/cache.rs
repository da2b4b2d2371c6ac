//! Where threads have their nodes from.
//!
//! A thread takes a node from its cache for each acquisition and puts one back after it, by a few loads and stores in its
//! own memory. An empty cache takes from the pool, a cache that has grown too large gives to it, and so does that of a
//! thread that ends. Only if the pool is empty too is a node made. Once made it is a node for ever: a hand-over may still
//! wake a sleeper on the flag of a node that has long been put to another use.
//!
//! Nodes are made in memory of the system's allocator, never of the global one. That may be guarded by one of these
//! locks, and whoever locked it would need it for the node.

use core::cell::{Cell, OnceCell};
use core::ptr::{NonNull, null_mut};

use crossbeam_utils::CachePadded;

use super::node::{Below, Node};
use crate::backend::atomic::{Acquire, AtomicBool, Relaxed, Release};
use crate::backend::cell::UnsafeCell;
use crate::backend::{Global, const_fn, global, hint, per_thread};
use crate::internal::{bury, immortal};
use crate::wait::{Backoff, DefaultWait};

/// The most nodes that a cache keeps, beside its first.
const MOST: usize = hint::tuned(16, 1);
/// How many nodes a cache takes from the pool at once.
const BATCH: usize = hint::tuned(4, 2);

per_thread! {
    static CACHE: Cache = Cache::new();
}

global! {
    fn pool() -> Pool = Pool::new();
}

/// The first node of this thread's cache, if it is free and `used` says that it is in use from now on.
///
/// Who asks that with an RMW has not to wait until it is noted, and the note goes the way of what the section stores.
#[inline]
pub(super) fn take_if(used: impl FnOnce(NonNull<Node>) -> bool) -> Option<NonNull<Node>> {
    let taken = CACHE.try_with(|cache| {
        let node = NonNull::new(cache.first.get())?;
        (!cache.is_used.get() && used(node)).then(|| {
            cache.is_used.set(true);
            node
        })
    });
    taken.ok().flatten()
}

/// A free node, which is the caller's until it puts it back, or gives it to another thread.
#[inline]
pub(super) fn take() -> NonNull<Node> {
    match CACHE.try_with(Cache::pop) {
        Ok(Some(node)) => node,
        _ => fetch(),
    }
}

/// Puts a node back.
///
/// # Safety
///
/// It comes from [`take`], in this thread or another, and nobody else uses it any more. Its `next` is null.
#[inline]
pub(super) unsafe fn put(node: NonNull<Node>) {
    if CACHE.try_with(|cache| cache.push(node)).is_err() {
        // SAFETY: the caller's promise.
        unsafe { put_late(node) };
    }
}

/// To be called for a node that has become another thread's. Nothing of it is touched.
pub(super) fn forget(node: NonNull<Node>) {
    // A cache that is gone holds on to nothing.
    let _ = CACHE.try_with(|cache| {
        if cache.first.get() == node.as_ptr() {
            cache.first.set(null_mut());
        }
    });
}

/// A node from elsewhere.
#[cold]
#[inline(never)]
fn fetch() -> NonNull<Node> {
    let found = match CACHE.try_with(Cache::pop_other) {
        Ok(found) => found,
        // Another thread-local's destructor takes a node, after the cache's own has run.
        Err(_) => pool().pop(1),
    };
    found.unwrap_or_else(make)
}

/// Another thread-local's destructor puts a node back, after the cache's own has run.
///
/// # Safety
///
/// As for [`put`].
#[cold]
#[inline(never)]
unsafe fn put_late(node: NonNull<Node>) {
    // SAFETY: a chain of one, which the caller owns.
    unsafe { pool().push(node, node) };
}

/// A new node.
fn make() -> NonNull<Node> {
    immortal(CachePadded::new(Node::new())).cast()
}

/// The nodes of one thread: the one it mostly uses, and a stack of others, linked by `below`.
///
/// The first keeps its place while it is in use. So a thread that locks one lock after the other always reads the same
/// address, and the RMW that needs it does not wait for what the last unlock has stored.
struct Cache {
    /// The first; null if there is none, and then that counts as in use.
    first: Cell<*mut Node>,
    is_used: Cell<bool>,
    /// The others that are free.
    top: Cell<*mut Node>,
    /// Found once, since a destructor may come too late to find it.
    pool: OnceCell<Global<Pool>>,
}

impl Cache {
    const fn new() -> Self {
        Cache {
            first: Cell::new(null_mut()),
            is_used: Cell::new(true),
            top: Cell::new(null_mut()),
            pool: OnceCell::new(),
        }
    }

    /// The first, if it is free.
    #[inline]
    fn pop(&self) -> Option<NonNull<Node>> {
        if self.is_used.replace(true) {
            return None;
        }
        NonNull::new(self.first.get())
    }

    /// Another, where the first is in use.
    fn pop_other(&self) -> Option<NonNull<Node>> {
        let node = NonNull::new(self.top.get()).or_else(|| self.pool.get_or_init(pool).pop(BATCH))?;
        // SAFETY: a node is one for ever, and what is in this cache is this thread's.
        self.top.set(unsafe { node.as_ref().below() }.node);
        Some(node)
    }

    #[inline]
    fn push(&self, node: NonNull<Node>) {
        if self.first.get() == node.as_ptr() {
            self.is_used.set(false);
        } else {
            self.push_other(node);
        }
    }

    #[inline(never)]
    fn push_other(&self, node: NonNull<Node>) {
        if self.first.get().is_null() {
            self.first.set(node.as_ptr());
            self.is_used.set(false);
        } else {
            self.stack(node);
        }
    }

    fn stack(&self, node: NonNull<Node>) {
        // SAFETY: a node is one for ever, and what is in this cache is this thread's.
        let top = unsafe { self.top.get().as_ref().map(|top| top.below()) };
        let mut depth = top.map_or(0, |top| top.depth + 1);
        if depth >= MOST {
            self.give();
            depth = 0;
        }
        let below = Below {
            node: self.top.replace(node.as_ptr()),
            depth,
        };
        // SAFETY: a node is one for ever, and this one is this thread's.
        unsafe { node.as_ref().put_on(below) };
    }

    /// Gives all others to the pool.
    #[cold]
    fn give(&self) {
        let Some(first) = NonNull::new(self.top.replace(null_mut())) else {
            return;
        };
        let mut last = first;
        // SAFETY: a node is one for ever, and what was in this cache is this thread's, the whole chain.
        unsafe {
            while let Some(below) = NonNull::new(last.as_ref().below().node) {
                last = below;
            }
            self.pool.get_or_init(pool).push(first, last);
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        if hint::is_abandoned() {
            return;
        }
        if let Some(first) = self.pop() {
            self.stack(first);
        }
        self.give();
    }
}

/// The free nodes of no thread: a stack, linked by `below`.
struct Pool {
    /// Whether a thread is at it. It is there for some ten instructions, and calls nobody.
    is_busy: AtomicBool,
    top: UnsafeCell<*mut Node>,
}

// SAFETY: `top`, and the chain that begins with it, are used by one thread at a time: the one that has set `is_busy`.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

impl Pool {
    const_fn! {
        const fn new() -> Self {
            Pool {
                is_busy: AtomicBool::new(false),
                top: UnsafeCell::new(null_mut()),
            }
        }
    }

    fn with<R>(&self, act: impl FnOnce(&mut *mut Node) -> R) -> R {
        let mut backoff = Backoff::new();
        // Acquire: pairs with the Release store below. Nodes must be found as they were left; Relaxed loses it (killed by
        // `queue::nodes_change_hands` and `queue::nodes_overflow`).
        while self.is_busy.compare_exchange(false, true, Acquire, Relaxed).is_err() {
            backoff.wait::<DefaultWait>();
        }
        let result = self.top.with_mut(|top| {
            // SAFETY: nobody else is here until `is_busy` is false again, and `act` does not panic.
            act(unsafe { &mut *top })
        });
        // Release: pairs with the Acquire RMW above. Relaxed loses it (killed by `queue::nodes_change_hands` and
        // `queue::nodes_overflow`).
        self.is_busy.store(false, Release);
        result
    }

    /// A chain of as many nodes as there are, up to `most`. None has more below it than its depth says.
    fn pop(&self, most: usize) -> Option<NonNull<Node>> {
        self.with(|top| {
            let first = NonNull::new(*top)?;
            let mut last = first;
            // SAFETY: a node is one for ever, and what is in the pool is this thread's for now.
            unsafe {
                for depth in (1..most).rev() {
                    let Some(below) = NonNull::new(last.as_ref().below().node) else {
                        break;
                    };
                    last.as_ref().put_on(Below {
                        node: below.as_ptr(),
                        depth,
                    });
                    last = below;
                }
                *top = last.as_ref().below().node;
                last.as_ref().put_on(Below::NOTHING);
            }
            Some(first)
        })
    }

    /// Adds the chain from `first` to `last`.
    ///
    /// # Safety
    ///
    /// It is the caller's, and nobody else uses it.
    unsafe fn push(&self, first: NonNull<Node>, last: NonNull<Node>) {
        self.with(|top| {
            // The depths are counted anew when it is taken.
            let below = Below { node: *top, depth: 0 };
            // SAFETY: a node is one for ever, and this one is the caller's.
            unsafe { last.as_ref().put_on(below) };
            *top = first.as_ptr();
        });
    }
}

/// The pool is a static, which is not dropped: this is for a model, whose statics end with each execution.
impl Drop for Pool {
    fn drop(&mut self) {
        // Read out, not watched: the thread that drops a static of a model need not have seen all the others.
        // SAFETY: nobody else has the pool, which is not used any more, and a pointer does not need to be dropped.
        let mut top = unsafe { core::ptr::read(&raw const self.top) }.into_inner();
        while let Some(node) = NonNull::new(top) {
            // SAFETY: made by `make`. The threads of the model have ended, so nobody uses a node any more; and nothing in
            // a node needs to be dropped.
            unsafe {
                top = node.read().into_below().node;
                bury(node.cast::<CachePadded<Node>>());
            }
        }
    }
}
