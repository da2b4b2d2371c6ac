//! What goes on beside a measurement: processes that keep the cores busy, or threads that have read a
//! lock and idle.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use super::Beside;
use super::busy::BusyProcesses;
use super::rwlocks::ReaderWriter;
use super::small::{Gate, join, settle, spawn_small};

/// Reads of each bystander: enough to be sampled by any lock that samples.
const READS: usize = 256;
/// Reads that make a lock read-mostly, if any do.
const MANY_READS: usize = 300_000;

/// What is there, until this is dropped.
#[derive(Default)]
pub struct Bystanders {
    _busy: Option<BusyProcesses>,
    _idle: Option<IdleReaders>,
}

impl Bystanders {
    /// Starts what `beside` says. Sleeping threads belong to the job, which makes them for each
    /// lock.
    pub fn start(beside: Beside) -> Self {
        match beside {
            Beside::Nothing | Beside::Asleep(_) => Bystanders::default(),
            Beside::BusyPerCore(number) => Bystanders {
                _busy: Some(BusyProcesses::start(number)),
                ..Bystanders::default()
            },
            Beside::HaveRead { threads, ended } => {
                let mut idle = Some(IdleReaders::start(threads));
                if ended {
                    idle = None;
                    settle();
                }
                Bystanders {
                    _idle: idle,
                    ..Bystanders::default()
                }
            }
        }
    }
}

/// Threads that have read, and idle until this is dropped. All are there at one time before any
/// ends.
struct IdleReaders {
    threads: Vec<JoinHandle<()>>,
    gate: Arc<Gate>,
}

/// A lock of each kind, read often and written never.
struct Libraries {
    linchpin: linchpin::futex::RwLock<u64>,
    std: std::sync::RwLock<u64>,
    parking_lot: parking_lot::RwLock<u64>,
}

impl Libraries {
    fn read(&self, times: usize) {
        for _ in 0..times {
            black_box(ReaderWriter::read(&self.linchpin));
            black_box(ReaderWriter::read(&self.std));
            black_box(ReaderWriter::read(&self.parking_lot));
        }
    }
}

impl IdleReaders {
    fn start(number: usize) -> Self {
        let locks = Arc::new(Libraries {
            linchpin: ReaderWriter::new(),
            std: ReaderWriter::new(),
            parking_lot: ReaderWriter::new(),
        });
        locks.read(MANY_READS);
        let (report, reports) = channel();
        let mut readers = IdleReaders {
            threads: vec![],
            gate: Arc::default(),
        };
        for _ in 0..number {
            let (locks, gate, report) = (Arc::clone(&locks), Arc::clone(&readers.gate), report.clone());
            readers.threads.push(spawn_small(move || {
                locks.read(READS);
                report.send(()).expect("the main thread counts them");
                gate.wait();
            }));
        }
        for _ in 0..number {
            reports.recv().expect("each thread reports");
        }
        settle();
        readers
    }
}

impl Drop for IdleReaders {
    fn drop(&mut self) {
        self.gate.open();
        join(&mut self.threads);
    }
}
