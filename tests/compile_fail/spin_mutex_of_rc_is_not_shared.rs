//! A lock does not make a value fit for threads that is not.

use std::rc::Rc;

use linchpin::spin::Mutex;

fn main() {
    let mutex = Mutex::new(Rc::new(1));
    std::thread::scope(|scope| {
        scope.spawn(|| drop(mutex.lock().clone()));
    });
}
