//! What a child of `fork` must forget: memory in which the parent's threads were in the middle of something.
//!
//! Each such memory has a mark in a page that the kernel clears in the child (`MADV_WIPEONFORK`, Linux 4.14). The first
//! thread of the child that is about to use the memory finds the mark cleared, and makes it anew. So it does not matter in which order
//! the handlers of `pthread_atfork` run, and the child may be made past the C library. Where the kernel cannot do that, such a
//! handler clears the marks.
//!
//! | mark | meaning |
//! |---|---|
//! | `CLEARED` | the memory is the parent's |
//! | `BUSY` | a thread makes it anew |
//! | `OWN` | it is this process's |

use core::ptr::null_mut;
use core::sync::atomic::{
    AtomicPtr, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

const CLEARED: u32 = 0;
const BUSY: u32 = 1;
const OWN: u32 = 2;

/// How many marks there are.
const MARKS: usize = 4;
type Marks = [AtomicU32; MARKS];

/// The marks that the kernel clears; null before they are first needed.
static MARKED: AtomicPtr<Marks> = AtomicPtr::new(null_mut());
/// Those that a handler clears.
static HANDLED: Marks = [const { AtomicU32::new(OWN) }; MARKS];

/// Memory that a child of a fork must not take over as it is.
pub(crate) struct OwnMemory {
    mark: usize,
}

impl OwnMemory {
    /// Each has a mark of its own.
    pub(crate) const fn with_mark(mark: usize) -> Self {
        assert!(mark < MARKS);
        OwnMemory { mark }
    }

    /// To be called before each use. In the child of a fork, `renew` runs once before any thread goes on from here; it touches nothing else
    /// of this kind.
    #[inline]
    pub(crate) fn ensure(&self, renew: impl FnOnce()) {
        // Acquire: synchronizes with the Release in `renewed`, or in `marks`. What was made anew is seen.
        if marks()[self.mark].load(Acquire) != OWN {
            self.renewed(renew);
        }
    }

    #[cold]
    fn renewed(&self, renew: impl FnOnce()) {
        let mark = &marks()[self.mark];
        loop {
            // Acquire: as in `ensure`.
            match mark.compare_exchange(CLEARED, BUSY, Acquire, Acquire) {
                Ok(_) => {
                    renew();
                    // Release: synchronizes with the Acquire loads of the threads that wait for it.
                    return mark.store(OWN, Release);
                }
                Err(OWN) => return,
                Err(_) => std::thread::yield_now(),
            }
        }
    }
}

#[inline]
fn marks() -> &'static Marks {
    // Acquire: synchronizes with the Release in `make`, so that the marks are filled in.
    // SAFETY: null, or what `make` has published, which lasts as long as the process.
    match unsafe { MARKED.load(Acquire).as_ref() } {
        Some(marks) => marks,
        None => make(),
    }
}

#[cold]
fn make() -> &'static Marks {
    let new = kernel::cleared_in_children().unwrap_or_else(|| {
        kernel::on_fork(clear_handled);
        &raw const HANDLED
    });
    // SAFETY: zeroed memory that is large enough and lasts, or the static; other threads see it only as atomics.
    let marks: &'static Marks = unsafe { &*new };
    // Relaxed: published below.
    marks.iter().for_each(|mark| mark.store(OWN, Relaxed));
    // Release: synchronizes with the Acquire in `marks`. Acquire: the marks of the thread that was faster are filled in.
    match MARKED.compare_exchange(null_mut(), new.cast_mut(), Release, Acquire) {
        Ok(_) => marks,
        Err(other) => {
            kernel::give_back(new);
            // SAFETY: published by another thread; it lasts as long as the process.
            unsafe { &*other }
        }
    }
}

extern "C" fn clear_handled() {
    // Relaxed: the child has one thread.
    HANDLED.iter().for_each(|mark| mark.store(CLEARED, Relaxed));
}

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
mod kernel {
    use core::ptr::null_mut;

    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    use super::{HANDLED, Marks};

    /// A page is at least so large.
    const SIZE: usize = 4096;

    /// Zeroed memory that is zeroed again in the child of each fork, and lasts; `None` if the kernel has none.
    pub(super) fn cleared_in_children() -> Option<*const Marks> {
        // SAFETY: a new mapping, wherever the kernel likes, takes the place of nothing.
        let page =
            unsafe { mmap_anonymous(null_mut(), SIZE, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE) }.ok()?;
        // SAFETY: it is the mapping just made, which no other thread knows.
        if unsafe { madvise(page, SIZE, Advice::LinuxWipeOnFork) }.is_err() {
            give_back(page.cast());
            return None;
        }
        Some(page.cast())
    }

    /// Gives back what no other thread knows.
    pub(super) fn give_back(page: *const Marks) {
        if page != &raw const HANDLED {
            // SAFETY: the whole of a mapping that `cleared_in_children` has made.
            let _ = unsafe { munmap(page.cast_mut().cast(), SIZE) };
        }
    }

    pub(super) fn on_fork(handler: extern "C" fn()) {
        // Where not even that can be had, a child inherits what it inherits.
        let _ = crate::backend::pi::on_fork(handler);
    }
}

/// Elsewhere nothing is known of forks.
#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
mod kernel {
    use super::Marks;

    pub(super) fn cleared_in_children() -> Option<*const Marks> {
        None
    }

    pub(super) fn give_back(_: *const Marks) {}

    pub(super) fn on_fork(_: extern "C" fn()) {}
}
