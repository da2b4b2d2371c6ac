//! Beginnings and ends: first uses, threads that end, slots that are not used for a while, a domain that is dropped.

use linchpin::hazard::{Replaced, as_if_past_destructors};
use loom_tests::{explore_to, explore_within_to, spawn};

use crate::stage::{Family, Object, Owner, Shared, Stage};

/// How a thread takes an object out of a pointer.
#[derive(Clone, Copy)]
pub enum Take {
    Swap,
    Exchange,
    ExchangeWeak,
}

impl Take {
    /// Puts a new object into `shared` in place of what is there, which is one of two objects whose addresses are
    /// known.
    fn replace(self, shared: &Shared, known: [Address; 2], mut new: Owner) -> Option<Replaced<Object, Family, Owner>> {
        for Address(current) in known.into_iter().cycle() {
            let result = match self {
                Take::Swap => return shared.swap(new),
                Take::Exchange => shared.compare_exchange(current, new),
                Take::ExchangeWeak => shared.compare_exchange_weak(current, new),
            };
            match result {
                Ok(replaced) => return replaced,
                Err(back) => new = back,
            }
        }
        None
    }
}

/// Of an object, to compare with.
#[derive(Clone, Copy)]
struct Address(*mut Object);

// SAFETY: it is only compared.
unsafe impl Send for Address {}

/// An object that another thread has changed is taken out and retired, and the domain is dropped before any scan.
pub fn domain_is_dropped(take: Take) -> usize {
    explore_to([1, 102], move || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        let [second, third] = [2, 3].map(|number| stage.object(number));
        let [first, of_second, of_third] = [shared.load_ptr(), second.address(), third.address()].map(Address);
        // It does not use the domain.
        let thread = spawn(move || {
            second.change();
            stage.owner(take.replace(shared, [first, of_third], second))
        });
        third.change();
        let replaced = take.replace(shared, [of_second, first], third);
        let number = stage.number(replaced);
        stage.retire(replaced);
        stage.drop_domain();
        drop(thread.join().expect("it only replaces"));
        stage.end_without_domain([shared]);
        number
    })
}

/// Two threads use a domain for the first time.
pub fn two_first_uses_race() -> usize {
    explore_within_to(2, [(1, 1)], || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        let [first, second] = [(); 2].map(|()| {
            spawn(move || {
                let mut reader = stage.reader();
                stage.look(shared, &mut reader)
            })
        });
        let first = first.join().expect("it only reads");
        let second = second.join().expect("it only reads");
        stage.end([shared]);
        (first, second)
    })
}

/// A thread uses a domain for the first time while another scans it.
pub fn first_use_races() -> usize {
    explore_within_to(2, [(1, 0), (2, 0), (2, 1)], || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        let thread = spawn(move || {
            let mut reader = stage.reader();
            (stage.look(shared, &mut reader), reader)
        });
        let reclaimed = stage.replace(shared, 2);
        let (seen, reader) = thread.join().expect("it only reads");
        drop(reader);
        stage.end([shared]);
        (seen, reclaimed)
    })
}

/// A thread that has protected an object ends, and gives back what it has.
pub fn thread_departs() -> usize {
    explore_within_to(2, [(1, 0), (1, 1), (2, 0), (2, 1)], || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        drop(stage.reader());
        let thread = spawn(move || {
            let mut reader = stage.reader();
            stage.look(shared, &mut reader)
        });
        let reclaimed = stage.replace(shared, 2);
        let seen = thread.join().expect("it only reads");
        stage.end([shared]);
        (seen, reclaimed)
    })
}

/// A thread retires an object and ends; the next thread may get its record, with the object in it.
pub fn record_is_inherited() -> usize {
    // With both objects a scan is due, which leaves one for the next retirement.
    explore_within_to(2, [0, 1], || {
        let stage = Stage::new();
        let (first, second) = (stage.shared(1), stage.shared(3));
        let thread = spawn(move || stage.retire(first.swap(stage.object(2))));
        // This thread's first use of the domain.
        let reclaimed = stage.retire(second.swap(stage.object(4)));
        assert_eq!(thread.join().expect("it only retires"), 0);
        stage.end([first, second]);
        reclaimed
    })
}

/// A thread retires an object and ends; a scan of another thread takes it over.
pub fn record_is_taken_over() -> usize {
    explore_within_to(2, [0, 1], || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        drop(stage.reader());
        let thread = spawn(move || stage.retire(shared.swap(stage.object(2))));
        let other = spawn(move || stage.domain.eager_reclaim());
        let reclaimed = other.join().expect("it only scans");
        assert_eq!(thread.join().expect("it only retires"), 0);
        stage.end([shared]);
        reclaimed
    })
}

/// A thread past the destructors of its thread-locals protects and retires, while another scans.
pub fn destructor_retires() -> usize {
    explore_within_to(2, [0, 1], || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        drop(stage.reader());
        let thread = spawn(move || {
            as_if_past_destructors(|| {
                let mut reader = stage.reader();
                stage.look(shared, &mut reader);
                assert_eq!(stage.retire(shared.swap(stage.object(3))), 0);
            });
        });
        let scans = spawn(move || stage.domain.eager_reclaim());
        let reclaimed = scans.join().expect("it only scans");
        thread.join().expect("it only reads and retires");
        stage.end([shared]);
        reclaimed
    })
}

