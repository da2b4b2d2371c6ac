//! All of it at random: threads are stopped wherever they are, locks are moved while they are held, replaced at their
//! address with guards forgotten in them, freed and made anew; waits time out, and the process forks.
//!
//! Checked are exclusion, the number of critical sections, that a moved lock stays held, that the children of the forks
//! finish, and that all threads come to the end of each round, where traffic ends that would hide a lost wake-up.
//!
//! Two seconds for each kind of lock; `LINCHPIN_ADVERSARY_SECONDS` sets another time, as `cargo xtask verify` does.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use linchpin::futex;

use crate::process::{Child, alone_for, in_a_fork};
use crate::stress_subjects::{Dice, Section, Stressed, Tokens};
use crate::system::{Actor, leak, stumble_for};

const THREADS: usize = 16;
const PLACES: usize = 6;
/// How many acquisitions each thread makes in a round.
const ROUND: usize = 100;

fn duration() -> Duration {
    let seconds = std::env::var("LINCHPIN_ADVERSARY_SECONDS").map_or(2, |seconds| {
        seconds
            .parse()
            .expect("LINCHPIN_ADVERSARY_SECONDS is a number of seconds")
    });
    Duration::from_secs(seconds)
}

/// A lock that may be replaced when no thread uses it.
struct Place<L> {
    lock: Box<L>,
    /// How often threads were inside that count what they do.
    acquisitions: AtomicUsize,
}

impl<L: Stressed> Place<L> {
    fn new() -> RwLock<Self> {
        RwLock::new(Place {
            lock: Box::new(L::new()),
            acquisitions: AtomicUsize::new(0),
        })
    }

    /// No other thread uses the lock: it is moved, replaced, or freed.
    fn shuffle(&mut self, dice: &mut Dice) {
        self.lock.check(*self.acquisitions.get_mut());
        match dice.below(4) {
            // Another one at the same address, while the first is held for ever.
            0 => {
                self.lock.hold_for_ever(dice);
                let held = Box::new(mem::replace(&mut *self.lock, L::new()));
                assert!(held.is_held(), "a lock that was moved is not held any more");
                *self.acquisitions.get_mut() = 0;
            }
            // One elsewhere; in what is freed the next such lock is made.
            1 => {
                self.lock.hold_for_ever(dice);
                let other = Box::new(L::new());
                self.lock = other;
                *self.acquisitions.get_mut() = 0;
            }
            // The same one, which has been elsewhere.
            2 => *self.lock = mem::replace(&mut *self.lock, L::new()).moved_while_held(dice),
            _ => {
                let other = Box::new(mem::replace(&mut *self.lock, L::new()).moved_while_held(dice));
                self.lock = other;
            }
        }
        assert!(!self.lock.is_held(), "a lock that is new or was released is held");
    }
}

/// What all threads share.
struct Shared<L> {
    places: [RwLock<Place<L>>; PLACES],
    gate: Barrier,
    rounds: AtomicUsize,
    shuffles: AtomicUsize,
    is_over: AtomicBool,
    end: Instant,
}

impl<L: Stressed> Shared<L> {
    fn act(&self, index: usize) {
        let mut dice = Dice::of(index);
        loop {
            for _ in 0..ROUND {
                let place = &self.places[dice.below(PLACES as u64) as usize];
                // It does not wait: that would bar those on which a thread inside may depend.
                if dice.below(32) == 0
                    && let Ok(mut place) = place.try_write()
                {
                    place.shuffle(&mut dice);
                    self.shuffles.fetch_add(1, Ordering::Relaxed);
                } else {
                    let place = place.read().expect("a panic ends the process");
                    let acquisitions = place.lock.pass(&mut dice);
                    place.acquisitions.fetch_add(acquisitions, Ordering::Relaxed);
                }
                dice.dawdle();
            }
            if self.gate.wait().is_leader() {
                self.rounds.fetch_add(1, Ordering::Relaxed);
                self.is_over.store(Instant::now() >= self.end, Ordering::Relaxed);
            }
            self.gate.wait();
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
        }
    }
}

/// What the child of a fork does with locks of its own: all that never waits.
fn in_the_child<L: Stressed>() -> bool {
    let mut dice = Dice::of(99);
    (0..64).all(|_| {
        let lock = L::new();
        (0..50).for_each(|_| _ = lock.pass(&mut dice));
        !lock.is_held()
    })
}

fn stress<L: Stressed>() {
    let shared = leak(Shared {
        places: std::array::from_fn(|_| Place::<L>::new()),
        gate: Barrier::new(THREADS),
        rounds: AtomicUsize::new(0),
        shuffles: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
        end: Instant::now() + duration(),
    });
    let actors: Vec<_> = (0..THREADS)
        .map(|index| Actor::start(move || shared.act(index)))
        .collect();
    let mut dice = Dice::of(THREADS);
    let (mut stops, mut forks) = (0, 0);
    // A bit less, so that no thread has ended.
    while Instant::now() + Duration::from_millis(100) < shared.end {
        // Mostly short; sometimes for longer than any patience.
        let micros = if dice.below(16) == 0 { 5_000 } else { dice.below(500) };
        stumble_for(Duration::from_micros(micros));
        actors[dice.below(THREADS as u64) as usize].signal(libc::SIGUSR2);
        stops += 1;
        if dice.below(64) == 0 {
            assert_eq!(
                in_a_fork(20, in_the_child::<L>),
                Child::Right,
                "the child of fork {forks}"
            );
            forks += 1;
        }
        thread::sleep(Duration::from_micros(dice.below(300)));
    }
    actors.into_iter().for_each(Actor::join);
    for place in &shared.places {
        let place = &mut *place.write().expect("a panic ends the process");
        place.lock.check(*place.acquisitions.get_mut());
    }
    let (rounds, shuffles) = (
        shared.rounds.load(Ordering::Relaxed),
        shared.shuffles.load(Ordering::Relaxed),
    );
    println!("{rounds} rounds, {stops} stops, {shuffles} moves and replacements, {forks} forks");
    assert!(
        rounds > 0 && stops > 0 && shuffles > 0 && forks > 0,
        "something has never happened"
    );
}

/// Within which a test has to end.
fn limit() -> Duration {
    duration() + Duration::from_secs(60)
}

#[test]
fn mutex() {
    alone_for(limit(), || {
        stress::<futex::Mutex<Section>>();
    });
}

#[test]
fn rwlock() {
    alone_for(limit(), || {
        stress::<futex::RwLock<Section>>();
    });
}

#[test]
fn condvar() {
    alone_for(limit(), || {
        stress::<Tokens>();
    });
}
