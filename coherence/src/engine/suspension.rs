//! How a simulated thread gives up the OS thread.

use corosensei::Yielder;

/// A thread that must give up the OS thread until its turn comes.
pub(crate) struct Suspension(*const Yielder<(), ()>);

impl Suspension {
    /// Of the thread whose coroutine has this yielder.
    ///
    /// # Safety
    /// `yielder` is what corosensei lent the body of a coroutine, and [`suspend`](Suspension::suspend) is called on the
    /// stack of that coroutine.
    pub(crate) unsafe fn new(yielder: *const Yielder<(), ()>) -> Suspension {
        Suspension(yielder)
    }

    pub(crate) fn suspend(self) {
        // SAFETY: by the contract of `new`, this runs on the stack of the coroutine to whose body the yielder is lent; the
        // body is still running, so the loan lasts.
        unsafe { &*self.0 }.suspend(());
    }
}

/// How far a thread's action on the simulation has come.
pub(crate) enum Step<T> {
    Done(T),
    /// The thread has to wait; ask again when it runs.
    Again(Suspension),
}
