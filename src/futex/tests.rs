//! What needs to see the hints of a mutex, its queue and its announcement.

use core::time::Duration;
use std::format;
use std::thread;
use std::vec::Vec;

use lock_api::{RawMutex as _, RawMutexFair as _};

use super::park::{
    Announcement, Contend, Fence, Key, KeyKind, ParkToken, UnparkToken, Validate, contend, is_announced, unpark_deputy,
    unpark_front,
};
use super::{Mutex, MutexGuardState, RawMutex};
use crate::backend::time::{self, Instant};

fn is_fast(held: &MutexGuardState) -> bool {
    format!("{held:?}").contains("fast: true")
}

/// Locks and unlocks, until the lock is held in fast mode or so often; answers whether it was.
fn becomes_fast(mutex: &RawMutex, rounds: usize) -> bool {
    (0..rounds).any(|_| {
        let held = mutex.lock();
        let fast = is_fast(&held);
        // SAFETY: the acquisition just made.
        unsafe { mutex.unlock(held) };
        fast
    })
}

#[test]
#[cfg_attr(miri, ignore = "thousands of rounds, none of which is unsafe")]
fn a_lock_is_fast_again_when_its_contention_is_paid_for() {
    let mutex = RawMutex::new();
    assert!(becomes_fast(&mutex, 1));
    // Contended for two unlocks on average, and for sixteen more until one looks whether the waiters are gone.
    mutex.note_queued(Duration::ZERO);
    assert!(becomes_fast(&mutex, 10_000));
}

#[test]
#[cfg_attr(miri, ignore = "thousands of rounds, none of which is unsafe")]
fn a_lock_is_not_fast_again_as_soon_as_its_waiters_are_gone() {
    let mutex = RawMutex::new();
    // For 2^28 unlocks on average.
    mutex.note_queued(Duration::from_secs(1));
    assert!(!becomes_fast(&mutex, 1000));
    assert!(!mutex.is_queued(), "an unlock has looked");
}

#[test]
fn one_thread_is_awake_for_the_waiters_whatever_else_is_noted() {
    let mutex = RawMutex::new();
    mutex.note_queued(Duration::ZERO);
    assert!(mutex.claim_responsibility());
    mutex.note_queued(Duration::from_millis(1));
    assert!(!mutex.claim_responsibility());
}

/// The queue was empty when the deputy left it; a waiter that comes then relies on the looks of unlocks too.
#[test]
fn a_waiter_beside_a_deputy_is_noted() {
    let mutex = RawMutex::new();
    mutex.note_queued(Duration::from_secs(1));
    assert!(mutex.claim_responsibility());
    // SAFETY: the acquisition just made.
    unsafe { mutex.unlock_fair(mutex.lock()) };
    assert!(!mutex.is_queued());
    let held = mutex.lock();
    let first = Fence::NotYet {
        others: false,
        announced: false,
    };
    assert_eq!(mutex.validate(first, false), Validate::ParkBesideDeputy);
    assert!(mutex.is_queued());
    // SAFETY: the acquisition made above.
    unsafe { mutex.unlock(held) };
}

fn tokens(key: Key) -> Vec<ParkToken> {
    unpark_front(key, |front| front.tokens().collect())
}

fn await_that(mut done: impl FnMut() -> bool) {
    while !done() {
        thread::yield_now();
    }
}

#[test]
fn a_waiter_that_was_woken_in_vain_is_first_again() {
    let order = Mutex::new(Vec::new());
    // SAFETY: it is only named, and asked for its key.
    let key = unsafe { order.raw() }.key();
    let held = order.lock();
    thread::scope(|scope| {
        for number in 0..3 {
            let order = &order;
            scope.spawn(move || order.lock().push(number));
            await_that(|| tokens(key).len() > number);
        }
        unpark_deputy(key);
        await_that(|| tokens(key).iter().any(|token| token.has_lost()));
        let lost: Vec<_> = tokens(key).into_iter().map(ParkToken::has_lost).collect();
        assert_eq!(lost, [true, false, false]);
        drop(held);
    });
    assert_eq!(order.into_inner().len(), 3);
}

/// When a waiter has been unparked it is not at once the turn of the next.
#[test]
fn each_waiter_that_is_unparked_has_its_turn() {
    let mutex = Mutex::new(());
    // SAFETY: it is only named, and asked for its key.
    let key = unsafe { mutex.raw() }.key();
    let held = mutex.lock();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| drop(mutex.lock()));
        }
        await_that(|| tokens(key).len() == 3);
        // This thread may be preempted in between for longer than a turn.
        let has_a_turn = (0..100).any(|_| {
            unpark_front(key, |front| {
                front.unpark(UnparkToken::WokenAsDeputy);
                front.token().is_some() && !front.is_turn_due()
            })
        });
        drop(held);
        assert!(has_a_turn);
    });
}

