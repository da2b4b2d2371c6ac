//! The life of a simulated thread: spawned, ended, joined.

use core::panic::AssertUnwindSafe;
use std::any::Any;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::access::Site;
use super::act;
use super::failure::Failure;
use super::locals::Locals;
use super::schedule::{Doing, Scheduler, Thread, Wakeup};
use super::spin::Window;
use super::suspension::Step;

/// The most threads a simulation may have.
pub(crate) const MAX_THREADS: usize = 65_536;

/// Where a spawned thread leaves what it returned, for `join`.
type Packet<T> = Arc<Mutex<Option<std::thread::Result<T>>>>;

/// A simulated thread that was spawned and may be joined.
pub(crate) struct Spawned<T> {
    pub(crate) index: usize,
    simulation: u64,
    packet: Packet<T>,
}

/// Starts a simulated thread; gives the closure back outside a simulation.
pub(crate) fn spawn<F, T>(body: F) -> Result<Spawned<T>, F>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let Some(born) = act(Scheduler::spawn) else {
        return Err(body);
    };
    let Some((index, simulation)) = born else {
        panic!("a simulation has at most {MAX_THREADS} threads");
    };
    let packet: Packet<T> = Arc::new(Mutex::new(None));
    let theirs = Arc::clone(&packet);
    let run = Box::new(move || {
        let result = catch_unwind(AssertUnwindSafe(body));
        if let Err(payload) = &result {
            let message = message(payload.as_ref());
            act(|s| {
                s.me().panic = Some(message.clone());
                Step::Done(())
            });
        }
        *theirs.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    });
    let mut run: Option<Box<dyn FnOnce()>> = Some(run);
    act(|s| {
        s.newborn.extend(run.take());
        Step::Done(())
    });
    Ok(Spawned {
        index,
        simulation,
        packet,
    })
}

/// Waits for a thread's end.
pub(crate) fn join<T>(thread: Spawned<T>, site: Site) -> std::thread::Result<T> {
    act(|s| {
        if s.id == thread.simulation {
            s.join(thread.index, site)
        } else {
            // The index is that of another thread here.
            Step::Done(())
        }
    });
    let result = thread.packet.lock().unwrap_or_else(PoisonError::into_inner).take();
    result.unwrap_or_else(|| {
        panic!(
            "simulated thread {} is joined outside its simulation, in which it has not ended",
            thread.index
        )
    })
}

/// Runs the destructors of the thread's thread-locals; the last thing a simulated thread does.
pub(crate) fn end_of_thread() {
    while let Some(Some(value)) = act(|s| Step::Done(s.me().locals.pop())) {
        value.destroy();
    }
}

/// Runs a thread that nobody can join: its panic ends the simulation.
pub(crate) fn unjoinable(body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        let message = message(payload.as_ref());
        let outside = act(|s| {
            let thread = s.current();
            s.failure.get_or_insert(Failure::Panicked {
                thread,
                message: message.clone(),
            });
            Step::Done(())
        });
        if outside.is_none() {
            resume_unwind(payload);
        }
        // Its destructor may panic too, and there is nothing left to catch that.
        core::mem::forget(payload);
    }
}

/// What a panic said.
pub(super) fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    payload
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| "(no message)".to_owned())
}

impl Scheduler {
    /// Makes a thread that is ready to run on its core at this time.
    pub(crate) fn new_thread(&mut self, at: u64) -> usize {
        let thread = self.threads.len();
        let core = thread % self.cores.len();
        self.threads.push(Thread {
            core: core as u16,
            clock: at,
            doing: Doing::Ready,
            call: None,
            window: Window::default(),
            wakeup: Wakeup::Woken,
            locals: Locals::new(),
            yielder: core::ptr::null(),
            panic: None,
            unwinds_for: None,
            joiner: None,
            ticket: 0,
        });
        self.progress();
        self.allow_looks();
        self.make_ready(thread as u32, at);
        thread
    }

    /// The new thread's index, and its simulation; `None` if there are too many.
    fn spawn(&mut self) -> Step<Option<(usize, u64)>> {
        if let Some(suspension) = self.await_turn() {
            return Step::Again(suspension);
        }
        if self.threads.len() == MAX_THREADS {
            return Step::Done(None);
        }
        self.me().window.restart();
        self.spend(self.machine.syscall);
        let now = self.me().clock;
        Step::Done(Some((self.new_thread(now), self.id)))
    }

    fn join(&mut self, other: usize, site: Site) -> Step<()> {
        if let Some(suspension) = self.await_turn() {
            return Step::Again(suspension);
        }
        let me = self.current();
        let end = &mut self.threads[other];
        if end.doing == Doing::Finished {
            end.panic = None;
            let clock = end.clock;
            let t = self.me();
            t.clock = t.clock.max(clock);
            t.window.restart();
            return Step::Done(());
        }
        end.joiner = Some(me as u32);
        let t = self.me();
        t.doing = Doing::Joining(other as u32);
        t.call = Some(("waits for the end of a thread", site));
        if std::thread::panicking() {
            return Step::Again(self.abandon());
        }
        let t = self.me();
        let (core, now) = (usize::from(t.core), t.clock);
        self.leave_core(core, now);
        Step::Again(self.suspension())
    }

    /// A thread has run to its end.
    pub(crate) fn finish(&mut self, thread: u32) {
        let t = &mut self.threads[thread as usize];
        t.doing = Doing::Finished;
        let (core, now, joiner) = (usize::from(t.core), t.clock, t.joiner);
        self.progress();
        self.leave_core(core, now);
        if let Some(joiner) = joiner {
            self.make_ready(joiner, now + self.machine.wake);
        }
    }
}
