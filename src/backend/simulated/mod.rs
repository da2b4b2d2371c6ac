//! What the loom and the coherence backend share: threads that are coroutines of one, and nothing that forks.

#[cfg(feature = "epoch")]
pub(super) mod epochs;
#[cfg(feature = "tagged_ptr")]
pub(super) mod wide;

/// A value of one execution or simulation, which lives as long as a thread uses it: loom ends its statics with the main
/// thread, and what a simulation leaves behind must not change the cost of the next.
pub(crate) type Global<T> = std::sync::Arc<T>;

pub(super) mod threads {
    /// Whether this thread is unwinding. All simulated threads are coroutines of one, so std cannot say which it is: a
    /// model or a simulation does by itself what a destructor would do then.
    pub(crate) const fn is_unwinding() -> bool {
        false
    }

    /// Which thread this is, asked while it unwinds.
    pub(crate) use std::thread::ThreadId as Id;
    pub(crate) fn id() -> Id {
        std::thread::current().id()
    }
}

pub(crate) mod fork {
    /// Nothing is forked here.
    pub(crate) struct OwnMemory;

    impl OwnMemory {
        pub(crate) const fn with_mark(_mark: usize) -> Self {
            OwnMemory
        }

        #[inline]
        pub(crate) fn ensure(&self, _renew: impl FnOnce()) {}
    }
}
