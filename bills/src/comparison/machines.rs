//! The machines of the comparisons: the presets of `coherence`, with as many cores as take part.

use coherence::{Machine, MachineBuilder};

/// Cores that take part, of some machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// All pairs 51 ns apart.
    Flat,
    /// Neighbours on two sockets of Xeon 8375C.
    Xeon,
    /// On a Graviton 3.
    Graviton,
    /// Neighbours on two sockets of EPYC 9654, eight in a cluster.
    EpycNear,
    /// The same machine, half of the cores on each socket and as few as possible in a cluster.
    EpycFar,
    /// The 2-core virtual machine.
    TwoCores,
}

impl Placement {
    /// All of them.
    pub const ALL: [Placement; 6] = [
        Placement::Flat,
        Placement::Xeon,
        Placement::Graviton,
        Placement::EpycNear,
        Placement::EpycFar,
        Placement::TwoCores,
    ];

    /// Its name in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Placement::Flat => "flat",
            Placement::Xeon => "Xeon 8375C",
            Placement::Graviton => "Graviton 3",
            Placement::EpycNear => "EPYC 9654, near",
            Placement::EpycFar => "EPYC 9654, far",
            Placement::TwoCores => "2-core virtual machine",
        }
    }

    /// How many cores can take part.
    #[must_use]
    pub fn cores(self) -> &'static [usize] {
        match self {
            Placement::TwoCores => &[2],
            _ => &[2, 4, 8, 16, 32, 64],
        }
    }

    /// So many cores of it.
    pub(super) fn machine(self, cores: usize) -> Machine {
        build(match self {
            Placement::Flat => flat(cores),
            Placement::Xeon => xeon(cores).socket(cores.min(32)),
            Placement::Graviton => graviton(cores),
            Placement::EpycNear => epyc(cores).socket(cores.min(96)).cluster(cores.min(8)),
            Placement::EpycFar => epyc(cores).socket(cores / 2).cluster(cores.div_ceil(EPYC_CLUSTERS)),
            Placement::TwoCores => return Machine::two_cores(),
        })
    }
}

/// How many clusters two sockets of EPYC 9654 have.
const EPYC_CLUSTERS: usize = 24;

fn build(machine: MachineBuilder) -> Machine {
    machine.build().expect("a preset's figures lie within the limits")
}

fn flat(cores: usize) -> MachineBuilder {
    Machine::builder(format!("flat, {cores} cores")).cores(cores)
}

fn xeon(cores: usize) -> MachineBuilder {
    Machine::builder("2 x Xeon 8375C")
        .cores(cores)
        .transfer_ns(51.0, 51.0, 108.0)
        .hit_ns(1.43)
        .pause_ns(40.0)
        .adjacent_line_prefetch(true)
}

fn graviton(cores: usize) -> MachineBuilder {
    Machine::builder("Graviton 3")
        .cores(cores)
        .transfer_ns(46.0, 46.0, 46.0)
        .hit_ns(1.92)
}

fn epyc(cores: usize) -> MachineBuilder {
    Machine::builder("2 x EPYC 9654")
        .cores(cores)
        .transfer_ns(27.0, 97.5, 185.0)
        .hit_ns(1.35)
}

/// What is repeated here of the presets is what they say.
///
/// # Panics
///
/// If it is not.
pub fn assert_machines_are_the_presets() {
    assert_eq!(build(flat(64)), Machine::flat(64));
    assert_eq!(build(xeon(64).socket(32)), Machine::xeon_8375c());
    assert_eq!(build(graviton(64)), Machine::graviton_3());
    assert_eq!(build(epyc(192).socket(96).cluster(8)), Machine::epyc_9654());
}
