//! The MCS lock with nodes of the caller's: no thread-local, no allocation, no `std`.

use core::fmt;
use core::ptr::NonNull;

use crossbeam_utils::CachePadded;

use super::mcs::RawMcsMutex;
use super::node::Node;
use crate::backend::cell::UnsafeCell;
use crate::backend::const_fn;
use crate::wait::{DefaultPark, Wait};

/// A place in the queue of an MCS lock, for one acquisition at a time: to be kept on the stack, and used again.
///
/// A padded line (128 bytes on x86-64), on which its owner waits.
pub struct McsNode(CachePadded<Node>);

// SAFETY: between two acquisitions a node is in no queue, and in no thread's cache.
unsafe impl Send for McsNode {}

impl McsNode {
    const_fn! {
        /// A node that is in no queue.
        #[must_use]
        pub const fn new() -> Self {
            McsNode(CachePadded::new(Node::new()))
        }
    }
}

impl Default for McsNode {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for McsNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("McsNode").finish_non_exhaustive()
    }
}

/// Releases the lock also where the critical section panics, before the node is gone.
struct Held<'lock, W: Wait> {
    lock: &'lock RawMcsMutex<W>,
    node: NonNull<Node>,
}

impl<W: Wait> Drop for Held<'_, W> {
    fn drop(&mut self) {
        // SAFETY: `Held` is made where the lock was acquired with this node, and it is released here only.
        unsafe { self.lock.release(self.node) };
    }
}

impl<W: Wait> RawMcsMutex<W> {
    /// Runs `section` while holding the lock, with a place in the queue that is the caller's.
    ///
    /// A thread in the queue with such a node never sleeps in the kernel: with `SpinThenPark` it spins
    /// and yields. To wake it, its address would be needed after it may have left, with the node.
    ///
    /// # Panics
    ///
    /// As `section` does, after releasing the lock.
    #[inline]
    pub fn lock_with<R>(&self, node: &mut McsNode, section: impl FnOnce() -> R) -> R {
        let node = NonNull::from(&mut *node.0);
        // SAFETY: 1: it is borrowed mutably, and each acquisition with it ends before its borrow does; 2: it stays
        // borrowed until `Held` has released the lock, also by a panic; 3: `Awake` does not sleep.
        unsafe { self.acquire::<W::Awake>(node) };
        let _held = Held { lock: self, node };
        section()
    }

    /// Runs `section` if no thread holds the lock; `None` if a thread does.
    ///
    /// # Panics
    ///
    /// As `section` does, after releasing the lock.
    #[inline]
    pub fn try_lock_with<R>(&self, node: &mut McsNode, section: impl FnOnce() -> R) -> Option<R> {
        let node = NonNull::from(&mut *node.0);
        // SAFETY: 1, 2 and 3 as in `lock_with`; if it fails, the node is in no queue.
        if self.is_locked() || !unsafe { self.try_acquire(node) } {
            return None;
        }
        let _held = Held { lock: self, node };
        Some(section())
    }
}

/// A value behind an MCS lock, lent to closures: the one for `no_std`.
///
/// The place in the queue is a [`McsNode`] of the caller's, usually on its stack, so the lock needs neither
/// thread-locals nor memory. A closure cannot be forgotten, as a guard can: that is why there is none here, and why the
/// node may lie on the stack.
///
/// * **Guarantee**: as for `McsMutex`. A panic in the closure releases the lock, without poisoning.
/// * **Cost**: as for `McsMutex`, without the thread's cache. A waiter spins and, with `std`, yields; it never sleeps
///   in the kernel.
/// * **Not for**: code that has `std` and wants guards (`McsMutex`); nor more threads than cores without `std`, where
///   the next thread in the queue may not be running and no thread may go before it.
///
/// ```
/// use linchpin::queue::{McsCell, McsNode};
///
/// static TOTAL: McsCell<u32> = McsCell::new(0);
///
/// let mut node = McsNode::new();
/// TOTAL.lock_with(&mut node, |total| *total += 1);
/// assert_eq!(TOTAL.try_lock_with(&mut node, |total| *total), Some(1));
/// ```
pub struct McsCell<T: ?Sized, W = DefaultPark> {
    lock: RawMcsMutex<W>,
    value: UnsafeCell<T>,
}

// SAFETY: the lock lends the value to one thread after the other, which is what `Send` allows.
unsafe impl<T: ?Sized + Send, W> Sync for McsCell<T, W> {}

impl<T> McsCell<T> {
    const_fn! {
        /// An unlocked lock around `value`.
        #[must_use]
        pub const fn new(value: T) -> Self {
            Self::with_wait(value)
        }
    }
}

