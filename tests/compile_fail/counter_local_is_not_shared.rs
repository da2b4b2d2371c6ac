//! A slot has one writer: two threads do not share its handle.

use linchpin::counter::{ApproximateCounter, LocalCounter};

fn main() {
    let counters = LocalCounter::new();
    let local = counters.register();
    let counter = ApproximateCounter::new(2);
    let handle = counter.register();
    std::thread::scope(|scope| {
        scope.spawn(|| local.increment());
        scope.spawn(|| handle.increment());
    });
}
