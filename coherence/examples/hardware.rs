//! How accurate is the model? The same small programs on this machine's first two cores and on a
//! model of them, side by side.
//!
//! First measures the figures that the model needs (one-way line transfer, read-modify-write,
//! PAUSE, ...), then runs each program for real and in a simulation with those figures. Only ratios
//! are comparable; run it on an idle machine: `cargo run --release --example hardware`, and
//! `hardware one-cpu` for the context switch.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::*};
use std::time::{Duration, Instant};

use coherence::Machine;

const OPERATIONS: u64 = 200_000;

/// Nanoseconds for each of `times` rounds, the median of five runs.
fn median(times: u64, run: impl Fn() -> Duration) -> f64 {
    let mut runs: Vec<_> = (0..5).map(|_| run().as_secs_f64() * 1e9 / times as f64).collect();
    runs.sort_by(f64::total_cmp);
    runs[2]
}

fn alone(times: u64, each: impl Fn()) -> f64 {
    median(times, || {
        let start = Instant::now();
        (0..times).for_each(|_| each());
        start.elapsed()
    })
}

/// Runs the calling thread on core `i` from here on.
fn pin(i: usize) {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    assert!(
        cores.get(i).is_some_and(|core| core_affinity::set_for_current(*core)),
        "this needs two cores that threads can be pinned to"
    );
}

/// Nanoseconds for each operation of two threads that keep at it, each on its core: the median of
/// seven runs.
fn rate(operation: impl Fn(usize) + Sync) -> f64 {
    const RUN: Duration = Duration::from_millis(40);
    let run = || {
        let (arrived, stop) = (AtomicU32::new(0), AtomicBool::new(false));
        let one = |i| {
            pin(i);
            arrived.fetch_add(1, AcqRel);
            while arrived.load(Acquire) < 2 {}
            let mut operations = 0_u64;
            while !stop.load(Relaxed) {
                (0..64).for_each(|_| operation(i));
                operations += 64;
            }
            operations
        };
        std::thread::scope(|s| {
            let threads = [0, 1].map(|i| s.spawn(move || one(i)));
            while arrived.load(Acquire) < 2 {
                std::thread::yield_now();
            }
            let start = Instant::now();
            std::thread::sleep(RUN);
            stop.store(true, Relaxed);
            let elapsed = start.elapsed();
            let operations: u64 = threads.map(|thread| thread.join().expect("no panic")).iter().sum();
            elapsed.as_secs_f64() * 1e9 / operations as f64
        })
    };
    let mut runs: Vec<f64> = (0..7).map(|_| run()).collect();
    runs.sort_by(f64::total_cmp);
    runs[3]
}

/// The longest of two threads that start together.
fn together(body: impl Fn(usize) + Sync) -> Duration {
    let gate = Barrier::new(2);
    let one = |i| {
        pin(i);
        gate.wait();
        let start = Instant::now();
        body(i);
        start.elapsed()
    };
    std::thread::scope(|s| {
        let threads = [0, 1].map(|i| s.spawn(move || one(i)));
        let times = threads.map(|thread| thread.join().expect("no panic"));
        times[0].max(times[1])
    })
}

/// One way of a line between two cores, by compare-and-swap ping-pong.
fn transfer() -> f64 {
    let word = Padded(AtomicU32::new(0));
    median(2 * OPERATIONS, || {
        together(|i| {
            let (mine, theirs) = (i as u32, 1 - i as u32);
            for _ in 0..OPERATIONS {
                while word.0.compare_exchange(mine, theirs, AcqRel, Relaxed).is_err() {}
            }
        })
    })
}

/// One hand-off between two threads that park.
fn hand_off() -> f64 {
    const ROUNDS: u64 = 5_000;
    let turn = AtomicU32::new(0);
    median(2 * ROUNDS, || {
        let threads = std::sync::OnceLock::new();
        let main = std::thread::current();
        let start = Instant::now();
        std::thread::scope(|s| {
            let pass = |me: u32, other: &std::thread::Thread| {
                for _ in 0..ROUNDS {
                    while turn.load(Acquire) != me {
                        std::thread::park();
                    }
                    turn.store(1 - me, Release);
                    other.unpark();
                }
            };
            let child = s.spawn(move || pass(1, &main));
            pass(0, threads.get_or_init(|| child.thread().clone()));
        });
        start.elapsed()
    })
}

#[derive(Default)]
#[repr(align(128))]
struct Padded<T>(T);

