//! The loom-shaped API inside and outside a simulation: layout, thread-locals, spawning, errors,
//! reports.

use std::cell::{Cell, RefCell};
use std::mem::{align_of, size_of};
use std::rc::Rc;
use std::sync::atomic as plain;

use coherence::cell::UnsafeCell;
use coherence::sync::atomic::*;
use coherence::{Machine, futex, thread};
use std::sync::atomic::Ordering::*;

static GLOBAL: AtomicU64 = AtomicU64::new(5);

#[test]
fn layouts_are_those_of_std() {
    macro_rules! same {
        ($($name:ident),*) => {$(
            assert_eq!(size_of::<$name>(), size_of::<plain::$name>());
            assert_eq!(align_of::<$name>(), align_of::<plain::$name>());
        )*};
    }
    same!(AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize);
    same!(AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize);
    assert_eq!(size_of::<AtomicPtr<u8>>(), size_of::<*mut u8>());
    assert_eq!(size_of::<UnsafeCell<[u16; 3]>>(), 6);
    assert_eq!(align_of::<UnsafeCell<[u16; 3]>>(), 2);
}

/// Every method does what std's does, in a simulation and out of it.
fn methods() {
    let mut x = AtomicU8::new(250);
    assert_eq!(x.fetch_add(10, SeqCst), 250);
    assert_eq!(x.fetch_sub(5, SeqCst), 4);
    assert_eq!(x.fetch_and(0b1111_0000, SeqCst), 255);
    assert_eq!(x.fetch_nand(0b1010_0000, SeqCst), 0b1111_0000);
    assert_eq!(x.fetch_or(0b1000_0000, SeqCst), 0b0101_1111);
    assert_eq!(x.fetch_xor(1, SeqCst), 0b1101_1111);
    assert_eq!(x.fetch_max(230, SeqCst), 0b1101_1110);
    assert_eq!(x.fetch_min(7, SeqCst), 230);
    assert_eq!(x.swap(8, SeqCst), 7);
    assert_eq!(x.compare_exchange(7, 1, AcqRel, Acquire), Err(8));
    assert_eq!(x.compare_exchange_weak(8, 9, AcqRel, Acquire), Ok(8));
    assert_eq!(x.fetch_update(SeqCst, Relaxed, |v| v.checked_sub(10)), Err(9));
    assert_eq!(x.fetch_update(SeqCst, Relaxed, |v| Some(v + 1)), Ok(9));
    *x.get_mut() += 1;
    assert_eq!(x.with_mut(|v| *v), 11);
    assert_eq!((format!("{x:?}"), x.into_inner()), ("11".to_owned(), 11));
    let signed = AtomicI32::from(-3);
    assert_eq!(signed.fetch_max(-1, Relaxed), -3);
    assert_eq!(signed.load(Acquire), -1);
    let flag = AtomicBool::default();
    assert!(!flag.fetch_not(Relaxed) && flag.fetch_and(true, Relaxed) && flag.fetch_xor(true, Relaxed));
    assert!(!flag.fetch_nand(true, Relaxed) && flag.fetch_or(true, Relaxed));
    let mut target = 4;
    let pointer = AtomicPtr::default();
    assert!(pointer.swap(&mut target, AcqRel).is_null());
    // SAFETY: `target` is alive, and this is the only use of it.
    assert_eq!(unsafe { *pointer.load(Acquire) }, 4);
    let mut cell = UnsafeCell::new(1);
    // SAFETY: this is the only reference to the cell.
    cell.with_mut(|v| unsafe { *v += 1 });
    assert_eq!((*cell.get_mut(), cell.into_inner()), (2, 2));
    fence(SeqCst);
    coherence::hint::spin_loop();
    thread::yield_now();
    assert_eq!(thread::current().id(), thread::current().id());
    let word = AtomicU32::new(1);
    assert_eq!(futex::wait(&word, 2, None), futex::Wakeup::Changed);
    assert_eq!(futex::wake(&word, 1), 0);
    assert_eq!(thread::spawn(|| 3).join().expect("no panic"), 3);
    coherence::phase("anything");
}

#[test]
fn methods_work_outside() {
    methods();
    assert_eq!(futex::wait(&AtomicU32::new(2), 2, None), futex::Wakeup::Woken);
    assert_eq!(thread::current().index(), None);
}

