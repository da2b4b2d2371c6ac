//! A guard of a queue lock puts its node back into the cache of its thread: it stays there.

use linchpin::queue::McsMutex;

fn main() {
    let mutex = McsMutex::new(1);
    let guard = mutex.lock();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(guard));
    });
}
