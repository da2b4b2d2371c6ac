//! How waiters are taken out of a queue and unparked, or moved to another.

use super::queue::{ParkToken, Queue};
use super::table::{Entry, with_entry};
use super::waiter::UnparkToken;
use super::{Key, TURN_AFTER};
use crate::backend::hint;
use crate::backend::time::Instant;

/// Unparks the first waiter of `key` as deputy, for a holder that has let go already and touches the lock no more.
#[cold]
#[track_caller]
pub(in crate::futex) fn unpark_deputy(key: Key) {
    unpark_front(key, |front| front.unpark(UnparkToken::WokenAsDeputy));
}

/// The front of a queue, for the thread that decides which waiters are unparked.
pub(in crate::futex) struct Front<'entry> {
    entry: &'entry mut Entry,
    key: Key,
    chosen: Queue,
}

impl Front<'_> {
    /// What the first waiter has noted, if there is one.
    pub(in crate::futex) fn token(&self) -> Option<ParkToken> {
        self.entry.queue.first.map(|first| first.links().token)
    }

    /// What all of them have noted, first to last.
    pub(in crate::futex) fn tokens(&self) -> impl Iterator<Item = ParkToken> + use<> {
        self.entry.queue.iter().map(|waiter| waiter.links().token)
    }

    /// Changes what the first waiter has noted, if there is one; answers what it is then.
    pub(in crate::futex) fn change_token(&mut self, change: impl FnOnce(usize) -> usize) -> Option<ParkToken> {
        let first = self.entry.queue.first?;
        first.relink(|links| links.token.0 = change(links.token.0));
        self.token()
    }

    /// Whether so long has passed since a waiter was last unparked that it is the next one's turn.
    pub(in crate::futex) fn is_turn_due(&self) -> bool {
        let has_passed = |since| Instant::now().saturating_duration_since(since) >= TURN_AFTER;
        hint::decided(|| self.entry.last_turn.is_none_or(has_passed))
    }

    /// Takes the first waiter out, if there is one. It is woken with `token` after the bucket's lock is free.
    pub(in crate::futex) fn unpark(&mut self, token: UnparkToken) {
        if let Some((waiter, noted)) = self.entry.queue.pop_front() {
            waiter.tell(token);
            self.chosen.push_back(waiter, None, ParkToken::default());
            // A holder that has unlocked and not yet looked need not find the announcement: this waiter is responsible.
            self.entry.retract(self.key);
            // One that has lost is woken for the same turn again: to begin another would put off its hand-off for as long as it loses.
            if token != UnparkToken::WokenAsDeputy || !noted.has_lost() {
                self.entry.last_turn = Some(Instant::now());
            }
        }
    }
}

/// Lets `decide` unpark waiters of `key`, first to last, and change the lock accordingly.
#[track_caller]
pub(in crate::futex) fn unpark_front<R>(key: Key, decide: impl FnOnce(&mut Front<'_>) -> R) -> R {
    let (result, mut chosen) = with_entry(key, |entry| {
        let mut front = Front {
            entry,
            key,
            chosen: Queue::EMPTY,
        };
        let result = decide(&mut front);
        (result, front.chosen)
    });
    while let Some((waiter, _)) = chosen.pop_front() {
        waiter.wake();
    }
    result
}

/// Waiters that have been taken out of a queue, and are in none.
pub(in crate::futex) struct Taken(Queue);

/// Takes up to `most` waiters out of the queue of `key`, first to last. `count` is told how many, under the lock.
#[track_caller]
pub(in crate::futex) fn take_front(key: Key, most: usize, count: impl FnOnce(usize)) -> Taken {
    with_entry(key, |entry| {
        let mut taken = Queue::EMPTY;
        let mut number = 0;
        while number < most
            && let Some((waiter, token)) = entry.queue.pop_front()
        {
            taken.push_back(waiter, None, token);
            number += 1;
        }
        count(number);
        Taken(taken)
    })
}

impl Taken {
    /// What the first of them has noted, if there is one.
    pub(in crate::futex) fn token(&self) -> Option<ParkToken> {
        self.0.first.map(|first| first.links().token)
    }

    /// Unparks the first.
    pub(in crate::futex) fn unpark(&mut self, token: UnparkToken) {
        if let Some((waiter, _)) = self.0.pop_front() {
            waiter.tell(token);
            waiter.wake();
        }
    }

    /// Moves the first of them that have noted the same to the queue of `key`, where they sleep on.
    ///
    /// If none waits there already and `relies_on_holder` cannot make the lock's holder responsible, the first of them is
    /// unparked instead, as deputy if there are others. `note_queued` runs if any has been moved. Both run under the lock of
    /// that bucket.
    #[track_caller]
    pub(in crate::futex) fn requeue(
        &mut self,
        key: Key,
        relies_on_holder: impl FnOnce() -> bool,
        note_queued: impl FnOnce(),
    ) {
        let token = self.token();
        let first = with_entry(key, |entry| {
            let is_covered = !entry.queue.is_empty() || relies_on_holder();
            let first = if is_covered { None } else { self.0.pop_front() };
            let mut moved = false;
            while self.token() == token
                && let Some((waiter, _)) = self.0.pop_front()
            {
                entry.queue.push_back(waiter, Some(key), ParkToken::default());
                moved = true;
            }
            if moved {
                entry.last_turn.get_or_insert_with(Instant::now);
                note_queued();
            }
            first.map(|(first, _)| {
                first.tell(if moved {
                    UnparkToken::WokenAsDeputy
                } else {
                    UnparkToken::Notified
                });
                first
            })
        });
        if let Some(first) = first {
            first.wake();
        }
    }
}
