//! What the native tests share: many threads at once, a watchdog, values that count their drops.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How many threads the hammering tests use, one after the other. Without `std` waiters spin for ever, and more threads
/// than cores would pass their time slices in it; Miri runs one thread at a time, slowly.
pub const THREAD_COUNTS: &[usize] = if cfg!(miri) {
    &[2, 4]
} else if cfg!(feature = "std") {
    &[2, 4, 16, 64]
} else {
    &[2]
};

/// `many`, or under Miri a few.
pub const fn times(many: usize, few: usize) -> usize {
    if cfg!(miri) { few } else { many }
}

/// Aborts the process if it is not dropped within a minute, so that a hang fails instead of hanging the suite.
pub struct Watchdog {
    _alive: Option<mpsc::Sender<()>>,
}

/// Sets a [`Watchdog`] on the rest of the test. Miri needs none: it reports a deadlock by itself, and its clock runs
/// fast.
pub fn watchdog() -> Watchdog {
    if cfg!(miri) {
        return Watchdog { _alive: None };
    }
    let (alive, gone) = mpsc::channel();
    let test = thread::current().name().unwrap_or("a test").to_owned();
    thread::spawn(move || {
        if gone.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{test} has hung for a minute");
            std::process::abort();
        }
    });
    Watchdog { _alive: Some(alive) }
}

/// Runs `act` on `threads` threads at once, with the thread's index, and joins each: also its thread-locals are gone.
pub fn on_threads(threads: usize, act: impl Fn(usize) + Sync) {
    let gate = std::sync::Barrier::new(threads);
    thread::scope(|scope| {
        let actors: Vec<_> = (0..threads)
            .map(|index| {
                let (gate, act) = (&gate, &act);
                scope.spawn(move || {
                    gate.wait();
                    act(index);
                })
            })
            .collect();
        for actor in actors {
            if let Err(panic) = actor.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// Gives the processor away until `done`.
pub fn await_that(mut done: impl FnMut() -> bool) {
    while !done() {
        thread::yield_now();
    }
}

/// Unwinds without a message on the terminal.
pub fn die() -> ! {
    std::panic::resume_unwind(Box::new("as the test wants it"))
}

/// Counts how many of its [`Counted`] have been dropped.
#[derive(Clone, Default)]
pub struct Drops(Arc<AtomicUsize>);

impl Drops {
    /// A value whose drop counts here.
    pub fn counted(&self) -> Counted {
        Counted(self.clone())
    }

    /// How many have been dropped.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A value whose drop is counted.
pub struct Counted(Drops);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Last(Vec<Box<dyn FnOnce()>>);

impl Drop for Last {
    fn drop(&mut self) {
        for act in self.0.drain(..) {
            act();
        }
    }
}

/// Runs `act` in the destructor of a thread-local of this thread.
///
/// Thread-locals die in the reverse order of their first use or in that order, by platform: to see both, call this
/// before and after the first use of what `act` uses.
pub fn at_thread_exit(act: impl FnOnce() + 'static) {
    thread_local! {
        static LAST: RefCell<Last> = const { RefCell::new(Last(Vec::new())) };
    }
    LAST.with_borrow_mut(|last| last.0.push(Box::new(act)));
}

/// Memory of a value that is gone: `leave` is the last to use the value in one thread, and `follow`, in another,
/// returns when `leave` has let go. From then on, not a byte of where the value was may change.
///
/// `leave` takes a pointer, since a reference that is an argument promises that the value outlives the call.
pub fn nothing_is_touched_after<L: Sync>(
    new: impl Fn() -> L,
    leave: fn(*const L, &AtomicBool),
    follow: fn(&L, &AtomicBool),
) {
    const GONE: u8 = 0xA5;
    struct Place<L>(*mut MaybeUninit<L>);
    // SAFETY: each thread uses the place as the protocol below says.
    unsafe impl<L: Sync> Sync for Place<L> {}

    let rounds = times(4000, 12);
    let mut memory = MaybeUninit::uninit();
    let place = Place(&raw mut memory);
    let place = &place;
    let inside = AtomicBool::new(false);
    let gate = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..rounds {
                gate.wait();
                leave(place.0.cast(), &inside);
                gate.wait();
            }
        });
        for _ in 0..rounds {
            inside.store(false, Ordering::Relaxed);
            // SAFETY: the other thread waits at the gate.
            unsafe { place.0.write(MaybeUninit::new(new())) };
            gate.wait();
            // SAFETY: made above; this thread drops it below. No other thread refers to it once `follow` has returned,
            // save a `leave` that is still on its way out and must touch nothing.
            unsafe {
                follow((*place.0).assume_init_ref(), &inside);
                place.0.cast::<L>().drop_in_place();
                place.0.cast::<u8>().write_bytes(GONE, size_of::<L>());
            }
            gate.wait();
            // SAFETY: initialised above, byte by byte.
            let bytes = unsafe { std::slice::from_raw_parts(place.0.cast::<u8>(), size_of::<L>()) };
            assert!(
                bytes.iter().all(|&byte| byte == GONE),
                "touched after the last instant: {bytes:x?}"
            );
        }
    });
}
