//! The statics of one simulation: type-erased values, by the address of their declaration.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

type Value = Arc<dyn Any + Send + Sync>;

/// The statics of one simulation.
#[derive(Default)]
pub(crate) struct Globals(HashMap<usize, Value>);

impl Globals {
    pub(crate) fn get(&self, key: usize) -> Option<Value> {
        self.0.get(&key).cloned()
    }

    /// Keeps a value, unless the key has one already; returns the one it has now.
    pub(crate) fn get_or_insert(&mut self, key: usize, value: &Value) -> Value {
        Arc::clone(self.0.entry(key).or_insert_with(|| Arc::clone(value)))
    }
}
