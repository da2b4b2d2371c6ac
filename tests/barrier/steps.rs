//! The completion step: what comes to its own barrier inside it, where it runs, and whose it is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use linchpin::barrier::{Arrival, Barrier, CombiningBarrier, Participant, Poisoned};

use crate::{ends, ignore};

type Step = Box<dyn FnMut() + Send>;
type Combined = Participant<CombiningBarrier<Step>>;

/// What `act` panics with.
fn message(act: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(act)).expect_err("it panics");
    panic.downcast_ref::<&str>().copied().unwrap_or_default().to_owned()
}

/// An arrival in the episode whose step it is waited with in: the page promises a panic, and it is one.
fn arrival_inside(wait: fn(Arrival<'static, Step>)) {
    let panic = ends(move || {
        static TURN: Mutex<()> = Mutex::new(());
        static ARRIVAL: Mutex<Option<Arrival<'static, Step>>> = Mutex::new(None);
        let _turn = TURN.lock();
        let step: Step = Box::new(move || {
            let arrival = ARRIVAL.lock().unwrap().take().unwrap();
            wait(arrival);
        });
        let barrier: &Barrier<Step> = Box::leak(Box::new(Barrier::with_step(2, step)));
        *ARRIVAL.lock().unwrap() = Some(barrier.arrive());
        let panic = message(|| ignore(barrier.wait()));
        assert!(barrier.is_poisoned());
        panic
    });
    assert!(panic.unwrap().contains("completion step"));
}

#[test]
fn an_arrival_is_not_waited_with_inside_the_step() {
    arrival_inside(|arrival| ignore(arrival.wait()));
    arrival_inside(|arrival| ignore(arrival.wait_timeout(Duration::from_millis(10))));
}

/// The step of a barrier for two gets a participant that has arrived and not waited; what the other's wait comes to.
fn participant_inside(act: fn(Combined)) -> thread::Result<(Result<bool, Poisoned>, Combined)> {
    ends(move || {
        static TURN: Mutex<()> = Mutex::new(());
        static PARTICIPANT: Mutex<Option<Combined>> = Mutex::new(None);
        let _turn = TURN.lock();
        let step: Step = Box::new(move || {
            // In the episodes that follow there is none.
            let taken = PARTICIPANT.lock().unwrap().take();
            taken.into_iter().for_each(act);
        });
        let [mut one, mut other] = CombiningBarrier::with_step(2, step).try_into().unwrap();
        drop(one.arrive().unwrap());
        *PARTICIPANT.lock().unwrap() = Some(one);
        (other.wait().map(|result| result.is_leader()), other)
    })
}

#[test]
fn a_participant_does_not_wait_inside_the_step() {
    for act in [
        |mut one: Participant<_>| ignore(one.wait()),
        |mut one: Participant<_>| ignore(one.arrive()),
        |one: Participant<_>| {
            // An arrival that borrows its participant for ever.
            let one = Box::leak(Box::new(one));
            ignore(one.arrive().map(|arrival| arrival.wait()));
        },
    ] {
        let panic = participant_inside(act).map(|_| ()).expect_err("the step panics");
        let text = panic.downcast_ref::<&str>().copied().unwrap_or_default();
        assert!(text.contains("completion step"), "{text}");
    }
}

/// One that has waited inside the step, which stopped the panic, has failed: it is not through an episode too soon.
#[test]
fn a_participant_that_has_waited_inside_the_step_has_failed() {
    static KEPT: Mutex<Option<Combined>> = Mutex::new(None);
    let (result, mut other) = participant_inside(|mut one| {
        assert!(message(|| ignore(one.wait())).contains("completion step"));
        *KEPT.lock().unwrap() = Some(one);
    })
    .unwrap();
    assert_eq!(result, Ok(true));
    let mut one = KEPT.lock().unwrap().take().unwrap();
    assert_eq!(one.wait(), Err(Poisoned));
    drop(one);
    assert_eq!(other.wait(), Err(Poisoned));
}

/// It leaves when the episode is over.
#[test]
fn a_participant_is_dropped_inside_the_step() {
    let (result, mut other) = participant_inside(drop).unwrap();
    assert_eq!(result, Ok(true));
    assert!((0..10).all(|_| other.wait().unwrap().is_leader()), "it is for one now");
}

/// An arrival that lives as long as its participant, and is waited with inside the step.
#[test]
fn a_pending_arrival_is_not_waited_with_inside_the_step() {
    use linchpin::barrier::PendingArrival;
    let text = ends(|| {
        static ARRIVAL: Mutex<Option<PendingArrival<'static, Step>>> = Mutex::new(None);
        let step: Step = Box::new(|| ignore(ARRIVAL.lock().unwrap().take().unwrap().wait()));
        let [one, mut other] = CombiningBarrier::with_step(2, step).try_into().unwrap();
        let one: &'static mut Participant<_> = Box::leak(Box::new(one));
        *ARRIVAL.lock().unwrap() = Some(one.arrive().unwrap());
        message(|| ignore(other.wait()))
    });
    assert!(text.unwrap().contains("completion step"));
}

/// A step in whose middle the step of another barrier has run is still known to be running.
#[test]
fn a_step_comes_to_its_own_barrier_after_the_step_of_another() {
    let text = ends(|| {
        static OUTER: OnceLock<Barrier<Step>> = OnceLock::new();
        let other = Barrier::with_step(1, || {});
        let step: Step = Box::new(move || {
            other.wait();
            OUTER.get().unwrap().wait();
        });
        let outer = OUTER.get_or_init(|| Barrier::with_step(1, step));
        message(|| ignore(outer.wait()))
    });
    assert!(text.unwrap().contains("completion step"));
}

/// A step without a size is at the address of what lies behind it.
#[test]
fn a_step_waits_at_the_neighbour_of_its_barrier() {
    #[repr(align(128))]
    struct Large([u8; 256]);
    #[repr(C)]
    struct Neighbours<A, B>(Barrier<A>, Barrier<B>);
    static OTHER: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();
    fn run<A: FnMut() + Send + 'static, B: FnMut() + Send + 'static>(first: A, second: B) {
        let both: &'static Neighbours<A, B> = Box::leak(Box::new(Neighbours(
            Barrier::with_step(1, first),
            Barrier::with_step(1, second),
        )));
        assert!(OTHER.set(Box::new(|| ignore(both.1.wait()))).is_ok());
        both.0.wait();
    }
    let large = Large([0; 256]);
    run(
        || OTHER.get().unwrap()(),
        move || {
            std::hint::black_box(&large.0);
        },
    );
}

/// What the pages say of the last to leave: the step runs for `Barrier`, and not for participants that are dropped.
#[test]
fn the_last_to_leave() {
    let steps = AtomicUsize::new(0);
    let count = || _ = steps.fetch_add(1, Relaxed);
    let barrier = Barrier::with_step(2, count);
    barrier.arrive_and_drop();
    assert_eq!(steps.load(Relaxed), 0);
    barrier.arrive_and_drop();
    assert_eq!(steps.swap(0, Relaxed), 1);
    static COMBINED: AtomicUsize = AtomicUsize::new(0);
    let mut participants = CombiningBarrier::with_step(3, || _ = COMBINED.fetch_add(1, Relaxed));
    drop(participants[0].arrive().unwrap());
    participants.pop().unwrap().arrive_and_drop();
    assert_eq!(COMBINED.load(Relaxed), 0);
    participants.pop().unwrap().arrive_and_drop();
    assert_eq!(COMBINED.load(Relaxed), 1, "one has arrived in that episode");
    participants.pop().unwrap().arrive_and_drop();
    assert_eq!(COMBINED.load(Relaxed), 1, "none has arrived in this");
}
