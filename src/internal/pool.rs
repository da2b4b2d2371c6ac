//! Free values that live for ever, until a thread needs one: a stack linked through the values, behind a one-word lock.
//!
//! 1. A value is in one stack at most, and the owner of that stack is the only thread that uses its link.
//! 2. A value that is in a pool is never freed: a thread may still name its address to the kernel.

use core::ptr::NonNull;

use super::WordLock;

/// A value that can be in a [`Stack`].
///
/// # Safety
///
/// `below` returns what the last `set_below` was given; any thread may own a value, one at a time.
pub(crate) unsafe trait Pooled: Sized {
    /// What is under it in its stack.
    ///
    /// # Safety
    ///
    /// The caller owns the stack that it is in.
    unsafe fn below(&self) -> Option<NonNull<Self>>;

    /// Notes what is under it.
    ///
    /// # Safety
    ///
    /// The caller owns it: it is in no stack, or in one of the caller's.
    unsafe fn set_below(&self, below: Option<NonNull<Self>>);
}

/// A stack of free values.
#[derive(Default)]
pub(crate) struct Stack<T> {
    top: Option<NonNull<T>>,
}

/// The free values of no thread.
pub(crate) type Pool<T> = WordLock<Stack<T>>;

// SAFETY: the thread that has a stack owns what is in it (1), which may be any thread, by the contract of `Pooled`.
unsafe impl<T: Pooled> Send for Stack<T> {}

impl<T: Pooled> Stack<T> {
    pub(crate) const EMPTY: Self = Stack { top: None };

    pub(crate) fn top(&self) -> Option<NonNull<T>> {
        self.top
    }

    /// Takes the topmost values off, up to `most`; returns them as a stack, and how many there are.
    pub(crate) fn take(&mut self, most: usize) -> (Self, usize) {
        let taken = self.top;
        let (mut last, mut count) = (None, 0);
        while count < most
            && let Some(value) = self.top
        {
            // SAFETY: in this stack, so it lives, and this is the stack's owner (1).
            self.top = unsafe { value.as_ref().below() };
            (last, count) = (Some(value), count + 1);
        }
        let Some(last) = last else { return (Self::EMPTY, 0) };
        // SAFETY: as above; it is the lowest of those taken.
        unsafe { last.as_ref().set_below(None) };
        (Stack { top: taken }, count)
    }

    /// Takes the topmost value off.
    pub(crate) fn pop(&mut self) -> Option<NonNull<T>> {
        let value = self.top?;
        // SAFETY: as in `take`.
        self.top = unsafe { value.as_ref().below() };
        Some(value)
    }

    /// Puts a value on top.
    ///
    /// # Safety
    ///
    /// It is the caller's, in no stack, and lives for ever.
    pub(crate) unsafe fn push(&mut self, value: NonNull<T>) {
        // SAFETY: the caller's promise.
        unsafe { value.as_ref().set_below(self.top) };
        self.top = Some(value);
    }

    /// Puts all values of another stack on top.
    pub(crate) fn append(&mut self, other: Self) {
        let Some(mut lowest) = other.top else { return };
        // SAFETY: in the other stack, which this call owns.
        while let Some(below) = unsafe { lowest.as_ref().below() } {
            lowest = below;
        }
        // SAFETY: as above; from here on they are in this stack.
        unsafe { lowest.as_ref().set_below(self.top) };
        self.top = other.top;
    }
}
