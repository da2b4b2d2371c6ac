//! An index and a tag in one word: how a compare-exchange tells a value that has stayed from one that has come back (ABA).
//!
//! A thread loads the word, computes, and replaces the word if it is still the same. If others have meanwhile replaced it and
//! put the old index back, the index alone says that nothing has happened. The tag, which is one more with each
//! replacement, says that something has.
//!
//! # When a tag comes round
//!
//! A tag of `b` bits is the same again after `2^b` replacements. A thread is deceived if it is held up between its load and its
//! compare-exchange for *exactly* a multiple of `2^b` replacements, *and* the index is then the same too. With one
//! replacement every 10 nanoseconds:
//!
//! | bits | the first time after |
//! |---|---|
//! | 2 | 40 ns |
//! | 16 | 0.66 ms |
//! | **32** | **43 s** |
//! | 48 | 33 days |
//! | 64 | 5,845 years |
//!
//! So with 32 bits, a hold-up of less than 43 seconds at the highest rate is never deceived. After a longer one, the tag is
//! any of `2^32` values; if none is likelier than another, a single such hold-up goes wrong with a probability below
//! `1 / 2^32`, and a million of them below 1 in 4,000. A 16-bit tag wraps within one time slice of the scheduler, which is
//! why tags in the unused bits of a pointer are not offered. Where one in `2^32` for each hold-up of a minute is too many,
//! take `AtomicTaggedPtr` (feature `tagged_ptr`), whose tag has 64 bits, or a stack with another kind of
//! [reclamation](super).

use core::fmt;

use crate::backend::atomic::{Acquire, AtomicU64, Ordering, Relaxed, Release};
use crate::backend::const_fn;

const INDEX_BITS: u32 = u32::BITS;
const NO_INDEX: u32 = u32::MAX;

/// What an [`AtomicTagged`] holds: an index or none, and a tag.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tagged(u64);

impl Tagged {
    /// The largest index. One more stands for none.
    pub const MAX_INDEX: u32 = NO_INDEX - 1;

    #[inline]
    pub(crate) const fn of(index: u32, tag: u32) -> Self {
        Tagged((tag as u64) << INDEX_BITS | index as u64)
    }

    /// The index, if there is one.
    #[inline]
    #[must_use]
    pub const fn index(self) -> Option<u32> {
        match self.raw_index() {
            NO_INDEX => None,
            index => Some(index),
        }
    }

    /// The index; `u32::MAX` for none.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the lower half is the index")]
    pub(crate) const fn raw_index(self) -> u32 {
        self.0 as u32
    }

    /// The tag.
    #[inline]
    #[must_use]
    pub const fn tag(self) -> u32 {
        (self.0 >> INDEX_BITS) as u32
    }
}

impl fmt::Debug for Tagged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tagged")
            .field("index", &self.index())
            .field("tag", &self.tag())
            .finish()
    }
}

/// An index (32 bits) with a tag (`TAG_BITS`, at most 32), in one atomic word of 64 bits.
///
/// * **Guarantee**: [`replace`](Self::replace) succeeds only if the word has not been replaced since it was loaded, or exactly
///   a multiple of `2^TAG_BITS` times: see the [module](self) for what that means in seconds.
/// * **Cost**: one word; that of a plain compare-exchange.
/// * **Not for**: pointers (`AtomicTaggedPtr`, with the feature `tagged_ptr`), and counts that may wrap within a hold-up.
///
/// Fewer than 32 bits are for tests, which wrap them. More are none:
///
/// ```compile_fail
/// let _ = linchpin::reclaim::AtomicTagged::<33>::with_tag_bits(None);
/// ```
///
/// ```
/// use linchpin::reclaim::AtomicTagged;
///
/// let top = AtomicTagged::new(None);
/// let seen = top.load();
/// let now = top.replace(seen, Some(7)).unwrap();
/// assert_eq!((now.index(), now.tag()), (Some(7), 1));
/// top.replace(now, None).unwrap();
/// // The index is what it was, but the word is not.
/// assert_eq!(top.load().index(), seen.index());
/// assert!(top.replace(seen, Some(8)).is_err());
/// ```
pub struct AtomicTagged<const TAG_BITS: u32 = 32>(AtomicU64);

