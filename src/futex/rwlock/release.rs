//! How the lock is let go of, and who is woken then.

use core::cell::Cell;

use super::drain::drain;
use super::*;
use crate::backend::per_thread;
use crate::futex::lot::Queue;
use crate::futex::seat::Token;

/// At every how manieth busy write of a thread it looks whether the bucket may be quiet again.
const CALM: u32 = 128;

per_thread! {
    /// Busy writes of this thread, of whatever lock.
    static WRITES: Cell<u32> = Cell::new(0);
}

/// Sleepers that may come in together.
#[derive(Default)]
struct Group {
    readers: usize,
    upgradable: bool,
    writer: bool,
    sleepers: Queue,
}

impl RawRwLock {
    #[inline]
    pub(super) fn end_counted_read(&self) {
        let address = self.address();
        // Release: pairs with the Acquire in `enter` and `settle`. The next writer must come after what was read here;
        // Relaxed lets its writes overtake the reads (killed by `futex_rwlock::excludes`).
        let before = self.word.fetch_sub(READER, Release);
        if before & (READERS | ASLEEP) == READER | ASLEEP {
            wake_writer(address);
        }
    }

    /// A writer that gives up takes its bar away, and wakes the readers that it has held off. Others that wait for the
    /// upgradable reader do without the bar until they look again.
    pub(super) fn let_readers_in(&self) {
        let mut state = self.state();
        while state & WAITING != 0 {
            // Relaxed: it publishes nothing. An RMW, since others fall asleep; torn, it would take back that the owner
            // answers for them (killed by `futex_rwlock::a_writer_gives_up_against_an_upgradable_reader`).
            match self.word.compare_exchange(state, state & !WAITING, Relaxed, Relaxed) {
                Ok(_) => return self.wake_readers(),
                Err(now) => state = now,
            }
        }
    }

    /// Wakes the sleeping readers; the owner goes on answering for the others, or the upgradable reader that calls this
    /// now begins to.
    #[cold]
    pub(super) fn wake_readers(&self) {
        let queue = self.queue();
        let mut group = Group::default();
        lot::bucket(queue).with(|sleepers| {
            group.add_readers(sleepers, queue);
            let mut state = self.state();
            while sleepers.note(queue).is_some() && state & OWNER == UPGRADABLE && state & PARKED == 0 {
                // Relaxed: the queue is under the latch. An RMW, since readers come and go.
                match self.word.compare_exchange(state, state | PARKED, Relaxed, Relaxed) {
                    Ok(_) => return,
                    Err(now) => state = now,
                }
            }
        });
        group.wake(queue, Token::Notified, Token::Notified);
    }

    #[cold]
    pub(super) fn end_write_busy(&self, rest: usize) {
        let writes = WRITES.with(|count| {
            count.set(count.get().wrapping_add(1));
            count.get()
        });
        if writes.is_multiple_of(CALM) {
            lot::bucket(self.queue()).calm();
        }
        self.let_go(rest, false);
    }

    #[cold]
    pub(super) fn end_write_fair(&self) {
        if self.state() & BUSY != 0 {
            self.let_go(0, true);
        } else if lot::bucket(self.queue()).has_sleepers() {
            // Relaxed: the writer changes how it holds the lock, and lets go below.
            self.word.store(self.state() | BUSY, Relaxed);
            self.pass_on(0, true);
        } else {
            self.end_write(0);
        }
    }

    /// The owner lets go, stays as `rest`, and wakes whoever relies on it; hands the lock over to them if that is the wish.
    #[inline]
    pub(super) fn let_go(&self, rest: usize, to_a_sleeper: bool) {
        let mut state = self.state();
        while state & PARKED == 0 {
            // Release: as in `end_write` (killed by `futex_rwlock::biased_readers_exclude`).
            match self
                .word
                .compare_exchange(state, (state & LASTING) + rest, Release, Relaxed)
            {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
        self.pass_on(rest, to_a_sleeper);
    }

    #[cold]
    fn pass_on(&self, rest: usize, to_a_sleeper: bool) {
        let queue = self.queue();
        let mut group = Group::default();
        let (handed, next) = lot::bucket(queue).with(|sleepers| {
            let first = sleepers.note(queue).unwrap_or_default();
            if rest != UPGRADABLE {
                group.add_first(sleepers, queue);
            }
            if !group.writer {
                group.add_readers(sleepers, queue);
            }
            let more = sleepers.note(queue).is_some();
            let mut state = self.state();
            loop {
                let left = (state & LASTING) + rest;
                let handed =
                    (to_a_sleeper || first & Wish::URGENT != 0) && left / READER + group.readers <= MAX_READERS;
                let mut left = if handed { group.enter(left) } else { left };
                if more && left & OWNER != 0 {
                    left |= PARKED;
                }
                // Release: as in `end_write` (killed by `futex_rwlock::writers_exclude`).
                match self.word.compare_exchange(state, left, Release, Relaxed) {
                    Ok(_) => break (handed, more && handed && left & OWNER == 0),
                    Err(now) => state = now,
                }
            }
        });
        if handed {
            group.wake(queue, Token::Handed, Token::Handed);
        } else if rest == UPGRADABLE {
            group.wake(queue, Token::Notified, Token::Notified);
        } else {
            group.wake(queue, Token::Woken, Token::Notified);
        }
        if next {
            wake_next(queue);
        }
    }
}

impl Group {
    /// Takes the first sleeper.
    fn add_first(&mut self, sleepers: &mut Queue, queue: usize) {
        if let Some((sleeper, note)) = sleepers.pop_noted(queue, |_| true) {
            self.readers += usize::from(Wish::Read.is_noted(note));
            self.upgradable = Wish::Upgradable.is_noted(note);
            self.writer = Wish::Write.is_noted(note);
            self.sleepers.append(sleeper, 0, 0);
        }
    }

    /// Takes all readers.
    fn add_readers(&mut self, sleepers: &mut Queue, queue: usize) {
        while let Some((sleeper, _)) = sleepers.pop_noted(queue, |note| Wish::Read.is_noted(note)) {
            self.readers += 1;
            self.sleepers.append(sleeper, 0, 0);
        }
    }

    /// The word when all of them come in.
    fn enter(&self, state: usize) -> usize {
        let state = state + self.readers * READER;
        match self {
            Group { upgradable: true, .. } => state | UPGRADABLE,
            Group { writer: false, .. } => state,
            _ if state & (READERS | SPREAD) != 0 => state | WRITER | BUSY | DRAINING,
            _ => state | WRITER | BUSY,
        }
    }

    /// Wakes all of them.
    fn wake(mut self, queue: usize, first: Token, others: Token) {
        let mut token = first;
        while let Some((sleeper, _)) = self.sleepers.take() {
            lot::bucket(queue).relax();
            sleeper.wake(token);
            token = others;
        }
    }
}

/// Wakes who may come in next, and with the first of them somebody who answers for the others.
#[cold]
pub(super) fn wake_next(queue: usize) {
    let mut group = Group::default();
    lot::bucket(queue).with(|sleepers| {
        group.add_first(sleepers, queue);
        if !group.writer {
            group.add_readers(sleepers, queue);
        }
    });
    group.wake(queue, Token::Woken, Token::Notified);
}

/// Wakes the writer that drains the lock at `address`, if it sleeps.
#[cold]
pub(super) fn wake_writer(address: usize) {
    let key = drain(address);
    if let Some(writer) = lot::bucket(key).pop(key, |_, _| {}) {
        writer.wake(Token::Notified);
    }
}
