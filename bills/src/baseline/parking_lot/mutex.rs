//! The mutex: a bit that says that it is locked, and one that says that threads are parked for it.

use coherence::sync::atomic::AtomicU32;
use coherence::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::spin_wait::SpinWait;
use super::table::{Table, Unparked};
use super::{TOKEN_HANDOFF, TOKEN_NORMAL, Version};
use crate::baseline::Apart;

const LOCKED: u32 = 1;
const PARKED: u32 = 2;

pub(crate) struct Mutex {
    state: Apart<AtomicU32>,
    table: Table,
}

impl Mutex {
    pub(crate) fn new(threads: usize, version: Version) -> Self {
        Mutex {
            state: Apart::default(),
            table: Table::new(threads, 1, version),
        }
    }

    fn replace(&self, state: u32, new: u32) -> Result<u32, u32> {
        self.state.0.compare_exchange_weak(state, new, Acquire, Relaxed)
    }

    pub(crate) fn lock(&self) {
        if self.replace(0, LOCKED).is_err() {
            self.lock_contended();
        }
    }

    fn lock_contended(&self) {
        let word = &self.state.0;
        let mut spin_wait = SpinWait::new(self.table.version());
        let mut state = word.load(Relaxed);
        loop {
            if state & LOCKED == 0 {
                match self.replace(state, state | LOCKED) {
                    Ok(_) => return,
                    Err(now) => state = now,
                }
                continue;
            }
            if state & PARKED == 0 && spin_wait.spin() {
                state = word.load(Relaxed);
                continue;
            }
            if state & PARKED == 0
                && let Err(now) = word.compare_exchange_weak(state, state | PARKED, Relaxed, Relaxed)
            {
                state = now;
                continue;
            }
            let validate = || word.load(Relaxed) == LOCKED | PARKED;
            if self.table.park(0, TOKEN_NORMAL, validate) == Some(TOKEN_HANDOFF) {
                return;
            }
            spin_wait.reset();
            state = word.load(Relaxed);
        }
    }

    pub(crate) fn unlock(&self) {
        match self.table.version() {
            Version::V0_12 => {
                let word = &self.state.0;
                if word.compare_exchange(LOCKED, 0, Release, Relaxed).is_err() {
                    self.table.unpark_one(0, |unparked| self.let_go(unparked));
                }
            }
            Version::V0_13 => {
                if self.state.0.fetch_sub(LOCKED, Release) & PARKED != 0 {
                    self.table.unpark_one(0, |unparked| {
                        if !unparked.more {
                            self.state.0.fetch_and(!PARKED, Relaxed);
                        }
                        TOKEN_NORMAL
                    });
                }
            }
        }
    }

    /// Lets the lock go, as 0.12 does under the lock of the bucket: to the thread that is woken, if it is time to be
    /// fair.
    fn let_go(&self, unparked: &Unparked) -> u32 {
        let word = &self.state.0;
        if unparked.threads > 0 && unparked.be_fair {
            if !unparked.more {
                word.store(LOCKED, Relaxed);
            }
            return TOKEN_HANDOFF;
        }
        word.store(if unparked.more { PARKED } else { 0 }, Release);
        TOKEN_NORMAL
    }
}
