//! The kernel knows the holder by its thread: a guard stays there.

use linchpin::futex::PiMutex;

fn main() {
    let mutex = PiMutex::new(1);
    let guard = mutex.lock().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(guard));
    });
}
