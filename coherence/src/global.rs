//! Statics that belong to a simulation; outside one, to the process.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::engine;

/// The statics of one simulation, by the address of their declaration.
pub(crate) type Table = HashMap<usize, Arc<dyn Any + Send + Sync>>;

/// A static that each simulation makes anew, so that what one run leaves behind does not change the bill of the next.
///
/// Made when it is first used, by whichever thread that is. Outside a simulation there is one for the process.
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
        match engine::with_globals(|table| table.get(&key).cloned()) {
            None => Arc::clone(self.outside.get_or_init(|| Arc::new((self.init)()))),
            Some(Some(value)) => value
                .downcast()
                .unwrap_or_else(|_| unreachable!("a static keeps its type")),
            Some(None) => {
                // The initialiser is the caller's code, and may use this or other statics: no table is borrowed.
                let value = Arc::new((self.init)());
                let first =
                    engine::with_globals(|table| Arc::clone(table.entry(key).or_insert(Arc::clone(&value) as _)));
                first.and_then(|first| first.downcast().ok()).unwrap_or(value)
            }
        }
    }
}
