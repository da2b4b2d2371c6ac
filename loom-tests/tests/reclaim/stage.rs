//! What the models act on: a domain, and objects that notice when they are read after having been dropped.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Mutex;

use linchpin::hazard::raw::Pointer;
use linchpin::hazard::{AtomicPtr, Domain, HazardPointer, Replaced};
use loom::alloc::Track;
use loom::cell::UnsafeCell;

#[derive(Debug)]
pub struct Family;

/// An object. Its memory outlives the model's threads, so that a model which reads what was dropped shows that, and is
/// not undefined.
pub struct Object {
    number: UnsafeCell<u32>,
    /// loom finds an access that may coincide with another one, and tells of one that was never dropped.
    dropped: UnsafeCell<bool>,
    track: UnsafeCell<Option<Track<()>>>,
}

// SAFETY: loom's cells panic at unsynchronised access, so sharing it in a model is checked, not assumed.
unsafe impl Send for Object {}
// SAFETY: as above.
unsafe impl Sync for Object {}

impl Object {
    /// Reads it; panics if it has been dropped.
    pub fn look(&self) -> u32 {
        self.dropped.with(|dropped| {
            // SAFETY: loom panics if this may coincide with a write.
            assert!(!unsafe { *dropped }, "an object is read, and has been dropped");
        });
        // SAFETY: as above.
        self.number.with(|number| unsafe { *number })
    }

    /// Writes to it; no other thread uses it.
    pub fn change(&self) {
        // SAFETY: loom panics if this may coincide with another access.
        self.number.with_mut(|number| unsafe { *number += 100 });
    }
}

/// Owns an object.
pub struct Owner(*mut Object);

// SAFETY: it owns its object, which is `Send`.
unsafe impl Send for Owner {}

impl Owner {
    /// Where its object is.
    pub fn address(&self) -> *mut Object {
        self.0
    }

    /// A new object in the memory of one that was dropped.
    ///
    /// # Safety
    ///
    /// It was.
    pub unsafe fn anew(object: *mut Object, number: u32) -> Self {
        // SAFETY: the memory of an object stays valid to the end of the model.
        let it = unsafe { &*object };
        // SAFETY: loom panics if these may coincide with another access.
        unsafe {
            it.dropped.with_mut(|dropped| *dropped = false);
            it.number.with_mut(|old| *old = number);
            it.track.with_mut(|track| *track = Some(Track::new(())));
        }
        Owner(object)
    }
}

impl Deref for Owner {
    type Target = Object;

    fn deref(&self) -> &Object {
        // SAFETY: the object lives to the end of the model.
        unsafe { &*self.0 }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.dropped.with_mut(|dropped| {
            // SAFETY: loom panics if this may coincide with another access.
            let was_dropped = unsafe { std::mem::replace(&mut *dropped, true) };
            assert!(!was_dropped, "an object is dropped twice");
        });
        self.track.with_mut(|track| {
            // SAFETY: as above.
            drop(unsafe { (*track).take() });
        });
    }
}

// SAFETY: the object stays where it is to the end of the model.
unsafe impl Pointer<Object> for Owner {
    fn into_raw(self) -> *mut Object {
        ManuallyDrop::new(self).0
    }

    unsafe fn from_raw(object: *mut Object) -> Self {
        Owner(object)
    }
}

pub type Shared = AtomicPtr<Object, Family, Owner>;
pub type Reader = HazardPointer<'static, Family>;

/// A domain, and the memory of the objects. Copied to all threads of a model; ended by its main thread, after all
/// others.
#[derive(Clone, Copy)]
pub struct Stage {
    pub domain: &'static Domain<Family>,
    /// All that there are; owned elsewhere, while the memory is owned here.
    objects: &'static Mutex<Vec<ManuallyDrop<Owner>>>,
}

impl Stage {
    pub fn new() -> Self {
        Stage {
            domain: Box::leak(Box::new(Domain::new(&Family))),
            objects: Box::leak(Box::default()),
        }
    }

    /// A new object.
    pub fn object(self, number: u32) -> Owner {
        let object = Box::into_raw(Box::new(Object {
            number: UnsafeCell::new(number),
            dropped: UnsafeCell::new(false),
            track: UnsafeCell::new(Some(Track::new(()))),
        }));
        let mut objects = self.objects.lock().expect("no execution panics under it");
        objects.push(ManuallyDrop::new(Owner(object)));
        Owner(object)
    }

    /// A pointer to a new object.
    pub fn shared(self, number: u32) -> &'static Shared {
        Box::leak(Box::new(Shared::from(self.object(number))))
    }

    /// A pointer to none.
    pub fn empty(self) -> &'static Shared {
        // SAFETY: null.
        Box::leak(Box::new(unsafe { Shared::new(std::ptr::null_mut()) }))
    }

    pub fn reader(self) -> Reader {
        HazardPointer::new_in_domain(self.domain)
    }

    /// Loads what `shared` holds, and reads it.
    pub fn look(self, shared: &Shared, reader: &mut Reader) -> u32 {
        // SAFETY: what a stage's pointers hold is retired in its domain.
        unsafe { shared.load(reader) }.expect("it holds something").look()
    }

    /// Retires what was replaced.
    pub fn retire(self, replaced: Option<Replaced<Object, Family, Owner>>) -> usize {
        // SAFETY: models hold an object in one pointer, and retire what they have taken out of it, once.
        unsafe { replaced.expect("it held something").retire_in(self.domain) }
    }

    /// The number of what was replaced.
    pub fn number(self, replaced: Option<Replaced<Object, Family, Owner>>) -> u32 {
        // SAFETY: its memory lives to the end of the model.
        unsafe { replaced.expect("it held something").into_inner().as_ref() }.look()
    }

    /// What was replaced, to be dropped without the domain.
    pub fn owner(self, replaced: Option<Replaced<Object, Family, Owner>>) -> Owner {
        Owner(replaced.expect("it held something").as_ptr())
    }

    /// Replaces what `shared` holds by a new object, retires it and scans; returns how many objects that has reclaimed.
    pub fn replace(self, shared: &Shared, number: u32) -> usize {
        self.retire(shared.swap(self.object(number))) + self.domain.eager_reclaim()
    }

    /// Drops the domain, and with it all that was retired.
    pub fn drop_domain(self) {
        // SAFETY: a leaked box, which no thread uses any more.
        drop(unsafe { Box::from_raw(std::ptr::from_ref(self.domain).cast_mut()) });
    }

    /// Ends the model: drops the domain, and what `shared` hold.
    pub fn end<const N: usize>(self, shared: [&'static Shared; N]) {
        self.drop_domain();
        self.end_without_domain(shared);
    }

    /// The same where the domain has been dropped.
    pub fn end_without_domain<const N: usize>(self, shared: [&'static Shared; N]) {
        for shared in shared {
            // SAFETY: a leaked box, and no other thread is left.
            let shared = unsafe { Box::from_raw(std::ptr::from_ref(shared).cast_mut()) };
            let object = shared.into_inner();
            if !object.is_null() {
                drop(Owner(object));
            }
        }
        // SAFETY: as above.
        let objects = unsafe { Box::from_raw(std::ptr::from_ref(self.objects).cast_mut()) };
        for object in objects.into_inner().expect("no execution panics under it") {
            // SAFETY: from `object`, and no other thread is left.
            drop(unsafe { Box::from_raw(object.0) });
        }
    }
}
