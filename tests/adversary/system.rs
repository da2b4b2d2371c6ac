//! What a test asks of the kernel: threads that are stopped in a signal handler, whether one is asleep, and what a
//! thread has cost.

use std::fs;
use std::os::unix::thread::JoinHandleExt;
use std::sync::Barrier;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longer than anything takes that does happen, also on a busy machine.
pub const GENEROUS: Duration = Duration::from_secs(20);

/// A thread that the kernel can be asked about.
pub struct Actor {
    handle: JoinHandle<()>,
    tid: libc::pid_t,
}

impl Actor {
    /// Starts `act` on a new thread with a small stack: there may be thousands.
    ///
    /// What `act` refers to lives as long as the process, in which this is the only test: see [`leak`].
    pub fn start(act: impl FnOnce() + Send + 'static) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        let handle = thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(move || {
                // SAFETY: asks for the number of this thread.
                tell.send(unsafe { libc::gettid() }).expect("it is awaited below");
                act();
            })
            .expect("there is room for one more thread");
        let tid = told.recv().expect("the thread says so first");
        Actor { handle, tid }
    }

    /// Starts `act` and waits until it sleeps in the kernel.
    pub fn asleep(act: impl FnOnce() + Send + 'static) -> Self {
        let actor = Self::start(act);
        actor.await_sleep();
        actor
    }

    /// Waits until the thread has slept in the kernel for some time.
    pub fn await_sleep(&self) {
        let mut before = None;
        until("a thread is asleep", || {
            let now = (self.state() == 'S').then(|| self.sleeps());
            let still = now.is_some() && now == before;
            before = now;
            if !still {
                thread::sleep(Duration::from_micros(300));
            }
            still
        });
    }

    /// How often it has gone to sleep.
    pub fn sleeps(&self) -> u64 {
        let status = self.read("status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|count| count.trim().parse().ok())
            .expect("the kernel counts them")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: the thread has not been joined, so its handle is good; the signals used here have handlers.
        let sent = unsafe { libc::pthread_kill(self.handle.as_pthread_t(), signal) };
        assert_eq!(sent, 0, "no signal was sent");
    }

    /// Ends its `std::thread::park`.
    pub fn unpark(&self) {
        self.handle.thread().unpark();
    }

    /// Waits until it has ended.
    pub fn join(self) {
        self.handle.join().expect("a panic would have ended the process");
    }

    fn state(&self) -> char {
        let stat = self.read("stat");
        let after_name = stat.rsplit_once(") ").expect("proc(5) says so").1;
        after_name.chars().next().expect("there is a state")
    }

    fn read(&self, file: &str) -> String {
        let path = format!("/proc/self/task/{}/{file}", self.tid);
        fs::read_to_string(path).expect("the thread has ended, where it should wait")
    }
}

/// Starts one thread for each of `acts`, and waits until all are asleep.
pub fn all_asleep<A: FnOnce() + Send + 'static>(acts: impl IntoIterator<Item = A>) -> Vec<Actor> {
    let actors: Vec<_> = acts.into_iter().map(Actor::start).collect();
    let mut awake: Vec<(&Actor, Option<u64>)> = actors.iter().map(|actor| (actor, None)).collect();
    until("all are asleep", || {
        awake.retain_mut(|(actor, before)| {
            let now = (actor.state() == 'S').then(|| actor.sleeps());
            let still = now.is_some() && now == *before;
            *before = now;
            !still
        });
        awake.is_empty()
    });
    actors
}

/// Makes `value` live as long as the process.
pub fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// Waits until `done`; panics after a generous time.
#[track_caller]
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    assert!(within(GENEROUS, &mut done), "in vain for {GENEROUS:?}: {what}");
}

/// Waits until `done`, or for so long; answers whether it came to that.
pub fn within(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    while !done() {
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_micros(200));
    }
    true
}

/// Runs `act` on so many threads at once, and joins them.
pub fn on_threads(threads: usize, act: impl Fn(usize) + Sync) {
    let gate = Barrier::new(threads);
    thread::scope(|scope| {
        for index in 0..threads {
            let (gate, act) = (&gate, &act);
            thread::Builder::new()
                .stack_size(64 << 10)
                .spawn_scoped(scope, move || {
                    gate.wait();
                    act(index);
                })
                .expect("there is room for one more thread");
        }
    });
}

