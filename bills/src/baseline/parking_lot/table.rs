//! The parking table: a queue of parked threads in a bucket of its own for each key
//! (`parking_lot_core/src/parking_lot.rs`).
//!
//! The original finds the bucket by a hash of the key, in a table of three times as many buckets as threads; a lock
//! that is the only one of its process has each of its keys in a bucket of its own, almost always.

use core::time::Duration;

use coherence::futex;
use coherence::sync::atomic::Ordering::{Relaxed, Release};
use coherence::sync::atomic::{AtomicU32, AtomicU64};
use coherence::time::Instant;

use super::word_lock::WordLock;
use super::{NONE, Version, me};
use crate::baseline::Apart;

/// A thread that is parked, or was.
#[derive(Default)]
struct Parked {
    futex: AtomicU32,
    next: AtomicU32,
    park_token: AtomicU32,
    unpark_token: AtomicU32,
}

#[repr(align(128))]
struct Bucket {
    lock: WordLock,
    head: AtomicU32,
    tail: AtomicU32,
    /// When the next fair unlock is due, in nanoseconds, and the seed of the one after. Only 0.12 has them.
    fair_at: AtomicU64,
    seed: AtomicU32,
}

/// What an unlock learns as it takes threads out of a queue.
pub(super) struct Unparked {
    pub(super) threads: usize,
    pub(super) more: bool,
    /// Half a millisecond has passed since the last time, on average.
    pub(super) be_fair: bool,
}

pub(super) struct Table {
    version: Version,
    threads: Box<[Apart<Parked>]>,
    buckets: Box<[Bucket]>,
}

impl Table {
    pub(super) fn new(threads: usize, keys: usize, version: Version) -> Self {
        let bucket = |key: usize| Bucket {
            lock: WordLock::new(threads, version),
            head: AtomicU32::new(NONE),
            tail: AtomicU32::new(NONE),
            fair_at: AtomicU64::new(0),
            seed: AtomicU32::new(key as u32 + 1),
        };
        Table {
            version,
            threads: (0..threads).map(|_| Apart::default()).collect(),
            buckets: (0..keys).map(bucket).collect(),
        }
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    fn thread(&self, link: u32) -> &Parked {
        &self.threads[link as usize - 1].0
    }

    /// Parks the calling thread, if `validate` says so under the lock of the bucket; answers with the token of the
    /// unlock that has woken it.
    pub(super) fn park(&self, key: usize, park_token: u32, validate: impl FnOnce() -> bool) -> Option<u32> {
        let bucket = &self.buckets[key];
        let parked = self.thread(me());
        bucket.lock.lock();
        if !validate() {
            bucket.lock.unlock();
            return None;
        }
        parked.next.store(NONE, Relaxed);
        parked.park_token.store(park_token, Relaxed);
        parked.futex.store(1, Relaxed);
        match bucket.tail.load(Relaxed) {
            NONE => bucket.head.store(me(), Relaxed),
            tail => self.thread(tail).next.store(me(), Relaxed),
        }
        bucket.tail.store(me(), Relaxed);
        bucket.lock.unlock();
        super::sleep(&parked.futex);
        Some(parked.unpark_token.load(Relaxed))
    }

    /// Takes the first thread out; `callback` says, under the lock of the bucket, which token it gets.
    pub(super) fn unpark_one(&self, key: usize, callback: impl FnOnce(&Unparked) -> u32) {
        let mut first = true;
        self.unpark(key, |_| core::mem::take(&mut first), callback);
    }

    /// Takes threads out until `filter`, which is told the tokens that they have parked with, declines one.
    pub(super) fn unpark(
        &self,
        key: usize,
        mut filter: impl FnMut(u32) -> bool,
        callback: impl FnOnce(&Unparked) -> u32,
    ) {
        let bucket = &self.buckets[key];
        bucket.lock.lock();
        let mut chosen = vec![];
        let mut unparked = Unparked {
            threads: 0,
            more: false,
            be_fair: false,
        };
        let mut link = bucket.head.load(Relaxed);
        while link != NONE {
            if !filter(self.thread(link).park_token.load(Relaxed)) {
                unparked.more = true;
                break;
            }
            let next = self.thread(link).next.load(Relaxed);
            bucket.head.store(next, Relaxed);
            if next == NONE {
                bucket.tail.store(NONE, Relaxed);
            }
            chosen.push(link);
            link = next;
        }
        unparked.threads = chosen.len();
        unparked.be_fair = self.version == Version::V0_12 && unparked.threads > 0 && bucket.is_fairness_due();
        let token = callback(&unparked);
        for link in &chosen {
            let thread = self.thread(*link);
            thread.unpark_token.store(token, Relaxed);
            thread.futex.store(0, Release);
        }
        bucket.lock.unlock();
        for link in chosen {
            futex::wake(&self.thread(link).futex, 1);
        }
    }
}

impl Bucket {
    /// Whether the timer of fair unlocks has run out; if so, it is set anew, to up to a millisecond from now.
    fn is_fairness_due(&self) -> bool {
        let now = Instant::now() - Instant::START;
        if now <= Duration::from_nanos(self.fair_at.load(Relaxed)) {
            return false;
        }
        let mut seed = self.seed.load(Relaxed);
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        self.seed.store(seed, Relaxed);
        let due = now + Duration::from_nanos(u64::from(seed % 1_000_000));
        self.fair_at.store(due.as_nanos() as u64, Relaxed);
        true
    }
}
