//! The machine a program is billed on: how its cores are grouped, and what each event costs there.

mod presets;

use core::fmt;

/// The largest number of cores a [`Machine`] may have.
pub const MAX_CORES: usize = 1024;

/// A machine to bill a program on: cores grouped into clusters and sockets, a line size, and the
/// latency of each event.
///
/// Take a preset ([`Machine::flat`], [`Machine::epyc_9654`], [`Machine::xeon_8375c`],
/// [`Machine::graviton_3`], [`Machine::two_cores`]) or describe your own with [`Machine::builder`].
/// Simulated thread `i` lives on core `i % cores` and never migrates; neighbouring core numbers
/// share a cluster, then a socket.
///
/// ```
/// let machine = coherence::Machine::builder("a small server")
///     .cores(16)
///     .cluster(4)
///     .socket(8)
///     .transfer_ns(25.0, 60.0, 140.0)
///     .build()?;
/// assert_eq!(machine.cores(), 16);
/// # Ok::<(), coherence::MachineError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    pub(crate) name: String,
    pub(crate) cores: usize,
    /// The socket and the cluster of each core, both numbered through the machine.
    positions: Vec<(u16, u16)>,
    pub(crate) line: usize,
    pub(crate) adjacent: bool,
    /// Everything below is in picoseconds of virtual time.
    pub(crate) hit: u64,
    pub(crate) transfer: [u64; 3],
    pub(crate) memory: u64,
    pub(crate) rmw: u64,
    pub(crate) tenure: u64,
    pub(crate) fence: u64,
    pub(crate) pause: u64,
    pub(crate) syscall: u64,
    pub(crate) wake: u64,
    pub(crate) switch: u64,
    pub(crate) slice: u64,
}

impl Machine {
    /// Starts the description of a machine of your own; every figure not given is that of
    /// [`Machine::flat`] with one core.
    pub fn builder(name: impl Into<String>) -> MachineBuilder {
        MachineBuilder::new(name.into())
    }

    /// The name under which reports mention this machine.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of cores, 1 to [`MAX_CORES`].
    pub fn cores(&self) -> usize {
        self.cores
    }

    /// The size of a cache line in bytes.
    pub fn line_size(&self) -> usize {
        self.line
    }

    /// What one transfer of a line between these two cores takes, in picoseconds.
    pub(crate) fn distance(&self, a: u16, b: u16) -> u64 {
        let (a, b) = (self.positions[usize::from(a)], self.positions[usize::from(b)]);
        self.transfer[if a.0 != b.0 { 2 } else { usize::from(a.1 != b.1) }]
    }
}

/// Describes a [`Machine`]; made by [`Machine::builder`], ended by
/// [`build`](MachineBuilder::build).
///
/// Latencies are in nanoseconds and may have a fraction; they are kept in picoseconds.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct MachineBuilder {
    name: String,
    cores: usize,
    cluster: Option<usize>,
    socket: Option<usize>,
    line: usize,
    adjacent: bool,
    hit: f64,
    transfer: [f64; 3],
    memory: f64,
    rmw: f64,
    tenure: f64,
    fence: f64,
    pause: f64,
    syscall: f64,
    wake: f64,
    switch: f64,
    slice: f64,
}

