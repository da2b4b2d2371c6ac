//! The condition variables that are measured: two threads pass a turn back and forth.

use std::sync::Arc;

use linchpin::CachePadded;

use super::Job;

/// The most pairs that can play at one time.
const TABLES: usize = 32;

/// Which threads are there, and whose turn it is.
#[derive(Default)]
pub struct Game {
    arrived: u64,
    left: u64,
    turns: u64,
}

impl Game {
    fn has_both(&self) -> bool {
        self.arrived - self.left == 2
    }
}

/// A mutex over a [`Game`], and a condition variable.
pub trait Table: Send + Sync + 'static {
    fn new() -> Self;
    /// Waits until the game is `ready`, changes it, and notifies one.
    fn play<R>(&self, ready: impl Fn(&Game) -> bool, change: impl FnOnce(&mut Game) -> R) -> R;
}

/// [`Table`]s over a mutex and a condition variable that are used as `parking_lot`'s are.
macro_rules! lock_api_table {
    ($($(#[$meta:meta])* $table:ident: $mutex:ty, $condvar:ty;)*) => {
        $($(#[$meta])*
        pub struct $table {
            game: $mutex,
            changed: $condvar,
        }

        impl Table for $table {
            fn new() -> Self {
                $table { game: <$mutex>::new(Game::default()), changed: <$condvar>::new() }
            }

            #[inline]
            fn play<R>(&self, ready: impl Fn(&Game) -> bool, change: impl FnOnce(&mut Game) -> R) -> R {
                let mut game = self.game.lock();
                while !ready(&game) {
                    self.changed.wait(&mut game);
                }
                let changed = change(&mut game);
                drop(game);
                self.changed.notify_one();
                changed
            }
        })*
    };
}

lock_api_table! {
    /// Of `linchpin::futex`.
    Linchpin: linchpin::futex::Mutex<Game>, linchpin::futex::Condvar;
    /// Of `parking_lot`.
    ParkingLot: parking_lot::Mutex<Game>, parking_lot::Condvar;
}

/// Of `std`.
#[derive(Default)]
pub struct Std {
    game: std::sync::Mutex<Game>,
    changed: std::sync::Condvar,
}

impl Table for Std {
    fn new() -> Self {
        Std::default()
    }

    #[inline]
    fn play<R>(&self, ready: impl Fn(&Game) -> bool, change: impl FnOnce(&mut Game) -> R) -> R {
        let mut game = self.game.lock().expect("no thread panics");
        while !ready(&game) {
            game = self.changed.wait(game).expect("no thread panics");
        }
        let changed = change(&mut game);
        drop(game);
        self.changed.notify_one();
        changed
    }
}

/// Turns at a table of type `T`, of which each two threads share one. For an even number of threads; the thread that is
/// left alone at the end of a run goes on without waiting.
pub fn turns<T: Table>() -> Job {
    let tables: Vec<_> = (0..TABLES).map(|_| CachePadded::new(T::new())).collect();
    Arc::new(move |worker| {
        let table = &tables[worker.thread / 2];
        let mine = worker.thread as u64 % 2;
        let pairs = table.play(
            |_| true,
            |game| {
                game.arrived += 1;
                game.arrived.div_ceil(2)
            },
        );
        // The thread that was here in an earlier run has left.
        table.play(|game| game.arrived >= 2 * pairs, |_| {});
        let turns = worker.run(1, || {
            table.play(
                |game| !game.has_both() || game.turns % 2 == mine,
                |game| game.turns += 1,
            );
        });
        table.play(|_| true, |game| game.left += 1);
        turns
    })
}
