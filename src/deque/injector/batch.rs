//! Steals of several elements at once, into the deque of a worker.

use super::Injector;
use crate::backend::atomic::{Acquire, Relaxed};
use crate::deque::batch::{Batch, MAX_BATCH};
use crate::deque::shared::{Flavor, distance};
use crate::deque::steal::Steal;
use crate::deque::worker::Worker;

use super::{MARKS, ONE};

impl<T> Injector<T> {
    /// Steals about half of the elements, 32 at most, and pushes them to `dest`, whose owner pops them in the order in which they
    /// were pushed.
    ///
    /// [`Empty`](Steal::Empty) also if `dest` is bounded and full.
    ///
    /// ```
    /// use linchpin::deque::{Injector, Worker};
    ///
    /// let tasks = Injector::new();
    /// (1..=4).for_each(|task| tasks.push(task));
    /// let own = Worker::new_lifo();
    /// assert!(tasks.steal_batch(&own).is_success());
    /// assert_eq!((own.pop(), own.pop(), own.pop()), (Some(1), Some(2), None));
    /// ```
    pub fn steal_batch<C>(&self, dest: &Worker<T, C>) -> Steal<()> {
        self.steal_batch_with_limit(dest, MAX_BATCH)
    }

    /// The same with another limit than 32.
    ///
    /// [`Empty`](Steal::Empty) also if `dest` is bounded and full.
    ///
    /// # Panics
    ///
    /// If `limit` is zero.
    pub fn steal_batch_with_limit<C>(&self, dest: &Worker<T, C>, limit: usize) -> Steal<()> {
        assert!(limit > 0, "the limit of a batch is at least 1 element");
        // Room is made before anything is claimed: it may panic.
        let wanted = self.half().min(limit);
        if wanted == 0 {
            return Steal::Empty;
        }
        let mut batch = Batch::new(dest, wanted);
        if batch.room() == 0 {
            return Steal::Empty;
        }
        match self.claim(batch.room()) {
            Steal::Success(claimed) => {
                for offset in 0..claimed.count {
                    // SAFETY: claimed, and taken once.
                    unsafe { batch.add(claimed.take(offset)) };
                }
                batch.publish(Flavor::Fifo);
                Steal::Success(())
            }
            Steal::Empty => Steal::Empty,
            Steal::Retry => Steal::Retry,
        }
    }

    /// Steals about half of the elements, 33 at most, pushes all but the oldest to `dest`, and returns that one, which
    /// needs no room in `dest`.
    ///
    /// ```
    /// use linchpin::deque::{Injector, Steal, Worker};
    ///
    /// let tasks = Injector::new();
    /// (1..=4).for_each(|task| tasks.push(task));
    /// let own = Worker::new_fifo();
    /// assert_eq!(tasks.steal_batch_and_pop(&own), Steal::Success(1));
    /// assert_eq!((own.pop(), own.pop()), (Some(2), None));
    /// ```
    pub fn steal_batch_and_pop<C>(&self, dest: &Worker<T, C>) -> Steal<T> {
        self.steal_batch_with_limit_and_pop(dest, MAX_BATCH + 1)
    }

    /// The same with another limit than 33; the element that is returned counts.
    ///
    /// # Panics
    ///
    /// If `limit` is zero.
    pub fn steal_batch_with_limit_and_pop<C>(&self, dest: &Worker<T, C>, limit: usize) -> Steal<T> {
        assert!(limit > 0, "the limit of a batch is at least 1 element");
        let wanted = self.half().min(limit);
        if wanted == 0 {
            return Steal::Empty;
        }
        let mut batch = Batch::new(dest, wanted - 1);
        match self.claim(batch.room() + 1) {
            Steal::Success(claimed) => {
                // SAFETY: one at least is claimed, and taken once.
                let popped = unsafe { claimed.take(0).assume_init() };
                for offset in 1..claimed.count {
                    // SAFETY: claimed, and taken once.
                    unsafe { batch.add(claimed.take(offset)) };
                }
                batch.publish(Flavor::Fifo);
                Steal::Success(popped)
            }
            Steal::Empty => Steal::Empty,
            Steal::Retry => Steal::Retry,
        }
    }

    /// Half of the elements, as far as a look tells.
    fn half(&self) -> usize {
        // Acquire: so that `back` is looked at after it, and not found where `front` has passed.
        // survivor: as in `claim`.
        let front = self.front.word.load(Acquire) & !MARKS;
        let there = distance(front, self.back.word.load(Relaxed)) / ONE as i64;
        usize::try_from(there).unwrap_or(0).div_ceil(2)
    }
}
