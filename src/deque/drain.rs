//! Popping all, and pushing many.

use core::fmt;

use super::worker::Worker;

/// Pops until the deque is empty: made by [`Worker::drain`].
pub struct Drain<'a, T, C> {
    worker: &'a Worker<T, C>,
}

impl<T, C> Worker<T, C> {
    /// Pops all elements, in the order of [`pop`](Self::pop).
    ///
    /// What the iterator has not yielded when it is dropped stays in the deque. It goes on after it has yielded `None`, if
    /// something is pushed.
    ///
    /// ```
    /// let mut worker = linchpin::deque::Worker::new_fifo();
    /// worker.extend([1, 2, 3]);
    /// assert_eq!(worker.drain().collect::<Vec<_>>(), [1, 2, 3]);
    /// assert!(worker.is_empty());
    /// ```
    pub fn drain(&self) -> Drain<'_, T, C> {
        Drain { worker: self }
    }
}

impl<T, C> Iterator for Drain<'_, T, C> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.worker.pop()
    }
}

impl<T, C> fmt::Debug for Drain<'_, T, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad("Drain { .. }")
    }
}

/// Pushes each element, in the order of the iterator.
impl<T> Extend<T> for Worker<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        (&*self).extend(values);
    }
}

/// Pushes each element, in the order of the iterator.
impl<T> Extend<T> for &Worker<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}
