//! The number of stripes is a power of two.

use linchpin::counter::Counter;

static COUNTER: Counter<3> = Counter::with_stripes();

fn main() {
    COUNTER.increment();
}
