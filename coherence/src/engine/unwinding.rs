//! Threads that unwind, and the waits they cannot have.
//!
//! All simulated threads share the panic count of one OS thread. While one of them unwinds, no
//! other may run: it would take itself for panicking, and so would the locks it holds. So a thread
//! that has to wait for another while it unwinds waits for ever, and the simulation ends there. Its
//! coroutine is left where it stands, and the OS thread counts as panicking from then on: there is
//! no way to take that back.

use super::failure::Failure;
use super::simulation::Simulation;
use super::suspension::Suspension;

impl Simulation {
    /// The current thread panics with this message.
    pub(crate) fn begin_unwinding(&mut self, message: String) {
        self.idle.begin_unwinding();
        self.me().unwinds_for = Some(message);
        // Its next turn is taken, so that it is seen when it no longer unwinds.
        self.limit = 0;
    }

    /// The turn of the current thread, which unwinds: no other thread may run.
    #[cold]
    pub(crate) fn turn_unwinding(&mut self) -> Option<Suspension> {
        // Without a message this may be an earlier panic's bound, or none.
        let known = self.me().unwinds_for.is_some();
        let stuck = self.is_livelocked() || known && self.idle.are_a_wait();
        stuck.then(|| self.abandon())
    }

    /// The current thread unwinds and has to wait: the simulation ends. The thread does not come
    /// back.
    #[cold]
    pub(crate) fn abandon(&mut self) -> Suspension {
        let thread = self.current();
        let message = self.me().unwinds_for.take();
        if self.failure.is_none() {
            self.failure = Some(Failure::Unwinding {
                message: message.unwrap_or_else(|| "(its message is not known)".to_owned()),
                waiting: self.waiting(thread).expect("the thread that runs has not ended"),
            });
        }
        self.suspension()
    }

    /// The current thread has come to the end of time, and with it the simulation. The thread does
    /// not come back.
    #[cold]
    pub(crate) fn end_of_time(&mut self) -> Suspension {
        if self.failure.is_none() {
            self.failure = Some(self.out_of_time());
        }
        self.suspension()
    }
}
