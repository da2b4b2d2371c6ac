//! A pointer and a tag in one word of 128 bits.

use core::fmt;
use core::marker::PhantomData;
use core::ptr;

use crate::backend::atomic::{Acquire, AtomicU128, Relaxed, Release};

/// What an [`AtomicTaggedPtr`] holds: a pointer, and a tag of 64 bits.
pub struct TaggedPtr<T> {
    word: u128,
    points_to: PhantomData<*mut T>,
}

impl<T> TaggedPtr<T> {
    fn of(word: u128) -> Self {
        TaggedPtr {
            word,
            points_to: PhantomData,
        }
    }

    fn join(pointer: *mut T, tag: u64) -> Self {
        // The pointer goes through an integer, so its provenance is exposed.
        Self::of(u128::from(tag) << 64 | pointer.expose_provenance() as u128)
    }

    /// The pointer.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the lower half is the address")]
    pub fn pointer(self) -> *mut T {
        ptr::with_exposed_provenance_mut(self.word as usize)
    }

    /// The tag.
    #[must_use]
    pub const fn tag(self) -> u64 {
        (self.word >> 64) as u64
    }
}

impl<T> Clone for TaggedPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TaggedPtr<T> {}

impl<T> PartialEq for TaggedPtr<T> {
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

impl<T> Eq for TaggedPtr<T> {}

impl<T> fmt::Debug for TaggedPtr<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TaggedPtr")
            .field("pointer", &self.pointer())
            .field("tag", &self.tag())
            .finish()
    }
}

/// A pointer with a tag of 64 bits, in one atomic word of 128 bits. Only with the feature `tagged_ptr`, on 64-bit processors.
///
/// * **Guarantee**: [`replace`](Self::replace) succeeds only if the word has not been replaced since it was loaded. The tag
///   does not come round: at one replacement a nanosecond that takes 584 years.
/// * **Cost**: where the processor has an instruction for it (`cmpxchg16b`, `casp`), about twice that of a compare-exchange of 64
///   bits. Where it has none, the word is guarded by a lock: [`IS_ALWAYS_LOCK_FREE`](Self::IS_ALWAYS_LOCK_FREE) says so where it
///   is compiled, and [`is_lock_free`](Self::is_lock_free) for the processor it runs on.
/// * **Not for**: what an index of 32 bits can name ([`AtomicTagged`](super::AtomicTagged)). And it does not keep what the pointer
///   points to from being freed.
///
/// ```
/// use linchpin::reclaim::AtomicTaggedPtr;
///
/// let (mut one, mut other) = (1, 2);
/// let word = AtomicTaggedPtr::new(&raw mut one);
/// let seen = word.load();
/// let now = word.replace(seen, &raw mut other).unwrap();
/// word.replace(now, &raw mut one).unwrap();
/// // The pointer is what it was, but the word is not.
/// assert_eq!(word.load().pointer(), seen.pointer());
/// assert!(word.replace(seen, &raw mut other).is_err());
/// ```
pub struct AtomicTaggedPtr<T> {
    word: AtomicU128,
    points_to: PhantomData<*mut T>,
}

// SAFETY: a word, of which every access is atomic. What it points to is reached by `unsafe` code only.
unsafe impl<T> Send for AtomicTaggedPtr<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for AtomicTaggedPtr<T> {}

impl<T> AtomicTaggedPtr<T> {
    /// Whether every processor that this is compiled for does without a lock.
    pub const IS_ALWAYS_LOCK_FREE: bool = AtomicU128::is_always_lock_free();

    /// A word with that pointer, and the tag 0.
    #[must_use]
    pub fn new(pointer: *mut T) -> Self {
        AtomicTaggedPtr {
            word: AtomicU128::new(TaggedPtr::join(pointer, 0).word),
            points_to: PhantomData,
        }
    }

    /// Whether this processor does without a lock.
    #[must_use]
    pub fn is_lock_free() -> bool {
        AtomicU128::is_lock_free()
    }

    /// The pointer and the tag.
    #[must_use]
    pub fn load(&self) -> TaggedPtr<T> {
        // Acquire: synchronizes with the Release in `replace`, so that what the pointer points to
        // is seen as it was when the pointer was put here.
        // model: stack::a_tagged_pointer_publishes
        TaggedPtr::of(self.word.load(Acquire))
    }

    /// Replaces `current` by `pointer` and the next tag; returns what the word holds now.
    ///
    /// # Errors
    ///
    /// What the word holds, if that was not `current`.
    pub fn replace(&self, current: TaggedPtr<T>, pointer: *mut T) -> Result<TaggedPtr<T>, TaggedPtr<T>> {
        let new = TaggedPtr::join(pointer, current.tag().wrapping_add(1));
        // Release: synchronizes with the Acquire in `load`. No Acquire: as in `AtomicTagged`.
        // model: stack::a_tagged_pointer_publishes
        match self.word.compare_exchange(current.word, new.word, Release, Relaxed) {
            Ok(_) => Ok(new),
            Err(_) => Err(self.load()),
        }
    }
}

impl<T> fmt::Debug for AtomicTaggedPtr<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("AtomicTaggedPtr").field(&self.load()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_pointer_and_a_tag() {
        let mut places = [1, 2];
        let [one, other] = places.each_mut().map(|place| &raw mut *place);
        let word = AtomicTaggedPtr::new(one);
        let mut seen = word.load();
        for tag in 1..10 {
            let pointer = if tag % 2 == 0 { one } else { other };
            let stale = seen;
            seen = word.replace(seen, pointer).expect("no other thread has it");
            assert_eq!((seen.pointer(), seen.tag()), (pointer, tag));
            assert_eq!(word.load(), seen);
            assert_eq!(word.replace(stale, one), Err(seen));
        }
    }

    #[test]
    fn many_threads_count_in_the_tag() {
        const EACH: u64 = if cfg!(miri) { 50 } else { 20_000 };
        let mut places = [0_u8; 4];
        let word = AtomicTaggedPtr::new(ptr::null_mut());
        let begin = places.as_mut_ptr().expose_provenance();
        std::thread::scope(|scope| {
            for place in 0..4 {
                let word = &word;
                scope.spawn(move || {
                    let own = ptr::with_exposed_provenance_mut::<u8>(begin + place);
                    for _ in 0..EACH {
                        let mut seen = word.load();
                        while let Err(now) = word.replace(seen, own) {
                            seen = now;
                        }
                    }
                });
            }
        });
        assert_eq!(word.load().tag(), 4 * EACH);
        assert!((begin..begin + 4).contains(&word.load().pointer().addr()));
    }

    #[test]
    fn this_processor_has_the_instruction_if_it_is_said_to() {
        assert!(AtomicTaggedPtr::<u8>::is_lock_free() || !AtomicTaggedPtr::<u8>::IS_ALWAYS_LOCK_FREE);
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if std::is_x86_feature_detected!("cmpxchg16b") {
            assert!(AtomicTaggedPtr::<u8>::is_lock_free());
        }
    }
}
