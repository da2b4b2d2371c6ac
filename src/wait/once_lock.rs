//! A value that is made once, by the thread that needs it first.

use core::fmt;
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::panic::{RefUnwindSafe, UnwindSafe};

use super::once_word::{OnceWord, Phase, Poisoned};
use super::{DefaultPark, Wait};
use crate::backend::cell::UnsafeCell;
use crate::backend::{const_fn, const_init, hint};

/// A value that is made once, by the thread that needs it first, while others that need it wait as `W` says.
///
/// [`spin::Once`](crate::spin::Once) and `futex::OnceLock` are this with a policy.
///
/// * **Guarantee**: one closure runs to its end; each thread that has the value sees all that the closure did. A closure that
///   returns an error leaves the place for the next.
/// * **Cost**: four bytes beside the value. With the value there, [`get`](Self::get) and
///   [`call_once`](Self::call_once) are one load (Acquire) and a comparison, and write nothing.
/// * **Poisoning**: if a closure panics, that and every later call that needs the value panics, but for `get`.
/// * **Not for**: closures that need this same value, which wait for themselves for ever. In the child of a fork a closure
///   that another thread ran never ends.
///
/// ```
/// use linchpin::wait::OnceLock;
///
/// static CONFIG: OnceLock<String> = OnceLock::new();
///
/// assert_eq!(CONFIG.get(), None);
/// assert_eq!(CONFIG.call_once(|| "first".into()), "first");
/// assert_eq!(CONFIG.call_once(|| unreachable!("it is there")), "first");
/// ```
pub struct OnceLock<T = (), W = DefaultPark> {
    word: OnceWord,
    /// Initialised when, and only when, the phase is `Done`.
    value: UnsafeCell<MaybeUninit<T>>,
    wait: PhantomData<fn(W)>,
}

// SAFETY: shared, it gives out `&T` to any thread (`Sync`), and a value that one thread has made may be taken out or dropped by
// another (`Send`). The cell is written by the one thread that has begun, and read after `Done`.
unsafe impl<T: Send + Sync, W> Sync for OnceLock<T, W> {}
// SAFETY: sent, it sends the value.
unsafe impl<T: Send, W> Send for OnceLock<T, W> {}
// A closure that panics leaves no value behind, and poisons.
impl<T: UnwindSafe, W> UnwindSafe for OnceLock<T, W> {}
impl<T: RefUnwindSafe + UnwindSafe, W> RefUnwindSafe for OnceLock<T, W> {}

impl<T, W> OnceLock<T, W> {
    /// One without a value.
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "for arrays and statics, under the name that `spin` gives it"
    )]
    pub const INIT: Self = const_init!(Self::new());

    const_fn! {
        /// One without a value.
        #[must_use]
        pub const fn new() -> Self {
            OnceLock { word: OnceWord::at(Phase::New), value: UnsafeCell::new(MaybeUninit::uninit()), wait: PhantomData }
        }
    }

    const_fn! {
        /// One with a value.
        #[must_use]
        pub const fn initialized(value: T) -> Self {
            OnceLock { word: OnceWord::at(Phase::Done), value: UnsafeCell::new(MaybeUninit::new(value)), wait: PhantomData }
        }
    }

    /// The value, if it is there.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: the phase is `Done`.
        self.word.is_done().then(|| unsafe { self.get_unchecked() })
    }

    /// The value.
    ///
    /// # Safety
    ///
    /// It is there: [`is_completed`](Self::is_completed) has said so, or a call that returns it has returned.
    #[inline]
    pub unsafe fn get_unchecked(&self) -> &T {
        // SAFETY: the caller's promise: it is initialised, and after `Done` nothing changes it while `self` is borrowed.
        self.value.with(|value| unsafe { &*value.cast::<T>() })
    }

    /// The value, if it is there.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        let is_done = self.word.is_done();
        // SAFETY: the phase is `Done`, so that it is initialised, and `self` is borrowed mutably.
        is_done.then(|| self.value.with_mut(|value| unsafe { &mut *value.cast::<T>() }))
    }

    /// The value, if it is there.
    #[must_use]
    pub fn try_into_inner(self) -> Option<T> {
        let this = ManuallyDrop::new(self);
        let is_done = this.word.is_done();
        // SAFETY: the phase is `Done`, so that it is initialised; `this` is not dropped, and the value is not used again.
        is_done.then(|| this.value.with(|value| unsafe { value.cast::<T>().read() }))
    }

    /// Whether the value is there. If so, all that its closure did is seen.
    #[inline]
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.word.is_done()
    }

    /// A pointer to the value. It may be read from once the value is there, and written to where no other thread can.
    #[inline]
    pub fn as_mut_ptr(&self) -> *mut T {
        self.value.with(|value| value.cast_mut().cast())
    }
}

