//! The kernel's locks with priority inheritance, as a model: which threads wait at which word, and for which thread.
//!
//! As in the kernel, a word that no thread waits at is unknown here, and is changed by compare-exchange only, since its
//! users do the same at the same time. All those accesses are Relaxed: what the users need of order they have to bring
//! along. The lock of the model orders a waiter after the thread that has handed over to it, as the kernel's does.
//!
//! **Threads** are born when they first ask for their number, and end when their thread-locals are dropped. That a
//! number is in use is an atomic of the model: being born publishes nothing, so that a thread which asks for a number
//! may miss it unless it has brought order along; having ended is a Release store, which [`is_gone`] acquires. Inside
//! its own lock the kernel knows better.
//!
//! **An owner that ends while threads wait** serves the first, but does not write to the word: that thread does, when
//! it runs. Until then the word still names the dead owner, and the kernel calls it invalid, or, if it has been
//! disowned, queues behind.
//!
//! All waiters have the same priority here: the first comes first.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32 as Plain, Ordering::Relaxed};
use std::time::Instant;
use std::vec::Vec;

use super::atomic::AtomicU32;
use super::global;
use crate::backend::Global;
pub(crate) use crate::backend::pi_word::{ESRCH, ForkHandler, KernelError, OWNER_DIED, TID, WAITERS};
use loom::sync::atomic::{AtomicBool as Watched, Ordering};
use loom::sync::{Mutex, MutexGuard};
use loom::thread::{Thread, current, park};

/// The error number of an unlock by another thread than the holder.
const EPERM: i32 = 1;
/// How many numbers there are, from 1 on.
const NUMBERS: usize = 5;

#[derive(Default)]
struct Kernel {
    /// The locks that threads wait for.
    contended: Vec<Contended>,
}

struct Contended {
    /// Valid for as long as a thread waits, or has been served and has not written itself into the word.
    word: *const AtomicU32,
    /// The holder; `None` after it has ended, until the thread that has been served takes over.
    owner: Option<u32>,
    waiters: VecDeque<Waiter>,
}

// SAFETY: the pointer is followed only while a waiter has a reference to the word.
unsafe impl Send for Contended {}

struct Waiter {
    number: u32,
    thread: Thread,
    /// Set when the lock is handed over, under the lock of the model. No part of the model: std's.
    served: Arc<AtomicBool>,
}

/// Which numbers are in use.
struct Numbers {
    /// As other threads see it.
    in_use: [Watched; NUMBERS],
    /// As it is, a bit for each. No part of the model, like all below: std's.
    alive: Plain,
    /// Those that have been given to a thread, a bit for each, and those of them that may be given again.
    given: Plain,
    free: Plain,
    /// Those that have waiters, a bit for each.
    awaited: Plain,
    /// Whether a number is given again.
    reused: AtomicBool,
}

global! {
    fn kernel() -> Mutex<Kernel> = Mutex::new(Kernel::default());
    fn numbers() -> Numbers = Numbers {
        in_use: core::array::from_fn(|_| Watched::new(false)),
        alive: Plain::new(0),
        given: Plain::new(0),
        free: Plain::new(0),
        awaited: Plain::new(0),
        reused: AtomicBool::new(false),
    };
}

/// From now on, in this execution, a thread gets the number of one that has ended, if there is such a number.
pub fn reuse_thread_numbers() {
    numbers().reused.store(true, Relaxed);
}

impl Numbers {
    fn give(&self) -> u32 {
        let free = self.free.load(Relaxed);
        let bit = if self.reused.load(Relaxed) && free != 0 {
            free & free.wrapping_neg()
        } else {
            1 << self.given.load(Relaxed).count_ones()
        };
        let place = bit.trailing_zeros() as usize;
        assert!(place < NUMBERS, "the model has {NUMBERS} numbers");
        self.given.fetch_or(bit, Relaxed);
        self.free.fetch_and(!bit, Relaxed);
        self.alive.fetch_or(bit, Relaxed);
        // A number is given again after its last thread has ended: Acquire.
        self.in_use[place].swap(true, Ordering::Acquire);
        bit.trailing_zeros() + 1
    }

    fn is_alive(&self, number: u32) -> bool {
        self.alive.load(Relaxed) & bit(number) != 0
    }
}

fn bit(number: u32) -> u32 {
    1 << (number - 1)
}

/// A thread, as long as it lives.
struct Life {
    number: u32,
    numbers: Global<Numbers>,
    kernel: Global<Mutex<Kernel>>,
}