#[test]
fn methods_work_inside() {
    let report = coherence::model(&Machine::flat(2), methods);
    assert_eq!(report.threads(), 2);
    assert!(report.hits() > 20);
}

#[test]
fn statics_outlive_simulations() {
    GLOBAL.fetch_add(1, Relaxed);
    coherence::run(&Machine::flat(2), 2, |_| _ = GLOBAL.fetch_add(1, Relaxed));
    coherence::run(&Machine::flat(2), 2, |_| _ = GLOBAL.fetch_add(1, Relaxed));
    assert_eq!(GLOBAL.load(Relaxed), 10);
}

coherence::thread_local! {
    /// Two forms, with attributes and visibility, in one block.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    pub(crate) static LOG: RefCell<Vec<LogsDrop>> = RefCell::new(Vec::new());
}

struct LogsDrop(usize, Rc<RefCell<Vec<usize>>>);

impl Drop for LogsDrop {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
        // The other one was made later, so it is gone by now; this one is being dropped.
        assert!(COUNT.try_with(Cell::get).is_err() && LOG.try_with(|_| ()).is_err());
    }
}

#[test]
fn thread_locals_belong_to_the_simulated_thread() {
    let order = std::sync::Mutex::new(Vec::new());
    COUNT.with(|count| count.set(100));
    coherence::run(&Machine::flat(3), 3, |i| {
        let mine = Rc::new(RefCell::new(Vec::new()));
        LOG.with(|log| log.borrow_mut().push(LogsDrop(i, Rc::clone(&mine))));
        for _ in 0..=i {
            COUNT.with(|count| count.set(count.get() + 1));
            GLOBAL_TURNS.fetch_add(1, Relaxed);
        }
        order.lock().expect("no panic").push((i, COUNT.with(Cell::get)));
        OUT.with_borrow_mut(|out| out.push(mine));
    });
    assert_eq!(order.into_inner().expect("no panic"), [(0, 1), (1, 2), (2, 3)]);
    // The destructors ran, each once, when its thread ended.
    let dropped: Vec<_> = OUT.with_borrow(|out| out.iter().map(|mine| mine.borrow().clone()).collect());
    assert_eq!(dropped, [vec![0], vec![1], vec![2]]);
    assert_eq!(COUNT.with(Cell::get), 100, "the OS thread's own");
}

static GLOBAL_TURNS: AtomicU32 = AtomicU32::new(0);

