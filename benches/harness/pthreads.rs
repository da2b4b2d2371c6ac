//! The mutex of the C library, as it is by default and with priority inheritance.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

use super::locks::Lock;

/// `pthread_mutex_t` of the default type, over a number.
pub struct PthreadMutex {
    mutex: UnsafeCell<MaybeUninit<libc::pthread_mutex_t>>,
    total: UnsafeCell<u64>,
}

// SAFETY: the number is used under the mutex only, which threads may share.
unsafe impl Sync for PthreadMutex {}
// SAFETY: no thread holds it when it is moved or dropped, as `with` borrows it.
unsafe impl Send for PthreadMutex {}

impl PthreadMutex {
    fn of(mutex: MaybeUninit<libc::pthread_mutex_t>) -> Self {
        PthreadMutex {
            mutex: UnsafeCell::new(mutex),
            total: UnsafeCell::new(0),
        }
    }

    fn raw(&self) -> *mut libc::pthread_mutex_t {
        self.mutex.get().cast()
    }

    #[inline]
    fn pass<R>(&self, section: impl FnOnce(&mut u64) -> R) -> R {
        // SAFETY: the thread that made this has initialised it, and no thread has moved it since it was first used.
        let error = unsafe { libc::pthread_mutex_lock(self.raw()) };
        assert_eq!(error, 0, "the C library does not lock");
        let _held = Held(self);
        // SAFETY: under the mutex, until `_held` is dropped.
        section(unsafe { &mut *self.total.get() })
    }
}

impl Drop for PthreadMutex {
    fn drop(&mut self) {
        // SAFETY: it is initialised, and no thread holds it. It may be used no more, and is not.
        unsafe { libc::pthread_mutex_destroy(self.raw()) };
    }
}

struct Held<'a>(&'a PthreadMutex);

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this thread has locked it.
        unsafe { libc::pthread_mutex_unlock(self.0.raw()) };
    }
}

impl Lock for PthreadMutex {
    type Node = ();

    fn new() -> Self {
        // A constant, good wherever it is put before it is first used.
        Self::of(MaybeUninit::new(libc::PTHREAD_MUTEX_INITIALIZER))
    }

    fn node() {}

    #[inline]
    fn with<R>(&self, (): &mut (), section: impl FnOnce(&mut u64) -> R) -> R {
        self.pass(section)
    }
}

/// The same with `PTHREAD_PRIO_INHERIT`. It is initialised where it stays, so it is boxed: that is one load more.
pub struct PthreadPiMutex(Box<PthreadMutex>);

impl Lock for PthreadPiMutex {
    type Node = ();

    fn new() -> Self {
        let mutex = Box::new(PthreadMutex::of(MaybeUninit::uninit()));
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: each is initialised before it is used, the attributes are destroyed once, and the mutex stays where
        // it is, in its box.
        let errors = unsafe {
            [
                libc::pthread_mutexattr_init(attributes.as_mut_ptr()),
                libc::pthread_mutexattr_setprotocol(attributes.as_mut_ptr(), libc::PTHREAD_PRIO_INHERIT),
                libc::pthread_mutex_init(mutex.raw(), attributes.as_ptr()),
                libc::pthread_mutexattr_destroy(attributes.as_mut_ptr()),
            ]
        };
        assert_eq!(
            errors, [0; 4],
            "the C library has no mutex with priority inheritance here"
        );
        PthreadPiMutex(mutex)
    }

    fn node() {}

    #[inline]
    fn with<R>(&self, (): &mut (), section: impl FnOnce(&mut u64) -> R) -> R {
        self.0.pass(section)
    }
}
