//! The little that a stack needs of epoch-based reclamation: to pin, which is a store to a line of the thread's own and a full
//! fence, and to retire.

pub(crate) use crate::backend::epoch::{Guard, pin};
