//! What the worlds share whose atomics have `const` constructors: the native and the coherence world.

/// A function that is `const` in every world whose atomics have `const` constructors.
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
macro_rules! array {
    ($value:expr; $length:expr) => {
        [const { $value }; $length]
    };
}
pub(crate) use array;
