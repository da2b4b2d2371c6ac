//! The thread-locals of one thread, simulated or not: type-erased values, by the address of their
//! declaration.

use core::fmt;

/// The thread-local was used after it was dropped, by the destructor of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct AccessError;

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the thread-local has been dropped: its thread is ending")
    }
}

impl core::error::Error for AccessError {}

/// A value, and the function that drops it.
#[derive(Clone, Copy)]
pub(crate) struct Value {
    pub(crate) pointer: *mut (),
    pub(crate) drop: fn(*mut ()),
}

impl Value {
    /// Drops a value that was taken out of its table.
    pub(crate) fn destroy(self) {
        (self.drop)(self.pointer);
    }
}

struct Local {
    key: usize,
    /// `None` once it was taken out.
    value: Option<Value>,
}

/// The thread-locals of one thread, in the order in which they were made.
pub(crate) struct Locals(Vec<Local>);

impl Locals {
    pub(crate) const fn new() -> Locals {
        Locals(Vec::new())
    }

    /// The value of this key; `Ok(None)` if it was never made, an error if it was taken out.
    pub(crate) fn get(&self, key: usize) -> Result<Option<*mut ()>, AccessError> {
        match self.0.iter().find(|local| local.key == key) {
            None => Ok(None),
            Some(local) => local.value.map(|value| Some(value.pointer)).ok_or(AccessError),
        }
    }

    /// Keeps a value, unless the key has one already, which is then returned.
    pub(crate) fn insert(&mut self, key: usize, value: Value) -> Result<Option<*mut ()>, AccessError> {
        let earlier = self.get(key)?;
        if earlier.is_none() {
            self.0.push(Local {
                key,
                value: Some(value),
            });
        }
        Ok(earlier)
    }

    /// Takes out the youngest value that is left.
    pub(crate) fn pop(&mut self) -> Option<Value> {
        self.0.iter_mut().rev().find_map(|local| local.value.take())
    }
}
