//! Where threads sleep that wait for a lock: queues by address, in a table that all locks share (Pizlo, "Locking in
//! WebKit", 2016). So a lock is a word, however many wait for it.
//!
//! | part | who changes it |
//! |---|---|
//! | a bucket's queue | whoever has its latch |
//! | `tension`: sleepers, twice, and a mark | see [`Bucket`] |
//! | a waiter's `address` and links | whoever has the latch of the bucket that it is queued in; nobody else queues it |
//! | a waiter's token | whoever has taken it out of its queue, before it sets the flag |
//!
//! Waiters are never freed, only given back to a pool: whoever sets a waiter's flag still names its address to the kernel
//! when the waiter may long be gone. There are as many as threads have ever slept at one time. None of this touches
//! the lock itself, so a lock may be freed as soon as it has let go.

use alloc::boxed::Box;
use core::cell::Cell;
use core::ptr;

use crossbeam_utils::CachePadded;

use super::latch::Latch;
use crate::backend::atomic::{AtomicU32, AtomicUsize, Relaxed};
use crate::backend::cell::UnsafeCell;
use crate::backend::time::Instant;
use crate::backend::{Global, SPREAD, array, const_fn, global, hint, per_thread};
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
    flag: CachePadded<Flag>,
    /// What it waits for; 0 when it is in no queue.
    address: AtomicUsize,
    token: AtomicU32,
    links: UnsafeCell<Links>,
}

#[derive(Clone, Copy)]
struct Links {
    next: Option<&'static Waiter>,
    note: usize,
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

    fn links(&self) -> Links {
        // SAFETY: the caller may use them (see `Waiter`), and a copy is all that leaves.
        self.links.with(|links| unsafe { *links })
    }

    fn link(&self, links: Links) {
        // SAFETY: the caller may use them (see `Waiter`).
        self.links.with_mut(|place| unsafe { *place = links });
    }

    /// Sends the waiter, which is in no queue any more, on its way.
    pub(super) fn wake(&'static self, token: Token) {
        // Relaxed: the waiter reads it after the flag, which is set after this.
        self.token.store(token as u32, Relaxed);
        self.flag.set();
    }

    fn address(&self) -> usize {
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
    /// The queues of those that sleep.
    fn lot() -> [Bucket; SPREAD] = array![Bucket::new(); SPREAD];
}

per_thread! {
    /// This thread is making a waiter: see `Seat::take`.
    static MAKING: Cell<bool> = Cell::new(false);
}

/// A waiter that this thread may sleep with, from the pool and back to it.
pub(super) struct Seat {
    waiter: &'static Waiter,
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

    /// Sleeps until woken, which may have happened already; false if the deadline has come first.
    pub(super) fn sleep(&self, ticket: Ticket, deadline: Option<Instant>) -> bool {
        self.waiter.flag.sleep(ticket.0, deadline)
    }

