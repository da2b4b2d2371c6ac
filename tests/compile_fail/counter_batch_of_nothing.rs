//! A batch is at least 1: in a constant, the compiler says so.

use linchpin::counter::ApproximateCounter;

static COUNTER: ApproximateCounter = ApproximateCounter::new(0);

fn main() {
    println!("{COUNTER:?}");
}
