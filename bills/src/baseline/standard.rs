//! `std::sync::{Mutex, RwLock}` where there is a futex: `library/std/src/sys/sync/{mutex,rwlock}/futex.rs`, of 2026.

use coherence::futex;
use coherence::hint::spin_loop;
use coherence::sync::atomic::AtomicU32;
use coherence::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// How often a waiter looks at the word before it sleeps, with a pause after each look.
const LOOKS: u32 = 100;

/// Looks until `enough` says so of the word, or `LOOKS` pauses have passed; answers with what was seen last.
fn spin_until(word: &AtomicU32, enough: impl Fn(u32) -> bool) -> u32 {
    for _ in 0..LOOKS {
        let seen = word.load(Relaxed);
        if enough(seen) {
            return seen;
        }
        spin_loop();
    }
    word.load(Relaxed)
}

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and a waiter may be asleep.
const CONTENDED: u32 = 2;

/// Three states and a futex; the kernel keeps the queue.
#[derive(Default)]
pub(crate) struct Mutex {
    word: AtomicU32,
}

impl Mutex {
    pub(crate) fn lock(&self) {
        if self.word.compare_exchange(FREE, HELD, Acquire, Relaxed).is_err() {
            self.lock_contended();
        }
    }

    fn lock_contended(&self) {
        let mut state = self.spin();
        if state == FREE {
            match self.word.compare_exchange(FREE, HELD, Acquire, Relaxed) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
        while state == CONTENDED || self.word.swap(CONTENDED, Acquire) != FREE {
            futex::wait(&self.word, CONTENDED, None);
            state = self.spin();
        }
    }

    /// A lock that others sleep for is not worth spinning for.
    fn spin(&self) -> u32 {
        spin_until(&self.word, |state| state != HELD)
    }

    pub(crate) fn unlock(&self) {
        if self.word.swap(FREE, Release) == CONTENDED {
            futex::wake(&self.word, 1);
        }
    }
}

/// The low 30 bits count readers; all ones are a writer.
const READER: u32 = 1;
const HOLDERS: u32 = (1 << 30) - 1;
const WRITER: u32 = HOLDERS;
const READERS_WAIT: u32 = 1 << 30;
const WRITERS_WAIT: u32 = 1 << 31;

/// Readers sleep on the state, writers on a count of notifications.
#[derive(Default)]
pub(crate) struct RwLock {
    state: AtomicU32,
    notifications: AtomicU32,
}

fn is_free(state: u32) -> bool {
    state & HOLDERS == 0
}

fn admits_readers(state: u32) -> bool {
    state & HOLDERS < HOLDERS - 1 && state & (READERS_WAIT | WRITERS_WAIT) == 0
}

impl RwLock {
    pub(crate) fn read(&self) {
        let state = self.state.load(Relaxed);
        if !admits_readers(state) || self.replace(state, state + READER).is_err() {
            self.read_contended();
        }
    }

    fn replace(&self, state: u32, new: u32) -> Result<u32, u32> {
        self.state.compare_exchange_weak(state, new, Acquire, Relaxed)
    }

    fn read_contended(&self) {
        let spin = || {
            spin_until(&self.state, |state| {
                state & HOLDERS != WRITER || state & (READERS_WAIT | WRITERS_WAIT) != 0
            })
        };
        let mut state = spin();
        loop {
            if admits_readers(state) {
                match self.replace(state, state + READER) {
                    Ok(_) => return,
                    Err(now) => state = now,
                }
                continue;
            }
            let awaited = state | READERS_WAIT;
            if state != awaited
                && let Err(now) = self.state.compare_exchange(state, awaited, Relaxed, Relaxed)
            {
                state = now;
                continue;
            }
            futex::wait(&self.state, awaited, None);
            state = spin();
        }
    }

    pub(crate) fn unlock_read(&self) {
        let state = self.state.fetch_sub(READER, Release) - READER;
        if is_free(state) && state & WRITERS_WAIT != 0 {
            self.wake(state);
        }
    }

    pub(crate) fn write(&self) {
        if self.replace(0, WRITER).is_err() {
            self.write_contended();
        }
    }

    fn write_contended(&self) {
        let spin = || spin_until(&self.state, |state| is_free(state) || state & WRITERS_WAIT != 0);
        let mut state = spin();
        // Once this writer has slept, it cannot know whether it was the only one.
        let mut others = 0;
        loop {
            if is_free(state) {
                match self.replace(state, state | WRITER | others) {
                    Ok(_) => return,
                    Err(now) => state = now,
                }
                continue;
            }
            if state & WRITERS_WAIT == 0
                && let Err(now) = self
                    .state
                    .compare_exchange(state, state | WRITERS_WAIT, Relaxed, Relaxed)
            {
                state = now;
                continue;
            }
            others = WRITERS_WAIT;
            let notifications = self.notifications.load(Acquire);
            state = self.state.load(Relaxed);
            if is_free(state) || state & WRITERS_WAIT == 0 {
                continue;
            }
            futex::wait(&self.notifications, notifications, None);
            state = spin();
        }
    }

    pub(crate) fn unlock_write(&self) {
        let state = self.state.fetch_sub(WRITER, Release) - WRITER;
        if state != 0 {
            self.wake(state);
        }
    }

    /// Wakes a writer, or all readers if no writer sleeps. A lock that is held again is its new holder's affair.
    fn wake(&self, mut state: u32) {
        if state == WRITERS_WAIT {
            match self.state.compare_exchange(state, 0, Relaxed, Relaxed) {
                Ok(_) => {
                    self.wake_writer();
                    return;
                }
                Err(now) => state = now,
            }
        }
        if state == READERS_WAIT | WRITERS_WAIT {
            let replaced = self.state.compare_exchange(state, READERS_WAIT, Relaxed, Relaxed);
            if replaced.is_err() || self.wake_writer() {
                return;
            }
            state = READERS_WAIT;
        }
        if state == READERS_WAIT && self.state.compare_exchange(state, 0, Relaxed, Relaxed).is_ok() {
            futex::wake(&self.state, usize::MAX);
        }
    }

    fn wake_writer(&self) -> bool {
        self.notifications.fetch_add(1, Release);
        futex::wake(&self.notifications, 1) > 0
    }
}
