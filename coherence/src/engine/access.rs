//! What a simulated thread does to memory, as the API passes it to the engine.

use core::panic::Location;

/// A source location, as `#[track_caller]` hands it out.
pub(crate) type Site = &'static Location<'static>;

/// What an access needs of its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A readable copy.
    Load,
    /// Ownership.
    Store,
    /// Ownership, and the time of an atomic read-modify-write, also if it fails.
    Rmw,
}

/// An access to memory, which lies within one line.
#[derive(Clone, Copy)]
pub(crate) struct Access {
    pub(crate) address: usize,
    pub(crate) size: usize,
    pub(crate) kind: Kind,
    pub(crate) site: Site,
}

/// What an operation does to memory besides being an access.
#[derive(Clone, Copy)]
pub(crate) struct Effect {
    /// It stores a value (a compare-and-swap that fails stores the one it found).
    pub(crate) wrote: bool,
    /// It stores a value that was not there before.
    pub(crate) changed: bool,
}

impl Effect {
    pub(crate) const READ: Effect = Effect {
        wrote: false,
        changed: false,
    };
    pub(crate) const WRITE: Effect = Effect {
        wrote: true,
        changed: true,
    };

    /// Of a store that replaces `old` by `new`.
    #[inline]
    pub(crate) fn of<T: PartialEq>(old: T, new: T) -> Effect {
        Effect {
            wrote: true,
            changed: old != new,
        }
    }
}