impl<T, W: Wait> McsCell<T, W> {
    const_fn! {
        /// An unlocked lock around `value`, in which threads wait as `W` says.
        ///
        /// ```
        /// # use linchpin::queue::{McsCell, McsNode};
        /// # use linchpin::wait::Spin;
        /// let total = McsCell::<_, Spin>::with_wait(1);
        /// assert_eq!(total.lock_with(&mut McsNode::new(), |total| *total), 1);
        /// ```
        #[must_use]
        pub const fn with_wait(value: T) -> Self {
            McsCell {
                lock: RawMcsMutex::with_wait(),
                value: UnsafeCell::new(value),
            }
        }
    }

    /// The value. No thread holds the lock of what can be moved here.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized, W: Wait> McsCell<T, W> {
    /// Lends the value to `section`, when all that came before are through.
    ///
    /// # Panics
    ///
    /// As `section` does, after releasing the lock.
    #[inline]
    pub fn lock_with<R>(&self, node: &mut McsNode, section: impl FnOnce(&mut T) -> R) -> R {
        self.lock.lock_with(node, || self.lend(section))
    }

    /// Lends the value to `section` if no thread holds the lock; `None` if a thread does.
    ///
    /// # Panics
    ///
    /// As `section` does, after releasing the lock.
    #[inline]
    pub fn try_lock_with<R>(&self, node: &mut McsNode, section: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.lock.try_lock_with(node, || self.lend(section))
    }

    /// To be called while the lock is held.
    #[inline]
    fn lend<R>(&self, section: impl FnOnce(&mut T) -> R) -> R {
        self.value.with_mut(|value| {
            // SAFETY: the lock is held while the critical section runs, and no other thread refers to the value.
            section(unsafe { &mut *value })
        })
    }

    /// The value, without locking: that it is borrowed mutably shows that no thread holds it.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: no other thread has this, so no other thread refers to the value as long as the reference lives.
        self.value.with_mut(|value| unsafe { &mut *value })
    }

    /// Whether a thread holds the lock; a snapshot, stale when it returns.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }
}

impl<T: Default, W: Wait> Default for McsCell<T, W> {
    fn default() -> Self {
        Self::with_wait(T::default())
    }
}

impl<T> From<T> for McsCell<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug, W: Wait> fmt::Debug for McsCell<T, W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.try_lock_with(&mut McsNode::new(), |value| {
            formatter.debug_struct("McsCell").field("value", &&*value).finish()
        });
        shown.unwrap_or_else(|| {
            let locked = format_args!("<locked>");
            formatter.debug_struct("McsCell").field("value", &locked).finish()
        })
    }
}

/// Locks an `McsMutex` with a node of the caller's, beside others that lock it by guards.
///
/// ```
/// use linchpin::queue::{LockWith, McsMutex, McsNode};
///
/// let total = McsMutex::new(0);
/// *total.lock() += 1;
/// total.lock_with(&mut McsNode::new(), |total| *total += 1);
/// assert_eq!(total.into_inner(), 2);
/// ```
#[cfg(feature = "std")]
pub trait LockWith<T: ?Sized>: sealed::Sealed {
    /// Lends the value to `section`, when all that came before are through: as [`McsCell::lock_with`].
    ///
    /// # Panics
    ///
    /// As `section` does, after releasing the lock.
    fn lock_with<R>(&self, node: &mut McsNode, section: impl FnOnce(&mut T) -> R) -> R;

    /// Lends the value to `section` if no thread holds the lock; `None` if a thread does.
    ///
    /// # Panics
    ///
    /// As `section` does, after releasing the lock.
    fn try_lock_with<R>(&self, node: &mut McsNode, section: impl FnOnce(&mut T) -> R) -> Option<R>;
}

#[cfg(feature = "std")]
impl<T: ?Sized, W: Wait> LockWith<T> for lock_api::Mutex<RawMcsMutex<W>, T> {
    #[inline]
    fn lock_with<R>(&self, node: &mut McsNode, section: impl FnOnce(&mut T) -> R) -> R {
        let value = self.data_ptr();
        // SAFETY: it is locked and unlocked in pairs.
        let raw = unsafe { self.raw() };
        // SAFETY: while the raw lock is held, no other thread refers to the value, and the mutex owns it.
        raw.lock_with(node, || section(unsafe { &mut *value }))
    }

    #[inline]
    fn try_lock_with<R>(&self, node: &mut McsNode, section: impl FnOnce(&mut T) -> R) -> Option<R> {
        let value = self.data_ptr();
        // SAFETY: it is locked and unlocked in pairs.
        let raw = unsafe { self.raw() };
        // SAFETY: as in `lock_with`.
        raw.try_lock_with(node, || section(unsafe { &mut *value }))
    }
}

#[cfg(feature = "std")]
mod sealed {
    pub trait Sealed {}
    impl<T: ?Sized, W: super::Wait> Sealed for lock_api::Mutex<super::RawMcsMutex<W>, T> {}
}
