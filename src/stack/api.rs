//! What all stacks offer alike.

/// The methods and traits of a stack with a field `inner`, and its iterators, with the module that they are in.
macro_rules! stack_api {
    ($Stack:ident, $policy:ty) => {
        impl<T> $Stack<T> {
            /// Puts a value on top. Lock-free.
            ///
            /// # Panics
            ///
            /// If the stack is full, as a bounded one may be. Where there is no memory left, it calls
            /// [`handle_alloc_error`](https://doc.rust-lang.org/alloc/alloc/fn.handle_alloc_error.html), which aborts the
            /// process. [`try_push`](Self::try_push) gives the value back in both cases.
            #[inline(always)]
            pub fn push(&self, value: T) {
                if self.inner.push(value).is_err() {
                    self.refuse();
                }
            }

            /// Puts a value on top. Lock-free.
            ///
            /// # Errors
            ///
            /// The value, if the stack is full or there is no memory left.
            #[inline(always)]
            pub fn try_push(&self, value: T) -> Result<(), T> {
                self.inner.push(value)
            }

            /// Takes the value on top; `None` if there is none. Lock-free.
            #[inline(always)]
            pub fn pop(&self) -> Option<T> {
                self.inner.pop()
            }

            /// Takes all values at one instant, the top first. Lock-free; those that are not taken from the iterator are
            /// dropped with it.
            #[inline]
            pub fn pop_all(&self) -> PopAll<'_, T> {
                PopAll {
                    chain: self.inner.pop_all(),
                }
            }

            /// Whether there was no value a moment ago.
            #[inline]
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.inner.is_empty()
            }
        }

        impl<T> Default for $Stack<T> {
            fn default() -> Self {
                Self::new()
            }
        }

        /// Says whether it is empty, and nothing of the values, which may be gone when they are looked at.
        impl<T> core::fmt::Debug for $Stack<T> {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                formatter
                    .debug_struct(stringify!($Stack))
                    .field("is_empty", &self.is_empty())
                    .finish_non_exhaustive()
            }
        }

        /// Pushes one after the other, so that the last is on top.
        impl<T> FromIterator<T> for $Stack<T> {
            fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
                let stack = Self::new();
                (&stack).extend(values);
                stack
            }
        }

        /// Pushes one after the other, so that the last is on top.
        impl<T> Extend<T> for $Stack<T> {
            fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
                (&*self).extend(values);
            }
        }

        /// Pushes one after the other; values of other threads may come between.
        impl<T> Extend<T> for &$Stack<T> {
            fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
                values.into_iter().for_each(|value| self.push(value));
            }
        }

        impl<T> IntoIterator for $Stack<T> {
            type Item = T;
            type IntoIter = IntoIter<T>;

            fn into_iter(self) -> IntoIter<T> {
                IntoIter { stack: self }
            }
        }

        #[doc = concat!("The values of a [`", stringify!($Stack), "`], the top first.")]
        ///
        /// Those that are not taken are dropped with it.
        pub struct IntoIter<T> {
            stack: $Stack<T>,
        }

        impl<T> core::fmt::Debug for IntoIter<T> {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                formatter
                    .debug_struct("IntoIter")
                    .field("is_empty", &self.stack.is_empty())
                    .finish_non_exhaustive()
            }
        }

        impl<T> Iterator for IntoIter<T> {
            type Item = T;

            fn next(&mut self) -> Option<T> {
                self.stack.inner.pop_alone()
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                (usize::from(!self.stack.is_empty()), None)
            }
        }

        impl<T> core::iter::FusedIterator for IntoIter<T> {}

        #[doc = concat!("What [`", stringify!($Stack), "::pop_all`] has taken: the values, the top first.")]
        ///
        /// Those that are not taken from it are dropped with it.
        #[must_use = "values that are not taken from it are dropped"]
        pub struct PopAll<'stack, T> {
            chain: crate::stack::treiber::Chain<'stack, T, $policy>,
        }

        impl<T> Iterator for PopAll<'_, T> {
            type Item = T;

            #[inline]
            fn next(&mut self) -> Option<T> {
                self.chain.next()
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                (usize::from(!self.chain.is_empty()), None)
            }
        }

        impl<T> core::iter::FusedIterator for PopAll<'_, T> {}

        impl<T> core::fmt::Debug for PopAll<'_, T> {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                formatter
                    .debug_struct("PopAll")
                    .field("is_empty", &self.chain.is_empty())
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(super) use stack_api;

#[cfg(feature = "std")]
crate::backend::only_in_models! {
    /// A stack for models: no more than its policy and how that is made.
    macro_rules! model_stack {
        ($(#[$meta:meta])* $Stack:ident, $policy:ty, $new:expr) => {
            $(#[$meta])*
            #[allow(missing_debug_implementations, reason = "for models")]
            pub struct $Stack<T> {
                inner: Treiber<T, $policy>,
            }

            impl<T> $Stack<T> {
                /// An empty stack.
                #[allow(clippy::new_without_default, reason = "for models")]
                pub fn new() -> Self {
                    $Stack { inner: Treiber::new($new) }
                }

                /// Puts a value on top.
                pub fn push(&self, value: T) {
                    assert!(self.inner.push(value).is_ok(), "there is room");
                }

                /// Takes the value on top.
                pub fn pop(&self) -> Option<T> {
                    self.inner.pop()
                }

                /// Takes all values.
                pub fn pop_all(&self) -> impl Iterator<Item = T> + use<'_, T> {
                    self.inner.pop_all()
                }
            }
        };
    }
    pub(super) use model_stack;
}
