//! The stacks, behind one face, so that each test is written once.

use std::fmt::Debug;

/// What all stacks can do.
pub trait Stack<T>: Default + Send + Sync + Debug + FromIterator<T> + Extend<T> + IntoIterator<Item = T> {
    fn push(&self, value: T);
    fn try_push(&self, value: T) -> Result<(), T>;
    fn pop(&self) -> Option<T>;
    fn pop_all(&self) -> impl Iterator<Item = T> + Send + use<'_, Self, T>;
    fn is_empty(&self) -> bool;
}

/// A kind of stack.
pub trait Kind: 'static {
    /// That of `T`.
    type Of<T: Send>: Stack<T>;
}

macro_rules! kind {
    ($Kind:ident, $Stack:ident) => {
        pub struct $Kind;

        impl Kind for $Kind {
            type Of<T: Send> = linchpin::stack::$Stack<T>;
        }

        impl<T: Send> Stack<T> for linchpin::stack::$Stack<T> {
            fn push(&self, value: T) {
                self.push(value);
            }

            fn try_push(&self, value: T) -> Result<(), T> {
                self.try_push(value)
            }

            fn pop(&self) -> Option<T> {
                self.pop()
            }

            fn pop_all(&self) -> impl Iterator<Item = T> + Send + use<'_, T> {
                self.pop_all()
            }

            fn is_empty(&self) -> bool {
                self.is_empty()
            }
        }
    };
}

kind! { Tagged, TaggedStack }
kind! { Hazard, HazardStack }
#[cfg(feature = "epoch")]
kind! { Epoch, EpochStack }

/// Makes a test of each function, for each kind of stack.
macro_rules! on_each_stack {
    ($($(#[$meta:meta])* $test:ident),* $(,)?) => {
        mod tagged {
            $($(#[$meta])* #[test] fn $test() { super::$test::<crate::kinds::Tagged>(); })*
        }
        mod hazard {
            $($(#[$meta])* #[test] fn $test() { super::$test::<crate::kinds::Hazard>(); })*
        }
        #[cfg(feature = "epoch")]
        mod epoch {
            $($(#[$meta])* #[test] fn $test() { super::$test::<crate::kinds::Epoch>(); })*
        }
    };
}
pub(crate) use on_each_stack;
