//! What happens once.

use core::fmt;

use crate::backend::const_fn;
use crate::wait::{OnceWord, Phase, Poisoned, SpinThenPark};

/// A value that is made once, by the thread that needs it first, while others that need it sleep.
///
/// ```
/// use linchpin::futex::OnceLock;
///
/// static HOME: OnceLock<String> = OnceLock::new();
/// assert_eq!(HOME.call_once(|| "/home/pin".into()), "/home/pin");
/// assert_eq!(HOME.get().map(String::as_str), Some("/home/pin"));
/// ```
pub type OnceLock<T> = crate::wait::OnceLock<T, SpinThenPark>;

/// A value that is made when it is first used, while other threads that use it sleep.
///
/// ```
/// use linchpin::futex::LazyLock;
///
/// static PRIMES: LazyLock<Vec<u32>> = LazyLock::new(|| (2..20).filter(|n| (2..*n).all(|d| n % d > 0)).collect());
/// assert_eq!(PRIMES.last(), Some(&19));
/// ```
pub type LazyLock<T, F = fn() -> T> = crate::wait::LazyLock<T, F, SpinThenPark>;
/// [`LazyLock`], by its older name.
pub type Lazy<T, F = fn() -> T> = LazyLock<T, F>;

/// What has become of a [`Once`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnceState {
    /// No closure has run.
    New,
    /// The last closure that ran has panicked.
    Poisoned,
    /// A closure runs.
    InProgress,
    /// A closure has run to its end.
    Done,
}

impl OnceState {
    /// Whether the last closure that ran has panicked.
    #[inline]
    #[must_use]
    pub const fn is_poisoned(self) -> bool {
        matches!(self, OnceState::Poisoned)
    }

    /// [`is_poisoned`](Self::is_poisoned).
    #[inline]
    #[must_use]
    pub const fn poisoned(self) -> bool {
        self.is_poisoned()
    }

    /// Whether a closure has run to its end.
    #[inline]
    #[must_use]
    pub const fn is_completed(self) -> bool {
        matches!(self, OnceState::Done)
    }

    /// [`is_completed`](Self::is_completed).
    #[inline]
    #[must_use]
    pub const fn done(self) -> bool {
        self.is_completed()
    }
}

/// A thing that is done once, by the thread that comes first, while others wait for it.
///
/// * **Guarantee**: one closure runs to its end, and when a call returns, that has happened and the caller sees all that it did.
/// * **Cost**: four bytes. Once it is done, a call is one load (Acquire) and a comparison, and writes nothing. A waiter spins for
///   some microseconds, then sleeps; all are woken at once.
/// * **Poisoning**: if a closure panics, that and every later [`call_once`](Self::call_once) panics, until a
///   [`call_once_force`](Self::call_once_force) has run to its end.
/// * **Not for**: closures that call this same `Once`, which wait for themselves for ever; values
///   ([`OnceLock`], [`LazyLock`]). In the child of a fork a closure that another thread ran never ends.
///
/// The API is that of `parking_lot`'s.
///
/// ```
/// use linchpin::futex::{Once, OnceState};
///
/// static START: Once = Once::new();
///
/// for _ in 0..2 {
///     START.call_once(|| println!("once"));
/// }
/// assert_eq!(START.state(), OnceState::Done);
/// ```
pub struct Once(OnceWord);

impl Once {
    const_fn! {
        /// One that has not happened.
        #[must_use]
        pub const fn new() -> Self {
            Once(OnceWord::at(Phase::New))
        }
    }

    const_fn! {
        /// One that has happened.
        #[must_use]
        pub const fn new_completed() -> Self {
            Once(OnceWord::at(Phase::Done))
        }
    }

    /// What has become of it: a snapshot. Only `Done` stays.
    #[must_use]
    pub fn state(&self) -> OnceState {
        match self.0.phase() {
            Phase::New => OnceState::New,
            Phase::Poisoned => OnceState::Poisoned,
            Phase::Running => OnceState::InProgress,
            Phase::Done => OnceState::Done,
        }
    }

    /// Whether it has happened. If so, all that the closure did is seen.
    #[inline]
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.0.is_done()
    }

    /// Runs `act` unless a closure has run to its end; waits while one runs.
    ///
    /// # Panics
    ///
    /// If `act` panics, or the closure before did.
    #[inline]
    #[track_caller]
    pub fn call_once(&self, act: impl FnOnce()) {
        if !self.0.is_done() {
            self.run(false, |_| act());
        }
    }

    /// The same also if an earlier closure has panicked, as `act` is told ([`Poisoned`](OnceState::Poisoned), else
    /// [`New`](OnceState::New)).
    ///
    /// # Panics
    ///
    /// If `act` panics.
    ///
    /// ```
    /// use linchpin::futex::Once;
    ///
    /// let once = Once::new();
    /// let first = std::panic::catch_unwind(|| once.call_once(|| panic!("it fails")));
    /// assert!(first.is_err() && once.state().is_poisoned());
    /// once.call_once_force(|state| assert!(state.is_poisoned()));
    /// assert!(once.state().is_completed());
    /// ```
    #[inline]
    #[track_caller]
    pub fn call_once_force(&self, act: impl FnOnce(OnceState)) {
        if !self.0.is_done() {
            self.run(true, act);
        }
    }

    #[cold]
    #[track_caller]
    fn run(&self, forced: bool, act: impl FnOnce(OnceState)) {
        let begun = match self.0.begin::<SpinThenPark>(forced) {
            Ok(begun) => begun,
            Err(Poisoned) => Poisoned.refuse(),
        };
        if let Some(attempt) = begun {
            act(if attempt.was_poisoned() {
                OnceState::Poisoned
            } else {
                OnceState::New
            });
            attempt.succeed();
        }
    }

    /// Waits until it has happened, also if no closure runs yet.
    ///
    /// # Panics
    ///
    /// If a closure has panicked.
    #[inline]
    #[track_caller]
    pub fn wait(&self) {
        if !self.0.is_done()
            && let Err(Poisoned) = self.0.await_done::<SpinThenPark>(false)
        {
            Poisoned.refuse()
        }
    }

    /// The same, and goes on waiting where a closure has panicked.
    #[inline]
    pub fn wait_force(&self) {
        if !self.0.is_done() {
            self.0
                .await_done::<SpinThenPark>(true)
                .expect("where it is forced, it goes on");
        }
    }
}

impl Default for Once {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Once").field("state", &self.state()).finish()
    }
}
