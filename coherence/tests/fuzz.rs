//! Random programs against a second model of MESI and of the classes of misses, written as the
//! definitions read.
//!
//! Each program logs its accesses in the order in which they are carried out. The plain model goes
//! through the log, and has to come to the same counts for each line and core.
//!
//! `COHERENCE_FUZZ_SEED=n` begins with another program; `COHERENCE_FUZZ_PROGRAMS=n` runs so many.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use coherence::cell::UnsafeCell;
use coherence::hint::spin_loop;
use coherence::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::*, fence};
use coherence::{Machine, Report, thread};

/// Unless said otherwise.
const PROGRAMS: u64 = 300;

/// The test ends then, however many programs are left of them.
const LONGEST: Duration = Duration::from_secs(20);

/// The lines that a program uses, and the bytes of each.
const LINES: usize = 4;
const BYTES: usize = 64;

/// The eight counts of a line and core: GetS, GetM, upgrades, invalidations, cold, true, false,
/// hits.
type Counts = [u64; 8];
/// By line, in the order in which they are first touched, and core.
type Bill = BTreeMap<(usize, usize), Counts>;

/// Random numbers: xorshift, G. Marsaglia 2003.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % n as u64) as usize
    }
}

/// Words of every size on one line.
#[derive(Default)]
#[repr(C, align(64))]
struct Line {
    bytes: [AtomicU8; 4],
    pairs: [AtomicU16; 2],
    words: [AtomicU32; 4],
    longs: [AtomicU64; 3],
    cell: UnsafeCell<[u64; 2]>,
}

/// Two pairs of lines.
#[derive(Default)]
#[repr(C, align(128))]
struct Memory([Line; LINES]);

// SAFETY: the cells are billed, but nothing is done with the pointers to what is in them.
unsafe impl Sync for Memory {}

#[derive(Clone, Copy)]
struct Access {
    core: usize,
    /// The first byte, from the beginning of the memory.
    from: usize,
    size: usize,
    /// Whether it writes, be it what was there before.
    writes: bool,
}

/// A program: so many threads do what their random numbers say.
struct Program {
    cores: usize,
    threads: usize,
    adjacent: bool,
    machine: Machine,
}

impl Program {
    fn new(seed: u64) -> Program {
        let mut random = Random::new(seed);
        let cores = 1 + random.below(6);
        let adjacent = random.below(3) == 0;
        let machine = Machine::builder("fuzzed")
            .cores(cores)
            .cluster(1 + random.below(cores))
            .transfer_ns(20.0, 50.0, 50.0)
            .tenure_ns([0.0, 0.0, 30.0][random.below(3)])
            .slice_ns([500.0, 3e6][random.below(2)])
            .adjacent_line_prefetch(adjacent)
            .build()
            .expect("the figures are in range");
        Program {
            cores,
            threads: 1 + random.below(2 * cores),
            adjacent,
            machine,
        }
    }

    /// The bill that the simulator makes out, and what was done.
    fn run(&self, seed: u64) -> (Report, Vec<Access>) {
        let memory = Box::new(Memory::default());
        let log = Mutex::new(Vec::new());
        let report = coherence::run(&self.machine, self.threads, |i| {
            let mut random = Random::new((seed << 8) + i as u64);
            for _ in 0..20 + random.below(150) {
                step(&memory, &mut random, i % self.cores, &log);
            }
        });
        (report, log.into_inner().expect("no thread panics"))
    }
}

