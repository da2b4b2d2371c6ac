//! The locks that are measured, ours and the peers', behind one face.

use std::sync::Arc;

use linchpin::CachePadded;

use super::{Job, work};

/// A lock over a number.
pub trait Lock: Send + Sync + 'static {
    /// What a thread brings along: a queue node, where the lock wants one.
    type Node;
    fn new() -> Self;
    fn node() -> Self::Node;
    fn with<R>(&self, node: &mut Self::Node, section: impl FnOnce(&mut u64) -> R) -> R;
}

macro_rules! guarded {
    ($($lock:ty => |$held:ident| $acquire:expr),* $(,)?) => {
        $(impl Lock for $lock {
            type Node = ();
            fn new() -> Self {
                <$lock>::new(0)
            }
            fn node() {}
            #[inline]
            fn with<R>(&self, (): &mut (), section: impl FnOnce(&mut u64) -> R) -> R {
                let $held = self;
                section(&mut $acquire)
            }
        })*
    };
}

guarded! {
    linchpin::spin::Mutex<u64> => |lock| lock.lock(),
    linchpin::spin::TasMutex<u64> => |lock| lock.lock(),
    linchpin::spin::TicketMutex<u64> => |lock| lock.lock(),
    std::sync::Mutex<u64> => |lock| lock.lock().expect("no section panics"),
    parking_lot::Mutex<u64> => |lock| lock.lock(),
    spin::mutex::SpinMutex<u64> => |lock| lock.lock(),
    spin::mutex::TicketMutex<u64> => |lock| lock.lock(),
}

macro_rules! queued {
    ($($lock:ty),* $(,)?) => {
        $(impl Lock for $lock {
            type Node = mcslock::raw::MutexNode;
            fn new() -> Self {
                <$lock>::new(0)
            }
            fn node() -> Self::Node {
                mcslock::raw::MutexNode::new()
            }
            #[inline]
            fn with<R>(&self, node: &mut Self::Node, section: impl FnOnce(&mut u64) -> R) -> R {
                self.lock_with_then(node, section)
            }
        })*
    };
}

queued!(mcslock::raw::spins::Mutex<u64>, mcslock::raw::yields::Mutex<u64>);

/// How long a passage is, in rounds of [`work`].
#[derive(Clone, Copy)]
pub struct Load {
    /// Inside of the lock, beside the increment of a number.
    pub section: u32,
    /// Between two passages.
    pub outside: u32,
}

/// Passages through a lock of type `L`.
pub fn passages<L: Lock>(load: Load) -> Job {
    let lock = CachePadded::new(L::new());
    Arc::new(move |lane| {
        let mut node = L::node();
        lane.run(1, || {
            lock.with(&mut node, |total| {
                *total += 1;
                work(load.section);
            });
            work(load.outside);
        })
    })
}