loom::thread_local! {
    static LIFE: Life = Life { number: numbers().give(), numbers: numbers(), kernel: kernel() };
}

impl Drop for Life {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        // A thread that comes to wait after this finds that the owner is gone. One step for the model.
        self.numbers.in_use[self.number as usize - 1].store(false, Ordering::Release);
        self.numbers.alive.fetch_and(!bit(self.number), Relaxed);
        // The lock of the model is not entered in vain: it would order this thread before others that enter it.
        if self.numbers.awaited.load(Relaxed) & bit(self.number) != 0 {
            let mut kernel = enter(&self.kernel);
            for lock in &mut kernel.contended {
                if lock.owner == Some(self.number) {
                    lock.owner = None;
                    lock.waiters.front().expect("it is awaited").serve();
                }
            }
        }
        self.numbers.free.fetch_or(bit(self.number), Relaxed);
    }
}

impl Waiter {
    fn serve(&self) {
        self.served.store(true, Relaxed);
        self.thread.unpark();
    }
}

fn enter(kernel: &Mutex<Kernel>) -> MutexGuard<'_, Kernel> {
    kernel.lock().expect("no execution goes on after a panic")
}

/// Changes the word, by compare-exchange, until `change` wants nothing more or has had its way; answers what was there.
fn change(word: &AtomicU32, change: impl Fn(u32) -> u32) -> u32 {
    let mut seen = word.0.load(Relaxed);
    loop {
        match word.0.compare_exchange(seen, change(seen), Relaxed, Relaxed) {
            Ok(seen) => return seen,
            Err(other) => seen = other,
        }
    }
}

/// What becomes of an attempt to lock.
enum Attempt {
    Locked,
    /// Another thread holds it; the place of the lock among the contended ones, if it is one.
    Held(Option<usize>, u32),
    /// The word names an owner that has ended, and the thread that it has served has not run yet.
    Invalid,
}

impl Kernel {
    fn at(&mut self, word: &AtomicU32) -> Option<usize> {
        self.contended.iter().position(|lock| core::ptr::eq(lock.word, word))
    }

    /// Whether `thread` waits for a lock of `other`, or for a thread that does.
    fn awaits(&self, thread: u32, other: u32) -> bool {
        let mut thread = thread;
        while thread != other {
            let waits = |lock: &&Contended| lock.waiters.iter().any(|waiter| waiter.number == thread);
            match self.contended.iter().find(waits).and_then(|lock| lock.owner) {
                Some(owner) => thread = owner,
                None => return false,
            }
        }
        true
    }

    /// Takes the lock, if no thread has it or is to have it. Else it is marked as awaited.
    fn take(&mut self, word: &AtomicU32, me: u32) -> Attempt {
        let place = self.at(word);
        let seen = change(word, |seen| match seen & TID {
            0 if place.is_none() => seen & OWNER_DIED | me,
            owner if owner == me => seen,
            _ => seen | WAITERS,
        });
        match (place, seen & TID) {
            (None, 0) => Attempt::Locked,
            (None, owner) => Attempt::Held(None, owner),
            (Some(place), owner) => match self.contended[place].owner {
                None if owner != 0 => Attempt::Invalid,
                None => Attempt::Held(Some(place), 0),
                Some(owner) => Attempt::Held(Some(place), owner),
            },
        }
    }

    /// Takes the first waiter out, which has the lock now.
    fn hand_over(&mut self, place: usize, mark: u32) -> Waiter {
        let lock = &mut self.contended[place];
        let first = lock.waiters.pop_front().expect("it is awaited");
        // SAFETY: the first waiter has a reference to the word until it is told that it has the lock.
        change(unsafe { &*lock.word }, |_| first.number | WAITERS | mark);
        lock.owner = Some(first.number);
        self.drop_if_idle(place);
        first
    }

    fn drop_if_idle(&mut self, place: usize) {
        if self.contended[place].waiters.is_empty() {
            self.contended.swap_remove(place);
        }
        let owners = self.contended.iter().filter_map(|lock| lock.owner);
        numbers()
            .awaited
            .store(owners.map(bit).fold(0, |bits, bit| bits | bit), Relaxed);
    }
}

pub(crate) fn thread_id() -> u32 {
    LIFE.with(|life| life.number)
}

/// A model does not fork.
pub(crate) fn on_fork(_: ForkHandler) -> bool {
    true
}

