//! What the native and the coherence backend share: atomics with `const` constructors, and code that runs at its full
//! size.

/// A function that is `const` in every backend whose atomics have `const` constructors.
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        $(#[$meta])* $vis const fn $($rest)*
    };
}
pub(crate) use const_fn;

/// The value of an associated constant that is made by a [`const_fn!`].
macro_rules! const_init {
    ($value:expr) => {
        $value
    };
}
pub(crate) use const_init;

/// `[value; N]` for a value that is made anew for each place.
#[cfg(any(feature = "std", target_has_atomic = "64"))]
macro_rules! array {
    ($value:expr; $length:expr) => {
        [const { $value }; $length]
    };
}
#[cfg(any(feature = "std", target_has_atomic = "64"))]
pub(crate) use array;

/// The bucket of a key with that hash, in a table shared by address; of what kind the key is matters in a model only.
#[cfg(feature = "std")]
#[inline]
pub(crate) const fn bucket(hash: u64, _kind: usize) -> usize {
    (((hash >> 32) * super::BUCKETS as u64) >> 32) as usize
}

/// What only a model changes.
pub(super) mod hints {
    /// Whether an execution of a model has failed and is being torn down, so that destructors must touch nothing of it.
    #[inline]
    #[allow(dead_code, reason = "without `alloc` there is nothing to leave as it is")]
    pub(crate) const fn is_abandoned() -> bool {
        false
    }

    /// Whether `deadline` has passed; in a model it answers "no" too often, so the caller must ask again before it relies on that.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn is_late(deadline: crate::backend::time::Instant) -> bool {
        crate::backend::time::has_passed(deadline)
    }

    /// `native`; a model has a value of its own.
    #[inline]
    #[allow(dead_code, reason = "without `std` and `alloc` nothing is tuned")]
    pub(crate) const fn tuned<T: Copy>(native: T, _model: T) -> T {
        native
    }

    /// How many rounds to spin before doing something else, of the `rounds` that are asked for: all of them.
    #[inline]
    pub(crate) const fn patience(rounds: u32) -> u32 {
        rounds
    }

    /// How many places are in use, of the `places` that there are: all of them.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) const fn sized(places: usize) -> usize {
        places
    }

    /// What the clock decides; a model decides otherwise, or the same each time.
    #[inline]
    #[allow(dead_code, reason = "for what has no clock")]
    pub(crate) fn decided(clock: impl FnOnce() -> bool) -> bool {
        clock()
    }
}
