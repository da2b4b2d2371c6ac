//! A reference to the value does not outlive the guard.

use linchpin::spin::TicketMutex;

fn main() {
    let mutex = TicketMutex::new(vec![1]);
    let mut guard = mutex.lock();
    let first = &mut guard[0];
    drop(guard);
    *first = 2;
}
