//! What a thread parks with: a record with a flag, for as long as it waits.
//!
//! | field | in no queue | in the queue of `key` |
//! |---|---|---|
//! | `key` | 0 | the queue's; changed under the lock of the bucket that it enters or leaves |
//! | `links` | the thread that has the handle, or the pool | the thread that has the bucket's lock |
//! | `token` | the thread that took it out of its queue, until it sets the flag | no thread |
//! | `flag` | set once by the thread that took it out; awaited by the thread that has the handle | awaited |
//!
//! Waiters are never freed, only reused: a thread that sets a flag still names its address to the kernel when the waiter
//! may long be in use for something else. There are as many as threads have been parked at one time, and one more for
//! each thread that has parked and lives.

use core::cell::Cell;
use core::ptr::NonNull;

use crossbeam_utils::CachePadded;

use super::key::Key;
use super::queue::Links;
use crate::backend::atomic::{AtomicU32, AtomicUsize, Relaxed};
use crate::backend::cell::UnsafeCell;
use crate::backend::time::Instant;
use crate::backend::{const_fn, global, hint, per_thread};
use crate::internal::{Pool, Pooled, Stack, immortal};
use crate::wait::{Epoch, Flag};

/// What a waiter is told when it is unparked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::futex) enum UnparkToken {
    /// What it has waited for has happened. Another thread is responsible for the other waiters.
    Notified,
    /// The lock was let go. This thread is now responsible for waking the others.
    WokenAsDeputy,
    /// The lock is its own.
    HandedOff,
}

const NOTIFIED: u32 = UnparkToken::Notified as u32;
const DEPUTY: u32 = UnparkToken::WokenAsDeputy as u32;

/// One thread that parks, or is about to.
pub(in crate::futex) struct Waiter {
    /// On a line of its own: its thread looks at it while others change the links.
    pub(super) flag: CachePadded<Flag>,
    /// The queue that it is in, as bits of a [`Key`]; 0 if it is in none.
    key: AtomicUsize,
    token: AtomicU32,
    links: UnsafeCell<Links>,
}

// SAFETY: `links` is used by one thread at a time, as the table in the module comment says.
unsafe impl Sync for Waiter {}

impl Waiter {
    const_fn! {
        const fn new() -> Self {
            Waiter {
                flag: CachePadded::new(Flag::new()),
                key: AtomicUsize::new(0),
                token: AtomicU32::new(0),
                links: UnsafeCell::new(Links::NONE),
            }
        }
    }

    /// A copy of the links.
    pub(super) fn links(&self) -> Links {
        // SAFETY: the caller is the one that may use them (module comment), and no reference to them leaves.
        self.links.with(|links| unsafe { *links })
    }

    /// Changes the links.
    pub(super) fn relink(&self, change: impl FnOnce(&mut Links)) {
        // SAFETY: the caller is the one that may use them (module comment), and `change` cannot keep the reference.
        self.links.with_mut(|links| change(unsafe { &mut *links }));
    }

    pub(super) fn key(&self) -> Option<Key> {
        // Relaxed: relied on only under the lock of that key's bucket, under which it was stored.
        Key::from_bits(self.key.load(Relaxed))
    }

    pub(super) fn set_key(&self, key: Option<Key>) {
        // Relaxed: as in `key`.
        self.key.store(key.map_or(0, Key::to_bits), Relaxed);
    }

    /// What its thread will be told when it is woken. For the thread that has taken it out of its queue.
    pub(super) fn tell(&self, token: UnparkToken) {
        // Relaxed: its thread reads it after the flag, which is set after this.
        self.token.store(token as u32, Relaxed);
    }

    /// Wakes its thread. The caller has taken it out of its queue, and touches it no more.
    pub(super) fn wake(&'static self) {
        self.flag.set();
    }
}

/// A waiter that this thread may park with.
pub(in crate::futex) struct WaiterHandle {
    pub(super) waiter: &'static Waiter,
}

/// The end of an epoch of a waiter's flag, for which its thread sleeps.
#[derive(Clone, Copy)]
#[must_use]
pub(super) struct WaitEpoch(Epoch);

impl WaiterHandle {
    /// The present epoch, to be asked for before the waiter is queued.
    pub(super) fn epoch(&self) -> WaitEpoch {
        WaitEpoch(self.waiter.flag.epoch())
    }

