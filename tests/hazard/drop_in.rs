//! A program for `haphazard` 0.1 runs with ours, and does the same: each of these is compiled twice, with one line
//! changed.

macro_rules! programs {
    ($name:ident, $($crate_line:tt)*) => {
        mod $name {
            // The line that its users change.
            $($crate_line)*

            use std::ptr::null_mut;
            use std::sync::Arc;
            use std::sync::atomic::{AtomicUsize, Ordering};

            #[derive(Debug)]
            struct CountsDrops(Arc<AtomicUsize>);

            impl Drop for CountsDrops {
                fn drop(&mut self) {
                    self.0.fetch_add(1, Ordering::SeqCst);
                }
            }

            fn counted() -> (Arc<AtomicUsize>, Box<(u32, CountsDrops)>) {
                let drops = Arc::new(AtomicUsize::new(0));
                (Arc::clone(&drops), Box::new((42, CountsDrops(drops))))
            }

            fn of(drops: &AtomicUsize) -> usize {
                drops.load(Ordering::SeqCst)
            }

            #[test]
            fn a_reader_keeps_what_a_writer_replaces() {
                let domain = unique_domain!();
                fn pointer<T, F>(_: &Domain<F>, object: Box<T>) -> AtomicPtr<T, F> {
                    AtomicPtr::from(object)
                }
                let (first_drops, first) = counted();
                let (second_drops, second) = counted();
                let current = pointer(&domain, first);
                let mut reader = HazardPointer::new_in_domain(&domain);
                let seen = current.safe_load(&mut reader).expect("not null");
                let replaced = current.swap(second).expect("not null");
                let copy = replaced;
                assert_eq!(copy.into_inner().as_ptr(), replaced.as_ptr());
                assert!(format!("{copy:?}").starts_with("0x"));
                // SAFETY: it is in no pointer, and was not retired.
                assert_eq!(unsafe { replaced.retire_in(&domain) }, 0);
                assert_eq!((domain.eager_reclaim(), of(&first_drops), seen.0), (0, 0, 42));
                // Another load moves the protection on.
                assert_eq!(current.safe_load(&mut reader).map(|object| object.0), Some(42));
                assert_eq!((domain.eager_reclaim(), of(&first_drops)), (1, 1));
                reader.reset_protection();
                drop(reader);
                // SAFETY: it is in this pointer alone.
                let at_once = unsafe { current.retire_in(&domain) };
                assert_eq!((at_once + domain.eager_reclaim(), of(&second_drops)), (1, 1));
            }

            #[test]
            fn the_global_domain_serves_all() {
                // Whatever other tests retire in it meanwhile is in the sums of `eager_reclaim`, but not in these
                // counts.
                let (drops, object) = counted();
                let current: AtomicPtr<_> = object.into();
                let mut reader = HazardPointer::default();
                assert!(current.safe_load(&mut reader).is_some());
                drop(reader);
                let [mut left, mut right] = [HazardPointer::new(), HazardPointer::new()];
                assert_eq!(current.safe_load(&mut left).map(|it| it.0), current.safe_load(&mut right).map(|it| it.0));
                // SAFETY: it is in this pointer alone.
                unsafe { current.retire() };
                drop(left);
                Domain::global().eager_reclaim();
                assert_eq!(of(&drops), 0, "the right one protects it");
                drop(right);
                Domain::global().eager_reclaim();
                assert_eq!(of(&drops), 1);
            }

            #[test]
            fn several_at_once() {
                let domain = Domain::new(&());
                let (left_drops, left) = counted();
                let (right_drops, right) = counted();
                let [left, right] = [left, right].map(|object| AtomicPtr::<_, ()>::from(object));
                let mut readers = HazardPointer::many_in_domain::<2>(&domain);
                // SAFETY: all of it is retired in `domain`.
                unsafe {
                    let [one, two] = readers.as_refs();
                    let (one, two) = (left.load(one).expect("not null"), right.load(two).expect("not null"));
                    assert_eq!((one.0, two.0), (42, 42));
                    readers.reset_protection();
                    let both = readers.protect_all([left.as_std(), right.as_std()]);
                    assert!(both.iter().all(|object| object.is_some_and(|object| object.0 == 42)));
                    left.retire_in(&domain);
                    assert_eq!((domain.eager_reclaim(), of(&left_drops)), (0, 0));
                    drop(readers);
                    assert_eq!((domain.eager_reclaim(), of(&left_drops)), (1, 1));
                    right.retire_in(&domain);
                }
                drop(domain);
                assert_eq!(of(&right_drops), 1, "a domain drops what was retired in it");
                let _: HazardPointerArray<'static, Global, 3> = HazardPointerArray::default();
                let _ = HazardPointer::many::<1>();
            }

            #[test]
            fn pointers_are_exchanged() {
                let domain = Domain::new(&());
                // SAFETY: null.
                let mut current: AtomicPtr<u32, ()> = unsafe { AtomicPtr::new(null_mut()) };
                let mut reader = HazardPointer::new_in_domain(&domain);
                // SAFETY: nothing is there.
                assert!(unsafe { current.load(&mut reader) }.is_none());
                current.store(Box::new(1));
                let first = current.load_ptr();
                let refused = current.compare_exchange(null_mut(), Box::new(2));
                assert_eq!(refused.map_err(|object| *object).err(), Some(2), "it comes back");
                let replaced = current.compare_exchange(first, Box::new(3)).expect("it is the first");
                assert_eq!(replaced.map(|old| old.as_ptr()), Some(first));
                // SAFETY: replaced, and not retired before.
                let mut reclaimed = unsafe { replaced.expect("not null").retire_in(&domain) };
                let second = current.load_ptr();
                let mut new = Box::new(4);
                let replaced = loop {
                    match current.compare_exchange_weak(second, new) {
                        Ok(replaced) => break replaced.expect("not null"),
                        Err(back) => new = back,
                    }
                };
                // SAFETY: replaced, and not retired before.
                reclaimed += unsafe { replaced.retire_in(&domain) };
                // SAFETY: what is stored comes of a box, and what is taken out is retired.
                unsafe {
                    let third = current.swap_ptr(null_mut()).expect("not null");
                    current.store_ptr(third.into_inner().as_ptr());
                    assert_eq!(current.compare_exchange_ptr(null_mut(), null_mut()).err(), Some(third.as_ptr()));
                    assert_eq!(current.as_std().load(Ordering::SeqCst), third.as_ptr());
                    assert_eq!(*current.as_std_mut().get_mut(), third.as_ptr());
                    assert_eq!(**current.get_mut(), 4);
                    assert_eq!(format!("{current:?}"), format!("{:?}", third.as_ptr()));
                    drop(Box::from_raw(current.into_inner()));
                }
                reclaimed += domain.eager_reclaim();
                assert_eq!(reclaimed, 2);
            }

            #[test]
            fn hazard_pointers_work_on_plain_pointers() {
                use std::sync::atomic::AtomicPtr;
                let domain = Domain::new(&());
                let (drops, object) = counted();
                let object = Box::into_raw(object);
                let current = AtomicPtr::new(object);
                let mut reader = HazardPointer::new_in_domain(&domain);
                // SAFETY: what is in `current` is retired in `domain`.
                unsafe {
                    assert!(reader.protect(&current).is_some_and(|object| object.0 == 42));
                    assert!(reader.try_protect(object, &current).is_ok_and(|object| object.is_some()));
                    assert!(reader.try_protect(null_mut(), &current).is_ok_and(|object| object.is_none()));
                }
                assert_eq!(reader.try_protect_ptr(null_mut(), &current).err(), Some(object));
                let (protected, _lasts) = reader.protect_ptr(&current).expect("not null");
                assert_eq!(protected.as_ptr(), object);
                current.store(null_mut(), Ordering::SeqCst);
                // SAFETY: it is in no pointer, was not retired, and comes of a box.
                unsafe { domain.retire_ptr::<_, Box<_>>(object) };
                assert_eq!((domain.eager_reclaim(), of(&drops)), (0, 0));
                assert!(reader.try_protect_ptr(null_mut(), &current).is_ok_and(|object| object.is_none()));
                assert_eq!((domain.eager_reclaim(), of(&drops)), (1, 1));
                let raw = Box::into_raw(Box::new(7_u8));
                reader.protect_raw(raw);
                // SAFETY: as above.
                unsafe { domain.retire_ptr::<_, Box<_>>(raw) };
                assert_eq!(domain.eager_reclaim(), 0);
                reader.protect_raw(null_mut::<u8>());
                assert_eq!(domain.eager_reclaim(), 1);
            }

            static_unique_domain!(static LOCAL: Domain<Local>);

            #[test]
            fn a_static_domain_has_a_family_of_its_own() {
                struct Reads<'domain> {
                    hazard_pointer: HazardPointer<'domain, Local>,
                    current: AtomicPtr<u32, Local>,
                }
                let mut reads = Reads {
                    hazard_pointer: HazardPointer::new_in_domain(&LOCAL),
                    current: AtomicPtr::from(Box::new(5)),
                };
                assert_eq!(reads.current.safe_load(&mut reads.hazard_pointer), Some(&5));
                drop(reads.hazard_pointer);
                // SAFETY: it is in this pointer alone.
                let at_once = unsafe { reads.current.retire_in(&LOCAL) };
                assert_eq!(at_once + LOCAL.eager_reclaim(), 1);
            }

            fn a_unique_domain() -> Domain<impl Singleton> {
                unique_domain!()
            }

            #[test]
            #[should_panic(expected = "cannot be executed more than once")]
            fn a_family_has_one_domain() {
                let _domains = [a_unique_domain(), a_unique_domain()];
            }

            #[test]
            fn names_of_the_parts() {
                fn is_pointer<T, P: raw::Pointer<T>>() {}
                fn is_reclaim<R: raw::Reclaim>() {}
                is_pointer::<u8, Box<u8>>();
                is_reclaim::<u8>();
                let _: fn(&'static raw::Domain<raw::families::Global>) -> raw::HazardPointer<'static> =
                    HazardPointer::new_in_domain;
            }
        }
    };
}

// Miri does not know how the peer keeps its static domain.
#[cfg(not(miri))]
programs!(theirs, use haphazard::*;);
programs!(ours, use linchpin::hazard::*;);
