//! A fork-join pool: `join` runs two closures, the second on another thread if one is idle.

use std::cell::{Cell, UnsafeCell};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use linchpin::futex::{Condvar, Mutex};

use super::queue::{self, Injector, Steal, Stealer, Worker};

#[cfg(test)]
mod tests;

/// A job that lives elsewhere: what to run, and where it lies.
struct Job(*const (), unsafe fn(*const ()));

// SAFETY: a job is made from a closure that is `Send`, and run once.
unsafe impl Send for Job {}

impl Job {
    fn run(self) {
        // SAFETY: the maker of the job keeps it alive until it has run.
        unsafe { (self.1)(self.0) }
    }
}

/// A closure on the stack of the thread that waits for it.
struct StackJob<'a, F, R> {
    closure: Cell<Option<F>>,
    result: UnsafeCell<Option<thread::Result<R>>>,
    is_done: AtomicBool,
    /// Of the thread that waits.
    owner: &'a Context,
}

impl<'a, F: FnOnce() -> R, R> StackJob<'a, F, R> {
    fn new(closure: F, owner: &'a Context) -> Self {
        StackJob {
            closure: Cell::new(Some(closure)),
            result: UnsafeCell::new(None),
            is_done: AtomicBool::new(false),
            owner,
        }
    }

    fn job(&self) -> Job {
        unsafe fn run<F: FnOnce() -> R, R>(job: *const ()) {
            // SAFETY: made by `job`, and its thread waits for `is_done`.
            let job = unsafe { &*job.cast::<StackJob<'_, F, R>>() };
            let closure = job.closure.take().expect("a job runs once");
            let result = catch_unwind(AssertUnwindSafe(closure));
            // SAFETY: read only once `is_done` is set.
            unsafe { *job.result.get() = Some(result) };
            let (pool, owner) = (Arc::clone(&job.owner.shared), job.owner.index);
            job.is_done.store(true, Ordering::Release);
            // From here on the job may be gone.
            pool.call_owner(owner);
        }
        Job((&raw const *self).cast(), run::<F, R>)
    }

    fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }

    /// The result; panics as the closure did.
    fn into_result(self) -> R {
        match self.result.into_inner().expect("the job has run") {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// Ends the process if it is dropped: a panic must not leave a frame on which another thread has a job.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        std::process::abort();
    }
}

/// Where one thread sleeps.
#[derive(Default)]
struct Bed {
    /// Whether the thread sleeps, or is about to, and has not been called. Written under the lock of `Shared::sleepers`.
    is_taken: AtomicBool,
    called: Condvar,
}

struct Shared {
    injected: Injector<Job>,
    stealers: Vec<Stealer<Job>>,
    /// How many threads have no job: they look for one, or sleep.
    idle: AtomicUsize,
    /// How many of them look for one, those included that have been called and have not come yet. While there is one, no other
    /// is called: when it has found a job, it calls the next.
    searching: AtomicUsize,
    /// The threads whose beds are taken.
    sleepers: Mutex<Vec<usize>>,
    beds: Vec<Bed>,
    is_closing: AtomicBool,
}

struct Context {
    own: Worker<Job>,
    index: usize,
    shared: Arc<Shared>,
}

thread_local! {
    static CONTEXT: Cell<*const Context> = const { Cell::new(std::ptr::null()) };
}

impl Shared {
    /// Whether there are jobs that all threads see.
    fn has_jobs(&self) -> bool {
        !self.injected.is_empty() || self.stealers.iter().any(|other| !other.is_empty())
    }

    /// After a job has become visible: calls a thread for it, unless one is on its way.
    #[cold]
    fn call(&self) {
        // With the fence in `sleep`: this thread sees the sleeper, or the sleeper the job.
        fence(Ordering::SeqCst);
        if self.idle.load(Ordering::Relaxed) > 0 && self.searching.load(Ordering::Relaxed) == 0 {
            self.wake(|sleepers| sleepers.len().checked_sub(1));
        }
    }

    /// After a job is done: calls the thread that waits for it, if that sleeps.
    fn call_owner(&self, owner: usize) {
        // As in `call`.
        fence(Ordering::SeqCst);
        if self.beds[owner].is_taken.load(Ordering::Relaxed) {
            self.wake(|sleepers| sleepers.iter().position(|&index| index == owner));
        }
    }

