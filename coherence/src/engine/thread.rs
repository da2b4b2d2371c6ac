//! A simulated thread, as plain data.

use corosensei::Yielder;

use super::access::Site;
use super::locals::Locals;
use super::window::Window;

/// Why [`wait`](crate::futex::wait) returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wakeup {
    /// A [`wake`](crate::futex::wake) chose this thread; outside a simulation also a spurious
    /// wake-up.
    Woken,
    /// The word was not as expected, so the thread did not sleep.
    Changed,
    /// The time-out, counted from the call in virtual time, passed.
    TimedOut,
}

/// What a simulated thread is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    /// It is on its core and can run.
    Running,
    /// It waits for its core.
    Ready,
    /// It spins on its core, and is dormant: not simulated until a line it looks at changes.
    Spinning,
    /// It sleeps in a futex wait on this address.
    Futex(usize),
    /// It waits for the end of this thread.
    Joining(u32),
    /// It has ended.
    Finished,
}

pub(crate) struct Thread {
    pub(crate) core: u16,
    pub(crate) clock: u64,
    pub(crate) status: Status,
    /// What it called last that is no access, in words, and where.
    pub(crate) call: Option<(&'static str, Site)>,
    pub(crate) window: Window,
    pub(crate) wakeup: Wakeup,
    pub(crate) locals: Locals,
    pub(crate) yielder: *const Yielder<(), ()>,
    /// The message of the panic it ended with, until `join` hands the panic over.
    pub(crate) panic: Option<String>,
    /// The message of the panic that it unwinds for, if that is known.
    pub(crate) unwinds_for: Option<String>,
    /// The thread that waits for this one's end.
    pub(crate) joiner: Option<u32>,
}

impl Thread {
    /// A thread that has not run yet, and waits for its core since this time.
    pub(crate) fn new(core: u16, clock: u64) -> Thread {
        Thread {
            core,
            clock,
            status: Status::Ready,
            call: None,
            window: Window::default(),
            wakeup: Wakeup::Woken,
            locals: Locals::new(),
            yielder: core::ptr::null(),
            panic: None,
            unwinds_for: None,
            joiner: None,
        }
    }
}