/// What a thread sees that reads beside three replacements and scans, and how many objects each scan reclaims: never what is
/// seen.
pub const BESIDE_THREE_SCANS: [(u32, [usize; 3]); 14] = [
    (1, [0, 1, 1]),
    (2, [0, 1, 1]),
    (2, [1, 0, 1]),
    (3, [0, 1, 1]),
    (3, [0, 2, 0]),
    (3, [1, 0, 1]),
    (3, [1, 1, 0]),
    (4, [0, 1, 1]),
    (4, [0, 1, 2]),
    (4, [0, 2, 0]),
    (4, [0, 2, 1]),
    (4, [1, 0, 1]),
    (4, [1, 1, 0]),
    (4, [1, 1, 1]),
];

/// A slot that was idle when two scans came by is used again, while a third one looks for what it protects.
pub fn idle_slot_comes_back() -> usize {
    explore_to(BESIDE_THREE_SCANS, || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        drop(stage.reader());
        let thread = spawn(move || {
            // The first of these marks the slot of the other thread, the second hides it, if it is idle.
            [2, 3, 4].map(|number| stage.replace(shared, number))
        });
        let mut reader = stage.reader();
        let seen = stage.look(shared, &mut reader);
        let reclaimed = thread.join().expect("it only replaces");
        drop(reader);
        stage.end([shared]);
        (seen, reclaimed)
    })
}

/// A slot that was marked comes into use, while another slot of the same word is leased.
pub fn slot_is_shown_beside_a_lease() -> usize {
    explore_to([1], || {
        let stage = Stage::new();
        let shared = stage.shared(0);
        drop(stage.reader());
        // Marks the slot of this thread.
        assert_eq!(stage.replace(shared, 1), 1);
        let thread = spawn(move || {
            let mut reader = stage.reader();
            (stage.look(shared, &mut reader), reader)
        });
        let reader = stage.reader();
        let (seen, other) = thread.join().expect("it only reads");
        assert_eq!(stage.replace(shared, 2), 0, "the other reader protects it");
        drop((reader, other));
        stage.end([shared]);
        seen
    })
}

/// What a slot has protected is reclaimed by a scan that does not look at it any more, since another one has hidden it.
pub fn idle_slot_is_hidden() -> usize {
    // What is seen, and how many objects each thread reclaims: the first also what the other has left behind.
    let expected = [(1, 2, 0), (1, 2, 1), (1, 3, 0), (2, 2, 0), (2, 2, 1), (2, 3, 0)];
    explore_within_to(2, expected, || {
        let stage = Stage::new();
        let (shared, others) = (stage.shared(1), stage.shared(10));
        drop(stage.reader());
        let hides = spawn(move || {
            // The first of these marks the slot, the second hides it.
            stage.replace(others, 11) + stage.replace(others, 12)
        });
        let reclaims = spawn(move || stage.replace(shared, 2));
        let mut reader = stage.reader();
        let seen = stage.look(shared, &mut reader);
        drop(reader);
        let hidden = hides.join().expect("it only replaces");
        let reclaimed = reclaims.join().expect("it only replaces");
        stage.end([shared, others]);
        (seen, hidden, reclaimed)
    })
}

/// One scan marks an idle slot, another one hides it, while it comes into use again.
pub fn marks_are_older() -> usize {
    // What is seen, and how many objects each scan reclaims: never what is seen.
    let expected = [
        (1, (1, (0, 1))),
        (2, (1, (0, 1))),
        (2, (1, (1, 0))),
        (3, (1, (0, 1))),
        (3, (1, (0, 2))),
        (3, (1, (1, 0))),
        (3, (1, (1, 1))),
        (3, (2, (0, 1))),
    ];
    explore_within_to(2, expected, || {
        let stage = Stage::new();
        let (shared, others) = (stage.shared(1), stage.shared(10));
        drop(stage.reader());
        let marks = spawn(move || stage.replace(others, 11));
        let hides = spawn(move || {
            let reclaimed = stage.replace(shared, 2);
            (reclaimed, stage.replace(shared, 3))
        });
        let mut reader = stage.reader();
        let seen = stage.look(shared, &mut reader);
        let reclaimed = (
            marks.join().expect("it only replaces"),
            hides.join().expect("it only replaces"),
        );
        drop(reader);
        stage.end([shared, others]);
        (seen, reclaimed)
    })
}

/// Two scans at once find a slot idle that comes into use: what it then protects is not reclaimed.
pub fn one_scan_hides() -> usize {
    explore_to([1], || {
        let stage = Stage::new();
        let (shared, others) = (stage.shared(1), [10, 20].map(|number| stage.shared(number)));
        drop(stage.reader());
        let scans = others.map(|other| spawn(move || stage.replace(other, 30)));
        let mut reader = stage.reader();
        let seen = stage.look(shared, &mut reader);
        for scan in scans {
            scan.join().expect("it only replaces");
        }
        assert_eq!(stage.replace(shared, 2), 0, "the reader protects it");
        drop(reader);
        stage.end([shared, others[0], others[1]]);
        seen
    })
}