impl AtomicTagged {
    const_fn! {
        /// A word with that index, or none, and the tag 0.
        ///
        /// # Panics
        ///
        /// If the index is `u32::MAX`, which stands for none.
        #[must_use]
        pub const fn new(index: Option<u32>) -> Self {
            Self::with_tag_bits(index)
        }
    }
}

impl<const TAG_BITS: u32> AtomicTagged<TAG_BITS> {
    const MASK: u32 = {
        assert!(TAG_BITS <= 32, "AtomicTagged: `TAG_BITS` must be at most 32");
        ((1_u64 << TAG_BITS) - 1) as u32
    };

    const_fn! {
        /// The same, with as many tag bits as the type says.
        ///
        /// # Panics
        ///
        /// If the index is `u32::MAX`, which stands for none.
        #[must_use]
        pub const fn with_tag_bits(index: Option<u32>) -> Self {
            // Else it would be the first `replace` that does not compile.
            let _: u32 = Self::MASK;
            AtomicTagged(AtomicU64::new(Tagged::of(checked(index), 0).0))
        }
    }

    /// The index and the tag.
    #[inline]
    #[must_use]
    pub fn load(&self) -> Tagged {
        // Acquire: synchronizes with the Release in `replace`, so that what the index stands for is
        // seen as it was when the index was put here.
        // model: stack::a_tagged_word_publishes
        self.load_as(Acquire)
    }

    /// Replaces `current` by `index` and the next tag; returns what the word holds now.
    ///
    /// # Errors
    ///
    /// What the word holds, if that was not `current`.
    ///
    /// # Panics
    ///
    /// If the index is `u32::MAX`, which stands for none.
    #[inline]
    pub fn replace(&self, current: Tagged, index: Option<u32>) -> Result<Tagged, Tagged> {
        let new = Self::next(current, checked(index));
        // Release: synchronizes with the Acquire in `load`. No Acquire: the caller has `current`
        // from a `load`, so it has seen what that publishes; where the word is another, it loads
        // again.
        // model: stack::a_tagged_word_publishes
        match self.compare_exchange_as(current, new, Release, Relaxed) {
            Ok(_) => Ok(new),
            Err(_) => Err(self.load()),
        }
    }

    /// `index` with the tag after that of `current`.
    #[inline]
    pub(crate) const fn next(current: Tagged, index: u32) -> Tagged {
        Tagged::of(index, current.tag().wrapping_add(1) & Self::MASK)
    }

    #[inline]
    #[track_caller]
    pub(crate) fn load_as(&self, ordering: Ordering) -> Tagged {
        Tagged(self.0.load(ordering))
    }

    #[cfg(feature = "alloc")]
    #[inline]
    #[track_caller]
    pub(crate) fn store_as(&self, word: Tagged, ordering: Ordering) {
        self.0.store(word.0, ordering);
    }

    #[inline]
    #[track_caller]
    pub(crate) fn compare_exchange_as(
        &self,
        current: Tagged,
        new: Tagged,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Tagged, Tagged> {
        match self.0.compare_exchange(current.0, new.0, success, failure) {
            Ok(old) => Ok(Tagged(old)),
            Err(now) => Err(Tagged(now)),
        }
    }
}

const fn checked(index: Option<u32>) -> u32 {
    match index {
        Some(NO_INDEX) => panic!("AtomicTagged: the index must be below `u32::MAX`, which stands for none"),
        Some(index) => index,
        None => NO_INDEX,
    }
}

impl<const TAG_BITS: u32> fmt::Debug for AtomicTagged<TAG_BITS> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("AtomicTagged").field(&self.load()).finish()
    }
}