std::thread_local! {
    static OUT: RefCell<Vec<Rc<RefCell<Vec<usize>>>>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn two_thread_locals_share_no_line() {
    coherence::thread_local! {
        static WORD: AtomicU8 = const { AtomicU8::new(0) };
    }
    let report = coherence::run(&Machine::flat(8), 8, |_| {
        (0..20).for_each(|_| _ = WORD.with(|w| w.fetch_add(1, Relaxed)))
    });
    assert_eq!((report.transactions(), report.lines().len()), (8, 8));
}

#[test]
fn machines_that_make_no_sense_are_refused() {
    let why = |builder: coherence::MachineBuilder| builder.build().expect_err("makes no sense").to_string();
    let b = || Machine::builder("mine").cores(8);
    assert_eq!(why(b().cores(0)), "a machine has 1 to 1024 cores, not 0");
    assert_eq!(why(b().cores(1025)), "a machine has 1 to 1024 cores, not 1025");
    assert_eq!(
        why(b().socket(4).cluster(5)),
        "a cluster has 1 to 4 cores (those of its socket), not 5"
    );
    assert_eq!(
        why(b().cluster(0)),
        "a cluster has 1 to 8 cores (those of its socket), not 0"
    );
    assert_eq!(
        why(b().socket(9)),
        "a socket has 1 to 8 cores (all of this machine), not 9"
    );
    assert_eq!(why(b().line_size(48)), "a line has 16, 32, 64 or 128 bytes, not 48");
    assert_eq!(
        why(b().memory_ns(-1.0)),
        "memory_ns lies between 0 and 1,000,000,000 ns, not -1"
    );
    assert_eq!(
        why(b().hit_ns(0.0)),
        "hit_ns lies between 0.001 and 1,000,000,000 ns, not 0"
    );
    assert!(why(b().transfer_ns(1.0, f64::NAN, 1.0)).starts_with("transfer_ns within a socket lies between"));
    assert!(b().cores(1024).build().is_ok());
    let cores = [
        Machine::epyc_9654(),
        Machine::xeon_8375c(),
        Machine::graviton_3(),
        Machine::two_cores(),
    ]
    .map(|m| m.cores());
    assert_eq!(cores, [192, 64, 64, 2]);
}

#[test]
#[should_panic(expected = "a simulation has 1 to 65536 threads, not 0")]
fn no_threads_are_too_few() {
    coherence::run(&Machine::flat(1), 0, |_| ());
}

#[test]
fn simulations_do_not_nest() {
    let nested = coherence::try_run(&Machine::flat(1), 1, |_| {
        drop(coherence::run(&Machine::flat(1), 1, |_| ()))
    });
    let message = "a simulation cannot be run inside another simulation".to_owned();
    assert_eq!(nested, Err(coherence::Failure::Panicked { thread: 0, message }));
}

/// A program with a bit of everything: heap nodes that come and go, futex waits, spin loops, more
/// threads than cores.
fn churn() -> coherence::Report {
    let machine = Machine::builder("small")
        .cores(3)
        .slice_ns(20_000.0)
        .build()
        .expect("a fine machine");
    let head: AtomicPtr<(AtomicU64, usize)> = AtomicPtr::default();
    let word = AtomicU32::new(0);
    coherence::run(&machine, 7, |i| {
        for n in 0..200 {
            let node = Box::into_raw(Box::new((AtomicU64::new(n), i)));
            let taken = head.swap(node, AcqRel);
            // SAFETY: a node has one owner, the thread that swapped it out.
            if let Some(taken) = unsafe { taken.as_mut() }.map(|t| unsafe { Box::from_raw(t) }) {
                taken.0.fetch_add(taken.1 as u64, Relaxed);
            }
            match n % 50 {
                7 => _ = futex::wait(&word, 0, Some(std::time::Duration::from_micros(3))),
                9 => _ = futex::wake(&word, 2),
                11 => thread::yield_now(),
                _ => {}
            }
        }
        if i == 6 {
            coherence::phase("end");
        }
    })
}

/// Two processes of their own print the same bytes, wherever their memory lies.
#[test]
fn the_same_program_gives_the_same_report() {
    if std::env::var_os("COHERENCE_CHURN").is_some() {
        println!("REPORT\n{}", churn());
        return;
    }
    let run = || {
        let mut child = std::process::Command::new(std::env::current_exe().expect("this test has a file"));
        let child = child.args([
            "--exact",
            "the_same_program_gives_the_same_report",
            "--nocapture",
            "--test-threads=1",
        ]);
        let output = child
            .env("COHERENCE_CHURN", "1")
            .output()
            .expect("the test can be run again");
        let text = String::from_utf8(output.stdout).expect("reports are text");
        let from = text.find("REPORT").expect("the child reports");
        text[from..text.rfind("test result").unwrap_or(text.len())].to_owned()
    };
    let first = run();
    assert!(first.contains("tests/api.rs") && first.contains("end "), "{first}");
    for _ in 0..4 {
        assert_eq!(first, run());
    }
}

#[test]
fn the_same_program_gives_the_same_report_in_one_process() {
    #[repr(align(128))]
    struct Words([AtomicU32; 64]);
    let run = || {
        let words = Box::new(Words([const { AtomicU32::new(0) }; 64]));
        let report = coherence::run(&Machine::xeon_8375c(), 40, |i| {
            for n in 0..100 {
                words.0[(i * n + n) % 64].fetch_add(1, Relaxed);
            }
        });
        (report.to_string(), report)
    };
    let first = run();
    let in_between = [run(), run()];
    assert!(in_between.iter().all(|other| *other == first));
}

#[test]
fn two_hundred_and_fifty_six_cores_work() {
    let counter = AtomicU64::new(0);
    let report = coherence::run(&Machine::flat(256), 256, |_| {
        (0..10).for_each(|_| _ = counter.fetch_add(1, Relaxed))
    });
    assert_eq!(
        (
            counter.into_inner(),
            report.get_modified(),
            report.lines()[0].cores().len()
        ),
        (2560, 2560, 256)
    );
}

#[cfg(feature = "serde")]
#[test]
fn reports_travel_as_json() {
    let report = churn();
    let json = serde_json::to_string(&report).expect("a report is plain");
    assert!(json.contains("\"false_sharing_misses\":"));
    assert_eq!(
        serde_json::from_str::<coherence::Report>(&json).expect("its own words"),
        report
    );
}