/// A random access or pause, or a loop that reads. Each access has its place in the log: between
/// the billing and the entry no other thread runs.
fn step(memory: &Memory, random: &mut Random, core: usize, log: &Mutex<Vec<Access>>) {
    let base = core::ptr::from_ref(memory).addr();
    let note = |address: usize, size: usize, writes: bool| {
        log.lock().expect("no thread panics").push(Access {
            core,
            from: address - base,
            size,
            writes,
        });
    };
    let line = &memory.0[random.below(LINES)];
    let (kind, value) = (random.below(7), random.below(3));
    macro_rules! access {
        ($word:expr, $type:ty) => {{
            let (word, value) = (&$word, value as $type);
            match kind {
                0..3 => _ = word.load(Acquire),
                3 => word.store(value, Release),
                4 => _ = word.fetch_add(value, AcqRel),
                5 => _ = word.compare_exchange(value, value + 1, AcqRel, Acquire),
                _ => _ = word.swap(value, AcqRel),
            }
            note(core::ptr::from_ref(word).addr(), size_of::<$type>(), kind >= 3);
        }};
    }
    match random.below(40) {
        0..6 => access!(line.bytes[random.below(4)], u8),
        6..12 => access!(line.pairs[random.below(2)], u16),
        12..18 => access!(line.words[random.below(4)], u32),
        18..24 => access!(line.longs[random.below(3)], u64),
        24 => {
            line.cell.with(|_| ());
            note((&raw const line.cell).addr(), 16, false);
        }
        25 => {
            line.cell.with_mut(|_| ());
            note((&raw const line.cell).addr(), 16, true);
        }
        26 => {
            // A loop that reads, or that waits and gives up.
            let (word, waits) = (&line.words[random.below(4)], random.below(2) == 0);
            for _ in 0..random.below(400) {
                word.load(Relaxed);
                note(core::ptr::from_ref(word).addr(), 4, false);
                if waits {
                    spin_loop();
                }
            }
        }
        27 => thread::yield_now(),
        28 => fence(SeqCst),
        n => (0..3 * (n - 28)).for_each(|_| spin_loop()),
    }
}

/// The states of MESI.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Modified,
    Exclusive,
    Shared,
    Invalid,
}

/// The copy of one line in one core's cache.
#[derive(Clone, Copy)]
struct Cached {
    state: State,
    /// Whether the core has ever missed on the line.
    known: bool,
    /// When the miss was that brought the copy it has.
    missed: u64,
    /// Whether that miss is cold.
    cold: bool,
    /// Whether the core has used a byte since that another core had written since its last
    /// essential miss.
    needed: bool,
    /// When its last essential miss was.
    essential: u64,
}

/// MESI over infinite caches, and the classes of M. Dubois et al., ISCA 1993: a miss is *cold* if
/// it is the core's first on the line; it is *true sharing* if, before the core loses the line
/// again, it uses a byte that another core has written since this core's last essential miss (cold
/// or true sharing) on the line; else it is *false sharing*.
struct Plain {
    adjacent: bool,
    time: u64,
    copies: Vec<Vec<Cached>>,
    /// When each core has last written each byte of each line; 0 is never.
    written: Vec<Vec<[u64; BYTES]>>,
    /// The lines, in the order in which they are first touched.
    names: Vec<usize>,
    bill: Bill,
}

impl Plain {
    fn new(cores: usize, adjacent: bool) -> Plain {
        let nothing = Cached {
            state: State::Invalid,
            known: false,
            missed: 0,
            cold: false,
            needed: false,
            essential: 0,
        };
        Plain {
            adjacent,
            time: 0,
            copies: vec![vec![nothing; cores]; LINES],
            written: vec![vec![[0; BYTES]; cores]; LINES],
            names: Vec::new(),
            bill: Bill::new(),
        }
    }

    fn count(&mut self, line: usize, core: usize, which: usize) {
        let name = self.names.iter().position(|&named| named == line);
        self.bill.entry((name.expect("touched"), core)).or_default()[which] += 1;
    }

    fn access(&mut self, a: &Access) {
        let line = a.from / BYTES;
        if !self.names.contains(&line) {
            self.names.push(line);
        }
        let moved = self.line_access(line, a.core, a.from % BYTES..a.from % BYTES + a.size, a.writes);
        let other = line ^ 1;
        if moved && self.adjacent && self.names.contains(&other) && self.copies[other][a.core].state == State::Invalid {
            self.line_access(other, a.core, 0..0, false);
        }
    }

