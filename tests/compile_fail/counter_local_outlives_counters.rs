//! A handle does not outlive its counter.

use linchpin::counter::{ApproximateCounter, LocalCounter};

fn main() {
    let local = {
        let counters = LocalCounter::new();
        counters.register()
    };
    local.increment();
    let handle = {
        let counter = ApproximateCounter::new(2);
        counter.register()
    };
    handle.increment();
}
