//! Programs that fork and join, over any `join`.

/// Runs both closures, each of which returns a number, and returns both.
pub trait Join: Sync {
    /// As `rayon::join`.
    fn join(&self, a: impl FnOnce() -> u64 + Send, b: impl FnOnce() -> u64 + Send) -> (u64, u64);
}

/// The Fibonacci numbers as they are defined: almost nothing but joins.
pub fn fib<J: Join>(by: &J, n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = by.join(|| fib(by, n - 1), || fib(by, n - 2));
    a + b
}

/// In how many ways `n` queens stand on a board of that size and none attacks another: work of uneven size.
pub fn queens<J: Join>(by: &J, n: u32) -> u64 {
    place(by, n, 0, 0, 0, 0, 0)
}

/// Those of the fields `from ..` of this row on which a queen may stand, halved until one field is left.
fn place<J: Join>(by: &J, n: u32, row: u32, columns: u32, left: u32, right: u32, from: u32) -> u64 {
    if row == n {
        return 1;
    }
    let free = !(columns | left | right) & ((1 << n) - 1) & !((1 << from) - 1);
    if free == 0 {
        return 0;
    }
    let field = free & free.wrapping_neg();
    let (next, others) = (
        move |by: &J| {
            place(
                by,
                n,
                row + 1,
                columns | field,
                (left | field) << 1,
                (right | field) >> 1,
                0,
            )
        },
        move |by: &J| place(by, n, row, columns, left, right, field.trailing_zeros() + 1),
    );
    if row > 5 {
        return next(by) + others(by);
    }
    let (a, b) = by.join(|| next(by), || others(by));
    a + b
}

/// A tree that is a long path with a short branch at each node: there is seldom more than a little to steal.
pub fn skewed<J: Join>(by: &J, depth: u64) -> u64 {
    if depth == 0 {
        return 1;
    }
    let (path, branch) = by.join(
        || skewed(by, depth - 1),
        || (0..200).fold(depth, |sum, step| std::hint::black_box(sum ^ step)) & 1,
    );
    path + branch
}
