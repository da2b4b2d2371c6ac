//! Hazard pointers.

use super::*;
use linchpin::hazard::{AtomicPtr, Domain, Global, HazardPointer, HazardPointerArray, Replaced};
use std::ptr::NonNull;

// A family is a name, and no value of it is shared.
exactly!(Domain<Global>: Send + Sync);
exactly!(Domain<Neither>: Send + Sync);
exactly!(HazardPointer<'static>: Send + Sync);
exactly!(HazardPointer<'static, Neither>: Send + Sync);
exactly!(HazardPointerArray<'static, Neither, 3>: Send + Sync);
assert_not_impl_any!(HazardPointer<'static>: Clone, Copy);
// It is a word, whatever it points to: the methods that give out or drop a `T` have the bounds.
exactly!(AtomicPtr<Both>: Send + Sync);
exactly!(AtomicPtr<Neither>: Send + Sync);
exactly!(AtomicPtr<Neither, Neither>: Send + Sync);
// A raw pointer, which is what it is.
exactly!(Replaced<Both, Global, Box<Both>>: neither);
assert_impl_all!(Replaced<Neither, Global, Box<Neither>>: Clone, Copy);

assert_eq_size!(AtomicPtr<u64>, Domain<Global>, usize);
assert_eq_size!(HazardPointer<'static>, [usize; 2]);
assert_eq_size!(Option<HazardPointer<'static>>, [usize; 2]);
assert_eq_size!(Replaced<u64, Global, Box<u64>>, NonNull<u64>);
assert_eq_size!(Option<Replaced<u64, Global, Box<u64>>>, usize);
