//! How much memory domains and lists take, and what a hazard pointer costs beside thousands of others. Each in a process
//! of its own, since the bytes of all threads are counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use linchpin::hazard::{Domain, HazardPointer};

use crate::common::{Count, Family, retire};
use crate::process::alone;
use crate::system::{leak, least_cpu_times};

struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does it all.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many there are. The test's harness allocates a few as well, whenever it likes.
fn bytes() -> usize {
    BYTES.load(Ordering::SeqCst)
}

/// A thread that does as it is told, one order after the other.
struct Worker {
    orders: mpsc::Sender<Box<dyn FnOnce() + Send>>,
    is_done: mpsc::Receiver<()>,
}

impl Worker {
    fn start() -> Self {
        let (orders, next) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            for order in next {
                order();
                done.send(()).expect("it is awaited");
            }
        });
        Worker { orders, is_done }
    }

    /// Returns when it has done so.
    fn run(&self, act: impl FnOnce() + Send + 'static) {
        self.orders.send(Box::new(act)).expect("it waits for orders");
        self.is_done.recv().expect("it reports");
    }
}

const DOMAINS: usize = 2_000;

/// Makes so many domains, and uses each for the first time.
fn domains() -> &'static [Domain<Family>] {
    let domains: Vec<_> = (0..DOMAINS).map(|_| Domain::new(&Family)).collect();
    for domain in &domains {
        use_once(domain);
    }
    domains.leak()
}

fn use_once(domain: &Domain<Family>) {
    drop(HazardPointer::new_in_domain(domain));
    retire(domain, 1_u64);
}

fn drop_all(domains: &'static [Domain<Family>]) {
    // SAFETY: from `domains`, and no thread uses them any more.
    drop(unsafe { Box::from_raw(std::ptr::from_ref(domains).cast_mut()) });
}

#[test]
fn a_domain_takes_less_than_four_kilobytes() {
    alone(|| {
        let before = bytes();
        let domains = domains();
        let each = bytes().saturating_sub(before) / DOMAINS;
        println!("{each} bytes each");
        assert!(each < 4_000, "{each} bytes each");
        drop_all(domains);
    });
}

/// What a thread does in two domains that stay.
type GoesOn = fn(&Domain<Family>, &Domain<Family>);

/// Domains are dropped by another thread than the one that has used them. That one frees them when it looks for its
/// record in any other domain, or scans.
#[test]
fn a_thread_frees_domains_that_others_have_dropped() {
    alone(|| {
        let own = leak(Domain::new(&Family));
        let second = leak(Domain::new(&Family));
        // Uses two in turn; stays in one, and scans from time to time; scans at once.
        let ways: [GoesOn; 3] = [
            |own, second| {
                use_once(own);
                use_once(second);
            },
            |own, _| (0..1_100).for_each(|_| _ = retire(own, 1_u64)),
            |own, _| _ = own.eager_reclaim(),
        ];
        for goes_on in ways {
            let worker = Worker::start();
            worker.run(move || {
                use_once(second);
                use_once(own);
                own.eager_reclaim();
            });
            let before = bytes();
            let domains = domains();
            worker.run(move || {
                domains.iter().for_each(use_once);
                // The last one that it uses.
                own.eager_reclaim();
            });
            drop_all(domains);
            worker.run(move || goes_on(own, second));
            let kept = bytes().saturating_sub(before);
            println!("{kept} bytes are kept");
            assert!(kept < 200_000, "{kept} bytes are kept of {DOMAINS} domains");
        }
    });
}

/// A list that has grown once, since much was to be taken over, does not stay that large.
#[test]
fn a_list_that_was_long_once_is_freed() {
    const THREADS: usize = 100;
    alone(|| {
        let domain = leak(Domain::new(&Family));
        let workers = [(); 4].map(|()| Worker::start());
        let scan = move || _ = domain.eager_reclaim();
        for worker in &workers {
            worker.run(move || _ = retire(domain, 1_u64));
            worker.run(scan);
        }
        let before = bytes();
        for worker in &workers {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    let (end, is_end) = mpsc::channel::<()>();
                    let (ready, is_ready) = mpsc::channel();
                    let thread = thread::spawn(move || {
                        (0..999).for_each(|_| _ = retire(domain, 1_u64));
                        ready.send(()).expect("it is awaited");
                        let _ = is_end.recv();
                    });
                    is_ready.recv().expect("it retires first");
                    (thread, end)
                })
                .collect();
            for (thread, end) in threads {
                drop(end);
                thread.join().expect("it only retires");
            }
            worker.run(scan);
        }
        // Those of the threads' records that were used are kept, empty; and some lists of the usual size.
        for worker in &workers {
            worker.run(move || (0..3_000).for_each(|_| _ = retire(domain, 1_u64)));
            worker.run(scan);
        }
        let kept = bytes().saturating_sub(before);
        println!("{kept} bytes are kept");
        assert!(kept < 1_000_000, "{kept} bytes are kept");
    });
}

/// To make a hazard pointer costs the same where thousands of others exist. (The least processor time of many rounds of
/// each, side by side.)
#[test]
fn a_hazard_pointer_beside_thousands_of_others() {
    const OTHERS: usize = 50_000;
    alone(|| {
        let [beside, fresh] = [(); 2].map(|()| leak(Domain::new(&Family)));
        let others: Vec<_> = (0..OTHERS).map(|_| HazardPointer::new_in_domain(beside)).collect();
        // More than a thread keeps.
        let make =
            |domain: &'static Domain<Family>| move || drop([(); 64].map(|()| HazardPointer::new_in_domain(domain)));
        let [mut one, mut other] = [make(beside), make(fresh)];
        let [held, alone] = least_cpu_times(50, [&mut one, &mut other]);
        println!("64 hazard pointers: {held:?} beside {OTHERS}, {alone:?} without");
        assert!(held < 20 * alone, "{held:?} beside {OTHERS}, {alone:?} without");
        drop(others);
        // What was given back is used again: the table does not grow.
        let before = bytes();
        let others: Vec<_> = (0..OTHERS).map(|_| HazardPointer::new_in_domain(beside)).collect();
        let grown = bytes().saturating_sub(before + OTHERS * size_of::<HazardPointer<'_, Family>>());
        // Another chunk would have megabytes.
        assert!(grown < 100_000, "{grown} bytes");
        drop(others);
    });
}

/// Slots that were given back at random are found again, all of them.
#[test]
fn slots_given_back_in_any_order_are_found_again() {
    alone(|| {
        let domain = leak(Domain::new(&Family));
        let count = Count::default();
        let mut all: Vec<_> = (0..1_000).map(|_| HazardPointer::new_in_domain(domain)).collect();
        let before = bytes();
        let mut random = 1_usize;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = (random >> 33) % all.len();
            if (random >> 20).is_multiple_of(2) && all.len() > 1 {
                all.swap_remove(number);
            } else if all.len() < 1_000 {
                all.push(HazardPointer::new_in_domain(domain));
            }
        }
        while all.len() < 1_000 {
            all.push(HazardPointer::new_in_domain(domain));
        }
        // Another chunk would have more than a hundred thousand.
        let grown = bytes().saturating_sub(before);
        assert!(grown < 50_000, "{grown} bytes");
        retire(domain, count.value());
        assert_eq!(domain.eager_reclaim(), 1);
    });
}
