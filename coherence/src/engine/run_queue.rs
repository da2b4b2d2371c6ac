//! The run queue: the threads that have a time at which they run, or stop waiting; the earliest
//! first, ties by index.
//!
//! A thread has at most one valid entry, its latest. The ones before stay in the heap, outdated,
//! until they reach its top.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

/// An entry: a time, then a thread, then the version by which an outdated entry is recognised; one
/// word to compare.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u128);

impl Entry {
    #[inline]
    fn new(time: u64, thread: u32, version: u32) -> Entry {
        Entry(u128::from(time) << 64 | u128::from(thread) << 32 | u128::from(version))
    }

    #[inline]
    fn time(self) -> u64 {
        (self.0 >> 64) as u64
    }

    #[inline]
    fn thread(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    fn version(self) -> u32 {
        self.0 as u32
    }
}

#[derive(Default)]
pub(crate) struct RunQueue {
    heap: BinaryHeap<Reverse<Entry>>,
    /// The version of each thread's valid entry, if it has one.
    versions: Vec<u32>,
}

impl RunQueue {
    /// Makes room for the thread with the next index, which gets no entry.
    pub(crate) fn add_thread(&mut self) {
        self.versions.push(0);
    }

    /// Gives a thread this entry instead of the one it had.
    pub(crate) fn push(&mut self, time: u64, thread: u32) {
        let version = self.remove(thread);
        self.heap.push(Reverse(Entry::new(time, thread, version)));
    }

    /// Removes a thread's entry, if it has one. Returns the version of its next.
    #[inline]
    pub(crate) fn remove(&mut self, thread: u32) -> u32 {
        let version = &mut self.versions[thread as usize];
        *version = version.wrapping_add(1);
        *version
    }

    /// Takes out the first entry.
    pub(crate) fn pop(&mut self) -> Option<(u64, u32)> {
        loop {
            let Reverse(entry) = self.heap.pop()?;
            if self.is_valid(entry) {
                return Some((entry.time(), entry.thread()));
            }
        }
    }

    /// The first entry.
    #[inline]
    pub(crate) fn first(&mut self) -> Option<(u64, u32)> {
        loop {
            let Reverse(entry) = *self.heap.peek()?;
            if self.is_valid(entry) {
                return Some((entry.time(), entry.thread()));
            }
            self.heap.pop();
        }
    }

    /// Takes out the first entry, and gives another thread one, at less than the cost of both.
    #[inline]
    pub(crate) fn replace_first(&mut self, time: u64, thread: u32) {
        let version = self.remove(thread);
        let mut first = self.heap.peek_mut().expect("there is a first entry");
        *first = Reverse(Entry::new(time, thread, version));
    }

    /// No entry comes before this time and thread. That of an outdated entry, if it is at the top.
    #[inline]
    pub(crate) fn lower_bound(&self) -> Option<(u64, u32)> {
        self.heap.peek().map(|Reverse(entry)| (entry.time(), entry.thread()))
    }

    #[inline]
    fn is_valid(&self, entry: Entry) -> bool {
        self.versions[entry.thread() as usize] == entry.version()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(threads: u32) -> RunQueue {
        let mut queue = RunQueue::default();
        (0..threads).for_each(|_| queue.add_thread());
        queue
    }

    #[test]
    fn earlier_times_come_first_and_ties_go_by_index() {
        let mut queue = queue(3);
        queue.push(7, 2);
        queue.push(7, 1);
        queue.push(5, 0);
        assert_eq!(
            [queue.pop(), queue.pop(), queue.pop()],
            [Some((5, 0)), Some((7, 1)), Some((7, 2))]
        );
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn only_the_latest_entry_of_a_thread_counts() {
        let mut queue = queue(2);
        queue.push(1, 0);
        queue.push(2, 1);
        queue.push(3, 0);
        assert_eq!(queue.lower_bound(), Some((1, 0)), "outdated, and a bound all the same");
        assert_eq!(queue.first(), Some((2, 1)));
        queue.remove(1);
        assert_eq!([queue.pop(), queue.pop()], [Some((3, 0)), None]);
    }

    #[test]
    fn a_thread_replaces_the_first() {
        let mut queue = queue(3);
        queue.push(1, 0);
        queue.push(4, 1);
        queue.push(2, 2);
        assert_eq!(queue.first(), Some((1, 0)));
        // Thread 2's entry is outdated by its new one.
        queue.replace_first(5, 2);
        assert_eq!(
            [queue.pop(), queue.pop(), queue.pop()],
            [Some((4, 1)), Some((5, 2)), None]
        );
    }
}
