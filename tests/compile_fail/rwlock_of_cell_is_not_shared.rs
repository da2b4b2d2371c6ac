//! Readers share the value: a cell is not safe in a reader-writer lock.

use std::cell::Cell;

use linchpin::spin::RwLock;

fn main() {
    let lock = RwLock::new(Cell::new(1));
    std::thread::scope(|scope| {
        scope.spawn(|| lock.read().set(2));
    });
}