    /// The same, but spins and yields for a few microseconds before it sleeps.
    pub(super) fn doze(&self, ticket: Ticket, deadline: Option<Instant>) -> bool {
        let mut backoff = LockBackoff::default();
        while !self.waiter.flag.is_set(ticket.0) {
            if deadline.is_some_and(hint::is_late) || !backoff.wait() {
                return self.sleep(ticket, deadline);
            }
        }
        true
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
    pub(super) fn token(&self) -> Token {
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
pub(super) struct Ticket(Epoch);

/// The sleepers of some addresses.
pub(super) struct Bucket {
    /// Twice the number of threads that sleep in the queue or are about to, and [`WARY`](Self::WARY).
    ///
    /// Each newcomer to a lock reads it; so it has a line of its own, beside the one that sleepers and wakers write.
    tension: CachePadded<AtomicU32>,
    queue: Latch<Queue>,
}

impl Bucket {
    /// Somebody has slept here not long ago.
    const WARY: u32 = 1;
    const SLEEPER: u32 = 2;

    const_fn! {
        const fn new() -> Self {
            Bucket {
                tension: CachePadded::new(AtomicU32::new(0)),
                queue: Latch::new(Queue::new()),
            }
        }
    }

    /// Whether anybody sleeps here, is about to, or did so not long ago.
    #[inline]
    pub(super) fn is_tense(&self) -> bool {
        // Relaxed: chooses between two ways that are both right.
        self.tension.load(Relaxed) != 0
    }

    /// Whether anybody sleeps here or is about to.
    #[inline]
    pub(super) fn has_sleepers(&self) -> bool {
        // Relaxed: whoever has to see an announcement has the fence pair for it.
        self.tension.load(Relaxed) >= Self::SLEEPER
    }

    /// Announces a sleeper, who then looks at its lock, and only then sleeps. Whoever takes it out of the queue takes that
    /// back by [`relax`](Self::relax).
    pub(super) fn announce(&self) {
        // Relaxed, both: ordered by the fence pair where it matters. RMWs, since others do the same.
        self.tension.fetch_add(Self::SLEEPER, Relaxed);
        self.tension.fetch_or(Self::WARY, Relaxed);
    }

    /// A sleeper less.
    pub(super) fn relax(&self) {
        // Relaxed: as in `announce`.
        self.tension.fetch_sub(Self::SLEEPER, Relaxed);
    }

    /// Takes the mark of the last sleeper away, if there is none now.
    pub(super) fn calm(&self) {
        // Relaxed: as in `is_tense`. An RMW, for a sleeper that is announced at the same time.
        let _ = self.tension.compare_exchange(Self::WARY, 0, Relaxed, Relaxed);
    }

    /// Lends the queue.
    #[inline]
    pub(super) fn with<R>(&self, use_it: impl FnOnce(&mut Queue) -> R) -> R {
        self.queue.with(use_it)
    }

    /// Takes the first sleeper for `address` out, if there is one; `adjust` is told, and whether there are more, while
    /// nobody else can use the queue.
    pub(super) fn pop(
        &self,
        address: usize,
        adjust: impl FnOnce(Option<&'static Waiter>, bool),
    ) -> Option<&'static Waiter> {
        let waiter = self.queue.with(|queue| {
            let waiter = queue.pop(address);
            adjust(waiter, queue.note(address).is_some());
            waiter
        });
        if waiter.is_some() {
            self.relax();
        }
        waiter
    }
}

/// The bucket of an address.
#[inline]
pub(super) fn bucket(address: usize) -> impl core::ops::Deref<Target = Bucket> {
    // Fibonacci hashing: the top bits of a product with the golden ratio depend on all bits of the address.
    let hash = (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let place = ((hash >> 32) * SPREAD as u64) >> 32;
    Place {
        lot: lot(),
        place: place as usize,
    }
}

struct Place {
    lot: Global<[Bucket; SPREAD]>,
    place: usize,
}

impl core::ops::Deref for Place {
    type Target = Bucket;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.lot[self.place]
    }
}

/// Wakes the first waiter for `address`, who from then on answers for the others.
pub(super) fn wake_next(address: usize) {
    if let Some(waiter) = bucket(address).pop(address, |_, _| {}) {
        waiter.wake(Token::Woken);
    }
}

/// Waiters, first come, first out for each address.
#[derive(Default)]
pub(super) struct Queue {
    first: Option<&'static Waiter>,
    last: Option<&'static Waiter>,
}

impl Queue {
    const_fn! {
        /// An empty one.
        pub(super) const fn new() -> Self {
            Queue { first: None, last: None }
        }
    }

    /// Puts a waiter last; `note` is for whoever takes it out.
    pub(super) fn push(&mut self, seat: &Seat, address: usize, note: usize) -> Ticket {
        let epoch = seat.waiter.flag.epoch();
        self.append(seat.waiter, address, note);
        Ticket(epoch)
    }

    /// The same for a waiter that is asleep already, and has just been taken out of another queue.
    pub(super) fn append(&mut self, waiter: &'static Waiter, address: usize, note: usize) {
        waiter.link(Links { next: None, note });
        // Relaxed: looked at again under the latch that is held here.
        waiter.address.store(address, Relaxed);
        match self.last {
            Some(last) => last.link(Links {
                next: Some(waiter),
                ..last.links()
            }),
            None => self.first = Some(waiter),
        }
        self.last = Some(waiter);
    }

    /// Takes the first waiter for `address` out.
    pub(super) fn pop(&mut self, address: usize) -> Option<&'static Waiter> {
        let waiter = self.waiters().find(|waiter| waiter.address() == address)?;
        self.remove(waiter);
        Some(waiter)
    }

    /// Takes the first waiter for `address` out that has such a note.
    pub(super) fn pop_noted(
        &mut self,
        address: usize,
        is_such: impl Fn(usize) -> bool,
    ) -> Option<(&'static Waiter, usize)> {
        let waiter = self
            .waiters()
            .find(|waiter| waiter.address() == address && is_such(waiter.links().note))?;
        let note = waiter.links().note;
        self.remove(waiter);
        Some((waiter, note))
    }

    /// Moves all waiters for `address` to `others`, where they wait for nothing; answers how many.
    pub(super) fn drain(&mut self, address: usize, others: &mut Queue) -> u32 {
        let mut count = 0;
        while let Some(waiter) = self.pop(address) {
            others.append(waiter, 0, waiter.links().note);
            count += 1;
        }
        count
    }

    /// Takes the first waiter out, whatever it waits for, with what was noted.
    pub(super) fn take(&mut self) -> Option<(&'static Waiter, usize)> {
        let waiter = self.first?;
        let note = waiter.links().note;
        self.remove(waiter);
        Some((waiter, note))
    }

    /// What was noted with the first waiter for `address`, if there is one.
    pub(super) fn note(&self, address: usize) -> Option<usize> {
        let first = self.waiters().find(|waiter| waiter.address() == address)?;
        Some(first.links().note)
    }

    fn remove(&mut self, waiter: &'static Waiter) {
        let next = waiter.links().next;
        let is_it = |other: Option<&'static Waiter>| other.is_some_and(|other| ptr::eq(other, waiter));
        let before = match self.first {
            first if is_it(first) => None,
            _ => self.waiters().find(|other| is_it(other.links().next)),
        };
        match before {
            Some(before) => before.link(Links { next, ..before.links() }),
            None => self.first = next,
        }
        if next.is_none() {
            self.last = before;
        }
        // Relaxed: as in `append`.
        waiter.address.store(0, Relaxed);
    }

    fn waiters(&self) -> impl Iterator<Item = &'static Waiter> + use<> {
        core::iter::successors(self.first, |waiter| waiter.links().next)
    }
}
