//! The paths of [`RawRwLock`] that wait, wake, count or keep the lock warm.

use core::cell::Cell;
use core::time::Duration;

use super::*;
use crate::backend::atomic::fence;
use crate::backend::{hint, per_thread, thread};
use crate::futex::lot::Queue;
use crate::futex::seat::{Seat, Token};
use crate::wait::LockBackoff;

/// How long a thread waits before it asks to be handed the lock.
const PATIENCE: Duration = Duration::from_millis(1);
/// At every how manieth busy write of a thread it looks whether the bucket may be quiet again.
const CALM: u32 = 128;
/// At every how manieth read of a thread that is not biased the lock gets hotter.
const SAMPLE: u32 = if hint::patience(1) == 0 { 1 } else { 64 };
/// How much hotter, where each write makes it cooler by one: readers spread out if there are more than eight to a write.
const HOT: usize = 8;
/// The heat at which they do; at none they come back to the word.
const BOILING: usize = if hint::patience(1) == 0 { 2 } else { 15 };
/// At every how manieth such read it becomes a degree less cold, or biased.
const DEGREE: u32 = if hint::patience(1) == 0 { 1 } else { 2048 };
/// What a read that is not biased costs, roughly, in nanoseconds.
const READ: u128 = 10;
/// How many times the cost of a withdrawal has to be spent on such reads before the next.
const WORTH: u128 = 9;
/// How much colder a lock is made by a write.
pub(super) const WRITE: usize = hint::patience(1) as usize;
/// The word of a lock that is new, or has just been written often.
pub(super) const NEW: usize = if WRITE == 0 { 0 } else { COLD };

per_thread! {
    /// Busy writes of this thread, of whatever lock.
    static WRITES: Cell<u32> = Cell::new(0);
    /// Reads of this thread that were not biased, of whatever lock.
    static READS: Cell<u32> = Cell::new(0);
}

/// What a thread waits for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wish {
    Read,
    Upgradable,
    Write,
}

impl Wish {
    /// Beside a wish, in a sleeper's note: it has waited for long enough to be handed the lock.
    const URGENT: usize = 4;

    #[inline]
    pub(super) fn is_admitted(self, state: usize) -> bool {
        let barred = if self == Wish::Read { WRITER | WAITING } else { OWNER };
        state & barred == 0
    }

    #[inline]
    fn is_noted(self, note: usize) -> bool {
        note & !Self::URGENT == self as usize
    }
}

/// A thread that has not got the lock at once.
#[derive(Default)]
struct Contender {
    backoff: LockBackoff,
    /// It has been woken, and answers for those who sleep.
    answers: bool,
    /// When its patience ends.
    limit: Option<Instant>,
}

/// What has come of a thread's way to bed.
enum Slept {
    /// There was no need.
    Awake,
    Told(Token),
    TimedOut,
}

/// Sleepers that may come in together.
#[derive(Default)]
struct Group {
    readers: usize,
    upgradable: bool,
    writer: bool,
    sleepers: Queue,
}

/// The address at which the writer that drains the lock at `address` sleeps.
#[inline]
pub(super) fn drain(address: usize) -> usize {
    address + 2
}

impl RawRwLock {
    /// The address at which everybody else sleeps.
    #[inline]
    pub(super) fn queue(&self) -> usize {
        self.address() + 1
    }

    /// Reads, counted in the word.
    #[inline]
    pub(super) fn read_counted(&self, state: usize) -> Option<Share> {
        self.enter(state, Wish::Read, |state| {
            assert_room(has_room(state, Wish::Read));
            state + READER
        })?;
        self.note_read();
        Some(Share::COUNTED)
    }

    /// Counts a read that is not biased. Called by a reader inside.
    #[inline]
    pub(super) fn note_read(&self) {
        let reads = READS.with(|count| {
            count.set(count.get().wrapping_add(1));
            count.get()
        });
        if reads.is_multiple_of(SAMPLE) {
            self.warm(reads);
        }
    }

