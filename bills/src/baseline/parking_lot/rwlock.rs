//! The reader-writer lock: a count of readers, and a writer that claims it and then waits for them in a queue of its
//! own.

use core::cell::Cell;

use coherence::sync::atomic::AtomicU32;
use coherence::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::spin_wait::SpinWait;
use super::table::{Table, Unparked};
use super::{TOKEN_HANDOFF, TOKEN_NORMAL, Version};
use crate::baseline::Apart;

const PARKED: u32 = 1;
const WRITER_PARKED: u32 = 2;
const WRITER: u32 = 8;
const READER: u32 = 16;
const READERS: u32 = !(READER - 1);

/// The queue of those that wait for the lock, and that of the writer that waits for its readers.
const MAIN: usize = 0;
const DRAIN: usize = 1;

pub(crate) struct RwLock {
    state: Apart<AtomicU32>,
    table: Table,
}

impl RwLock {
    pub(crate) fn new(threads: usize, version: Version) -> Self {
        RwLock {
            state: Apart::default(),
            table: Table::new(threads, 2, version),
        }
    }

    fn replace(&self, state: u32, new: u32) -> Result<u32, u32> {
        self.state.0.compare_exchange_weak(state, new, Acquire, Relaxed)
    }

    pub(crate) fn read(&self) {
        let state = self.state.0.load(Relaxed);
        if state & WRITER != 0 || self.replace(state, state + READER).is_err() {
            self.acquire(READER, |state| {
                let mut spin_wait = SpinWait::new(self.table.version());
                while *state & WRITER == 0 {
                    if self.replace(*state, *state + READER).is_ok() {
                        return true;
                    }
                    spin_wait.spin_without_yields();
                    *state = self.state.0.load(Relaxed);
                }
                false
            });
        }
    }

    pub(crate) fn unlock_read(&self) {
        let state = self.state.0.fetch_sub(READER, Release);
        if state & (READERS | WRITER_PARKED) == READER | WRITER_PARKED {
            self.table.unpark_one(DRAIN, |_| {
                self.state.0.fetch_and(!WRITER_PARKED, Relaxed);
                TOKEN_NORMAL
            });
        }
    }

    pub(crate) fn write(&self) {
        if self.replace(0, WRITER).is_err() {
            self.acquire(WRITER, |state| {
                while *state & WRITER == 0 {
                    match self.replace(*state, *state | WRITER) {
                        Ok(_) => return true,
                        Err(now) => *state = now,
                    }
                }
                false
            });
            // A writer to which the lock was handed over has the readers before it that were woken with it.
            self.wait_for_readers();
        }
    }

    /// Tries until it has the lock; parks with `token`, which is what it adds to the state.
    fn acquire(&self, token: u32, mut try_lock: impl FnMut(&mut u32) -> bool) {
        let word = &self.state.0;
        let mut spin_wait = SpinWait::new(self.table.version());
        let mut state = word.load(Relaxed);
        while !try_lock(&mut state) {
            if state & (PARKED | WRITER_PARKED) == 0 && spin_wait.spin() {
                state = word.load(Relaxed);
                continue;
            }
            if state & PARKED == 0
                && let Err(now) = word.compare_exchange_weak(state, state | PARKED, Relaxed, Relaxed)
            {
                state = now;
                continue;
            }
            let validate = || {
                let state = word.load(Relaxed);
                state & PARKED != 0 && state & WRITER != 0
            };
            if self.table.park(MAIN, token, validate) == Some(TOKEN_HANDOFF) {
                return;
            }
            spin_wait.reset();
            state = word.load(Relaxed);
        }
    }

    fn wait_for_readers(&self) {
        let word = &self.state.0;
        let mut spin_wait = SpinWait::new(self.table.version());
        let mut state = word.load(Acquire);
        while state & READERS != 0 {
            if spin_wait.spin() {
                state = word.load(Acquire);
                continue;
            }
            if state & WRITER_PARKED == 0
                && let Err(now) = word.compare_exchange_weak(state, state | WRITER_PARKED, Acquire, Acquire)
            {
                state = now;
                continue;
            }
            let validate = || {
                let state = word.load(Relaxed);
                state & READERS != 0 && state & WRITER_PARKED != 0
            };
            self.table.park(DRAIN, WRITER, validate);
            state = word.load(Acquire);
        }
    }

    pub(crate) fn unlock_write(&self) {
        let word = &self.state.0;
        match self.table.version() {
            Version::V0_12 => {
                if word.compare_exchange(WRITER, 0, Release, Relaxed).is_err() {
                    self.wake(|new, unparked| self.let_go(new, unparked));
                }
            }
            Version::V0_13 => {
                if word.fetch_sub(WRITER, Release) & PARKED != 0 {
                    self.wake(|_, unparked| {
                        if !unparked.more {
                            word.fetch_and(!PARKED, Relaxed);
                        }
                        TOKEN_NORMAL
                    });
                }
            }
        }
    }

    /// Wakes the readers up to the first writer, and it; `callback` is told what they add to the state.
    fn wake(&self, callback: impl FnOnce(u32, &Unparked) -> u32) {
        let new = Cell::new(0);
        let filter = |token: u32| {
            let goes = new.get() & WRITER == 0;
            if goes {
                new.set(new.get() + token);
            }
            goes
        };
        self.table
            .unpark(MAIN, filter, |unparked| callback(new.get(), unparked));
    }

    /// Lets the lock go, as 0.12 does under the lock of the bucket: to the threads that are woken, if it is time to be
    /// fair.
    fn let_go(&self, new: u32, unparked: &Unparked) -> u32 {
        let parked = if unparked.more { PARKED } else { 0 };
        let fair = unparked.threads > 0 && unparked.be_fair;
        self.state.0.store(if fair { new | parked } else { parked }, Release);
        if fair { TOKEN_HANDOFF } else { TOKEN_NORMAL }
    }
}
