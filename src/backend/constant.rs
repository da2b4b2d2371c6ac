//! What the worlds share whose atomics have `const` constructors: the native and the coherence world.

/// A value that lives as long as the program; in a model, as long as somebody uses it in one execution.
#[cfg(feature = "std")]
pub(crate) type Global<T> = &'static T;

/// Functions that return a [`Global`].
#[cfg(feature = "std")]
macro_rules! global {
    ($($(#[$meta:meta])* fn $name:ident() -> $type:ty = $init:expr;)*) => {
        $($(#[$meta])* #[inline] fn $name() -> Global<$type> {
            static VALUE: $type = $init;
            &VALUE
        })*
    };
}
#[cfg(feature = "std")]
pub(crate) use global;

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
