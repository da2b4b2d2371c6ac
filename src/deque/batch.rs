//! Steals of several elements at once, into the deque of another worker.

use alloc::sync::Arc;
use core::mem::MaybeUninit;

use super::shared::Flavor;
use super::steal::Steal;
use super::stealer::{Reader, Stealer};
use super::worker::Worker;
use crate::backend::hint;

/// The most elements that one call takes if its caller sets no limit.
pub(super) const MAX_BATCH: usize = hint::tuned(32, 3);

/// Room for elements behind the last one of a worker, which no thief sees until they are published.
///
/// The elements come in the order of their age. They are published in the order in which their source's owner would pop them,
/// whatever the flavors.
pub(super) struct Batch<'a, T, C> {
    dest: &'a Worker<T, C>,
    back: u64,
    count: u64,
    room: usize,
}

impl<'a, T, C> Batch<'a, T, C> {
    /// Makes room for `wanted` elements, or for as many as the worker holds.
    pub(super) fn new(dest: &'a Worker<T, C>, wanted: usize) -> Self {
        let back = dest.back();
        let room = dest.make_room(back, wanted);
        Batch {
            dest,
            back,
            count: 0,
            room,
        }
    }

    /// For how many elements there is room.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// # Safety
    ///
    /// `value` is an element that this thread has taken, and it is added once; there is room for it.
    #[inline]
    pub(super) unsafe fn add(&mut self, value: MaybeUninit<T>) {
        debug_assert!((self.count as usize) < self.room, "there is room for each element");
        // SAFETY: this thread has the worker, so it is the owner; `make_room` has made the slots ready.
        unsafe { self.dest.buffer().write(self.back.wrapping_add(self.count), value) };
        self.count += 1;
    }

    /// Publishes the elements. `source` is the flavor of the deque they come from.
    #[inline]
    pub(super) fn publish(self, source: Flavor) {
        if self.dest.flavor() != source {
            self.reverse();
        }
        self.dest.publish(self.back.wrapping_add(self.count));
    }

    fn reverse(&self) {
        let buffer = self.dest.buffer();
        for offset in 0..self.count / 2 {
            let low = self.back.wrapping_add(offset);
            let high = self.back.wrapping_add(self.count - 1 - offset);
            // SAFETY: both were written by `add`; this thread is the owner, and nothing of the batch is published.
            unsafe {
                let value = buffer.read(low);
                buffer.write(low, buffer.read(high));
                buffer.write(high, value);
            }
        }
    }
}

