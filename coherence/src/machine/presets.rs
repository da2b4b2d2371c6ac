//! Machines with a source. Where a source gives a range, the preset takes its middle.
//!
//! Transfers: public core-to-core-latency tables (one-way, by compare-and-swap ping-pong). Cycles:
//! T. David, R. Guerraoui, V. Trigonakis, "Everything you always wanted to know about
//! synchronization but were afraid to ask", SOSP 2013, 80-core Xeon at 2.13 GHz: L1 5 cycles, RAM
//! 355, an atomic 11 more than a load. Those tables say nothing of the kernel, nor of PAUSE on AMD
//! and Arm. These stand in every preset as `examples/hardware.rs` measured them on the 2-core
//! virtual machine this crate was written on: PAUSE 20 ns, a system call 300 ns, a context switch
//! 360 ns, and 6.3 us from a wake-up to the sleeping thread being able to run. The fence, 5.4 ns,
//! was measured on a machine of the same kind; 3 ms is a time slice of Linux.

use super::{MAX_CORES, Machine, MachineBuilder};

impl MachineBuilder {
    pub(super) fn new(name: String) -> Self {
        MachineBuilder {
            name,
            cores: 1,
            cluster: None,
            socket: None,
            line: 64,
            adjacent: false,
            hit: 2.35,
            transfer: [51.0; 3],
            memory: 167.0,
            rmw: 5.2,
            tenure: 0.0,
            fence: 5.4,
            pause: 20.0,
            syscall: 300.0,
            wake: 6_300.0,
            switch: 360.0,
            slice: 3_000_000.0,
        }
    }

    fn preset(self) -> Machine {
        self.build().expect("a preset's figures lie within the limits")
    }
}

impl Machine {
    /// All cores equally far apart, 51 ns one way: the load of a modified line on the same die in
    /// David et al. (109 cycles), and every pair within a Xeon 8375C.
    ///
    /// # Panics
    /// If `cores` is 0 or above [`MAX_CORES`].
    pub fn flat(cores: usize) -> Machine {
        assert!(
            (1..=MAX_CORES).contains(&cores),
            "a machine has 1 to {MAX_CORES} cores, not {cores}"
        );
        Machine::builder(format!("flat, {cores} cores")).cores(cores).preset()
    }

    /// Two sockets of AMD EPYC 9654 (Genoa): 192 cores in clusters of 8; 27, 97.5 and 185 ns one
    /// way (core-to-core-latency tables: 24 to 30, 90 to 105, 185).
    pub fn epyc_9654() -> Machine {
        Machine::builder("2 x EPYC 9654")
            .cores(192)
            .socket(96)
            .cluster(8)
            .transfer_ns(27.0, 97.5, 185.0)
            .hit_ns(1.35)
            .preset()
    }

    /// Two sockets of Intel Xeon 8375C (Ice Lake): 64 cores, one cluster a socket; 51 and 108 ns
    /// one way (core-to-core-latency tables). Fetches lines in aligned pairs, and PAUSE takes 140
    /// cycles, 40 ns, as on every Intel server core since Skylake.
    pub fn xeon_8375c() -> Machine {
        Machine::builder("2 x Xeon 8375C")
            .cores(64)
            .socket(32)
            .transfer_ns(51.0, 51.0, 108.0)
            .hit_ns(1.43)
            .pause_ns(40.0)
            .adjacent_line_prefetch(true)
            .preset()
    }

    /// AWS Graviton 3: 64 cores in one socket, 46 ns between any two (core-to-core-latency tables).
    pub fn graviton_3() -> Machine {
        Machine::builder("Graviton 3")
            .cores(64)
            .transfer_ns(46.0, 46.0, 46.0)
            .hit_ns(1.92)
            .preset()
    }

    /// The 2-core virtual machine this crate was written on, as `examples/hardware.rs` measured it:
    /// 85 ns one way (the median of twelve runs between 63 and 108), a read-modify-write 8.5 ns.
    /// The tenure, 34 ns, is fitted: it brings the costs of contended counters nearest to the
    /// measured ones (see the README for how near that is).
    pub fn two_cores() -> Machine {
        Machine::builder("2-core virtual machine")
            .cores(2)
            .transfer_ns(85.0, 85.0, 85.0)
            .hit_ns(0.5)
            .rmw_ns(8.0)
            .tenure_ns(34.0)
            .preset()
    }
}
