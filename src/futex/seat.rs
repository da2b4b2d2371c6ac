//! What a thread sleeps in: a record with a flag, for as long as it waits.
//!
//! | part | who changes it |
//! |---|---|
//! | `address` and `links` | whoever has the latch of the bucket that the waiter is queued in; nobody else queues it |
//! | `token` | whoever has taken it out of its queue, before it sets the flag |
//! | `flag` | set by whoever has taken it out, awaited by its thread |
//!
//! Waiters are never freed, only given back to a pool: whoever sets a waiter's flag still names its address to the kernel
//! when the waiter may long be gone. There are as many as threads have ever slept at one time.

use alloc::boxed::Box;
use core::cell::Cell;

use crossbeam_utils::CachePadded;

use super::latch::Latch;
use super::lot::bucket;
use crate::backend::atomic::{AtomicU32, AtomicUsize, Relaxed};
use crate::backend::cell::UnsafeCell;
use crate::backend::time::Instant;
use crate::backend::{Global, const_fn, global, hint, per_thread};
use crate::wait::{Epoch, Flag, LockBackoff};

/// What a waiter is told when it is woken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// What it has waited for has happened. Others may still wait, and somebody else sees to them.
    Notified,
    /// The lock has been let go. Whoever else waits for it now relies on this waiter.
    Woken,
    /// The lock is its own.
    Handed,
}

const NOTIFIED: u32 = Token::Notified as u32;
const WOKEN: u32 = Token::Woken as u32;

/// One sleeping thread.
pub(super) struct Waiter {
    /// On a line of its own: the kernel looks at it while the neighbours in the queue change the links.
    pub(super) flag: CachePadded<Flag>,
    /// What it waits for; 0 when it is in no queue.
    pub(super) address: AtomicUsize,
    token: AtomicU32,
    links: UnsafeCell<Links>,
}

/// Where a waiter stands.
#[derive(Clone, Copy)]
pub(super) struct Links {
    /// The waiter behind it.
    pub(super) next: Option<&'static Waiter>,
    /// What whoever takes it out should know.
    pub(super) note: usize,
}

// SAFETY: `links` is used only by whoever has the latch of the queue or of the pool that the waiter is in, or by its
// thread while it is in neither.
unsafe impl Sync for Waiter {}

impl Waiter {
    const_fn! {
        const fn new() -> Self {
            Waiter {
                flag: CachePadded::new(Flag::new()),
                address: AtomicUsize::new(0),
                token: AtomicU32::new(0),
                links: UnsafeCell::new(Links { next: None, note: 0 }),
            }
        }
    }

    pub(super) fn links(&self) -> Links {
        // SAFETY: the caller may use them (see `Waiter`), and a copy is all that leaves.
        self.links.with(|links| unsafe { *links })
    }

    pub(super) fn link(&self, links: Links) {
        // SAFETY: the caller may use them (see `Waiter`).
        self.links.with_mut(|place| unsafe { *place = links });
    }

    /// Sends the waiter, which is in no queue any more, on its way.
    pub(super) fn wake(&'static self, token: Token) {
        // Relaxed: the waiter reads it after the flag, which is set after this.
        self.token.store(token as u32, Relaxed);
        self.flag.set();
    }

    pub(super) fn address(&self) -> usize {
        // Relaxed: whoever relies on it has the latch of the bucket that it may be in.
        self.address.load(Relaxed)
    }
}

struct Pool {
    free: Option<&'static Waiter>,
}

global! {
    /// The waiters that nobody uses.
    fn pool() -> Latch<Pool> = Latch::new(Pool { free: None });
}

per_thread! {
    /// This thread is making a waiter: see `Seat::lend`.
    static MAKING: Cell<bool> = Cell::new(false);
}

/// A waiter that this thread may sleep with, from the pool and back to it.
pub(super) struct Seat {
    pub(super) waiter: &'static Waiter,
}

impl Seat {
    /// Lends `sleep` a waiter. `None` if this thread is in the middle of allocating one: the allocator is guarded by a lock
    /// of ours, and whoever waits for that lock has to do without.
    pub(super) fn lend<R>(sleep: impl FnOnce(&Seat) -> R) -> Option<R> {
        let seat = match Self::take_free() {
            Some(seat) => seat,
            None if MAKING.with(|making| making.replace(true)) => return None,
            None => {
                let seat = Self::make();
                MAKING.with(|making| making.set(false));
                seat
            }
        };
        let result = sleep(&seat);
        seat.give_back();
        Some(result)
    }

    /// The same, also in the middle of that.
    pub(super) fn lend_anyway<R>(sleep: impl FnOnce(&Seat) -> R) -> R {
        let seat = Self::take_free().unwrap_or_else(Self::make);
        let result = sleep(&seat);
        seat.give_back();
        result
    }

    fn take_free() -> Option<Self> {
        pool().with(|pool| {
            let waiter = pool.free?;
            pool.free = waiter.links().next;
            Some(Seat { waiter })
        })
    }

    fn make() -> Self {
        let waiter = Box::leak(Box::new(Waiter::new()));
        Seat { waiter }
    }

    fn give_back(self) {
        pool().with(|pool| {
            self.waiter.link(Links {
                next: pool.free,
                note: 0,
            });
            pool.free = Some(self.waiter);
        });
    }

    /// Sleeps until woken, which may have happened already, and answers what the waker says; `None` if the deadline has come
    /// first.
    pub(super) fn sleep(&self, ticket: Ticket, deadline: Option<Instant>) -> Option<Token> {
        self.waiter.flag.sleep(ticket.0, deadline).then(|| self.token())
    }

    /// The same, for a waiter that somebody is about to wake.
    pub(super) fn sleep_on(&self, ticket: Ticket) -> Token {
        self.waiter.flag.sleep(ticket.0, None);
        self.token()
    }

    /// Like [`sleep`](Self::sleep), but spins and yields for a few microseconds before.
    pub(super) fn doze(&self, ticket: Ticket, deadline: Option<Instant>) -> Option<Token> {
        let mut backoff = LockBackoff::default();
        while !self.waiter.flag.is_set(ticket.0) {
            if deadline.is_some_and(hint::is_late) || !backoff.wait() {
                return self.sleep(ticket, deadline);
            }
        }
        Some(self.token())
    }

    /// Takes the waiter out of the queue of `address`, with `adjust` under the same latch. False if it is there no longer:
    /// somebody has taken it out, and wakes it or has moved it.
    pub(super) fn leave(&self, address: usize, adjust: impl FnOnce()) -> bool {
        bucket(address).with(|queue| {
            let is_there = self.waiter.address() == address;
            if is_there {
                queue.remove(self.waiter);
                adjust();
            }
            is_there
        })
    }

    /// What the waker has said.
    fn token(&self) -> Token {
        // Relaxed: read after the flag, which is set after it was written.
        match self.waiter.token.load(Relaxed) {
            NOTIFIED => Token::Notified,
            WOKEN => Token::Woken,
            _ => Token::Handed,
        }
    }
}

/// What a queued waiter sleeps for: the end of an epoch of its flag.
#[derive(Clone, Copy)]
#[must_use]
pub(super) struct Ticket(pub(super) Epoch);
