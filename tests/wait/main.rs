//! How a thread waits: the back-off is bounded, every policy comes back, and no flag that is set is missed.

#[path = "../common/mod.rs"]
mod common;
mod flag;

use linchpin::wait::{Backoff, DefaultWait, Spin, Wait};

/// Rounds until the policy decides; far more than there are.
const LIMIT: usize = 1000;

fn rounds_until_exhausted(backoff: &mut Backoff, mut wait: impl FnMut(&mut Backoff)) -> usize {
    let rounds = (0..LIMIT).take_while(|_| {
        let goes_on = !backoff.is_exhausted();
        if goes_on {
            wait(backoff);
        }
        goes_on
    });
    rounds.count()
}

/// One body, one line for each policy.
macro_rules! policies {
    ($($name:ident: $policy:ty;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn it_is_exhausted_after_a_bounded_number_of_rounds_and_stays_so() {
                is_bounded::<$policy>();
            }

            #[test]
            fn reset_begins_anew() {
                resets::<$policy>();
            }

            #[test]
            fn it_waits_for_another_thread() {
                waits_for_another::<$policy>();
            }
        }
    )*};
}

policies! {
    spin: Spin;
    default: DefaultWait;
}

#[cfg(feature = "std")]
policies! {
    spin_then_yield: linchpin::wait::SpinThenYield;
    spin_then_park: linchpin::wait::SpinThenPark;
}

fn is_bounded<W: Wait>() {
    let mut backoff = Backoff::new();
    assert!(!backoff.is_exhausted());
    let rounds = rounds_until_exhausted(&mut backoff, Backoff::wait::<W>);
    assert!((1..64).contains(&rounds), "{rounds} rounds");
    for _ in 0..LIMIT {
        backoff.wait::<W>();
        assert!(backoff.is_exhausted());
    }
}

fn resets<W: Wait>() {
    let mut backoff = Backoff::new();
    let first = rounds_until_exhausted(&mut backoff, Backoff::wait::<W>);
    backoff.wait::<W>();
    backoff.reset();
    assert!(!backoff.is_exhausted());
    assert_eq!(rounds_until_exhausted(&mut backoff, Backoff::wait::<W>), first);
}

fn waits_for_another<W: Wait>() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let ready = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| ready.store(true, Ordering::Release));
        let mut backoff = Backoff::new();
        while !ready.load(Ordering::Acquire) {
            backoff.wait::<W>();
        }
    });
}

#[test]
fn a_backoff_is_made_reset_and_asked_in_a_constant() {
    const FRESH: Backoff = {
        let mut backoff = Backoff::new();
        backoff.reset();
        assert!(!backoff.is_exhausted());
        backoff
    };
    let mut backoff = FRESH;
    backoff.wait::<Spin>();
    assert!(!Backoff::default().is_exhausted());
    assert!(format!("{backoff:?}").starts_with("Backoff"));
}

#[test]
fn the_default_yields_where_there_is_a_scheduler() {
    use std::any::TypeId;
    let spins = TypeId::of::<DefaultWait>() == TypeId::of::<Spin>();
    assert_eq!(spins, cfg!(not(feature = "std")));
    #[cfg(feature = "std")]
    assert_eq!(
        TypeId::of::<DefaultWait>(),
        TypeId::of::<linchpin::wait::SpinThenYield>()
    );
}
