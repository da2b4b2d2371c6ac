//! The barriers that are measured, ours and the peers', behind one face. A acquisition is the wait of one thread, so
//! that an episode takes as many as there are threads.

use std::cell::UnsafeCell;
#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use linchpin::CachePadded;
use linchpin::barrier::{
    CombiningBarrier, DisseminationBarrier, Kind, Participant, TournamentBarrier, TreeBarrier, WakeUp,
};

use super::{Job, ThreadConfig, WorkerCtx};

/// A barrier for a fixed number of threads.
pub trait Meeting: Send + Sync + 'static {
    /// For so many threads.
    fn of(threads: usize) -> Self;
    /// Waits for the others; `thread` is the number of this one.
    fn wait(&self, thread: usize);
}

impl Meeting for linchpin::barrier::Barrier {
    fn of(threads: usize) -> Self {
        Self::new(threads)
    }

    #[inline]
    fn wait(&self, _thread: usize) {
        Self::wait(self);
    }
}

/// The participants of one of ours that has such, each for the thread with its number.
pub struct Participants<K: Kind>(Vec<CachePadded<UnsafeCell<Participant<K>>>>);

// SAFETY: `wait` uses the participant of its own thread, and no other.
unsafe impl<K: Kind> Sync for Participants<K> where Participant<K>: Send {}

impl<K: Kind> Participants<K> {
    fn of(participants: Vec<Participant<K>>) -> Self {
        Participants(
            participants
                .into_iter()
                .map(|one| CachePadded::new(UnsafeCell::new(one)))
                .collect(),
        )
    }

    #[inline]
    fn wait(&self, thread: usize) {
        // SAFETY: `meet` gives each thread its own number, and no reference to this lives longer than the wait.
        let participant = unsafe { &mut *self.0[thread].get() };
        participant.wait().expect("none goes before the end");
    }
}

macro_rules! participants {
    ($($barrier:ty)*) => {
        $(impl Meeting for Participants<$barrier> {
            fn of(threads: usize) -> Self {
                Self::of(<$barrier>::new(threads))
            }

            #[inline]
            fn wait(&self, thread: usize) {
                Self::wait(self, thread);
            }
        })*
    };
}

participants!(CombiningBarrier TreeBarrier TournamentBarrier DisseminationBarrier);

/// The tree whose participants are woken along a tree in any case.
pub struct TreeWakeUp(Participants<TreeBarrier>);

impl Meeting for TreeWakeUp {
    fn of(threads: usize) -> Self {
        TreeWakeUp(Participants::of(TreeBarrier::with_wake_up(threads, WakeUp::Tree)))
    }

    #[inline]
    fn wait(&self, thread: usize) {
        self.0.wait(thread);
    }
}

impl Meeting for std::sync::Barrier {
    fn of(threads: usize) -> Self {
        Self::new(threads)
    }

    #[inline]
    fn wait(&self, _thread: usize) {
        Self::wait(self);
    }
}

impl Meeting for spin::Barrier {
    fn of(threads: usize) -> Self {
        Self::new(threads)
    }

    #[inline]
    fn wait(&self, _thread: usize) {
        Self::wait(self);
    }
}

/// `pthread_barrier_t`.
#[cfg(target_os = "linux")]
pub struct Pthread(Box<UnsafeCell<MaybeUninit<libc::pthread_barrier_t>>>);

// SAFETY: threads may share it: that is what it is for.
#[cfg(target_os = "linux")]
unsafe impl Sync for Pthread {}
// SAFETY: it is on the heap, and does not move with this.
#[cfg(target_os = "linux")]
unsafe impl Send for Pthread {}

#[cfg(target_os = "linux")]
impl Meeting for Pthread {
    fn of(threads: usize) -> Self {
        let barrier = Box::new(UnsafeCell::new(MaybeUninit::uninit()));
        let threads = u32::try_from(threads).expect("there are few");
        // SAFETY: it is room for a barrier that no thread uses yet, and null stands for the default attributes.
        let error = unsafe { libc::pthread_barrier_init(barrier.get().cast(), std::ptr::null(), threads) };
        assert_eq!(error, 0, "the C library makes no barrier");
        Pthread(barrier)
    }

    #[inline]
    fn wait(&self, _thread: usize) {
        // SAFETY: it is initialised, and lives as long as this.
        unsafe { libc::pthread_barrier_wait(self.0.get().cast()) };
    }
}

#[cfg(target_os = "linux")]
impl Drop for Pthread {
    fn drop(&mut self) {
        // SAFETY: it is initialised, and no thread waits. It may be used no more, and is not.
        unsafe { libc::pthread_barrier_destroy(self.0.get().cast()) };
    }
}

/// Two threads that tell each other with a flag: no barrier of two can be faster than that.
pub struct Exchange([CachePadded<AtomicU32>; 2]);

impl Meeting for Exchange {
    fn of(threads: usize) -> Self {
        assert_eq!(threads, 2, "it is for two threads");
        Exchange(Default::default())
    }

    #[inline]
    fn wait(&self, thread: usize) {
        let mine = self.0[thread].load(Ordering::Relaxed) + 1;
        self.0[thread].store(mine, Ordering::Release);
        while self.0[1 - thread].load(Ordering::Acquire) < mine {
            std::hint::spin_loop();
        }
    }
}

/// Episodes until the run ends. All threads have to stop after the same one: the first looks at the stop before
/// an episode, and the others see after it what the first has seen.
fn meet<M: Meeting>(worker: &WorkerCtx<'_>, meeting: &M, ends: &AtomicBool) -> u64 {
    let mut episodes = 0;
    if worker.thread == 0 {
        ends.store(false, Ordering::Relaxed);
    }
    meeting.wait(worker.thread);
    loop {
        if worker.thread == 0 && worker.is_over(episodes) {
            ends.store(true, Ordering::Relaxed);
        }
        meeting.wait(worker.thread);
        if ends.load(Ordering::Relaxed) {
            return episodes;
        }
        episodes += 1;
        // No thread sets `ends` for the next episode before all have read it for this one.
        meeting.wait(worker.thread);
        episodes += 1;
    }
}

/// Episodes of `M`, with all threads of `config`.
pub fn episodes<M: Meeting>(config: ThreadConfig) -> Job {
    let meeting = CachePadded::new(M::of(config.threads));
    let ends = Arc::new(CachePadded::new(AtomicBool::new(false)));
    Arc::new(move |worker| meet(worker, &*meeting, &ends))
}
