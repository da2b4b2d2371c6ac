//! The life of a simulated thread: spawned, ended, joined.

use core::panic::AssertUnwindSafe;
use std::any::Any;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::failure::Failure;
use super::schedule::{Doing, Scheduler, Thread};
use super::spin::Window;
use super::tally::Site;
use super::{Step, act};
use crate::futex::Wakeup;
use crate::local::Table;

/// The most threads a simulation may have.
pub(crate) const MAX_THREADS: usize = 65_536;

/// Where a spawned thread leaves what it returned, for `join`.
type Packet<T> = Arc<Mutex<Option<std::thread::Result<T>>>>;

/// A simulated thread that was spawned and may be joined.
pub(crate) struct Spawned<T> {
    pub(crate) index: usize,
    packet: Packet<T>,
}

/// Starts a simulated thread; gives the closure back outside a simulation.
pub(crate) fn spawn<F, T>(body: F) -> Result<Spawned<T>, F>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let Some(index) = act(Scheduler::spawn) else {
        return Err(body);
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
    Ok(Spawned { index, packet })
}

/// Waits for a thread's end.
pub(crate) fn join<T>(thread: Spawned<T>, site: Site) -> std::thread::Result<T> {
    let met = act(|s| s.join(thread.index, site));
    let result = thread.packet.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (result, met) {
        (Some(result), _) => result,
        (None, _) => panic!(
            "simulated thread {} is joined after its simulation failed",
            thread.index
        ),
    }
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
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
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
        assert!(thread < MAX_THREADS, "a simulation has at most {MAX_THREADS} threads");
        let core = thread % self.cores.len();
        self.threads.push(Thread {
            core: core as u16,
            clock: at,
            doing: Doing::Ready,
            site: None,
            window: Window::default(),
            wakeup: Wakeup::Woken,
            locals: Table::default(),
            yielder: core::ptr::null(),
            panic: None,
            ticket: 0,
        });
        self.make_ready(thread as u32, at);
        thread
    }

    fn spawn(&mut self) -> Step<usize> {
        if let Some(suspension) = self.await_turn() {
            return Step::Again(suspension);
        }
        self.me().window.restart();
        self.spend(self.machine.syscall);
        let now = self.me().clock;
        Step::Done(self.new_thread(now))
    }

    fn join(&mut self, other: usize, site: Site) -> Step<()> {
        if let Some(suspension) = self.await_turn() {
            return Step::Again(suspension);
        }
        let end = &mut self.threads[other];
        if end.doing == Doing::Finished {
            end.panic = None;
            let clock = end.clock;
            let t = self.me();
            t.clock = t.clock.max(clock);
            t.window.restart();
            return Step::Done(());
        }
        let t = self.me();
        t.doing = Doing::Joining(other as u32);
        t.site = Some(site);
        let (core, now) = (usize::from(t.core), t.clock);
        self.leave_core(core, now);
        Step::Again(self.suspension())
    }

    /// A thread has run to its end.
    pub(crate) fn finish(&mut self, thread: u32) {
        let t = &mut self.threads[thread as usize];
        t.doing = Doing::Finished;
        let (core, now) = (usize::from(t.core), t.clock);
        self.progress();
        self.leave_core(core, now);
        for other in 0..self.threads.len() {
            if self.threads[other].doing == Doing::Joining(thread) {
                self.make_ready(other as u32, now + self.machine.wake);
            }
        }
    }
}