    fn wake(&self, choose: impl Fn(&[usize]) -> Option<usize>) {
        let mut sleepers = self.sleepers.lock();
        if let Some(at) = choose(&sleepers) {
            let bed = &self.beds[sleepers.swap_remove(at)];
            bed.is_taken.store(false, Ordering::Relaxed);
            self.searching.fetch_add(1, Ordering::Relaxed);
            bed.called.notify_one();
        }
    }
}

impl Context {
    /// A job of one's own, of another thread, or of outside.
    fn find(&self) -> Option<Job> {
        self.own.pop().or_else(|| {
            let others = self
                .shared
                .stealers
                .iter()
                .cycle()
                .skip(self.index + 1)
                .take(self.shared.stealers.len() - 1);
            let steal = |others: &mut dyn Iterator<Item = &Stealer<Job>>| {
                others.map(|other| other.steal()).collect::<Steal<_>>()
            };
            loop {
                match steal(&mut others.clone()).or_else(|| self.shared.injected.steal()) {
                    Steal::Success(job) => return Some(job),
                    Steal::Empty => return None,
                    Steal::Retry => {}
                }
            }
        })
    }

    /// Finds a job; sleeps while there is none. `None` once `is_over`.
    fn search(&self, is_over: impl Fn() -> bool) -> Option<Job> {
        if let Some(job) = self.own.pop() {
            return Some(job);
        }
        self.shared.idle.fetch_add(1, Ordering::Relaxed);
        self.shared.searching.fetch_add(1, Ordering::Relaxed);
        let mut looks = 0;
        let job = loop {
            if is_over() {
                break None;
            }
            if let Some(job) = self.find() {
                break Some(job);
            }
            looks += 1;
            if looks < 64 {
                thread::yield_now();
            } else if let Some(job) = self.sleep(&is_over) {
                break Some(job);
            }
        };
        self.shared.idle.fetch_sub(1, Ordering::Relaxed);
        // If it was the last, it calls the next for what is left: no other thread was called while this one was looking.
        if self.shared.searching.fetch_sub(1, Ordering::AcqRel) == 1 {
            // With the fence in `call`: this thread sees the job, or the other that none is searching.
            fence(Ordering::SeqCst);
            if self.shared.has_jobs() {
                self.shared.call();
            }
        }
        job
    }

    /// Sleeps until it is called. Returns a job if there was one after all.
    fn sleep(&self, is_over: impl Fn() -> bool) -> Option<Job> {
        let shared = &*self.shared;
        let bed = &shared.beds[self.index];
        {
            let mut sleepers = shared.sleepers.lock();
            sleepers.push(self.index);
            bed.is_taken.store(true, Ordering::Relaxed);
        }
        shared.searching.fetch_sub(1, Ordering::AcqRel);
        // With the fences of those that call: see there.
        fence(Ordering::SeqCst);
        let job = self.find();
        let mut sleepers = shared.sleepers.lock();
        if job.is_none() && !is_over() {
            bed.called
                .wait_while(&mut sleepers, |_| bed.is_taken.load(Ordering::Relaxed));
        }
        if bed.is_taken.load(Ordering::Relaxed) {
            // It has not been called.
            bed.is_taken.store(false, Ordering::Relaxed);
            sleepers.retain(|&index| index != self.index);
            shared.searching.fetch_add(1, Ordering::Relaxed);
        }
        job
    }

    /// Runs jobs until the pool closes and there are none.
    fn work(&self) {
        let is_closing = || self.shared.is_closing.load(Ordering::Acquire);
        // What was spawned before the pool closed is found after that has been seen.
        while let Some(job) = self.search(is_closing).or_else(|| self.find()) {
            job.run();
        }
    }

    /// Runs other jobs until `job` is done.
    fn await_done<F: FnOnce() -> R, R>(&self, job: &StackJob<'_, F, R>) {
        while !job.is_done() {
            if let Some(other) = self.search(|| job.is_done()) {
                other.run();
            }
        }
    }

    fn join<A, B: Send>(&self, a: impl FnOnce() -> A, b: impl FnOnce() -> B + Send) -> (A, B) {
        let second = StackJob::new(b, self);
        self.own.push(second.job());
        if self.shared.idle.load(Ordering::Relaxed) > 0 {
            queue::publish(&self.own);
            self.shared.call();
        }
        let guard = AbortOnUnwind;
        let first = catch_unwind(AssertUnwindSafe(a));
        // The job must not be left behind, also if the first closure has panicked.
        while !second.is_done() {
            match self.own.pop() {
                Some(job) if std::ptr::eq(job.0, (&raw const second).cast()) => {
                    mem::forget(guard);
                    let first = first.unwrap_or_else(|panic| resume_unwind(panic));
                    let closure = second.closure.take().expect("it has not been stolen");
                    return (first, closure());
                }
                Some(job) => job.run(),
                None => self.await_done(&second),
            }
        }
        mem::forget(guard);
        (first.unwrap_or_else(|panic| resume_unwind(panic)), second.into_result())
    }
}

/// Runs both closures, perhaps at the same time, and returns what both return. A panic of either goes on in the caller, once both
/// have ended.
pub fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    // SAFETY: set while the context lives, on its own thread.
    match unsafe { CONTEXT.get().as_ref() } {
        Some(context) => context.join(a, b),
        None => (a(), b()),
    }
}

