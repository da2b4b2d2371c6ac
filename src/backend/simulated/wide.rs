//! A word of 128 bits where the atomics have 64 at most: it holds the number of its value in a list of all it has held. Equal
//! values have equal numbers, so that a compare-exchange of numbers is one of values.

use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

use crate::backend::atomic::{AtomicU64, Ordering};

pub(crate) struct AtomicU128 {
    number: AtomicU64,
    values: Mutex<Vec<u128>>,
}

impl AtomicU128 {
    pub(crate) const fn is_always_lock_free() -> bool {
        true
    }

    pub(crate) fn is_lock_free() -> bool {
        true
    }

    pub(crate) fn new(value: u128) -> Self {
        AtomicU128 {
            number: AtomicU64::new(0),
            values: Mutex::new(Vec::from([value])),
        }
    }

    fn number(&self, value: u128) -> u64 {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let known = values.iter().position(|&known| known == value);
        known.unwrap_or_else(|| {
            values.push(value);
            values.len() - 1
        }) as u64
    }

    #[allow(clippy::cast_possible_truncation, reason = "the number of a place in a vector")]
    fn value(&self, number: u64) -> u128 {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)[number as usize]
    }

    #[track_caller]
    pub(crate) fn load(&self, ordering: Ordering) -> u128 {
        self.value(self.number.load(ordering))
    }

    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        current: u128,
        new: u128,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u128, u128> {
        let (current, new) = (self.number(current), self.number(new));
        match self.number.compare_exchange(current, new, success, failure) {
            Ok(number) => Ok(self.value(number)),
            Err(number) => Err(self.value(number)),
        }
    }
}