static HELD: AtomicUsize = AtomicUsize::new(0);
/// What the handler reads from: a pipe, whose end comes when the threads are released.
static GATE: AtomicI32 = AtomicI32::new(-1);
static STUMBLE: AtomicU64 = AtomicU64::new(0);

/// Threads that are stopped in the handler of a signal, until dropped.
pub struct HoldUp {
    gate: libc::c_int,
    release: libc::c_int,
}

impl HoldUp {
    /// Stops them wherever they are, also in the middle of a system call, which ends with EINTR or begins anew.
    pub fn of<'a>(actors: impl IntoIterator<Item = &'a Actor>) -> Self {
        let mut ends = [0; 2];
        // SAFETY: room for two numbers.
        assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0, "no pipe was made");
        let [gate, release] = ends;
        GATE.store(gate, Ordering::SeqCst);
        handle(libc::SIGUSR1, held_up);
        let mut count = 0;
        for actor in actors {
            actor.signal(libc::SIGUSR1);
            count += 1;
        }
        until("the threads are in the handler", || {
            HELD.load(Ordering::SeqCst) == count
        });
        HoldUp { gate, release }
    }
}

impl Drop for HoldUp {
    fn drop(&mut self) {
        // SAFETY: made in `of`, and closed here alone; the other end is read from until all have seen this.
        unsafe { libc::close(self.release) };
        until("the handlers have returned", || HELD.load(Ordering::SeqCst) == 0);
        // SAFETY: as above.
        unsafe { libc::close(self.gate) };
    }
}

extern "C" fn held_up(_: libc::c_int) {
    HELD.fetch_add(1, Ordering::SeqCst);
    let mut byte = 0_u8;
    // SAFETY: reading is safe in a signal handler, `byte` is a place for what is read, and `errno` is this thread's.
    unsafe {
        let errno = *libc::__errno_location();
        // Nothing is ever written: it ends when the other end is closed.
        while libc::read(GATE.load(Ordering::SeqCst), (&raw mut byte).cast(), 1) != 0 {}
        *libc::__errno_location() = errno;
    }
    HELD.fetch_sub(1, Ordering::SeqCst);
}

/// Lets each thread that is sent `SIGUSR2` stop for so long.
pub fn stumble_for(time: Duration) {
    let nanos = u64::try_from(time.as_nanos()).expect("it is short");
    STUMBLE.store(nanos, Ordering::Relaxed);
    handle(libc::SIGUSR2, stumble);
}

extern "C" fn stumble(_: libc::c_int) {
    nap(Duration::from_nanos(STUMBLE.load(Ordering::Relaxed)));
}

/// Sleeps, as a signal handler may: `errno` is as it was.
fn nap(time: Duration) {
    let time = libc::timespec {
        tv_sec: time.as_secs() as libc::time_t,
        tv_nsec: time.subsec_nanos() as libc::c_long,
    };
    // SAFETY: both are safe in a signal handler; the place of `errno` is this thread's.
    unsafe {
        let errno = *libc::__errno_location();
        libc::nanosleep(&raw const time, std::ptr::null_mut());
        *libc::__errno_location() = errno;
    }
}

fn handle(signal: i32, handler: extern "C" fn(libc::c_int)) {
    // SAFETY: the handlers here do only what is safe in one.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        assert_eq!(libc::sigaction(signal, &raw const action, std::ptr::null_mut()), 0);
    }
}

/// The CPU time that `act` takes of this thread.
pub fn cpu_time(act: impl FnOnce()) -> Duration {
    let now = || {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a place for the answer.
        let asked = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        assert_eq!(asked, 0);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let start = now();
    act();
    now() - start
}

/// The least CPU time that each of `acts` takes of this thread, in turns: the least, since an interrupt only adds.
pub fn least_cpu_times<const N: usize>(rounds: usize, mut acts: [&mut dyn FnMut(); N]) -> [Duration; N] {
    let mut least = [Duration::MAX; N];
    for _ in 0..rounds {
        for (least, act) in least.iter_mut().zip(&mut acts) {
            *least = cpu_time(act).min(*least);
        }
    }
    least
}
