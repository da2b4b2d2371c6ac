//! How a simulated thread gives up the OS thread.

use corosensei::Yielder;

/// A thread that must give up the OS thread until its turn comes.
pub(crate) struct Suspension(*const Yielder<(), ()>);

impl Suspension {
    /// Of the thread whose coroutine has this yielder.
    ///
    /// # Safety
    /// `yielder` is what corosensei passed to the body of a coroutine, and
    /// [`suspend`](Suspension::suspend) is called on the stack of that coroutine.
    pub(crate) unsafe fn new(yielder: *const Yielder<(), ()>) -> Suspension {
        Suspension(yielder)
    }

    pub(crate) fn suspend(self) {
        // SAFETY: by the contract of `new`, this runs on the stack of the coroutine that has the
        // yielder; its body is still running, so the yielder is alive.
        unsafe { &*self.0 }.suspend(());
    }
}

/// How far a thread's action on the simulation has come.
pub(crate) enum Step<T> {
    Done(T),
    /// The thread has to wait; ask again when it runs.
    Again(Suspension),
}
