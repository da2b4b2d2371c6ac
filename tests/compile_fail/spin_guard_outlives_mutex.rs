//! A guard does not outlive its lock.

use linchpin::spin::{Mutex, RwLock};

fn main() {
    let _guard = {
        let mutex = Mutex::new(1);
        mutex.lock()
    };
    let _reader = {
        let lock = RwLock::new(1);
        lock.read()
    };
}
