//! Where threads sleep that wait for a lock: queues by address, in a table that all locks share (Pizlo, "Locking in
//! WebKit", 2016). So a lock is a word, however many wait for it.
//!
//! | part | who changes it |
//! |---|---|
//! | a bucket's queue | whoever has its latch |
//! | `tension`: sleepers, twice, and a mark | see [`Bucket`] |
//!
//! None of this touches the lock itself, so a lock may be freed as soon as it has let go. A wake-up may then come for what
//! has its address now; so each kind of lock has keys of its own, its address and a number below four, and each takes a
//! wake-up for nothing.

use core::ptr;

use crossbeam_utils::CachePadded;

use super::latch::Latch;
use super::seat::{Links, Seat, Ticket, Token, Waiter};
use crate::backend::atomic::{AtomicU32, Relaxed};
use crate::backend::time::Instant;
use crate::backend::{Global, SPREAD, array, asymmetric, const_fn, global};

global! {
    /// The queues of those that sleep.
    fn lot() -> [Bucket; SPREAD] = array![Bucket::new(); SPREAD];
}

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

    /// Takes the first sleeper for `address` out, if there is one; `adjust` is told its note, and whether there are more,
    /// while nobody else can use the queue.
    pub(super) fn pop(&self, address: usize, adjust: impl FnOnce(Option<usize>, bool)) -> Option<&'static Waiter> {
        let waiter = self.queue.with(|queue| {
            let waiter = queue.pop(address);
            adjust(waiter.map(|waiter| waiter.links().note), queue.note(address).is_some());
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

/// What has come of a thread's way to bed.
pub(super) enum Slept {
    /// There was no need.
    Awake,
    Told(Token),
    TimedOut,
}

/// Whoever has the lock lets go of it by a store, and has not been fenced against.
pub(super) struct Unfenced;

/// Sleeps in the queue of `address` until woken, unless it turns out that there is no need.
///
/// `relies` makes whoever has the lock answer for this thread, and says whether somebody does. It is asked under the latch,
/// which whoever looks for sleepers has to pass; and once more after a fence, if it says that it needs one.
pub(super) fn sleep(
    seat: &Seat,
    address: usize,
    note: usize,
    deadline: Option<Instant>,
    relies: impl Fn(bool) -> Result<bool, Unfenced>,
) -> Slept {
    let bucket = bucket(address);
    bucket.announce();
    let mut fenced = false;
    let ticket = loop {
        let pushed = bucket.with(|queue| Ok(relies(fenced)?.then(|| queue.push(seat, address, note))));
        match pushed {
            Ok(ticket) => break ticket,
            Err(Unfenced) => {
                // SeqCst: pairs with `light` in the unlock of a quiet holder or writer, who sees the announcement when it
                // looks, or this thread sees that it has let go. Without it each may miss the other, and this thread
                // sleeps beside a free lock (killed by `futex::mutex_wakes_a_sleeper`).
                asymmetric::heavy();
                fenced = true;
            }
        }
    };
    let Some(ticket) = ticket else {
        bucket.relax();
        return Slept::Awake;
    };
    match seat.sleep(ticket, deadline) {
        Some(token) => Slept::Told(token),
        None if seat.leave(address, || {}) => {
            bucket.relax();
            Slept::TimedOut
        }
        // Somebody has taken it out of the queue to wake it, and is about to.
        None => Slept::Told(seat.sleep_on(ticket)),
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

    pub(super) fn remove(&mut self, waiter: &'static Waiter) {
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
