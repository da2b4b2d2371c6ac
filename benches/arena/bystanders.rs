//! What goes on beside a measurement: processes that keep the cores busy, and threads that have read a lock and idle.

use std::hint::black_box;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::rwlocks::ReaderWriter;
use super::{Beside, cores, work};

/// The argument that makes this program a busy process; the number of its core follows.
const BUSY: &str = "--busy-on-core=";
/// What a thread that only waits needs, with room to spare: pages that it does not touch cost nothing.
const STACK: usize = 64 * 1024;
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
    /// Starts what `beside` says. Sleeping threads belong to the job, which makes them for each lock.
    pub fn start(beside: Beside) -> Self {
        match beside {
            Beside::Nothing | Beside::Asleep(_) => Bystanders::default(),
            Beside::BusyPerCore(number) => Bystanders {
                _busy: Some(BusyProcesses::start(number)),
                ..Bystanders::default()
            },
            Beside::HaveRead { threads, ended } => {
                let readers = IdleReaders::start(threads);
                Bystanders {
                    _idle: (!ended).then_some(readers),
                    ..Bystanders::default()
                }
            }
        }
    }
}

/// Children that never sleep. They end when this is dropped, and with this process however it ends.
struct BusyProcesses(Vec<Child>);

impl BusyProcesses {
    fn start(per_core: usize) -> Self {
        // Each child is in the guard before the next is started.
        let mut all = BusyProcesses(vec![]);
        let program = std::env::current_exe().expect("this program has a path");
        for number in 0..per_core * cores() {
            let child = Command::new(&program)
                .arg(format!("{BUSY}{}", number % cores()))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
            all.0.push(child);
        }
        for child in &mut all.0 {
            let output = child.stdout.as_mut().expect("it is a pipe");
            output.read_exact(&mut [0]).expect("a busy process says that it is");
        }
        all
    }
}

impl Drop for BusyProcesses {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has ended already is no reason to leave the others.
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

/// Keeps a core busy for as long as its parent lives, if this program was started for that. Else returns.
pub fn be_busy_if_told() {
    let Some(core) = std::env::args().find_map(|argument| argument.strip_prefix(BUSY).map(str::to_owned)) else {
        return;
    };
    end_with_parent();
    let core: usize = core.parse().expect("the parent passes a number");
    if let Some(id) = core_affinity::get_core_ids().and_then(|all| all.get(core).copied()) {
        core_affinity::set_for_current(id);
    }
    println!("busy");
    loop {
        work(1_000_000);
    }
}

/// The parent holds the other end of this process's input, which closes when it dies; on Linux the kernel kills as well.
fn end_with_parent() {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: this request takes a signal's number, and touches no memory.
        let error = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        assert_eq!(error, 0, "the kernel does not know PR_SET_PDEATHSIG");
    }
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
}

/// Threads that have read, and idle until this is dropped. All are there at one time before any ends.
struct IdleReaders {
    threads: Vec<JoinHandle<()>>,
    door: Arc<Door>,
}

/// Closed, until it is opened.
#[derive(Default)]
struct Door {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Door {
    fn wait(&self) {
        let open = self.open.lock().expect("no thread panics under it");
        drop(
            self.opened
                .wait_while(open, |open| !*open)
                .expect("no thread panics under it"),
        );
    }

    fn open(&self) {
        *self.open.lock().expect("no thread panics under it") = true;
        self.opened.notify_all();
    }
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
            door: Arc::default(),
        };
        for _ in 0..number {
            let (locks, door, report) = (Arc::clone(&locks), Arc::clone(&readers.door), report.clone());
            readers.threads.push(spawn_small(move || {
                locks.read(READS);
                report.send(()).expect("the main thread counts them");
                door.wait();
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
        self.door.open();
        join(&mut self.threads);
    }
}

/// A thread with a small stack, of which there can be thousands.
pub fn spawn_small(run: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(run)
        .unwrap_or_else(|error| panic!("this system does not let this many threads run: {error}"))
}

/// Waits until all have ended. A thread that panicked has told so.
pub fn join(threads: &mut Vec<JoinHandle<()>>) {
    for thread in threads.drain(..) {
        let _ = thread.join();
    }
}

/// Waits until no thread of this process runs, for some seconds at most: those that were told to sleep do.
pub fn settle() {
    const LOOK: Duration = Duration::from_millis(20);
    let start = Instant::now();
    let mut before = cpu_time();
    while start.elapsed() < Duration::from_secs(10) {
        thread::sleep(LOOK);
        let now = cpu_time();
        if now - before < LOOK / 20 {
            return;
        }
        before = now;
    }
}

#[cfg(target_os = "linux")]
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a place for what this writes.
    let error = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(error, 0, "the kernel has a clock for each process");
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).expect("it is positive"));
    seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).expect("it is positive"))
}

/// Elsewhere there is no such clock in `std`, and one look is all.
#[cfg(not(target_os = "linux"))]
fn cpu_time() -> Duration {
    Duration::ZERO
}