    /// Makes the lock hotter, and a degree less cold; or lets readers spread out, or be biased.
    #[cold]
    fn warm(&self, reads: u32) {
        let mut state = self.state();
        while state & (WRITER | BIASED) == 0 {
            let warmer = warmer(state, reads.is_multiple_of(DEGREE));
            if warmer == state {
                return;
            }
            // Relaxed: who reads by it acquires from the last writer, whose release sequence this continues, as an RMW.
            match self.word.compare_exchange(state, warmer, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
    }

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

    #[cold]
    pub(super) fn read_contended(&self) -> Share {
        self.wait(Wish::Read, None);
        Share::COUNTED
    }

    #[cold]
    pub(super) fn read_until(&self, deadline: Option<Instant>) -> Option<Share> {
        self.wait(Wish::Read, deadline).then_some(Share::COUNTED)
    }

    #[inline]
    pub(super) fn upgradable_now(&self) -> bool {
        let entered = self.enter(self.state(), Wish::Upgradable, |state| {
            assert_room(has_room(state, Wish::Upgradable));
            state | UPGRADABLE
        });
        entered.is_some()
    }

    #[cold]
    pub(super) fn upgradable_contended(&self, deadline: Option<Instant>) -> bool {
        self.wait(Wish::Upgradable, deadline)
    }

    #[inline]
    pub(super) fn write_until(&self, deadline: Option<Instant>) -> bool {
        match self.write_spread() {
            Some(true) => true,
            Some(false) => self.drain(deadline, 0),
            None => self.write_contended(deadline),
        }
    }

    /// Claims a lock that nobody holds but perhaps readers in slots, which are fenced; answers whether there are none.
    #[inline]
    fn write_spread(&self) -> Option<bool> {
        let state = self.state();
        if state & !PAST != SPREAD {
            return None;
        }
        let claimed = self.claimed(state);
        // Acquire: as in `enter` (Survivor: no model tells).
        self.word.compare_exchange(state, claimed, Acquire, Relaxed).ok()?;
        // SeqCst: pairs with the fence in `read_in_slot` (killed by `futex_rwlock::spread_readers_exclude`).
        fence_after_rmw(SeqCst);
        Some(claimed & HEAT != 0 && !readers::any(self.address()))
    }

    #[cold]
    fn write_contended(&self, deadline: Option<Instant>) -> bool {
        self.wait(Wish::Write, deadline) && self.drain(deadline, 0)
    }

    #[inline]
    pub(super) fn upgrade_until(&self, deadline: Option<Instant>) -> bool {
        self.upgrade_claim() && self.drain(deadline, UPGRADABLE)
    }

    /// The upgradable reader claims the lock.
    fn upgrade_claim(&self) -> bool {
        let mut state = self.state();
        loop {
            // Acquire: as in `enter` (Survivor: no model tells). An RMW, since readers come and go.
            match self.word.compare_exchange(state, self.claimed(state), Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
    }

    /// Claims the lock if nobody holds it but `mine`: nothing, or `UPGRADABLE`.
    #[cold]
    pub(super) fn try_claim(&self, mine: usize) -> bool {
        let mut state = self.state();
        loop {
            if state & (OWNER | READERS) != mine || self.is_read_in_slots(state) {
                return false;
            }
            // Acquire: as in `enter` (Survivor: no model tells).
            match self.word.compare_exchange(state, self.claimed(state), Acquire, Relaxed) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        if state & SPREAD == 0 {
            return true;
        }
        let degrees = self.fence_slots();
        let is_drained = self.is_drained();
        if is_drained {
            self.settle(degrees);
        } else {
            self.end_write(mine);
        }
        is_drained
    }

    /// Waits for the lock, until it is counted as a reader or has become its owner.
    fn wait(&self, wish: Wish, deadline: Option<Instant>) -> bool {
        let mut me = Contender::default();
        loop {
            let state = self.state();
            if wish.is_admitted(state) && self.enter_contended(state, wish, &mut me) {
                return true;
            }
            let is_late = deadline.is_some_and(hint::is_late);
            if is_late && !me.answers {
                break;
            }
            if !is_late && me.backoff.wait() {
                continue;
            }
            // Also if it is late: going to bed lets the owner answer for the others.
            match self.sleep(wish, &mut me, deadline) {
                Slept::Awake => {}
                Slept::Told(Token::Handed) => return true,
                Slept::Told(token) => me.answers = token == Token::Woken,
                Slept::TimedOut => break,
            }
            me.backoff = LockBackoff::default();
        }
        if wish == Wish::Write {
            self.let_readers_in();
        }
        false
    }

    fn enter_contended(&self, state: usize, wish: Wish, me: &mut Contender) -> bool {
        if !has_room(state, wish) && me.answers {
            wake_next(self.queue());
            me.answers = false;
        }
        let answer = if me.answers { PARKED } else { 0 };
        match wish {
            Wish::Read => {
                let entered = self.read_counted(state).is_some();
                if entered && me.answers {
                    wake_next(self.queue());
                }
                entered
            }
            Wish::Upgradable => {
                let entered = self.enter(state, wish, |state| {
                    assert_room(has_room(state, wish));
                    state | UPGRADABLE | answer
                });
                entered.is_some()
            }
            Wish::Write => self.enter(state, wish, |state| self.claimed(state | answer)).is_some(),
        }
    }

    /// Waits until the readers have left a lock that this thread has claimed. At the deadline the claim is taken back, but
    /// for `mine`.
    fn drain(&self, deadline: Option<Instant>, mine: usize) -> bool {
        if self.state() & (DRAINING | SPREAD) == 0 {
            return true;
        }
        let degrees = self.fence_slots();
        let mut backoff = LockBackoff::default();
        loop {
            if self.is_drained() {
                self.settle(degrees);
                return true;
            }
            let is_late = deadline.is_some_and(hint::is_late);
            if !is_late && backoff.wait() {
                continue;
            }
            if is_late || !self.doze(deadline) {
                self.end_write(mine);
                return false;
            }
        }
    }

    /// Fences the claim against readers in slots; answers how much colder that makes the lock.
    fn fence_slots(&self) -> usize {
        let state = self.state();
        if state & BIASED == 0 {
            // SeqCst: pairs with the fence in `read_in_slot`. This thread sees the slots of those who have not seen its
            // claim (Survivor: no model tells).
            fence(SeqCst);
            return 0;
        }
        let start = Instant::now();
        // SeqCst: pairs with `light` in `read_in_slot`; the same (killed by `futex_rwlock::biased_readers_exclude`).
        asymmetric::heavy();
        let degrees = start.elapsed().as_nanos() * WORTH / READ / u128::from(DEGREE);
        WRITE * usize::try_from(degrees).unwrap_or(usize::MAX).clamp(1, COLD / COLDER)
    }

    fn is_drained(&self) -> bool {
        let state = self.state();
        state & READERS == 0 && !self.is_read_in_slots(state)
    }

    /// The writer is inside.
    fn settle(&self, degrees: usize) {
        let mut state = self.state();
        loop {
            let mut settled = colder(state & !(DRAINING | ASLEEP | BIASED), degrees);
            if state & HEAT == 0 {
                settled &= !SPREAD;
            }
            // Acquire: pairs with the Release in `end_counted_read`. The writer must come after what was read; Relaxed lets
            // its writes overtake the reads (killed by `futex_rwlock::excludes`). An RMW, since others fall asleep.
            match self.word.compare_exchange(state, settled, Acquire, Relaxed) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
    }

    /// The writer that drains sleeps until a reader leaves; false if the deadline has come first.
    fn doze(&self, deadline: Option<Instant>) -> bool {
        let key = drain(self.address());
        Seat::lend(|seat| {
            let bucket = lot::bucket(key);
            bucket.announce();
            if self.state() & SPREAD != 0 {
                // SeqCst: pairs with `light` in `leave_slot` (killed by `futex_rwlock::biased_readers_exclude`).
                asymmetric::heavy();
            }
            let ticket = bucket.with(|queue| (!self.falls_asleep()).then(|| queue.push(seat, key, 0)));
            let Some(ticket) = ticket else {
                bucket.relax();
                return true;
            };
            if seat.sleep(ticket, deadline) {
                return true;
            }
            if seat.leave(key, || {}) {
                bucket.relax();
                return self.is_drained();
            }
            // Somebody has taken it out of the queue to wake it, and is about to.
            seat.sleep(ticket, None)
        })
        .unwrap_or_else(|| {
            thread::yield_now();
            true
        })
    }

    /// Makes the last reader in the word wake this thread; true if there is no reader left to do so.
    fn falls_asleep(&self) -> bool {
        let mut state = self.state();
        while state & READERS != 0 {
            // Relaxed: the queue is under the latch. An RMW, so that the last reader sees it or has left before; torn, it
            // would count a reader that has left (killed by `futex_rwlock::excludes`).
            match self.word.compare_exchange(state, state | ASLEEP, Relaxed, Relaxed) {
                Ok(_) => return false,
                Err(now) => state = now,
            }
        }
        !self.is_read_in_slots(state)
    }

    /// Sleeps until woken, unless it turns out that there is no need to wait.
    fn sleep(&self, wish: Wish, me: &mut Contender, deadline: Option<Instant>) -> Slept {
        let note = match me.limit {
            Some(limit) if time::has_passed(limit) => wish as usize | Wish::URGENT,
            Some(_) => wish as usize,
            None => {
                me.limit = time::after(PATIENCE);
                wish as usize
            }
        };
        Seat::lend(|seat| self.sleep_in(seat, wish, note, me, deadline)).unwrap_or_else(|| {
            thread::yield_now();
            Slept::Awake
        })
    }

    fn sleep_in(&self, seat: &Seat, wish: Wish, note: usize, me: &mut Contender, deadline: Option<Instant>) -> Slept {
        let bucket = lot::bucket(self.queue());
        bucket.announce();
        let mut fenced = false;
        let ticket = loop {
            let relies = bucket.with(|queue| {
                let relies = self.relies_on_the_owner(wish, fenced)?;
                Ok(relies.then(|| queue.push(seat, self.queue(), note)))
            });
            match relies {
                Ok(ticket) => break ticket,
                Err(QuietWriter) => {
                    // SeqCst: pairs with `light` in `end_write`. A quiet writer sees the announcement when it looks, or
                    // this thread sees that it has let go (killed by `futex_rwlock::excludes`).
                    asymmetric::heavy();
                    fenced = true;
                }
            }
        };
        let Some(ticket) = ticket else {
            bucket.relax();
            return Slept::Awake;
        };
        me.answers = false;
        if !seat.sleep(ticket, deadline) {
            if seat.leave(self.queue(), || {}) {
                bucket.relax();
                return Slept::TimedOut;
            }
            // Somebody has taken it out of the queue to wake it, and is about to.
            seat.sleep(ticket, None);
        }
        Slept::Told(seat.token())
    }

    /// Makes the owner answer for this thread, unless there is none that bars it. A quiet writer does if a fence lies
    /// between the announcement and this look. Called under the latch, which the owner has to pass to find sleepers.
    fn relies_on_the_owner(&self, wish: Wish, fenced: bool) -> Result<bool, QuietWriter> {
        let mut state = self.state();
        loop {
            if wish.is_admitted(state) {
                return Ok(false);
            }
            if state & (WRITER | BUSY) == WRITER {
                return if fenced { Ok(true) } else { Err(QuietWriter) };
            }
            let bar = if wish == Wish::Write && state & UPGRADABLE != 0 {
                WAITING
            } else {
                0
            };
            // Relaxed: the queue is under the latch. An RMW, so that the owner sees it or has let go before; torn, it would
            // bring back what the owner has let go of (killed by `futex_rwlock::writers_exclude`).
            match self
                .word
                .compare_exchange(state, state | PARKED | bar, Relaxed, Relaxed)
            {
                Ok(_) => return Ok(true),
                Err(now) => state = now,
            }
        }
    }

    /// A writer that gives up takes its bar away, and wakes the readers that it has held off. Others that wait for the
    /// upgradable reader do without the bar until they look again.
    fn let_readers_in(&self) {
        let mut state = self.state();
        while state & WAITING != 0 {
            // Relaxed: it publishes nothing. An RMW, since readers come and go.
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
            // Release: as in `end_write` (Survivor: no model tells).
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

/// A quiet writer has the lock, and has not been fenced against.
struct QuietWriter;

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

/// The word after a sample of reads; or after enough of them to be a degree less cold.
fn warmer(state: usize, by_a_degree: bool) -> usize {
    let heat = ((state & HEAT) / HOTTER + HOT).min(BOILING);
    let mut warmer = (state & !HEAT) | (heat * HOTTER);
    if by_a_degree && state & COLD != 0 {
        warmer -= COLDER;
    } else if by_a_degree && state & SPREAD != 0 {
        warmer |= BIASED;
    }
    if heat == BOILING { warmer | SPREAD } else { warmer }
}

#[inline]
fn has_room(state: usize, wish: Wish) -> bool {
    match wish {
        Wish::Read => state / READER < MAX_READERS,
        // One beside the last reader: it can still become a plain reader, and then no other gets in.
        Wish::Upgradable => state / READER <= MAX_READERS,
        Wish::Write => true,
    }
}