/// Setters that differ only in the figure they set.
macro_rules! latency {
    ($($(#[$doc:meta])* $method:ident => $field:ident;)*) => {$(
        $(#[$doc])*
        pub fn $method(mut self, ns: f64) -> Self {
            self.$field = ns;
            self
        }
    )*};
}

impl MachineBuilder {
    /// The number of cores, 1 to [`MAX_CORES`].
    pub fn cores(mut self, cores: usize) -> Self {
        self.cores = cores;
        self
    }

    /// Cores in a cluster (those that share a last-level cache); the whole socket unless given.
    pub fn cluster(mut self, cores: usize) -> Self {
        self.cluster = Some(cores);
        self
    }

    /// Cores in a socket; all of them unless given.
    pub fn socket(mut self, cores: usize) -> Self {
        self.socket = Some(cores);
        self
    }

    /// The size of a cache line in bytes: 16, 32, 64 or 128; 64 unless given.
    pub fn line_size(mut self, bytes: usize) -> Self {
        self.line = bytes;
        self
    }

    /// Whether a miss or an upgrade also fetches the other line of the aligned pair, when any core
    /// has used that line before and this one does not hold it; off unless given. The fetch is
    /// billed like a load of no bytes: it costs the core no time, but it moves a line. (No manual
    /// says whether a request for ownership alone fetches the pair. That two cores hinder each
    /// other which do nothing but atomic increments on the two lines of a pair, as folly's
    /// `lang/Align.h` reports of Sandy Bridge, takes a fetch on upgrades: each core misses but
    /// once.)
    pub fn adjacent_line_prefetch(mut self, on: bool) -> Self {
        self.adjacent = on;
        self
    }

    /// One-way transfer of a line between two cores of one cluster, of one socket, and of two
    /// sockets.
    pub fn transfer_ns(mut self, cluster: f64, socket: f64, remote: f64) -> Self {
        self.transfer = [cluster, socket, remote];
        self
    }

    latency! {
        /// A load or store of a line the core holds in the state it needs. Above 0.
        hit_ns => hit;
        /// A miss on a line that no cache holds.
        memory_ns => memory;
        /// What a read-modify-write costs beyond a plain access.
        rmw_ns => rmw;
        /// How long a core keeps a line it has just obtained for writing before another core's
        /// write request is answered: the accesses it completes in that time hit. Reads are
        /// answered at once. 0 unless given.
        tenure_ns => tenure;
        /// A sequentially consistent fence; weaker fences are free, as on x86.
        fence_ns => fence;
        /// One `hint::spin_loop`. Above 0.
        pause_ns => pause;
        /// A system call: futex wait, futex wake, `yield_now`, `spawn`.
        syscall_ns => syscall;
        /// From a futex wake to the instant the woken thread may be put on its core.
        wake_ns => wake;
        /// Changing the thread that a core runs.
        context_switch_ns => switch;
        /// How long a thread may keep a core that another thread waits for. Above 0.
        slice_ns => slice;
    }

    /// Checks the description and makes the machine.
    ///
    /// # Errors
    /// A [`MachineError`] whose sentence names the figure and its limit, if the machine makes no
    /// sense.
    pub fn build(self) -> Result<Machine, MachineError> {
        let refuse = |why: String| Err(MachineError { why });
        if self.cores == 0 || self.cores > MAX_CORES {
            return refuse(format!("a machine has 1 to {MAX_CORES} cores, not {}", self.cores));
        }
        let socket = self.socket.unwrap_or(self.cores);
        let cluster = self.cluster.unwrap_or(socket);
        if socket == 0 || socket > self.cores {
            return refuse(format!(
                "a socket has 1 to {} cores (all of this machine), not {socket}",
                self.cores
            ));
        }
        if cluster == 0 || cluster > socket {
            return refuse(format!(
                "a cluster has 1 to {socket} cores (those of its socket), not {cluster}"
            ));
        }
        if ![16, 32, 64, 128].contains(&self.line) {
            return refuse(format!("a line has 16, 32, 64 or 128 bytes, not {}", self.line));
        }
        let clusters = socket.div_ceil(cluster);
        let position = |core: usize| {
            (
                (core / socket) as u16,
                (core / socket * clusters + core % socket / cluster) as u16,
            )
        };
        let positive = f64::MIN_POSITIVE;
        Ok(Machine {
            hit: picoseconds("hit_ns", self.hit, positive)?,
            transfer: [
                picoseconds("transfer_ns within a cluster", self.transfer[0], 0.0)?,
                picoseconds("transfer_ns within a socket", self.transfer[1], 0.0)?,
                picoseconds("transfer_ns between sockets", self.transfer[2], 0.0)?,
            ],
            memory: picoseconds("memory_ns", self.memory, 0.0)?,
            rmw: picoseconds("rmw_ns", self.rmw, 0.0)?,
            tenure: picoseconds("tenure_ns", self.tenure, 0.0)?,
            fence: picoseconds("fence_ns", self.fence, 0.0)?,
            pause: picoseconds("pause_ns", self.pause, positive)?,
            syscall: picoseconds("syscall_ns", self.syscall, 0.0)?,
            wake: picoseconds("wake_ns", self.wake, 0.0)?,
            switch: picoseconds("context_switch_ns", self.switch, 0.0)?,
            slice: picoseconds("slice_ns", self.slice, positive)?,
            name: self.name,
            cores: self.cores,
            positions: (0..self.cores).map(position).collect(),
            line: self.line,
            adjacent: self.adjacent,
        })
    }
}

/// Converts, or says which figure is out of range: a second is longer than any event of this kind
/// takes.
fn picoseconds(what: &str, ns: f64, least: f64) -> Result<u64, MachineError> {
    let ps = (ns * 1000.0).round();
    if ns.is_finite() && ns >= least && ns <= 1e9 && (least == 0.0 || ps >= 1.0) {
        return Ok(ps as u64);
    }
    let from = if least == 0.0 { "0" } else { "0.001" };
    Err(MachineError {
        why: format!("{what} lies between {from} and 1,000,000,000 ns, not {ns}"),
    })
}

/// Why a [`Machine`] makes no sense: a sentence that names the figure and its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineError {
    why: String,
}

impl fmt::Display for MachineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl core::error::Error for MachineError {}
