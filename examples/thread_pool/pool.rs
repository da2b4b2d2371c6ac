//! A fork-join pool: `join` runs two closures, the second on another thread if one is idle.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use linchpin::futex::{Condvar, Mutex};

use super::queue::{self, Injector, Steal, Stealer, Worker};

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
struct StackJob<F, R> {
    closure: Cell<Option<F>>,
    result: UnsafeCell<Option<Result<R, Box<dyn Any + Send>>>>,
    is_done: AtomicBool,
}

impl<F: FnOnce() -> R, R> StackJob<F, R> {
    fn new(closure: F) -> Self {
        StackJob {
            closure: Cell::new(Some(closure)),
            result: UnsafeCell::new(None),
            is_done: AtomicBool::new(false),
        }
    }

    fn job(&self) -> Job {
        unsafe fn run<F: FnOnce() -> R, R>(job: *const ()) {
            // SAFETY: made by `job`, and its thread waits for `is_done`.
            let job = unsafe { &*job.cast::<StackJob<F, R>>() };
            let closure = job.closure.take().expect("a job runs once");
            let result = catch_unwind(AssertUnwindSafe(closure));
            // SAFETY: read only once `is_done` is set.
            unsafe { *job.result.get() = Some(result) };
            job.is_done.store(true, Ordering::Release);
        }
        Job((&raw const *self).cast(), run::<F, R>)
    }

    /// The result; panics as the closure did.
    fn into_result(self) -> R {
        match self.result.into_inner().expect("the job has run") {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        }
    }
}

struct Shared {
    injected: Injector<Job>,
    stealers: Vec<Stealer<Job>>,
    /// How many threads are asleep, or about to sleep.
    idle: AtomicUsize,
    /// One of them has been called, and has not come yet: a fork calls no other meanwhile.
    is_waking: AtomicBool,
    /// Counts the calls to wake, so that none is missed between a last look and the sleep.
    calls: Mutex<usize>,
    called: Condvar,
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
    #[cold]
    fn wake(&self) {
        *self.calls.lock() += 1;
        self.called.notify_one();
    }

    fn inject(&self, job: Job) {
        self.injected.push(job);
        // With the fence in `work`: this thread sees the sleeper, or the sleeper the job.
        fence(Ordering::SeqCst);
        if self.idle.load(Ordering::Relaxed) > 0 {
            self.wake();
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

    /// Runs jobs until the pool closes and there are none.
    fn work(&self) {
        loop {
            while let Some(job) = (0..64).find_map(|_| self.find()) {
                job.run();
            }
            let calls = *self.shared.calls.lock();
            self.shared.idle.fetch_add(1, Ordering::Relaxed);
            // A call that comes too late for another thread is for this one, or is forgotten.
            self.shared.is_waking.store(false, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            let job = self.find();
            if job.is_none() && !self.shared.is_closing.load(Ordering::Acquire) {
                let mut now = self.shared.calls.lock();
                self.shared.called.wait_while(&mut now, |now| *now == calls);
            }
            self.shared.idle.fetch_sub(1, Ordering::Relaxed);
            self.shared.is_waking.store(false, Ordering::Relaxed);
            match job {
                Some(job) => job.run(),
                None if self.shared.is_closing.load(Ordering::Acquire) => return,
                None => {}
            }
        }
    }

    fn join<A, B: Send>(&self, a: impl FnOnce() -> A, b: impl FnOnce() -> B + Send) -> (A, B) {
        let second = StackJob::new(b);
        self.own.push(second.job());
        if self.shared.idle.load(Ordering::Relaxed) > 0 && !self.shared.is_waking.load(Ordering::Relaxed) {
            queue::publish(&self.own);
            self.shared.is_waking.store(true, Ordering::Relaxed);
            self.shared.wake();
        }
        let first = catch_unwind(AssertUnwindSafe(a));
        // The job must not be left behind, also if the first closure has panicked.
        while !second.is_done.load(Ordering::Acquire) {
            match self.own.pop() {
                Some(job) if std::ptr::eq(job.0, (&raw const second).cast()) => {
                    let first = first.unwrap_or_else(|panic| resume_unwind(panic));
                    let closure = second.closure.take().expect("it has not been stolen");
                    return (first, closure());
                }
                Some(job) => job.run(),
                None => self.find().map_or_else(thread::yield_now, Job::run),
            }
        }
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
    /// A pool of `threads` threads.
    pub fn new(threads: usize) -> Self {
        let workers: Vec<_> = (0..threads).map(|_| queue::new_lifo()).collect();
        let shared = Arc::new(Shared {
            injected: Injector::new(),
            stealers: workers.iter().map(Worker::stealer).collect(),
            idle: AtomicUsize::new(0),
            is_waking: AtomicBool::new(false),
            calls: Mutex::new(0),
            called: Condvar::new(),
            is_closing: AtomicBool::new(false),
        });
        let start = |(index, own)| {
            let context = Context {
                own,
                index,
                shared: Arc::clone(&shared),
            };
            thread::spawn(move || {
                CONTEXT.set(&raw const context);
                context.work();
                CONTEXT.set(std::ptr::null());
            })
        };
        let threads = workers.into_iter().enumerate().map(start).collect();
        Pool { shared, threads }
    }

    /// Runs `closure` in the pool, where it may [`join`], and returns what it returns; panics as it does.
    pub fn run<R: Send>(&self, closure: impl FnOnce() -> R + Send) -> R {
        // SAFETY: set while the context lives, on its own thread.
        if let Some(context) = unsafe { CONTEXT.get().as_ref() }
            && Arc::ptr_eq(&context.shared, &self.shared)
        {
            return closure();
        }
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

    /// Runs `task` some time, before the pool is dropped.
    pub fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        unsafe fn run(task: *const ()) {
            // SAFETY: made by `Box::into_raw` below, and run once.
            let task = unsafe { Box::from_raw(task.cast_mut().cast::<Box<dyn FnOnce() + Send>>()) };
            // Its panic has been reported where it happened; the thread goes on.
            let _ = catch_unwind(AssertUnwindSafe(task));
        }
        let task: Box<Box<dyn FnOnce() + Send>> = Box::new(Box::new(task));
        self.shared.inject(Job(Box::into_raw(task).cast(), run));
    }
}

impl Drop for Pool {
    /// Waits until all that was spawned has run.
    fn drop(&mut self) {
        self.shared.is_closing.store(true, Ordering::Release);
        *self.shared.calls.lock() += 1;
        self.shared.called.notify_all();
        for thread in self.threads.drain(..) {
            thread.join().expect("the jobs of a pool catch their panics");
        }
    }
}
