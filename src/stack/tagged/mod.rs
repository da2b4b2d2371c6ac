//! [`TaggedStack`]: a stack whose nodes are never freed, only used again.

mod arena;
#[cfg(feature = "std")]
mod caches;
mod nodes;

use super::api::stack_api;
use super::treiber::Treiber;
use crate::backend::const_fn;
#[cfg(feature = "std")]
use crate::backend::only_in_models;
use nodes::Nodes;

/// The most free nodes that go from a thread's cache to another's at once.
#[cfg(any(feature = "std", test))]
const CHAIN: u32 = crate::backend::hint::tuned(16, 1);
/// As wide as the index leaves room for.
const TAG_BITS: u32 = 32;

/// A lock-free stack that any number of threads push to and pop from, without any reclamation: a node stays a node of its
/// stack, and is used again.
///
/// * **Guarantee**: linearizable: each value that is pushed is popped once, the last first. No operation waits for another
///   thread, wherever that is held up.
/// * **Cost**: a push and a pop are one compare-exchange each, and a few loads and stores. No allocation once there are as many
///   nodes as have been in use at once, by values and by caches. A node is the value and 8 bytes; memory is what the most nodes
///   at one time needed, up to twice that (at least 8 KiB, or two nodes). Each thread that has used the stack has a cache in it, of at
///   most 33 free nodes: caches are made with their first use, 8 at a time (1 KiB). Where a process has 8 threads or more,
///   threads that have all but the last octal digit of their numbers in common share 1 KiB more for each of these digits. All is
///   freed with the stack. Threads that come to the end of the memory in one instant allocate more of it each, and all but one
///   give that back.
/// * **Limit**: `2^32 - 1` nodes. A thread that is held up for more than 43 seconds *within* a pop, during which the top
///   changes billions of times, may be deceived with a probability of 1 in `2^32`: see [`reclaim::tagged`](crate::reclaim::tagged).
/// * **Not for**: a stack that is large once and small for long, since memory is not given back: take a
///   [`HazardStack`](super::HazardStack).
///
/// ```
/// use linchpin::stack::TaggedStack;
///
/// static FREE: TaggedStack<usize> = TaggedStack::new();
///
/// std::thread::scope(|scope| {
///     for id in 0..4 {
///         scope.spawn(move || FREE.push(id));
///     }
/// });
/// let mut all: Vec<_> = FREE.pop_all().collect();
/// all.sort();
/// assert_eq!(all, [0, 1, 2, 3]);
/// assert_eq!(FREE.pop(), None);
/// ```
pub struct TaggedStack<T> {
    inner: Treiber<T, Nodes<T, TAG_BITS>>,
}

impl<T> TaggedStack<T> {
    const_fn! {
        /// An empty stack, which allocates with the first push.
        #[must_use]
        pub const fn new() -> Self {
            TaggedStack { inner: Treiber::new(Nodes::new(arena::MOST, true)) }
        }
    }

    const_fn! {
        /// An empty stack for `capacity` values at most: [`try_push`](Self::try_push) gives back those that are too many.
        ///
        /// A push is refused only if all nodes are in use at one instant: by values, by operations under way, or by what is left
        /// in a [`PopAll`]. So no thread keeps free nodes for itself, and a push and a pop cost two compare-exchanges each.
        ///
        /// It allocates as it is filled; with [`reserve_total`](Self::reserve_total), then and never again.
        ///
        /// # Panics
        ///
        /// If `capacity` is 0 or above `2^32 - 1`.
        ///
        /// ```
        /// use linchpin::stack::TaggedStack;
        ///
        /// let stack = TaggedStack::bounded(2);
        /// stack.push('a');
        /// stack.push('b');
        /// assert_eq!(stack.try_push('c'), Err('c'));
        /// assert_eq!(stack.pop(), Some('b'));
        /// assert_eq!(stack.try_push('c'), Ok(()));
        /// ```
        #[must_use]
        pub const fn bounded(capacity: usize) -> Self {
            assert!(
                capacity > 0 && capacity as u64 <= arena::MOST as u64,
                "TaggedStack::bounded: `capacity` must be from 1 to 2^32 - 1"
            );
            #[allow(clippy::cast_possible_truncation, reason = "checked above")]
            let limit = capacity as u32;
            TaggedStack { inner: Treiber::new(Nodes::new(limit, false)) }
        }
    }

    /// An empty stack with memory for at least `capacity` values, which grows where that is not enough.
    ///
    /// If there is not that much memory, the stack begins with what there is. What may still be allocated: the caches of its
    /// threads, with their first use; and more nodes, since each thread keeps up to 33 free ones that no other finds. For a
    /// stack that never allocates see [`reserve_total`](Self::reserve_total).
    ///
    /// # Panics
    ///
    /// If `capacity` is above `2^32 - 1`.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        assert!(
            capacity as u64 <= u64::from(arena::MOST),
            "TaggedStack::with_capacity: `capacity` must be at most 2^32 - 1"
        );
        let stack = Self::new();
        let _ = stack.reserve_total(capacity);
        stack
    }

    /// Makes sure that there is memory for so many values in all; returns whether there is.
    ///
    /// A [`bounded`](Self::bounded) stack with memory for as many values as its [`limit`](Self::limit) never calls the allocator
    /// again until it is dropped. Any other may, as is said at [`with_capacity`](Self::with_capacity).
    ///
    /// ```
    /// use linchpin::stack::TaggedStack;
    ///
    /// static FREE: TaggedStack<usize> = TaggedStack::bounded(100);
    ///
    /// assert!(FREE.reserve_total(100), "there is not that much memory");
    /// // It is not for more than 100.
    /// assert!(!FREE.reserve_total(101));
    /// ```
    pub fn reserve_total(&self, values: usize) -> bool {
        self.inner.policy().reserve(values)
    }

    /// The most values there can be: what [`bounded`](Self::bounded) was told, or `2^32 - 1`.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.inner.policy().limit() as usize
    }

    #[cold]
    fn refuse(&self) -> ! {
        self.inner.policy().refuse()
    }
}

stack_api! { TaggedStack, Nodes<T, TAG_BITS> }

#[cfg(feature = "std")]
only_in_models! {
    super::api::model_stack! {
        /// The same with a tag that never changes: a stack that can be deceived.
        FrozenTagStack, Nodes<T, 0>, Nodes::new(arena::MOST, true)
    }
}

#[cfg(test)]
mod tests;