    /// Sleeps until unparked, which may have happened already, and answers the token; `None` at the deadline.
    pub(super) fn await_unpark(&self, epoch: WaitEpoch, deadline: Option<Instant>) -> Option<UnparkToken> {
        self.waiter.flag.sleep(epoch.0, deadline).then(|| self.token())
    }

    /// Whether it has been unparked.
    pub(super) fn is_unparked(&self, epoch: WaitEpoch) -> bool {
        self.waiter.flag.is_set(epoch.0)
    }

    fn token(&self) -> UnparkToken {
        // Relaxed: read after the flag, which was set after it was stored.
        match self.waiter.token.load(Relaxed) {
            NOTIFIED => UnparkToken::Notified,
            DEPUTY => UnparkToken::WokenAsDeputy,
            _ => UnparkToken::HandedOff,
        }
    }
}

global! {
    /// The waiters of no thread.
    fn pool() -> Pool<Waiter> = Pool::new(Stack::EMPTY);
}

// SAFETY: `below` is what was noted last: the links of a waiter in the pool are the pool's (module comment).
unsafe impl Pooled for Waiter {
    unsafe fn below(&self) -> Option<NonNull<Self>> {
        self.links().next.map(NonNull::from)
    }

    unsafe fn set_below(&self, below: Option<NonNull<Self>>) {
        self.relink(|links| {
            *links = Links {
                // SAFETY: what is in a pool of waiters was made by `make`, and lives for ever.
                next: below.map(|below| unsafe { below.as_ref() }),
                ..Links::NONE
            };
        });
    }
}

per_thread! {
    /// The waiter that this thread parked with last.
    static CACHED: Cached = Cached(Cell::new(None));
}

struct Cached(Cell<Option<&'static Waiter>>);

impl Drop for Cached {
    fn drop(&mut self) {
        if let Some(waiter) = self.0.take() {
            give_to_pool(waiter);
        }
    }
}

/// Lends a waiter to `park`.
pub(in crate::futex) fn with_waiter<R>(park: impl FnOnce(&WaiterHandle) -> R) -> R {
    let waiter = take_free().unwrap_or_else(make);
    let result = park(&WaiterHandle { waiter });
    // In a model each thread returns it at once: the simulated pool does not outlive the main thread.
    let replaced = if hint::tuned(true, false) {
        CACHED.try_with(|cached| cached.0.replace(Some(waiter)))
    } else {
        Ok(Some(waiter))
    };
    // What was cached already; past the thread's destructors this waiter.
    if let Some(spare) = replaced.unwrap_or(Some(waiter)) {
        give_to_pool(spare);
    }
    result
}

fn take_free() -> Option<&'static Waiter> {
    let cached = CACHED.try_with(|cached| cached.0.take()).ok().flatten();
    cached.or_else(|| {
        super::table::ensure_own();
        // SAFETY: made by `make`, lives for ever, and is no longer in the pool.
        pool().with(Stack::pop).map(|waiter| unsafe { waiter.as_ref() })
    })
}

fn make() -> &'static Waiter {
    // SAFETY: it lives for ever.
    unsafe { immortal(Waiter::new()).as_ref() }
}

/// In the child of a fork another thread may have been in the middle of changing the pool. Its waiters are left alone.
pub(super) fn forget_pool() {
    // SAFETY: the child has one thread, which is here.
    unsafe { pool().reset(Stack::EMPTY) };
}

fn give_to_pool(waiter: &'static Waiter) {
    super::table::ensure_own();
    pool().with(|pool| {
        // SAFETY: 1: its thread waits no more and it is in no queue, so that it is the caller's; 2: waiters live for ever.
        unsafe { pool.push(NonNull::from(waiter)) };
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::thread;

    /// There are as many waiters as threads are parked at one time, however many threads have ever been.
    #[test]
    fn the_waiter_of_a_thread_that_has_ended_is_used_again() {
        const THREADS: usize = 100;
        let waiters: BTreeSet<_> = (0..THREADS)
            .map(|_| thread::spawn(|| with_waiter(|waiter| core::ptr::from_ref(waiter.waiter).addr())))
            .map(|thread| thread.join().expect("it only asks for a waiter"))
            .collect();
        // Threads of other tests take some, and give them back.
        assert!(
            waiters.len() <= THREADS / 2,
            "{} waiters for one thread at a time",
            waiters.len()
        );
    }
}
