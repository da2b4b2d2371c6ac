//! The numbers by which the kernel knows threads, and what can be known of the thread that has one.
//!
//! A word says which thread holds the lock by the number of that thread. An owner that has ended is replaced, so it has
//! to be certain that it has; and the answer has to hold still until the word is changed. Invariants:
//!
//! 1. **A thread registers before it puts its number into a word** ([`current`]).
//! 2. **While a thread is inside [`Registry::while_closed`], no thread registers.** So a number that is found to be dead in there
//!    belongs to no owner until the end, also if the kernel gives it to a new thread meanwhile: a thread that
//!    registers was born before the registry was last seen open, and was therefore found alive.
//! 3. **A guard that came along through a fork is held by the thread that the fork left**, the *heir*, under the number that
//!    its thread had in the parent. The child notes these numbers, since for the kernel they are another process's.
//!
//! The registry is closed by a word with priority inheritance: a thread that waits to register lends its priority.

use core::cell::Cell;

use crate::backend::atomic::{Acquire, AtomicU32, Relaxed, Release, SeqCst, fence};
use crate::backend::pi::{self, ESRCH, KernelError, TID};
use crate::backend::{array, const_fn, global, per_thread};

const OPEN: u32 = 0;
/// How many forks, one out of the other, are told apart.
const GENERATIONS: usize = 8;

/// Bits of [`Registry::forks`]. With the first alone, a child knows that it is one, and what its heir has inherited. With the
/// second, for ever, that may not be so: forks go unnoticed, or there were too many generations to tell them apart.
const WATCHED: u32 = 1;
const UNSURE: u32 = 2;

per_thread! {
    /// The number that this thread has registered; 0 until it has.
    static CACHED_TID: Cell<u32> = Cell::new(0);
}

global! {
    fn registry() -> Registry = Registry::new();
}

/// What the locks of one process have in common.
struct Registry {
    /// [`OPEN`], or the number of the thread that has closed it: a word in the form of [`pi`].
    word: AtomicU32,
    /// [`WATCHED`], [`UNSURE`], or none yet.
    forks: AtomicU32,
    /// The number of the thread that the last fork left; 0: this process has no heir.
    heir: AtomicU32,
    /// The numbers under which the heir may hold locks, besides its own.
    inherited: [AtomicU32; GENERATIONS],
}

/// What is known of the thread whose number is in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// There is none.
    None,
    /// It is the calling thread.
    Caller,
    /// It is another one, for which the kernel can wait.
    Other,
    /// It is another one, which holds the lock by a guard from before a fork. The kernel knows it by another number.
    Heir,
    /// It has ended.
    Dead,
    /// There is no such thread in this process, and its guard may have come along through a fork that went unnoticed.
    Unknown,
}

/// The number by which the kernel knows the calling thread: never 0, and no more than [`TID`].
///
/// Asked for once in each thread, and again in the child of a fork. (A child made past the C library, by a system call, is
/// not noticed, nor does that library know it there.)
#[inline]
pub(super) fn current() -> u32 {
    match CACHED_TID.with(Cell::get) {
        0 => register(),
        known => known,
    }
}

#[cold]
fn register() -> u32 {
    let registry = registry();
    let me = pi::thread_id();
    registry.watch_forks();
    registry.await_open(me);
    // Relaxed: at worst this thread registers again. Where a child does not know that it is one, it must.
    if registry.forks.load(Relaxed) == WATCHED {
        CACHED_TID.with(|cached| cached.set(me));
    }
    me
}

/// Runs in the child, on its only thread, before anything else of this process.
extern "C" fn after_fork() {
    let registry = registry();
    // Relaxed, all: this is the only thread.
    registry.word.store(OPEN, Relaxed); // a thread that had closed it is not here
    let (old, me) = (CACHED_TID.with(Cell::get), pi::thread_id());
    // A thread without a number holds nothing, unless all is unsure. The numbers are equal if this has run before, for the same
    // fork.
    if old != 0 && old != me {
        registry.bequeath(old, me);
        CACHED_TID.with(|cached| cached.set(me));
    }
}

/// Runs `act` while no thread registers. For a registered thread, whose number is `me`.
pub(super) fn while_closed(me: u32, act: impl FnOnce()) -> Result<(), KernelError> {
    let registry = registry();
    registry.close(me)?;
    act();
    registry.open(me);
    Ok(())
}

