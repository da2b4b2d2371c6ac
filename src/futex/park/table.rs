//! The parking table: buckets of queues, found by key, in static memory that all locks share (Pizlo, "Locking in WebKit",
//! 2016). So a lock is a word, however many threads wait for it.
//!
//! A bucket chains the queues of its keys by their first waiters; so a waiter of one lock never walks past the waiters of
//! another, only past their queues.
//!
//! **Announcements.** A holder that unlocks with a plain store looks afterwards whether a waiter relies on that: whether the
//! key is announced. The look must neither take a lock nor be misled by other locks, so announcements have a table
//! of their own: each of its words is the number of announced keys, and the sum of their tags. A single announcement
//! whose tag is another's is no concern of the holder. A key is announced while a waiter relies on a holder that unlocks
//! so, that is from when a lock becomes contended to that unlock.

use crossbeam_utils::CachePadded;

use crate::backend::atomic::{AtomicUsize, Relaxed};
use crate::backend::time::Instant;
use crate::backend::{BUCKETS, array, bucket, const_fn, fork, global};
use crate::internal::WordLock;

use super::key::Key;
use super::queue::Queue;
use super::waiter::Waiter;

global! {
    fn buckets() -> [WordLock<Bucket>; BUCKETS] = array![WordLock::new(Bucket::new()); BUCKETS];
    fn announcements() -> CachePadded<[AtomicUsize; BUCKETS]> = CachePadded::new(array![AtomicUsize::new(0); BUCKETS]);
    /// Those of draining writers: no reader is to be slowed down by what others are parked for.
    fn drains() -> CachePadded<[AtomicUsize; BUCKETS]> = CachePadded::new(array![AtomicUsize::new(0); BUCKETS]);
}

/// What a bucket knows of a queue: kept in the queue's first waiter.
#[derive(Clone, Copy)]
pub(super) struct Header {
    entry: Entry,
    /// The first waiter of the next queue in the bucket.
    next: Option<&'static Waiter>,
}

impl Header {
    pub(super) const NONE: Self = Header {
        entry: Entry::NONE,
        next: None,
    };
}

/// The waiters of one key, and how matters stand with them.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) queue: Queue,
    /// The key is announced.
    announced: bool,
    /// When a waiter was last unparked, or waiters were moved here. `None` for a queue that was empty until a thread parked: one that
    /// has lost and is alone need not wait for its turn.
    pub(super) last_turn: Option<Instant>,
}

impl Entry {
    const NONE: Self = Entry {
        queue: Queue::EMPTY,
        announced: false,
        last_turn: None,
    };

    pub(super) fn is_announced(&self) -> bool {
        self.announced
    }

    /// Announces the key, until [`retract`](Self::retract) or the queue is empty.
    pub(super) fn announce(&mut self, key: Key) {
        if !self.announced {
            self.announced = true;
            add_announcement(key);
        }
    }

    pub(super) fn retract(&mut self, key: Key) {
        if self.announced {
            self.announced = false;
            subtract_announcement(key);
        }
    }
}

/// The queues of some keys.
pub(super) struct Bucket {
    /// The first waiter of the first queue. The queue that was not touched for longest comes first.
    first: Option<&'static Waiter>,
    /// The first waiter of the last queue.
    last: Option<&'static Waiter>,
}

impl Bucket {
    const_fn! {
        const fn new() -> Self {
            Bucket { first: None, last: None }
        }
    }

    /// Takes the entry of `key` out; an empty one if there is none.
    fn take(&mut self, key: Key) -> Entry {
        let mut before: Option<&'static Waiter> = None;
        let mut next = self.first;
        while let Some(waiter) = next {
            let header = waiter.links().header;
            if waiter.key() == Some(key) {
                match before {
                    Some(before) => before.relink(|links| links.header.next = header.next),
                    None => self.first = header.next,
                }
                if header.next.is_none() {
                    self.last = before;
                }
                return header.entry;
            }
            before = next;
            next = header.next;
        }
        Entry::NONE
    }

    /// Puts it back, if there are waiters.
    fn put(&mut self, key: Key, mut entry: Entry) {
        match entry.queue.first {
            Some(first) => {
                first.relink(|links| links.header = Header { entry, next: None });
                match self.last.replace(first) {
                    Some(last) => last.relink(|links| links.header.next = Some(first)),
                    None => self.first = Some(first),
                }
            }
            None => entry.retract(key),
        }
    }
}

/// Lends the entry of `key`, under the lock of its bucket.
#[track_caller]
pub(super) fn with_entry<R>(key: Key, act: impl FnOnce(&mut Entry) -> R) -> R {
    ensure_own();
    let place = place(key);
    buckets()[place].with(|bucket| {
        let mut entry = bucket.take(key);
        let result = act(&mut entry);
        bucket.put(key, entry);
        result
    })
}

#[inline]
#[track_caller]
fn place(key: Key) -> usize {
    bucket(key.hash(), key.kind())
}

/// How many bits of a word count, in the others are tags.
const HALF: u32 = usize::BITS / 2;

/// What an announcement of `key` adds to its word: one, and its tag.
#[inline]
fn announcement(key: Key) -> usize {
    (key.hash() as usize) << HALF | 1
}

#[inline]
#[track_caller]
fn word_of<R>(key: Key, act: impl FnOnce(&AtomicUsize) -> R) -> R {
    let place = place(key);
    if key.kind_is_drain() {
        act(&drains()[place])
    } else {
        act(&announcements()[place])
    }
}

#[track_caller]
pub(super) fn add_announcement(key: Key) {
    ensure_own();
    // Relaxed: ordered by the fence pair. An RMW, since other keys are announced here too.
    word_of(key, |word| word.fetch_add(announcement(key), Relaxed));
}

/// To be called before the table or the pool of waiters is used.
#[inline]
pub(super) fn ensure_own() {
    static TABLE: fork::OwnMemory = fork::OwnMemory::with_mark(0);
    TABLE.ensure(forget_threads);
}

/// In the child of a fork no other thread is parked or announced: a lock must be handed to none, nor sent to a bucket whose lock was
/// held.
fn forget_threads() {
    for word in announcements().iter().chain(drains().iter()) {
        // Relaxed: the child has one thread.
        word.store(0, Relaxed);
    }
    for bucket in buckets().iter() {
        // SAFETY: the child has one thread, which is here.
        unsafe { bucket.reset(Bucket::new()) };
    }
    super::waiter::forget_pool();
}

#[track_caller]
pub(super) fn subtract_announcement(key: Key) {
    // Relaxed: as in `add_announcement`.
    word_of(key, |word| word.fetch_sub(announcement(key), Relaxed));
}

/// Whether `key` is announced; also true if two others are that share its word.
#[inline]
#[track_caller]
pub(super) fn is_announced(key: Key) -> bool {
    // Relaxed: the caller has the fence pair between what it has stored and this look.
    let word = word_of(key, |word| word.load(Relaxed));
    word != 0 && (word == announcement(key) || word & (usize::MAX >> HALF) > 1)
}
