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
            && let Some(value) = self.pop()
        {
            (last, count) = (Some(value), count + 1);
        }
        let Some(last) = last else { return (Self::EMPTY, 0) };
        // SAFETY: it was in this stack, and lives for ever (2).
        let last = unsafe { last.as_ref() };
        // SAFETY: the lowest of those taken, which this call owns (1).
        unsafe { last.set_below(None) };
        (Stack { top: taken }, count)
    }

    /// Takes the topmost value off. What is under it stays noted there.
    pub(crate) fn pop(&mut self) -> Option<NonNull<T>> {
        let top = self.top?;
        // SAFETY: it is in this stack, and lives for ever (2).
        let value = unsafe { top.as_ref() };
        // SAFETY: this is the owner of the stack (1).
        self.top = unsafe { value.below() };
        Some(top)
    }

    /// Puts a value on top.
    ///
    /// # Safety
    ///
    /// 1. It is the caller's, and in no stack.
    /// 2. It lives for ever.
    pub(crate) unsafe fn push(&mut self, new: NonNull<T>) {
        // SAFETY: it lives for ever (the caller's 2).
        let value = unsafe { new.as_ref() };
        // SAFETY: the caller's, and in no stack (the caller's 1).
        unsafe { value.set_below(self.top) };
        self.top = Some(new);
    }

    /// Puts all values of another stack on top.
    pub(crate) fn append(&mut self, other: Self) {
        let Some(mut lowest) = other.top else { return };
        loop {
            // SAFETY: it is in the other stack, and lives for ever (2).
            let value = unsafe { lowest.as_ref() };
            // SAFETY: this call owns the other stack (1).
            match unsafe { value.below() } {
                Some(below) => lowest = below,
                None => {
                    // SAFETY: as above; from here on they are in this stack.
                    unsafe { value.set_below(self.top) };
                    break;
                }
            }
        }
        self.top = other.top;
    }
}
