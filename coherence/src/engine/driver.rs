//! Runs simulations: gives every simulated thread a coroutine, and resumes the one that has the
//! next turn.

use core::mem::ManuallyDrop;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};

use super::entry::{Installed, act};
use super::failure::Failure;
use super::measurements::Measurements;
use super::panics::install_hook;
use super::simulation::Simulation;
use super::spawn::{end_of_thread, unjoinable};
use super::stacks::{self, Stacks};
use super::suspension::Step;
use super::thread::Status;
use crate::machine::Machine;

/// What a simulated thread runs.
pub(crate) type Body<'a> = Box<dyn FnOnce() + 'a>;

/// What a simulation may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Virtual time, in picoseconds.
    pub(crate) time: u64,
    /// Bytes of stack for each thread.
    pub(crate) stack: usize,
}

/// A simulated thread. One that has not ended is leaked: to drop it would unwind it, or drop what
/// its body has captured, and run destructors that wait for threads which are gone.
enum Thread {
    /// It has not run yet, and needs no stack.
    New(ManuallyDrop<Body<'static>>),
    /// It runs, on a stack that ends here.
    Alive(ManuallyDrop<Coroutine<(), (), ()>>, usize),
    Ended,
}

/// Runs a simulation whose threads begin with these bodies.
pub(crate) fn simulate(machine: &Machine, settings: Settings, bodies: Vec<Body<'_>>) -> Result<Measurements, Failure> {
    if std::thread::panicking() {
        return Err(Failure::OnPanickingThread);
    }
    install_hook();
    let simulation = Installed::new(Simulation::new(machine, settings.time));
    let mut stacks = Stacks::new(settings.stack);
    let mut threads: Vec<Thread> = Vec::new();
    for body in bodies {
        // SAFETY: only the lifetime changes. `body` is called by its coroutine, and no coroutine is
        // resumed after this function returns: what has not ended by then is leaked and keeps
        // whatever it borrows without ever using it again.
        let body: Body<'static> = unsafe { core::mem::transmute::<Body<'_>, Body<'static>>(body) };
        simulation.with(|s| s.new_thread(0));
        threads.push(Thread::New(ManuallyDrop::new(body)));
    }
    while let Some(thread) = simulation.with(Simulation::next) {
        if let Err(failure) = run(&mut threads[thread as usize], thread, &mut stacks) {
            simulation.with(|s| s.failure = Some(failure));
            break;
        }
        if let Thread::Ended = threads[thread as usize] {
            simulation.with(|s| s.finish(thread));
        }
        while let Some(body) = simulation.with(|s| s.spawned.pop_front()) {
            threads.push(Thread::New(ManuallyDrop::new(body)));
        }
    }
    simulation.with(|s| s.conclude())
}

/// Lets a thread run until it is suspended or ends.
fn run(slot: &mut Thread, thread: u32, stacks: &mut Stacks) -> Result<(), Failure> {
    if let Thread::New(body) = slot {
        let stack = stacks.take().map_err(|error| Failure::NoStack {
            thread: thread as usize,
            size: stacks.size(),
            why: error.to_string(),
        })?;
        // SAFETY: the body is taken out once: the slot is overwritten, and nothing between here and
        // there can fail.
        let body = unsafe { ManuallyDrop::take(body) };
        let limit = stacks::limit(&stack);
        *slot = Thread::Alive(ManuallyDrop::new(coroutine(stack, body)), limit);
    }
    let Thread::Alive(coroutine, limit) = slot else {
        unreachable!("a thread that ended is not scheduled");
    };
    stacks.enter(thread, *limit);
    let result = coroutine.resume(());
    stacks.leave();
    if let CoroutineResult::Return(()) = result
        && let Thread::Alive(coroutine, _) = core::mem::replace(slot, Thread::Ended)
    {
        stacks.give_back(ManuallyDrop::into_inner(coroutine).into_stack());
    }
    Ok(())
}

/// A coroutine that runs a simulated thread from its first instruction to the end of its
/// thread-locals.
fn coroutine(stack: DefaultStack, body: Body<'static>) -> Coroutine<(), (), ()> {
    Coroutine::with_stack(stack, move |yielder, ()| {
        act(|s| {
            s.me().yielder = yielder;
            Step::Done(())
        });
        // What a thread returned is dropped here if it is never joined, and may panic.
        unjoinable(body);
        unjoinable(end_of_thread);
    })
}

impl Simulation {
    /// No thread will run any more: what was counted, or how it failed.
    fn conclude(&mut self) -> Result<Measurements, Failure> {
        match self.failed() {
            Some(failure) => {
                // A static's destructor may wait for threads that are gone, as theirs may.
                core::mem::forget(core::mem::take(&mut self.globals));
                Err(failure)
            }
            None => {
                let end = self.threads.iter().map(|t| t.clock).max().unwrap_or(0);
                self.phases.end(end);
                self.directory.close();
                Ok(Measurements {
                    threads: self.threads.len(),
                    elapsed: end,
                    phases: self.phases.take(),
                    lines: core::mem::take(&mut self.directory.lines),
                })
            }
        }
    }

    fn failed(&mut self) -> Option<Failure> {
        if let Some(failure) = self.failure.take() {
            return Some(failure);
        }
        let mut threads = self.threads.iter_mut().enumerate();
        if let Some((thread, message)) = threads.find_map(|(i, t)| Some((i, t.panic.take()?))) {
            return Some(Failure::Panicked { thread, message });
        }
        let all_ended = self.threads.iter().all(|t| t.status == Status::Finished);
        (!all_ended).then(|| self.deadlock())
    }
}