    /// Returns whether the access needed a transaction.
    fn line_access(&mut self, line: usize, me: usize, bytes: std::ops::Range<usize>, writes: bool) -> bool {
        self.time += 1;
        let before = self.copies[line][me].state;
        let hits = match before {
            State::Modified | State::Exclusive => true,
            State::Shared => !writes,
            State::Invalid => false,
        };
        let others: Vec<usize> = (0..self.copies[line].len())
            .filter(|&core| core != me && self.copies[line][core].state != State::Invalid)
            .collect();
        if hits {
            self.count(line, me, 7);
        } else if writes {
            self.count(line, me, if before == State::Shared { 2 } else { 1 });
            for &other in &others {
                self.count(line, me, 3);
                self.lose(line, other);
            }
        } else {
            self.count(line, me, 0);
            others
                .iter()
                .for_each(|&other| self.copies[line][other].state = State::Shared);
        }
        let copy = &mut self.copies[line][me];
        if before == State::Invalid {
            copy.missed = self.time;
            copy.cold = !copy.known;
            copy.known = true;
            copy.needed = false;
        }
        if writes {
            copy.state = State::Modified;
        } else if before == State::Invalid {
            copy.state = if others.is_empty() {
                State::Exclusive
            } else {
                State::Shared
            };
        }
        let seen = copy.essential;
        let news = |core: usize| bytes.clone().any(|byte| self.written[line][core][byte] > seen);
        copy.needed |= (0..self.written[line].len()).any(|core| core != me && news(core));
        if writes {
            self.written[line][me][bytes].fill(self.time);
        }
        !hits
    }

    /// A core loses its copy, and it is known what the miss was for that brought it.
    fn lose(&mut self, line: usize, core: usize) {
        let copy = &mut self.copies[line][core];
        copy.state = State::Invalid;
        if copy.cold || copy.needed {
            copy.essential = copy.missed;
        }
        let class = match (copy.cold, copy.needed) {
            (true, _) => 4,
            (false, true) => 5,
            (false, false) => 6,
        };
        self.count(line, core, class);
    }

    fn end(mut self) -> Bill {
        for line in 0..LINES {
            for core in 0..self.copies[line].len() {
                if self.copies[line][core].state != State::Invalid {
                    self.lose(line, core);
                }
            }
        }
        self.bill
    }
}

fn of(report: &Report) -> Bill {
    let lines = report.lines().iter();
    lines
        .flat_map(|line| {
            line.cores().iter().map(|c| {
                let transactions = [c.get_shared(), c.get_modified(), c.upgrades(), c.invalidations()];
                let [a, b, upgrades, d] = transactions;
                let counts = [
                    a,
                    b,
                    upgrades,
                    d,
                    c.cold_misses(),
                    c.true_sharing_misses(),
                    c.false_sharing_misses(),
                    c.hits(),
                ];
                ((line.name(), c.core()), counts)
            })
        })
        .collect()
}

fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")),
        Err(_) => otherwise,
    }
}

#[test]
fn random_programs_are_billed_as_the_definitions_have_it() {
    let (first, programs) = (
        number("COHERENCE_FUZZ_SEED", 1),
        number("COHERENCE_FUZZ_PROGRAMS", PROGRAMS),
    );
    let begun = Instant::now();
    let mut total = [0; 8];
    for seed in first..first + programs {
        let program = Program::new(seed);
        let (report, log) = program.run(seed);
        let mut plain = Plain::new(program.cores, program.adjacent);
        log.iter().for_each(|access| plain.access(access));
        let (expected, billed) = (plain.end(), of(&report));
        assert_eq!(
            billed,
            expected,
            "COHERENCE_FUZZ_SEED={seed}, by (line, core): billed, then expected\n{} threads, {} accesses\n{report}",
            program.threads,
            log.len()
        );
        billed
            .values()
            .for_each(|counts| total.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count));
        if begun.elapsed() > LONGEST {
            break;
        }
    }
    // Each of the eight was met, so that to agree means something.
    let all_met = total.iter().all(|&count| count > 100);
    assert!(programs < PROGRAMS || all_met, "{total:?}");
}
