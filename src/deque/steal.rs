//! What a steal came to.

use core::fmt;

/// The outcome of an attempt to steal.
///
/// Outcomes of several attempts combine with [`or_else`](Steal::or_else), and by `collect`:
///
/// ```
/// use linchpin::deque::Steal::{self, Empty, Retry, Success};
///
/// let first = |attempts: [Steal<i32>; 3]| attempts.into_iter().collect::<Steal<i32>>();
/// assert_eq!(first([Empty, Empty, Empty]), Empty);
/// assert_eq!(first([Empty, Retry, Empty]), Retry);
/// assert_eq!(first([Retry, Success(1), Success(2)]), Success(1));
/// assert_eq!(Retry.or_else(|| Success(2)), Success(2));
/// ```
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Steal<T> {
    /// There was nothing to steal, or the deque that a batch is for has no room.
    Empty,
    /// At least one element was stolen.
    Success(T),
    /// Another thread interfered; the deque may hold elements, so the attempt should be repeated.
    Retry,
}

impl<T> Steal<T> {
    /// Whether there was nothing to steal.
    pub fn is_empty(&self) -> bool {
        matches!(self, Steal::Empty)
    }

    /// Whether something was stolen.
    pub fn is_success(&self) -> bool {
        matches!(self, Steal::Success(_))
    }

    /// Whether the attempt should be repeated.
    pub fn is_retry(&self) -> bool {
        matches!(self, Steal::Retry)
    }

    /// What was stolen.
    pub fn success(self) -> Option<T> {
        match self {
            Steal::Success(value) => Some(value),
            Steal::Empty | Steal::Retry => None,
        }
    }

    /// This outcome if it is a success, else that of `attempt`. If neither is a success, it is `Retry` if either is.
    pub fn or_else<F: FnOnce() -> Steal<T>>(self, attempt: F) -> Steal<T> {
        match self {
            Steal::Success(_) => self,
            Steal::Empty => attempt(),
            Steal::Retry => match attempt() {
                Steal::Empty => Steal::Retry,
                other => other,
            },
        }
    }
}

impl<T> fmt::Debug for Steal<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Steal::Empty => "Empty",
            Steal::Success(_) => "Success(..)",
            Steal::Retry => "Retry",
        })
    }
}

impl<T> FromIterator<Steal<T>> for Steal<T> {
    /// The first success; the attempts after it are not made. If there is none, `Retry` if there is one, else `Empty`.
    fn from_iter<I: IntoIterator<Item = Steal<T>>>(attempts: I) -> Self {
        let mut outcome = Steal::Empty;
        for attempt in attempts {
            match attempt {
                Steal::Success(_) => return attempt,
                Steal::Retry => outcome = Steal::Retry,
                Steal::Empty => {}
            }
        }
        outcome
    }
}
