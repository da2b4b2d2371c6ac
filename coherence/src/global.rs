//! Statics that belong to a simulation; outside one, to the process.

use core::fmt;
use std::any::Any;
use std::sync::{Arc, OnceLock};

use crate::engine;

/// A static that each simulation makes anew, so that what one run leaves behind does not change the
/// bill of the next.
///
/// Made when it is first used, by whichever thread that is. Outside a simulation there is one for
/// the process.
///
/// ```
/// use coherence::sync::atomic::{AtomicU32, Ordering::Relaxed};
/// use coherence::{Global, Machine};
///
/// static COUNT: Global<AtomicU32> = Global::new(|| AtomicU32::new(0));
///
/// for _ in 0..2 {
///     coherence::run(&Machine::flat(2), 2, |_| {
///         assert!(COUNT.get().fetch_add(1, Relaxed) < 2);
///     });
/// }
/// assert_eq!(COUNT.get().load(Relaxed), 0);
/// ```
pub struct Global<T: 'static> {
    init: fn() -> T,
    outside: OnceLock<Arc<T>>,
}

impl<T: Send + Sync> Global<T> {
    /// Declares a static with this initialiser.
    pub const fn new(init: fn() -> T) -> Self {
        Global {
            init,
            outside: OnceLock::new(),
        }
    }

    /// The value of the simulation that runs. Looking it up is not billed.
    pub fn get(&'static self) -> Arc<T> {
        let key = core::ptr::from_ref(self).addr();
        match engine::with_globals(|globals| globals.get(key)) {
            None => Arc::clone(self.outside.get_or_init(|| Arc::new((self.init)()))),
            Some(Some(value)) => value
                .downcast()
                .unwrap_or_else(|_| unreachable!("a static keeps its type")),
            Some(None) => {
                // The initialiser is the caller's code, and may use this or other statics: nothing
                // is borrowed.
                let value = Arc::new((self.init)());
                let erased: Arc<dyn Any + Send + Sync> = value.clone();
                let first = engine::with_globals(|globals| globals.get_or_insert(key, &erased));
                first.and_then(|first| first.downcast().ok()).unwrap_or(value)
            }
        }
    }
}

impl<T> fmt::Debug for Global<T> {
    /// Shows no value: there may be one for each simulation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Global").finish_non_exhaustive()
    }
}
