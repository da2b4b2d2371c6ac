//! A value that is made when it is first used.

use core::fmt;
use core::ops::Deref;
use core::panic::{RefUnwindSafe, UnwindSafe};

use super::once_lock::OnceLock;
use super::{DefaultPark, Wait};
use crate::backend::cell::UnsafeCell;
use crate::backend::const_fn;

/// A value that is made when it is first used, while other threads that use it wait as `W` says.
///
/// [`spin::LazyLock`](crate::spin::LazyLock) and `futex::LazyLock` are this with a policy.
///
/// * **Guarantee**: the closure runs once at most; each thread that uses the value sees all that it did.
/// * **Cost**: four bytes beside the value and the closure. With the value there, a use is one load (Acquire) and a comparison.
/// * **Poisoning**: if the closure panics, that and every later use panics.
/// * **Not for**: closures that use this same value, which wait for themselves for ever.
///
/// ```
/// use linchpin::wait::LazyLock;
///
/// static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| "axle wheel pin".split(' ').collect());
/// assert_eq!(WORDS.len(), 3);
/// ```
pub struct LazyLock<T, F = fn() -> T, W = DefaultPark> {
    once: OnceLock<T, W>,
    /// Taken out by the one thread that has begun.
    make: UnsafeCell<Option<F>>,
}

// SAFETY: as for the value in `once`; the closure is called, and so moved, by the thread that comes first (`Send`), and no
// reference to it is given out.
unsafe impl<T: Send + Sync, F: Send, W> Sync for LazyLock<T, F, W> {}
// SAFETY: sent, it sends the value and the closure.
unsafe impl<T: Send, F: Send, W> Send for LazyLock<T, F, W> {}
// The closure is gone when it panics, and there is no value.
impl<T: UnwindSafe, F: UnwindSafe, W> UnwindSafe for LazyLock<T, F, W> {}
impl<T: RefUnwindSafe + UnwindSafe, F: UnwindSafe, W> RefUnwindSafe for LazyLock<T, F, W> {}

impl<T, F, W> LazyLock<T, F, W> {
    const_fn! {
        /// A value that `make` is to make.
        #[must_use]
        pub const fn new(make: F) -> Self {
            LazyLock { once: OnceLock::new(), make: UnsafeCell::new(Some(make)) }
        }
    }

    /// The value, if it is there.
    #[inline]
    pub fn get(this: &Self) -> Option<&T> {
        this.once.get()
    }

    /// A pointer to the value. It may be read from once the value is there, and written to where no other thread can.
    #[inline]
    pub fn as_mut_ptr(&self) -> *mut T {
        self.once.as_mut_ptr()
    }
}

impl<T, F: FnOnce() -> T, W: Wait> LazyLock<T, F, W> {
    /// The value; makes it if it is not there, or waits while another thread makes it.
    ///
    /// # Panics
    ///
    /// If the closure panics, or did.
    #[inline]
    #[track_caller]
    pub fn force(this: &Self) -> &T {
        this.once.call_once(|| {
            // SAFETY: `once` lets one closure run, this one, and no other code touches the cell.
            let make = this.make.with_mut(|make| unsafe { (*make).take() });
            make.expect("its closure panics at most once, since that poisons")()
        })
    }
}

impl<T, F: FnOnce() -> T, W: Wait> Deref for LazyLock<T, F, W> {
    type Target = T;

    #[inline]
    #[track_caller]
    fn deref(&self) -> &T {
        Self::force(self)
    }
}

impl<T: Default, W> Default for LazyLock<T, fn() -> T, W> {
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T: fmt::Debug, F, W> fmt::Debug for LazyLock<T, F, W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = formatter.debug_tuple("LazyLock");
        match self.once.get() {
            Some(value) => tuple.field(value),
            None => tuple.field(&format_args!("<uninit>")),
        };
        tuple.finish()
    }
}
