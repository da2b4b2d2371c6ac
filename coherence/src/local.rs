//! Thread-locals that belong to the simulated thread; outside a simulation, to the OS thread.

use core::cell::RefCell;
use core::fmt;

use crate::engine::{self, AccessError, Locals, Value};

/// Declares [`LocalKey`]s as [`std::thread_local!`] does, with an initialiser or a `const` block.
///
/// Each simulated thread has its own value, made when it is first used and dropped when the thread
/// ends, the youngest first. Every value starts on a line of its own, as thread-local storage does
/// in reality.
///
/// ```
/// use std::cell::Cell;
///
/// coherence::thread_local! {
///     static COUNT: Cell<u32> = const { Cell::new(0) };
/// }
/// COUNT.with(|count| count.set(count.get() + 1));
/// ```
#[macro_export]
macro_rules! thread_local {
    () => {};
    ($(#[$attribute:meta])* $vis:vis static $name:ident: $t:ty = const $init:block $(; $($rest:tt)*)?) => {
        $crate::thread_local!($(#[$attribute])* $vis static $name: $t = $init $(; $($rest)*)?);
    };
    ($(#[$attribute:meta])* $vis:vis static $name:ident: $t:ty = $init:expr $(; $($rest:tt)*)?) => {
        $(#[$attribute])*
        $vis static $name: $crate::thread::LocalKey<$t> = {
            fn init() -> $t {
                $init
            }
            $crate::thread::LocalKey::new(init)
        };
        $($crate::thread_local!($($rest)*);)?
    };
}

/// A thread-local, declared with [`thread_local!`](crate::thread_local).
pub struct LocalKey<T: 'static> {
    init: fn() -> T,
}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    pub const fn new(init: fn() -> T) -> Self {
        LocalKey { init }
    }

    /// Calls `f` with the calling thread's value, made now if need be.
    ///
    /// # Panics
    /// If the value has been dropped, because the thread is ending
    /// ([`try_with`](LocalKey::try_with) does not).
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.try_with(f).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Calls `f` with the calling thread's value, made now if need be.
    ///
    /// # Errors
    /// [`AccessError`] if the value has been dropped, because the thread is ending.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        let key = core::ptr::from_ref(self).addr();
        let value = match with_locals(|locals| locals.get(key))? {
            Some(value) => value,
            None => {
                // The initialiser is the caller's code, and may use this or other thread-locals:
                // nothing is borrowed.
                let value = Box::into_raw(Box::new(OwnLine((self.init)()))).cast::<()>();
                let kept = Value {
                    pointer: value,
                    drop: drop_value::<T>,
                };
                match with_locals(|locals| locals.insert(key, kept))? {
                    None => value,
                    Some(earlier) => {
                        drop_value::<T>(value);
                        earlier
                    }
                }
            }
        };
        // SAFETY: `value` came from the `Box` of an `OwnLine<T>` above, in this call or an earlier
        // one of the same key, hence of the same `T`. It is dropped only by `Value::destroy`, at
        // the end of the thread that is running `f`; a destructor that uses its own key then finds
        // the table's entry empty, and does not get here.
        Ok(f(unsafe { &(*value.cast::<OwnLine<T>>()).0 }))
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// No two thread-locals share a line of any size, nor an aligned pair of 64-byte lines.
#[repr(align(128))]
struct OwnLine<T>(T);

fn drop_value<T>(value: *mut ()) {
    // SAFETY: only called with a pointer that `Box::into_raw` gave for this `T` in `try_with`, and
    // only once: either it was not put into a table, or it was taken out.
    drop(unsafe { Box::from_raw(value.cast::<OwnLine<T>>()) });
}

/// The thread-locals of an OS thread outside a simulation.
struct Outside(RefCell<Locals>);

impl Drop for Outside {
    fn drop(&mut self) {
        loop {
            // The destructor is the caller's code, and may use other thread-locals: nothing is
            // borrowed.
            let Some(value) = self.0.borrow_mut().pop() else {
                break;
            };
            value.destroy();
        }
    }
}

std::thread_local! {
    static OUTSIDE: Outside = const { Outside(RefCell::new(Locals::new())) };
}

fn with_locals<R>(mut f: impl FnMut(&mut Locals) -> Result<R, AccessError>) -> Result<R, AccessError> {
    if let Some(result) = engine::with_locals(&mut f) {
        return result;
    }
    OUTSIDE
        .try_with(|outside| f(&mut outside.0.borrow_mut()))
        .unwrap_or(Err(AccessError))
}