/// Whether no thread has this number, as far as the caller can see.
pub(crate) fn is_gone(number: u32) -> bool {
    !numbers().in_use[number as usize - 1].load(Ordering::Acquire)
}

/// As [`is_gone`]; and a thread that has ended is not missed, since it is also looked for under the lock of the kernel.
pub(crate) fn is_dead(number: u32) -> bool {
    let numbers = numbers();
    // The read-modify-write sees the last store, that of the thread that has ended.
    is_gone(number)
        || !numbers.is_alive(number) && !numbers.in_use[number as usize - 1].fetch_or(false, Ordering::Acquire)
}

pub(crate) fn pause() {
    super::thread::yield_now();
}

/// Joins the waiters, if the lock is held; else it has it.
fn join_waiters(word: &AtomicU32) -> Result<Option<Arc<AtomicBool>>, KernelError> {
    let me = thread_id();
    let kernel = kernel();
    let mut kernel = loop {
        let mut entered = enter(&kernel);
        match entered.take(word, me) {
            Attempt::Locked => return Ok(None),
            Attempt::Held(place, owner) => break (entered, place, owner),
            Attempt::Invalid => {
                drop(entered);
                pause();
            }
        }
    };
    let (kernel, place, owner) = (&mut kernel.0, kernel.1, kernel.2);
    if owner != 0 && kernel.awaits(owner, me) {
        return Err(KernelError::Deadlock);
    }
    if place.is_none() && !numbers().is_alive(owner) {
        return Err(KernelError::OwnerGone);
    }
    let served = Arc::new(AtomicBool::new(false));
    let waiter = Waiter {
        number: me,
        thread: current(),
        served: Arc::clone(&served),
    };
    match place {
        Some(place) => kernel.contended[place].waiters.push_back(waiter),
        None => {
            numbers().awaited.fetch_or(bit(owner), Relaxed);
            kernel.contended.push(Contended {
                word,
                owner: Some(owner),
                waiters: VecDeque::from([waiter]),
            });
        }
    }
    Ok(Some(served))
}

/// Locks. A deadline may pass at any moment after the others have had one chance.
pub(crate) fn lock(word: &AtomicU32, deadline: Option<Instant>) -> Result<(), KernelError> {
    let Some(served) = join_waiters(word)? else {
        return Ok(());
    };
    if deadline.is_none() {
        while !served.load(Relaxed) {
            park();
        }
    }
    // A thread that has been served also comes in here, after the thread that has served it.
    let kernel = kernel();
    let mut kernel = enter(&kernel);
    let place = kernel.at(word);
    if served.load(Relaxed) {
        // Its owner has ended, and has left it to this thread to write itself into the word.
        if let Some(place) = place.filter(|&place| kernel.contended[place].owner.is_none()) {
            kernel.hand_over(place, OWNER_DIED);
        }
        return Ok(());
    }
    let place = place.expect("this thread waits there");
    let waiters = &mut kernel.contended[place].waiters;
    waiters.retain(|waiter| !Arc::ptr_eq(&waiter.served, &served));
    kernel.drop_if_idle(place);
    Err(KernelError::TimedOut)
}

/// Locks if no thread holds it; marks it as awaited otherwise, as the kernel does.
pub(crate) fn try_lock(word: &AtomicU32) -> Result<(), KernelError> {
    let me = thread_id();
    let kernel = kernel();
    let mut kernel = enter(&kernel);
    match kernel.take(word, me) {
        Attempt::Locked => Ok(()),
        Attempt::Held(_, owner) if owner == me => Err(KernelError::Deadlock),
        Attempt::Held(None, owner) if !numbers().is_alive(owner) => Err(KernelError::OwnerGone),
        Attempt::Held(..) | Attempt::Invalid => Err(KernelError::Held),
    }
}

/// Hands over to the first waiter, or frees the lock.
pub(crate) fn unlock(word: &AtomicU32) -> Result<(), KernelError> {
    if std::thread::panicking() {
        // A fault has been found. One more panic would end the process.
        return Ok(());
    }
    let me = thread_id();
    let kernel = kernel();
    let mut kernel = enter(&kernel);
    if word.0.load(Relaxed) & TID != me {
        return Err(KernelError::Error(EPERM));
    }
    match kernel.at(word) {
        Some(place) => kernel.hand_over(place, 0).serve(),
        None => _ = change(word, |_| 0),
    }
    Ok(())
}