/// What is known of the owner in `word`, which may be out of date by the time of the answer. It costs three system
/// calls at most; not `thorough`, two, and then a dead owner may be called another one (the kernel will know better).
///
/// `Dead` is no guess: at a moment of the call, no thread with this number was an owner. Inside [`while_closed`], none is
/// until the end.
pub(super) fn owner(word: u32, me: u32, thorough: bool) -> Owner {
    let number = word & TID;
    if number == 0 {
        return Owner::None;
    }
    if number == me {
        return Owner::Caller;
    }
    let registry = registry();
    let is_gone = if thorough { pi::is_dead } else { pi::is_gone };
    if registry.is_inherited(number) {
        // Relaxed: it changes in a fork only.
        return match registry.heir.load(Relaxed) {
            heir if heir == me => Owner::Caller,
            heir if is_gone(heir) => Owner::Dead,
            _ => Owner::Heir,
        };
    }
    match is_gone(number) {
        false => Owner::Other,
        // Relaxed: what has been noticed once is always noticed, and the heir notes it before it does anything else.
        true if registry.forks.load(Relaxed) == WATCHED => Owner::Dead,
        true => Owner::Unknown,
    }
}

/// The error of a lock whose owner is [`Owner::Unknown`].
pub(super) const NO_SUCH_THREAD: KernelError = KernelError::Error(ESRCH);

impl Registry {
    const_fn! {
        const fn new() -> Self {
            Registry {
                word: AtomicU32::new(OPEN),
                forks: AtomicU32::new(0),
                heir: AtomicU32::new(0),
                inherited: array![AtomicU32::new(0); GENERATIONS],
            }
        }
    }

    /// Sees to it that forks are noticed. Several threads may do so at once: the handler may run more than once.
    fn watch_forks(&self) {
        // Relaxed, both: nothing else hangs on it.
        if self.forks.load(Relaxed) == 0 {
            let bit = if pi::on_fork(after_fork) { WATCHED } else { UNSURE };
            self.forks.fetch_or(bit, Relaxed);
        }
    }

    /// Returns once the registry has been open, at a moment after this thread was born.
    fn await_open(&self, me: u32) {
        // Two threads each write and then look for what the other has written (see `close`). If
        // this fence comes first, the thread that closes finds this one alive. If that one's comes
        // first, this one finds the registry closed, or opened again.
        // SeqCst: weaker, each misses the other.
        // model: futex_pi::a_number_that_is_given_again_keeps_it
        fence(SeqCst);
        loop {
            // survivor: Acquire synchronizes with the Release in `open`, so that what was done
            // while it was closed comes before what this thread does to a word. Both are
            // read-modify-writes of that word, which loom never reorders.
            match self.word.load(Acquire) {
                OPEN => return,
                // The thread that had closed it has handed it over. This thread does not try again: others may be doing the same.
                seen if seen & TID == me => return self.open(me),
                // An error is that of a sandbox. What that thread does in between is short.
                _ if pi::lock(&self.word, None).is_err() => pi::pause(),
                _ => {}
            }
        }
    }

    fn close(&self, me: u32) -> Result<(), KernelError> {
        // Relaxed: the fence orders it.
        if self.word.compare_exchange(OPEN, me, Relaxed, Relaxed).is_err() {
            pi::lock(&self.word, None)?;
        }
        // SeqCst: the other side of the fence in `await_open`. If this fence comes first, the thread
        // that is born sees the registry closed and waits; if that one's comes first, it is seen here
        // as alive. Weaker, it may be alive and about to lock unseen.
        // model: futex_pi::a_number_that_is_given_again_keeps_it
        fence(SeqCst);
        Ok(())
    }

    fn open(&self, me: u32) {
        // survivor: Release synchronizes with the Acquire load in `await_open`, as is said there.
        if self.word.compare_exchange(me, OPEN, Release, Relaxed).is_err() {
            // survivor: for the same reason, where the kernel writes the word.
            fence(Release);
            // If a sandbox forbids it, those that wait to register wait for the end of this thread.
            _ = pi::unlock(&self.word);
        }
    }

    fn is_inherited(&self, number: u32) -> bool {
        // Relaxed, both: they change in a fork only.
        self.heir.load(Relaxed) != 0 && self.inherited.iter().any(|one| one.load(Relaxed) == number)
    }

    /// Notes that the only thread of this process, now `heir`, was `old` in the parent.
    fn bequeath(&self, old: u32, heir: u32) {
        // Relaxed, all: this is the only thread.
        if self.heir.swap(heir, Relaxed) != old {
            // What another thread had inherited has no heir now.
            self.inherited.iter().for_each(|one| one.store(0, Relaxed));
        }
        match self.inherited.iter().find(|one| one.load(Relaxed) == 0) {
            Some(free) => free.store(old, Relaxed),
            // From now on, no number in a word is known for certain.
            None => _ = self.forks.fetch_or(UNSURE, Relaxed),
        }
    }
}
