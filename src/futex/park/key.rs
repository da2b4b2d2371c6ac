//! What waiters are queued by.

/// What a key's waiters wait for. Each kind has keys of its own, so that a late wake-up for a lock that is gone reaches no
/// waiter of another kind at the same address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::futex) enum KeyKind {
    Mutex = 0,
    RwLock = 1,
    /// A writer that waits until the readers have left.
    RwLockDrain = 2,
    Condvar = 3,
}

/// The name of a wait queue: the address of a lock, and a kind.
///
/// The only place that computes with such addresses. The table never dereferences one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::futex) struct Key(usize);

/// The kinds take the place of the lowest bits of an address.
const KINDS: usize = 4;

impl Key {
    /// The key of `object`, which is aligned to four bytes.
    #[inline]
    pub(in crate::futex) fn of<T>(object: &T, kind: KeyKind) -> Self {
        const { assert!(align_of::<T>() >= KINDS) };
        Self::new(core::ptr::from_ref(object).addr(), kind)
    }

    pub(super) const fn kind_is_drain(self) -> bool {
        self.kind() == KeyKind::RwLockDrain as usize
    }

    /// The kind, as a number.
    pub(super) const fn kind(self) -> usize {
        self.0 % KINDS
    }

    #[inline]
    const fn new(name: usize, kind: KeyKind) -> Self {
        Key(name + kind as usize)
    }

    /// Not 0, which no address is.
    pub(super) const fn to_bits(self) -> usize {
        self.0
    }

    pub(super) fn from_bits(bits: usize) -> Option<Self> {
        (bits != 0).then_some(Key(bits))
    }

    /// 64 bits of which each depends on each bit of the key (the finalizer of MurmurHash3, Appleby, with the constants of
    /// Stafford's "Mix13"). A product with one constant would put locks into one bucket that lie apart by a
    /// Fibonacci number.
    #[inline]
    pub(super) const fn hash(self) -> u64 {
        let mut hash = self.0 as u64;
        hash = (hash ^ hash >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash = (hash ^ hash >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        hash ^ hash >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    /// How many of 64 buckets 4,096 keys that lie `stride` apart fall into, and the most that fall into one.
    fn spread(stride: usize) -> (usize, usize) {
        let mut buckets = vec![0; 64];
        for place in 1..=4096_usize {
            let key = Key::new(place.wrapping_mul(stride) << 2 | 1 << 60, KeyKind::Mutex);
            buckets[(key.hash() >> 58) as usize] += 1;
        }
        (
            buckets.iter().filter(|&&count| count > 0).count(),
            buckets.into_iter().max().unwrap_or(0),
        )
    }

    /// Regression: with a product as hash, strides of the constant's convergents put all locks into one bucket.
    #[test]
    #[cfg_attr(miri, ignore = "millions of hashes, none of which is unsafe")]
    fn no_stride_fills_one_bucket() {
        let mut strides: vec::Vec<usize> = (0..40).map(|power| 1 << power).collect();
        let (mut small, mut large) = (1_usize, 2_usize);
        while large < 1 << 44 {
            strides.extend([large, large * 16, large * 64]);
            (small, large) = (large, small + large);
        }
        strides.extend(
            [0x9E37_79B9_7F4A_7C15, 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB].map(|constant: usize| constant >> 4),
        );
        for stride in strides {
            let (used, most) = spread(stride);
            assert!(
                used == 64 && most < 160,
                "a stride of {stride}: {used} buckets, {most} in one"
            );
        }
    }
}