impl<T> Stealer<T> {
    /// Steals about half of the elements, 32 at most, and pushes them to `dest`.
    ///
    /// They are in the order in which the owner would have popped them. From a FIFO deque they are taken by one
    /// compare-exchange, from a LIFO deque by one each.
    ///
    /// [`Empty`](Steal::Empty) also if `dest` is bounded and full.
    ///
    /// ```
    /// use linchpin::deque::Worker;
    ///
    /// let from = Worker::new_fifo();
    /// (1..=4).for_each(|task| from.push(task));
    /// let to = Worker::new_fifo();
    /// assert!(from.stealer().steal_batch(&to).is_success());
    /// assert_eq!((to.pop(), to.pop(), to.pop()), (Some(1), Some(2), None));
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
        if Arc::ptr_eq(&self.shared, &dest.shared) {
            return if dest.is_empty() {
                Steal::Empty
            } else {
                Steal::Success(())
            };
        }
        // Room is made before anything is announced: it may panic, and it may take long.
        let wanted = self.half().min(limit);
        if wanted == 0 {
            return Steal::Empty;
        }
        let mut batch = Batch::new(dest, wanted);
        if batch.room() == 0 {
            return Steal::Empty;
        }
        let mut reader = match self.reader() {
            Steal::Success(reader) => reader,
            Steal::Empty => return Steal::Empty,
            Steal::Retry => return Steal::Retry,
        };
        let count = reader.len.div_ceil(2).min(batch.room());
        if !self.take_into(&mut reader, &mut batch, count) {
            return Steal::Retry;
        }
        batch.publish(self.shared.place.flavor);
        Steal::Success(())
    }

    /// Steals about half of the elements, 32 at most, pushes all but one to `dest` and returns that one: the one which the owner
    /// would have popped first. That one needs no room in `dest`.
    ///
    /// ```
    /// use linchpin::deque::{Steal, Worker};
    ///
    /// let from = Worker::new_fifo();
    /// (1..=4).for_each(|task| from.push(task));
    /// let to = Worker::new_fifo();
    /// assert_eq!(from.stealer().steal_batch_and_pop(&to), Steal::Success(1));
    /// assert_eq!((to.pop(), to.pop()), (Some(2), None));
    /// ```
    pub fn steal_batch_and_pop<C>(&self, dest: &Worker<T, C>) -> Steal<T> {
        self.steal_batch_with_limit_and_pop(dest, MAX_BATCH)
    }

    /// The same with another limit than 32; the element that is returned counts.
    ///
    /// # Panics
    ///
    /// If `limit` is zero.
    pub fn steal_batch_with_limit_and_pop<C>(&self, dest: &Worker<T, C>, limit: usize) -> Steal<T> {
        assert!(limit > 0, "the limit of a batch is at least 1 element");
        if Arc::ptr_eq(&self.shared, &dest.shared) {
            return dest.pop().map_or(Steal::Empty, Steal::Success);
        }
        let wanted = self.half().min(limit);
        if wanted == 0 {
            return Steal::Empty;
        }
        let mut batch = Batch::new(dest, wanted - 1);
        let mut reader = match self.reader() {
            Steal::Success(reader) => reader,
            Steal::Empty => return Steal::Empty,
            Steal::Retry => return Steal::Retry,
        };
        let count = reader.len.div_ceil(2).min(batch.room() + 1);
        let popped = match self.shared.place.flavor {
            Flavor::Fifo => {
                let first = reader.front;
                // SAFETY: there are more than `count`.
                if !unsafe { reader.claim(count) } {
                    return Steal::Retry;
                }
                for offset in 1..count as u64 {
                    // SAFETY: claimed just now, and taken once.
                    unsafe { batch.add(reader.take(first.wrapping_add(offset))) };
                }
                // SAFETY: as above.
                unsafe { reader.take(first) }
            }
            Flavor::Lifo => {
                // SAFETY: there is one.
                if !unsafe { reader.claim(1) } {
                    return Steal::Retry;
                }
                // SAFETY: claimed just now, and taken once.
                let mut newest = unsafe { reader.take(reader.front) };
                // SAFETY: `advance` has found one.
                while batch.count + 1 < count as u64 && reader.advance() && unsafe { reader.claim(1) } {
                    // SAFETY: claimed just now, and taken once.
                    let newer = unsafe { reader.take(reader.front) };
                    // SAFETY: the element that was taken before.
                    unsafe { batch.add(core::mem::replace(&mut newest, newer)) };
                }
                newest
            }
        };
        batch.publish(self.shared.place.flavor);
        // SAFETY: an element that was taken above.
        Steal::Success(unsafe { popped.assume_init() })
    }

    /// Half of the elements, as far as a look tells that costs nothing.
    fn half(&self) -> usize {
        self.glance().div_ceil(2)
    }

    /// Takes up to `count` elements into `batch`; false if it got none.
    fn take_into<C>(&self, reader: &mut Reader<'_, T>, batch: &mut Batch<'_, T, C>, count: usize) -> bool {
        // An owner that pops from the back takes an element without a compare-exchange while it finds more than one: a LIFO deque
        // is taken one by one. From a FIFO deque all are taken at the front.
        let (step, rounds) = match self.shared.place.flavor {
            Flavor::Fifo => (count, 1),
            Flavor::Lifo => (1, count),
        };
        for round in 0..rounds {
            // SAFETY: the reader, or `advance`, has found as many as `step`.
            if round > 0 && !reader.advance() || !unsafe { reader.claim(step) } {
                return round > 0;
            }
            for offset in 0..step as u64 {
                // SAFETY: claimed just now, and taken once.
                unsafe { batch.add(reader.take(reader.front.wrapping_add(offset))) };
            }
        }
        true
    }
}
