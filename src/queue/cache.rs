//! Where threads have their nodes from.
//!
//! A thread takes a node from its cache for each acquisition and puts one back after it, by a few loads and stores in
//! its own memory. An empty cache takes from the pool, a cache that has grown too large gives to it, and so does that
//! of a thread that ends. Only if the pool is empty too is a node made. Once made it is a node for ever: a hand-over
//! may still wake a sleeper on the flag of a node that has long been put to another use.
//!
//! Nodes are made in memory of the system's allocator, never of the global one. That may be guarded by one of these
//! locks, and the thread that locked it would need it for the node.

use core::cell::{Cell, OnceCell};
use core::mem::ManuallyDrop;
use core::ptr::{NonNull, null_mut};

use crossbeam_utils::CachePadded;

use super::node::Node;
use crate::backend::{Global, fork, global, hint, per_thread};
use crate::internal::{Pool, Stack, bury, immortal};

/// The most nodes that a cache keeps, beside its first.
const MOST: usize = hint::tuned(16, 1);
/// How many nodes a cache takes from the pool at once.
const BATCH: usize = hint::tuned(4, 2);

per_thread! {
    static CACHE: Cache = Cache::new();
}

global! {
    /// The free nodes of no thread. Locked by polling: a destructor may lock it, in a model when there is no kernel any
    /// more.
    fn pool() -> NodePool = NodePool(ManuallyDrop::new(Pool::new(Stack::EMPTY)));
}

fn nodes() -> Global<NodePool> {
    ensure_own();
    pool()
}

/// To be called before the pool is used.
#[inline]
fn ensure_own() {
    static POOL: fork::OwnMemory = fork::OwnMemory::with_mark(2);
    POOL.ensure(forget_nodes);
}

/// In the child of a fork another thread may have been in the middle of changing the pool. Its nodes are left alone.
fn forget_nodes() {
    // SAFETY: the child has one thread, which is here.
    unsafe { pool().0.reset(Stack::EMPTY) };
}

/// The first node of this thread's cache, if it is free and `used` says that it is in use from now on.
///
/// The node is marked in use only after `used` succeeds, so an RMW in `used` does not wait for the marking store to
/// drain.
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
/// 1. It comes from [`take`], in this thread or another.
/// 2. No other thread uses it any more.
/// 3. Its `next` is null.
#[inline]
pub(super) unsafe fn put(node: NonNull<Node>) {
    if CACHE.try_with(|cache| cache.push(node)).is_err() {
        // SAFETY: 1, 2 and 3: the caller's promise.
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
        Err(_) => nodes().0.with_polling(Stack::pop),
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
    nodes().0.with_polling(|pool| {
        // SAFETY: 1: no other thread uses it, and it has just left the queue, so it is in no stack; 2: nodes live for
        // ever.
        unsafe { pool.push(node) };
    });
}

/// A new node.
fn make() -> NonNull<Node> {
    immortal(CachePadded::new(Node::new())).cast()
}

/// The nodes of one thread: the one it mostly uses, and a stack of others.
///
/// The first keeps its place while it is in use. So a thread that locks one lock after the other always reads the same
/// address, and the RMW that needs it does not wait for what the last unlock has stored.
struct Cache {
    /// The first; null if there is none, and then that counts as in use.
    first: Cell<*mut Node>,
    is_used: Cell<bool>,
    /// The others that are free, and how many they are.
    others: Cell<Stack<Node>>,
    count: Cell<usize>,
    /// Found once, since a destructor may come too late to find it.
    pool: OnceCell<Global<NodePool>>,
}

impl Cache {
    const fn new() -> Self {
        Cache {
            first: Cell::new(null_mut()),
            is_used: Cell::new(true),
            others: Cell::new(Stack::EMPTY),
            count: Cell::new(0),
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
        let mut others = self.others.replace(Stack::EMPTY);
        let mut count = self.count.get();
        if count == 0 {
            (others, count) = self.pool().with_polling(|pool| pool.take(BATCH));
        }
        let node = others.pop();
        self.count.set(count.saturating_sub(1));
        self.others.set(others);
        node
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
        if self.count.get() >= MOST {
            self.give();
        }
        let mut others = self.others.replace(Stack::EMPTY);
        // SAFETY: 1: it has been put back, so it is this thread's, and in no stack; 2: nodes live for ever.
        unsafe { others.push(node) };
        self.count.set(self.count.get() + 1);
        self.others.set(others);
    }

    /// Gives all others to the pool.
    #[cold]
    fn give(&self) {
        let others = self.others.replace(Stack::EMPTY);
        if self.count.replace(0) > 0 {
            self.pool().with_polling(|pool| pool.append(others));
        }
    }

    fn pool(&self) -> &Pool<Node> {
        ensure_own();
        &self.pool.get_or_init(pool).0
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

/// The free nodes of no thread.
struct NodePool(ManuallyDrop<Pool<Node>>);

/// The pool is a static, which is not dropped: this is for a model, whose statics end with each execution.
impl Drop for NodePool {
    fn drop(&mut self) {
        // Without the lock: the thread that drops a static of a model need not have seen all the others.
        // SAFETY: this is the only use of the field, which is not used any more.
        let pool = unsafe { ManuallyDrop::take(&mut self.0) };
        let mut top = pool.into_inner().top();
        while let Some(node) = top {
            // SAFETY: made by `make`, in the pool, and the threads of the model have ended, so that no thread uses a
            // node any more.
            let value = unsafe { node.read() };
            top = value.into_below();
            // SAFETY: as above; nothing that is left in a node needs to be dropped.
            unsafe { bury(node.cast::<CachePadded<Node>>()) };
        }
    }
}