/// Some threads that share their work.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// A pool of `threads` threads. Panics if that is zero, or if a thread cannot be started.
    pub fn new(threads: usize) -> Self {
        assert!(threads > 0, "a pool has at least one thread");
        let workers: Vec<_> = (0..threads).map(|_| queue::new_lifo()).collect();
        let shared = Arc::new(Shared {
            injected: Injector::new(),
            stealers: workers.iter().map(Worker::stealer).collect(),
            idle: AtomicUsize::new(0),
            searching: AtomicUsize::new(0),
            sleepers: Mutex::new(Vec::with_capacity(threads)),
            beds: (0..threads).map(|_| Bed::default()).collect(),
            is_closing: AtomicBool::new(false),
        });
        let start = |(index, own)| {
            let context = Context {
                own,
                index,
                shared: Arc::clone(&shared),
            };
            // A thread that waits in `join` runs other jobs on top of that.
            let run = move || {
                CONTEXT.set(&raw const context);
                context.work();
                CONTEXT.set(std::ptr::null());
            };
            thread::Builder::new()
                .stack_size(16 << 20)
                .spawn(run)
                .expect("there is room for a thread")
        };
        let threads = workers.into_iter().enumerate().map(start).collect();
        Pool { shared, threads }
    }

    /// Runs `closure` in the pool, where it may [`join`], and returns what it returns; panics as it does.
    pub fn run<R: Send>(&self, closure: impl FnOnce() -> R + Send) -> R {
        // SAFETY: set while the context lives, on its own thread.
        match unsafe { CONTEXT.get().as_ref() } {
            Some(context) if Arc::ptr_eq(&context.shared, &self.shared) => closure(),
            Some(context) => {
                // A thread of another pool goes on with the jobs of that meanwhile.
                let job = StackJob::new(closure, context);
                let guard = AbortOnUnwind;
                self.inject(job.job());
                context.await_done(&job);
                mem::forget(guard);
                job.into_result()
            }
            None => self.run_and_block(closure),
        }
    }

    fn run_and_block<R: Send>(&self, closure: impl FnOnce() -> R + Send) -> R {
        let (sender, receiver) = mpsc::sync_channel(1);
        let task: Box<dyn FnOnce() + Send + '_> = Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(closure));
            sender.send(result).expect("the caller waits");
        });
        // SAFETY: what the closure borrows lives until `recv` returns, which is after the closure has run.
        self.spawn(unsafe { mem::transmute::<Box<dyn FnOnce() + Send + '_>, Box<dyn FnOnce() + Send>>(task) });
        match receiver.recv().expect("a job that was spawned runs") {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Runs `task` some time, before the pool is gone.
    pub fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        unsafe fn run(task: *const ()) {
            // SAFETY: made by `Box::into_raw` below, and run once.
            let task = unsafe { Box::from_raw(task.cast_mut().cast::<Box<dyn FnOnce() + Send>>()) };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(task)) {
                // It has been reported where it happened; the thread goes on, also if the destructor of what was thrown panics.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(panic))).map_err(mem::forget);
            }
        }
        let task: Box<Box<dyn FnOnce() + Send>> = Box::new(Box::new(task));
        self.inject(Job(Box::into_raw(task).cast(), run));
    }

    fn inject(&self, job: Job) {
        self.shared.injected.push(job);
        self.shared.call();
    }
}

impl Drop for Pool {
    /// Waits until all that was spawned has run; but in a job of its own, which drops the last owner of the pool, it does not wait.
    fn drop(&mut self) {
        self.shared.is_closing.store(true, Ordering::Release);
        (0..self.threads.len()).for_each(|index| self.shared.call_owner(index));
        for thread in self.threads.drain(..) {
            if thread.thread().id() != thread::current().id() {
                thread.join().expect("the jobs of a pool catch their panics");
            }
        }
    }
}