/// The programs, over the atomics of one backend.
macro_rules! programs {
    ($backend:ident, $atomic:path, $spin_loop:path) => {
        mod $backend {
            use std::sync::atomic::Ordering::*;

            use $atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};
            use $spin_loop as spin_loop;

            use super::Padded;

            #[derive(Default)]
            pub struct State {
                shared: Padded<AtomicU64>,
                neighbours: Padded<[AtomicU64; 2]>,
                padded: [Padded<AtomicU64>; 2],
                ttas: Padded<AtomicBool>,
                next: Padded<AtomicU32>,
                serving: Padded<AtomicU32>,
                guarded: Padded<AtomicU64>,
                tail: Padded<AtomicPtr<Node>>,
                nodes: [Padded<Node>; 2],
            }

            #[derive(Default)]
            pub struct Node {
                next: AtomicPtr<Node>,
                locked: AtomicBool,
            }

            fn critical(s: &State) {
                s.guarded.0.store(s.guarded.0.load(Relaxed) + 1, Relaxed);
            }

            fn mcs(s: &State, i: usize) {
                let mine = &s.nodes[i].0;
                let me = std::ptr::from_ref(mine).cast_mut();
                mine.next.store(std::ptr::null_mut(), Relaxed);
                mine.locked.store(true, Relaxed);
                // SAFETY: nodes live as long as the state.
                if let Some(before) = unsafe { s.tail.0.swap(me, AcqRel).as_ref() } {
                    before.next.store(me, Release);
                    while mine.locked.load(Acquire) {
                        spin_loop();
                    }
                }
                critical(s);
                if s.tail
                    .0
                    .compare_exchange(me, std::ptr::null_mut(), AcqRel, Relaxed)
                    .is_ok()
                {
                    return;
                }
                while mine.next.load(Acquire).is_null() {
                    spin_loop();
                }
                // SAFETY: as above, and not null.
                unsafe { &*mine.next.load(Acquire) }.locked.store(false, Release);
            }

            pub const PROGRAMS: [(&str, fn(&State, usize)); 6] = [
                ("counter, one shared", |s, _| _ = s.shared.0.fetch_add(1, Relaxed)),
                ("counter, neighbours", |s, i| {
                    _ = s.neighbours.0[i].fetch_add(1, Relaxed)
                }),
                ("counter, padded stripes", |s, i| {
                    _ = s.padded[i].0.fetch_add(1, Relaxed)
                }),
                ("lock, TTAS", |s, _| {
                    while s.ttas.0.load(Relaxed) || s.ttas.0.swap(true, Acquire) {
                        spin_loop();
                    }
                    critical(s);
                    s.ttas.0.store(false, Release);
                }),
                ("lock, ticket", |s, _| {
                    let mine = s.next.0.fetch_add(1, Relaxed);
                    while s.serving.0.load(Acquire) != mine {
                        spin_loop();
                    }
                    critical(s);
                    s.serving.0.store(mine.wrapping_add(1), Release);
                }),
                ("lock, MCS", mcs),
            ];
        }
    };
}

programs!(real, std::sync::atomic, std::hint::spin_loop);
programs!(simulated, coherence::sync::atomic, coherence::hint::spin_loop);

/// Pairs of programs whose ratio is compared.
const PAIRS: [(usize, usize); 5] = [(0, 2), (1, 2), (3, 0), (4, 3), (5, 4)];

fn main() {
    if std::env::args().nth(1).is_some_and(|a| a == "one-cpu") {
        let rounds = 200_000;
        let yielding = || {
            let start = Instant::now();
            std::thread::scope(|s| {
                for _ in 0..2 {
                    s.spawn(|| {
                        pin(0);
                        (0..rounds).for_each(|_| std::thread::yield_now());
                    });
                }
            });
            start.elapsed()
        };
        println!(
            "two threads that yield to each other: {:.0} ns a turn",
            median(2 * rounds, yielding)
        );
        return;
    }
    let word = AtomicU64::new(0);
    let rmw = alone(5_000_000, || _ = word.fetch_add(1, Relaxed));
    let pause = alone(1_000_000, std::hint::spin_loop);
    let call = alone(500_000, std::thread::yield_now);
    let (one_way, parked) = (transfer(), hand_off());
    println!("one-way transfer {one_way:.1} ns, read-modify-write {rmw:.2} ns, PAUSE {pause:.1} ns,");
    println!("system call (sched_yield) {call:.0} ns, hand-off between two parked threads {parked:.0} ns\n");
    let machine = |tenure: f64| {
        let figures = Machine::builder("this machine")
            .cores(2)
            .transfer_ns(one_way, one_way, one_way)
            .hit_ns(0.5);
        figures
            .rmw_ns(rmw - 0.5)
            .pause_ns(pause)
            .tenure_ns(tenure)
            .build()
            .expect("measured figures")
    };
    let tenures = [0.0, 0.4 * one_way];
    println!(
        "{:<36}{:>12}{:>12}{:>12}",
        "ns per operation", "measured", "model", "with tenure"
    );
    let mut rows = Vec::new();
    for (program, (name, _)) in real::PROGRAMS.iter().enumerate() {
        let state = real::State::default();
        let measured = rate(|i| real::PROGRAMS[program].1(&state, i));
        let [none, held] = tenures.map(|tenure| {
            let state = simulated::State::default();
            let operation = simulated::PROGRAMS[program].1;
            let report = coherence::run(&machine(tenure), 2, |i| {
                (0..OPERATIONS).for_each(|_| operation(&state, i))
            });
            report.elapsed().as_secs_f64() * 1e9 / (2 * OPERATIONS) as f64
        });
        println!("{name:<36}{measured:>12.2}{none:>12.2}{held:>12.2}");
        rows.push([measured, none, held]);
    }
    println!();
    for (a, b) in PAIRS {
        let name = format!(
            "{} / {}",
            real::PROGRAMS[a].0,
            real::PROGRAMS[b].0.rsplit(' ').next().unwrap_or_default()
        );
        let [measured, none, held] = [0, 1, 2].map(|column| rows[a][column] / rows[b][column]);
        println!("{name:<36}{measured:>12.2}{none:>12.2}{held:>12.2}");
    }
}
