//! There are no more stripes than numbers for threads.

use linchpin::counter::Counter;

static COUNTER: Counter<128> = Counter::with_stripes();

fn main() {
    COUNTER.increment();
}
