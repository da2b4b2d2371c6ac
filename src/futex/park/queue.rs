//! The waiters of one key, first come, first out: a doubly linked list through the waiters themselves.
//!
//! The thread that uses a queue has the lock of the bucket it is in, or has it alone. Its invariants:
//!
//! 1. `first` and `last` are both `None`, or neither is.
//! 2. From `first`, each waiter's `next` leads to the one behind it, and the last one's is `None`.
//! 3. `prev` is the reverse: of a waiter's `next`, `prev` is that waiter; of `first` it is `None`.
//! 4. A waiter is in one queue at most.
//! 5. Each waiter's key is that of the queue, while the queue is in the table.

use super::key::Key;
use super::table::Header;
use super::waiter::Waiter;

/// What a lock notes with a waiter, for the thread that takes it out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::futex) struct ParkToken(pub(in crate::futex) usize);

/// Where a waiter stands. In no queue, only `next` has a meaning: it links the pool.
#[derive(Clone, Copy)]
pub(super) struct Links {
    pub(super) prev: Option<&'static Waiter>,
    pub(super) next: Option<&'static Waiter>,
    pub(super) token: ParkToken,
    /// Of the first waiter of a queue in the table: what the bucket knows of that queue.
    pub(super) header: Header,
}

impl Links {
    pub(super) const NONE: Self = Links {
        prev: None,
        next: None,
        token: ParkToken(0),
        header: Header::NONE,
    };
}

/// A queue; see the invariants in the module comment.
#[derive(Clone, Copy)]
pub(in crate::futex) struct Queue {
    pub(super) first: Option<&'static Waiter>,
    last: Option<&'static Waiter>,
}

impl Queue {
    pub(super) const EMPTY: Self = Queue {
        first: None,
        last: None,
    };

    pub(super) fn push_back(&mut self, waiter: &'static Waiter, key: Option<Key>, token: ParkToken) {
        waiter.set_key(key);
        waiter.relink(|links| {
            links.prev = self.last;
            links.next = None;
            links.token = token;
        });
        match self.last {
            Some(last) => last.relink(|links| links.next = Some(waiter)),
            None => self.first = Some(waiter),
        }
        self.last = Some(waiter);
    }

    pub(super) fn push_front(&mut self, waiter: &'static Waiter, key: Option<Key>, token: ParkToken) {
        waiter.set_key(key);
        waiter.relink(|links| {
            links.prev = None;
            links.next = self.first;
            links.token = token;
        });
        match self.first {
            Some(first) => first.relink(|links| links.prev = Some(waiter)),
            None => self.last = Some(waiter),
        }
        self.first = Some(waiter);
    }

    pub(super) fn pop_front(&mut self) -> Option<(&'static Waiter, ParkToken)> {
        let first = self.first?;
        self.remove(first);
        Some((first, first.links().token))
    }

    /// Takes `waiter` out, which is in this queue.
    pub(super) fn remove(&mut self, waiter: &'static Waiter) {
        let Links { prev, next, .. } = waiter.links();
        match prev {
            Some(prev) => prev.relink(|links| links.next = next),
            None => self.first = next,
        }
        match next {
            Some(next) => next.relink(|links| links.prev = prev),
            None => self.last = prev,
        }
        waiter.set_key(None);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The waiters, first to last. A waiter may be removed when the iterator has left it.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'static Waiter> + use<> {
        let mut next = self.first;
        core::iter::from_fn(move || {
            let waiter = next?;
            next = waiter.links().next;
            Some(waiter)
        })
    }
}
