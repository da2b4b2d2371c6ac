//! Models of the barriers: no thread is an episode ahead, each sees what all did before they arrived, one is the
//! leader.
#![cfg(linchpin_loom)]

mod central;
mod going_on;
mod participants;

use linchpin::barrier::{CombiningBarrier, DisseminationBarrier, TournamentBarrier, TreeBarrier, WakeUp};
use loom_tests::models;

models! {
    barrier, sources: [
        "src/barrier/gate.rs", "src/barrier/arrivals.rs", "src/barrier/signals.rs", "src/barrier/combining.rs",
        "src/wait/interrupt.rs",
    ],
    central => central::central_meets(2, 2, 3),
    central_of_three => central::central_meets(3, 2, 1),
    central_spins => central::central_hands_over(),
    central_step => central::central_step(),
    central_times_out => central::central_times_out(),
    central_times_out_among_three => central::central_times_out_among_three(),
    central_leave => central::central_leave(),
    central_leave_step => central::central_leave_step(),
    central_leave_times_out => central::central_leave_times_out(),
    central_poison => central::central_poison(),
    central_goes_on_to_poison => going_on::goes_on_to_poison(),
    central_surplus => central::central_surplus(2, 3, 1),
    central_surplus_of_four => central::central_surplus(1, 4, 2),
    central_goes_on => central::central_goes_on(1, 3, 1),
    central_goes_on_of_two => central::central_goes_on(2, 3, 2),
    central_hands_on => central::central_hands_on(),
    central_surplus_of_one => central::central_surplus(1, 4, 1),
    central_split => central::central_split(),
    central_held_up => central::central_held_up(),
    combining => participants::meet(1, CombiningBarrier::new),
    combining_step => participants::step(|step| CombiningBarrier::with_step(3, step)),
    combining_leaves => participants::combining_leaves(),
    combining_leaves_empty => participants::combining_leaves_empty(),
    combining_split => participants::combining_split(),
    combining_drops => participants::combining_drops(),
    combining_breaks => participants::breaks(1, false, CombiningBarrier::new),
    tree => participants::meet(1, |n| TreeBarrier::with_wake_up(n, WakeUp::Tree)),
    tree_global => participants::meet(1, |n| TreeBarrier::with_wake_up(n, WakeUp::Global)),
    tree_step => participants::step(|step| TreeBarrier::with_step(3, WakeUp::Tree, step)),
    tree_breaks => participants::breaks(2, true, |n| TreeBarrier::with_wake_up(n, WakeUp::Tree)),
    tree_global_breaks => participants::breaks(1, true, |n| TreeBarrier::with_wake_up(n, WakeUp::Global)),
    tournament => participants::meet(1, |n| TournamentBarrier::with_wake_up(n, WakeUp::Tree)),
    tournament_breaks => participants::breaks(1, true, |n| TournamentBarrier::with_wake_up(n, WakeUp::Tree)),
    dissemination => participants::meet(1, DisseminationBarrier::new),
    dissemination_of_two => participants::two(DisseminationBarrier::new),
    dissemination_poisons => participants::breaks(1, false, DisseminationBarrier::new),
    dissemination_breaks => participants::breaks(1, true, DisseminationBarrier::new),
}
