//! What only shows from inside: how many used-up blocks are kept.

use super::worker::Worker;
use crate::deque::steal::Steal;

/// Thieves empty what a FIFO owner opens when it publishes, and it never gets as far as a full block.
#[test]
fn used_up_blocks_are_used_again() {
    for batches in [false, true] {
        let (worker, own) = (Worker::new_fifo(), Worker::new_fifo());
        let stealer = worker.stealer();
        for round in 0..100 {
            worker.push(2 * round);
            worker.push(2 * round + 1);
            assert_eq!(worker.pop(), Some(2 * round));
            worker.publish();
            if batches {
                assert_eq!(stealer.steal_batch(&own), Steal::Success(()));
                assert_eq!(own.pop(), Some(2 * round + 1));
            } else {
                assert_eq!(stealer.steal(), Steal::Success(2 * round + 1));
            }
            assert!(worker.is_empty());
            let kept = worker.shared.opened.retired();
            assert!(kept <= 1, "{kept} used-up blocks after {round} rounds");
        }
    }
}