/// A waiter that has lost and is woken again before its turn does not put that off, or with short sections it would never come.
#[test]
fn a_waiter_that_has_lost_keeps_its_turn() {
    let mutex = Mutex::new(());
    // SAFETY: it is only named, and asked for its key.
    let key = unsafe { mutex.raw() }.key();
    let held = mutex.lock();
    thread::scope(|scope| {
        for number in 0..3 {
            scope.spawn(|| drop(mutex.lock()));
            await_that(|| tokens(key).len() > number);
        }
        unpark_deputy(key);
        await_that(|| tokens(key).first().is_some_and(|token| token.has_lost()));
        await_that(|| unpark_front(key, |front| front.is_turn_due()));
        let is_due = unpark_front(key, |front| {
            front.unpark(UnparkToken::WokenAsDeputy);
            front.is_turn_due()
        });
        drop(held);
        assert!(is_due);
    });
}

/// A waiter is woken as deputy when its deadline has passed, and the lock is held: before it gives up it makes the holder
/// responsible for the waiter behind it.
#[test]
fn a_deputy_that_gives_up_forgets_no_waiter() {
    let mutex = Mutex::new(());
    // SAFETY: it is only named, and asked for its key.
    let key = unsafe { mutex.raw() }.key();
    let mut is_late = false;
    while !is_late {
        let held = mutex.lock();
        let deadline = Instant::now() + Duration::from_millis(100);
        thread::scope(|scope| {
            let first = scope.spawn(|| mutex.try_lock_until(deadline).is_some());
            await_that(|| tokens(key).len() == 1 || first.is_finished());
            let second = scope.spawn(|| mutex.try_lock_for(Duration::from_secs(20)).is_some());
            await_that(|| tokens(key).len() == 2 || first.is_finished());
            // It cannot leave the queue while this thread has the bucket.
            is_late = unpark_front(key, |front| {
                let are_queued = front.tokens().count() == 2;
                if are_queued {
                    thread::sleep(deadline.saturating_duration_since(Instant::now()));
                    front.unpark(UnparkToken::WokenAsDeputy);
                }
                are_queued
            });
            assert!(!first.join().expect("it only tries"));
            drop(held);
            assert!(second.join().expect("it only waits"), "it was forgotten");
        });
    }
}

/// A lock that no thread unlocks: its waiter finds a deputy awake that does not run.
struct Abandoned {
    place: u32,
    /// Whether the waiter was its own deputy, each time that it was about to park.
    asked: std::sync::Mutex<Vec<bool>>,
}

impl Contend for Abandoned {
    type Acquired = ();

    fn key(&self) -> Key {
        Key::of(&self.place, KeyKind::Mutex)
    }

    fn token(&self) -> ParkToken {
        ParkToken::default()
    }

    fn try_acquire(&self, _responsible: bool) -> Option<()> {
        (self.asked.lock().expect("no test panics with it").len() >= 2).then_some(())
    }

    fn is_queued(&self) -> bool {
        true
    }

    fn claim_responsibility(&self) -> bool {
        false
    }

    fn validate(&self, _fence: Fence, responsible: bool) -> Validate {
        let mut asked = self.asked.lock().expect("no test panics with it");
        asked.push(responsible);
        if asked.len() == 1 {
            Validate::ParkBesideDeputy
        } else {
            Validate::Abort
        }
    }

    fn handed_off(&self) {}
}

#[test]
fn a_waiter_relies_on_a_deputy_once() {
    let lock = Abandoned {
        place: 0,
        asked: std::sync::Mutex::default(),
    };
    assert!(contend(&lock, time::after(Duration::from_secs(20)), false).is_some());
    assert_eq!(
        lock.asked.into_inner().expect("no test panics with it"),
        [false, true],
        "the second time it relies on an unlock"
    );
}

/// A thousand locks, of which several share each word of the announcements.
#[test]
#[cfg_attr(miri, ignore = "thousands of rounds, none of which is unsafe")]
fn an_announcement_is_seen_by_its_own_lock() {
    let locks: Vec<_> = (0..1000).map(|_| RawMutex::new()).collect();
    // Threads of other tests may announce locks too.
    let misled = (0..100)
        .map(|_| {
            let _announcement = Announcement::of(locks[0].key());
            assert!(is_announced(locks[0].key()));
            locks[1..].iter().filter(|lock| is_announced(lock.key())).count()
        })
        .min();
    assert_eq!(misled, Some(0), "an announcement that concerns one lock");
    let announced: Vec<_> = locks.iter().map(|lock| Announcement::of(lock.key())).collect();
    assert!(locks.iter().all(|lock| is_announced(lock.key())));
    drop(announced);
}
