//! A guard takes its value along: it is sent only if that may be.

use std::rc::Rc;

use linchpin::spin::Mutex;

fn main() {
    let mutex = Mutex::new(Rc::new(1));
    let guard = mutex.lock();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(guard));
    });
}
