//! The kernel's locks with priority inheritance, as a model: who waits at which word, for whom.
//!
//! As in the kernel, a word that nobody waits at is unknown here, and is changed by compare-exchange only, since its
//! users do the same at the same time. All those accesses are Relaxed: what the users need of order they have to bring
//! along. The lock of the model orders a waiter after whoever has handed over to it, as the kernel's does.
//!
//! All waiters have the same priority here: the first comes first. A thread ends when its thread-locals are dropped.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32 as Plain, Ordering::Relaxed};
use std::time::Instant;
use std::vec::Vec;

use super::super::pi::{OWNER_DIED, Refusal, TID, WAITERS};
use super::atomic::AtomicU32;
use super::{Global, global};
use loom::sync::{Mutex, MutexGuard};
use loom::thread::{Thread, current, park};

/// The error number of an unlock by another thread than the holder.
const EPERM: i32 = 1;

#[derive(Default)]
struct Kernel {
    /// The locks that somebody waits for.
    contended: Vec<Contended>,
    /// The threads that have ended.
    gone: Vec<u32>,
}

struct Contended {
    /// Valid for as long as somebody waits.
    word: *const AtomicU32,
    owner: u32,
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

global! {
    fn kernel() -> Mutex<Kernel> = Mutex::new(Kernel::default());
    /// The number of the youngest thread. No part of the model: std's.
    fn youngest() -> Plain = Plain::new(0);
}

/// A thread, as long as it lives.
struct Number {
    number: Cell<u32>,
    kernel: Global<Mutex<Kernel>>,
}

loom::thread_local! {
    static MINE: Number = Number {
        number: Cell::new(youngest().fetch_add(1, Relaxed) + 1),
        kernel: kernel(),
    };
}

impl Drop for Number {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let number = self.number.get();
        let mut kernel = enter(&self.kernel);
        kernel.gone.push(number);
        let orphans = kernel.contended.iter().filter(|lock| lock.owner == number);
        for word in orphans.map(|lock| lock.word).collect::<Vec<_>>() {
            // SAFETY: somebody waits there.
            kernel.hand_over(unsafe { &*word }, OWNER_DIED);
        }
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

impl Kernel {
    fn at(&mut self, word: &AtomicU32) -> Option<usize> {
        self.contended.iter().position(|lock| core::ptr::eq(lock.word, word))
    }

    /// Whether `thread` waits for a lock of `other`, or for a thread that does.
    fn awaits(&self, thread: u32, other: u32) -> bool {
        let mut thread = thread;
        while thread != other {
            let waits = |lock: &&Contended| lock.waiters.iter().any(|waiter| waiter.number == thread);
            match self.contended.iter().find(waits) {
                Some(lock) => thread = lock.owner,
                None => return false,
            }
        }
        true
    }

    /// Takes the lock, if nobody has it. Else it is marked as awaited; says who has it.
    fn take(&mut self, word: &AtomicU32, me: u32) -> Result<(), u32> {
        let seen = change(word, |seen| match seen & TID {
            0 => seen & OWNER_DIED | me,
            owner if owner == me => seen,
            _ => seen | WAITERS,
        });
        match seen & TID {
            0 => Ok(()),
            owner => Err(owner),
        }
    }

    fn hand_over(&mut self, word: &AtomicU32, mark: u32) -> bool {
        let Some(place) = self.at(word) else {
            return false;
        };
        let lock = &mut self.contended[place];
        let first = lock.waiters.pop_front().expect("it is awaited");
        change(word, |_| first.number | WAITERS | mark);
        lock.owner = first.number;
        if lock.waiters.is_empty() {
            self.contended.swap_remove(place);
        }
        first.served.store(true, Relaxed);
        first.thread.unpark();
        true
    }
}

pub(crate) fn thread_id() -> u32 {
    MINE.with(|mine| mine.number.get())
}

/// Joins the waiters, if the lock is held; else it has it.
fn fall_asleep(word: &AtomicU32) -> Result<Option<Arc<AtomicBool>>, Refusal> {
    let me = thread_id();
    let kernel = kernel();
    let mut kernel = enter(&kernel);
    let Err(owner) = kernel.take(word, me) else {
        return Ok(None);
    };
    if kernel.awaits(owner, me) {
        return Err(Refusal::Deadlock);
    }
    if kernel.gone.contains(&owner) {
        return Err(Refusal::OwnerGone);
    }
    let served = Arc::new(AtomicBool::new(false));
    let waiter = Waiter {
        number: me,
        thread: current(),
        served: Arc::clone(&served),
    };
    match kernel.at(word) {
        Some(place) => kernel.contended[place].waiters.push_back(waiter),
        None => kernel.contended.push(Contended {
            word,
            owner,
            waiters: VecDeque::from([waiter]),
        }),
    }
    Ok(Some(served))
}

/// Locks. A deadline may pass at any moment after the others have had one chance.
pub(crate) fn lock(word: &AtomicU32, deadline: Option<Instant>) -> Result<(), Refusal> {
    let Some(served) = fall_asleep(word)? else {
        return Ok(());
    };
    if deadline.is_none() {
        while !served.load(Relaxed) {
            park();
        }
    }
    // Also whoever has been served comes in here, after whoever has served it.
    let kernel = kernel();
    let mut kernel = enter(&kernel);
    if served.load(Relaxed) {
        return Ok(());
    }
    let place = kernel.at(word).expect("this thread waits there");
    let waiters = &mut kernel.contended[place].waiters;
    waiters.retain(|waiter| !Arc::ptr_eq(&waiter.served, &served));
    if waiters.is_empty() {
        kernel.contended.swap_remove(place);
    }
    Err(Refusal::TimedOut)
}

/// Locks if nobody holds it; marks it as awaited otherwise, as the kernel does.
pub(crate) fn try_lock(word: &AtomicU32) -> Result<(), Refusal> {
    let me = thread_id();
    let kernel = kernel();
    let mut kernel = enter(&kernel);
    match kernel.take(word, me) {
        Ok(()) => Ok(()),
        Err(owner) if owner == me => Err(Refusal::Deadlock),
        Err(owner) if kernel.gone.contains(&owner) => Err(Refusal::OwnerGone),
        Err(_) => Err(Refusal::Held),
    }
}

/// Hands over to the first waiter, or frees the lock.
pub(crate) fn unlock(word: &AtomicU32) -> Result<(), Refusal> {
    if std::thread::panicking() {
        // A fault has been found. One more panic would end the process.
        return Ok(());
    }
    let me = thread_id();
    let kernel = kernel();
    let mut kernel = enter(&kernel);
    if word.0.load(Relaxed) & TID != me {
        return Err(Refusal::Error(EPERM));
    }
    if !kernel.hand_over(word, 0) {
        change(word, |_| 0);
    }
    Ok(())
}