impl<T, W: Wait> OnceLock<T, W> {
    /// The value; makes it if it is not there, or waits while another thread makes it.
    ///
    /// # Panics
    ///
    /// If `make` panics, or an earlier closure did.
    #[inline]
    #[track_caller]
    pub fn call_once(&self, make: impl FnOnce() -> T) -> &T {
        enum Never {}
        match self.try_call_once(|| Ok::<T, Never>(make())) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// The same with a closure that may fail. If it does, the next call tries its own.
    ///
    /// # Errors
    ///
    /// That of `make`.
    ///
    /// # Panics
    ///
    /// If `make` panics, or an earlier closure did.
    ///
    /// ```
    /// use linchpin::spin::Once;
    ///
    /// static PORT: Once<u16> = Once::new();
    /// assert!(PORT.try_call_once(|| "http".parse()).is_err());
    /// assert_eq!(PORT.try_call_once(|| "80".parse()), Ok(&80));
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_call_once<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        match self.get() {
            Some(value) => Ok(value),
            None => self.make(make),
        }
    }

    #[cold]
    #[track_caller]
    fn make<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        let begun = match self.word.begin::<W>(false) {
            Ok(begun) => begun,
            Err(Poisoned) => Poisoned.refuse(),
        };
        if let Some(attempt) = begun {
            match make() {
                Ok(value) => {
                    // SAFETY: this thread has begun and not ended: no other has a reference to the value, or makes one.
                    self.value.with_mut(|place| unsafe { (*place).write(value) });
                    attempt.succeed();
                }
                Err(error) => {
                    attempt.give_up();
                    return Err(error);
                }
            }
        }
        // SAFETY: this thread has made the value, or has seen `Done`.
        Ok(unsafe { self.get_unchecked() })
    }

    /// Makes the value as a copy of `value`, if it is not there.
    ///
    /// # Panics
    ///
    /// If an earlier closure has panicked.
    #[track_caller]
    pub fn init_from_ref(&self, value: &T) -> &T
    where
        T: Copy,
    {
        self.call_once(|| *value)
    }

    /// The value, if it is there or another thread makes it now: that is waited for.
    ///
    /// # Panics
    ///
    /// If the closure that makes it has panicked.
    #[inline]
    #[track_caller]
    pub fn poll(&self) -> Option<&T> {
        let is_done = self.word.is_done()
            || match self.word.await_running::<W>() {
                Ok(is_done) => is_done,
                Err(Poisoned) => Poisoned.refuse(),
            };
        // SAFETY: this thread has seen `Done`.
        is_done.then(|| unsafe { self.get_unchecked() })
    }

    /// Waits for the value, also if no thread makes it yet.
    ///
    /// # Panics
    ///
    /// If a closure that was to make it has panicked.
    #[inline]
    #[track_caller]
    pub fn wait(&self) -> &T {
        if !self.word.is_done()
            && let Err(Poisoned) = self.word.await_done::<W>(false)
        {
            Poisoned.refuse()
        }
        // SAFETY: this thread has seen `Done`.
        unsafe { self.get_unchecked() }
    }
}

impl<T, W> Drop for OnceLock<T, W> {
    fn drop(&mut self) {
        if !hint::is_abandoned() && self.word.is_done() {
            // SAFETY: the phase is `Done`, so that it is initialised, and it is not used again.
            self.value
                .with_mut(|value| unsafe { value.cast::<T>().drop_in_place() });
        }
    }
}

impl<T, W> Default for OnceLock<T, W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, W> From<T> for OnceLock<T, W> {
    fn from(value: T) -> Self {
        Self::initialized(value)
    }
}

impl<T: fmt::Debug, W> fmt::Debug for OnceLock<T, W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = formatter.debug_tuple("Once");
        match self.get() {
            Some(value) => tuple.field(value),
            None => tuple.field(&format_args!("<uninit>")),
        };
        tuple.finish()
    }
}
