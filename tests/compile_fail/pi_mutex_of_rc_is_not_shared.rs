//! A shared mutex passes its value from thread to thread.

use std::rc::Rc;

use linchpin::futex::PiMutex;

fn main() {
    let mutex = PiMutex::new(Rc::new(1));
    std::thread::scope(|scope| {
        scope.spawn(|| drop(mutex.lock()));
    });
}
