//! Protection against retirement.

use std::ptr::null_mut;

use linchpin::hazard::raw::Pointer;
use loom_tests::{explore_to, explore_within_to, spawn};

use crate::lives::BESIDE_THREE_SCANS;
use crate::stage::{Owner, Stage};

/// A reader protects what a writer replaces, retires and reclaims.
pub fn protected_or_reclaimed() -> usize {
    // What the reader has seen, and how many objects the writer has reclaimed. (2, 0): announced too late. Not (1, 1).
    explore_to([(1, 0), (2, 0), (2, 1)], || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        let mut reader = stage.reader();
        let thread = spawn(move || {
            let seen = stage.look(shared, &mut reader);
            (seen, reader)
        });
        let reclaimed = stage.replace(shared, 2);
        let (seen, reader) = thread.join().expect("it only reads");
        drop(reader);
        stage.end([shared]);
        (seen, reclaimed)
    })
}

/// The same by hand: the reader announces a pointer, and looks by itself whether it is still there.
pub fn protected_by_hand() -> usize {
    explore_to([(0, 0), (0, 1), (1, 0), (1, 1)], || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        let mut reader = stage.reader();
        let thread = spawn(move || {
            let object = shared.load_ptr();
            reader.protect_raw(object);
            let is_there = shared.load_ptr() == object;
            if is_there {
                // SAFETY: it was there after it was announced.
                unsafe { &*object }.look();
            }
            (u32::from(is_there), reader)
        });
        let reclaimed = stage.replace(shared, 2);
        let (seen, reader) = thread.join().expect("it only reads");
        drop(reader);
        stage.end([shared]);
        (seen, reclaimed)
    })
}

/// A hazard pointer protects one object, and then, without a reset, another one.
pub fn protection_moves_on() -> usize {
    explore_to([(1, 0), (1, 1), (2, 0), (2, 1)], || {
        let stage = Stage::new();
        let (first, second) = (stage.shared(1), stage.shared(3));
        let mut reader = stage.reader();
        let thread = spawn(move || {
            let seen = stage.look(first, &mut reader);
            stage.look(second, &mut reader);
            (seen, reader)
        });
        let reclaimed = stage.replace(first, 2);
        let (seen, reader) = thread.join().expect("it only reads");
        drop(reader);
        stage.end([first, second]);
        (seen, reclaimed)
    })
}

/// A hazard pointer is reset.
pub fn protection_is_reset() -> usize {
    explore_to([(1, 0), (1, 1), (2, 0), (2, 1)], || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        let mut reader = stage.reader();
        let thread = spawn(move || {
            let seen = stage.look(shared, &mut reader);
            reader.reset_protection();
            (seen, reader)
        });
        let reclaimed = stage.replace(shared, 2);
        let (seen, reader) = thread.join().expect("it only reads");
        drop(reader);
        stage.end([shared]);
        (seen, reclaimed)
    })
}

/// A hazard pointer is dropped.
pub fn protection_ends() -> usize {
    explore_to([(1, 0), (1, 1), (2, 0), (2, 1)], || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        let mut reader = stage.reader();
        let thread = spawn(move || {
            let seen = stage.look(shared, &mut reader);
            drop(reader);
            seen
        });
        let reclaimed = stage.replace(shared, 2);
        let seen = thread.join().expect("it only reads");
        stage.end([shared]);
        (seen, reclaimed)
    })
}

/// A thread drops its hazard pointer and makes another one, of the same slot.
pub fn slot_is_used_again() -> usize {
    explore_to([(1, 0), (1, 1), (2, 0), (2, 1)], || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        let thread = spawn(move || {
            let mut reader = stage.reader();
            let seen = stage.look(shared, &mut reader);
            drop(reader);
            (seen, stage.reader())
        });
        let reclaimed = stage.replace(shared, 2);
        let (seen, reader) = thread.join().expect("it only reads");
        drop(reader);
        stage.end([shared]);
        (seen, reclaimed)
    })
}

/// Two readers, of which one may protect what the other lets go.
pub fn two_readers() -> usize {
    let expected = [((1, 1), 0), ((1, 2), 0), ((2, 1), 0), ((2, 2), 0), ((2, 2), 1)];
    explore_within_to(2, expected, || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        let [first, second] = [(); 2].map(|()| {
            let mut reader = stage.reader();
            spawn(move || {
                let seen = stage.look(shared, &mut reader);
                (seen, reader)
            })
        });
        let reclaimed = stage.replace(shared, 2);
        let (first, reader) = first.join().expect("it only reads");
        let (second, other) = second.join().expect("it only reads");
        drop((reader, other));
        stage.end([shared]);
        ((first, second), reclaimed)
    })
}

/// A hazard pointer of another domain holds up nothing, and what is retired in the other domain is none of ours.
pub fn two_domains() -> usize {
    explore_to([(1, 0), (2, 0), (2, 1)], || {
        let (stage, other) = (Stage::new(), Stage::new());
        let (shared, foreign) = (stage.shared(1), other.shared(3));
        let mut reader = stage.reader();
        let mut stranger = other.reader();
        assert_eq!(other.look(foreign, &mut stranger), 3);
        let thread = spawn(move || {
            let seen = stage.look(shared, &mut reader);
            (seen, reader)
        });
        // The stranger protects what is retired there, and nothing that is retired here.
        assert_eq!(other.replace(foreign, 4), 0);
        let reclaimed = stage.replace(shared, 2);
        let (seen, reader) = thread.join().expect("it only reads");
        drop(reader);
        drop(stranger);
        assert_eq!(stage.domain.eager_reclaim(), 1 - reclaimed);
        assert_eq!(other.domain.eager_reclaim(), 1);
        stage.end([shared]);
        other.end([foreign]);
        (seen, reclaimed)
    })
}

/// An object is made and stored by one thread, and read by another, which knows that it is not retired meanwhile.
pub fn what_is_loaded_is_complete() -> usize {
    explore_to([1, 2], || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        let thread = spawn(move || {
            // SAFETY: it is retired after this thread only.
            unsafe { &*shared.load_ptr() }.look()
        });
        let old = shared.load_ptr();
        // SAFETY: it owns what it holds, and passes it on.
        unsafe { shared.store_ptr(stage.object(2).into_raw()) };
        let seen = thread.join().expect("it only reads");
        // SAFETY: replaced above, and in no pointer any more.
        unsafe { stage.domain.retire_ptr::<_, Owner>(old) };
        stage.end([shared]);
        seen
    })
}

/// A reader that finds null sees what the writer did before.
pub fn null_is_the_last_word() -> usize {
    explore_to([0, 1], || {
        let stage = Stage::new();
        let (shared, unshared) = (stage.shared(1), stage.shared(2));
        let mut reader = stage.reader();
        let thread = spawn(move || {
            // SAFETY: what it holds is retired in the domain of the reader.
            let seen = match unsafe { shared.load(&mut reader) } {
                Some(object) => object.look(),
                None => {
                    // SAFETY: no other thread uses it: the one that did has stored null after its last use.
                    unsafe { &*unshared.load_ptr() }.change();
                    0
                }
            };
            (seen, reader)
        });
        // SAFETY: its object lives to the end of the model.
        unsafe { &*unshared.load_ptr() }.change();
        // SAFETY: null.
        let old = unsafe { shared.swap_ptr(null_mut()) };
        let (seen, reader) = thread.join().expect("it only reads");
        drop(reader);
        stage.retire(old);
        stage.end([shared, unshared]);
        seen
    })
}

/// A reader that tries a null pointer, and finds it, sees what the writer did before.
pub fn null_is_tried() -> usize {
    explore_to([0, 1], || {
        let stage = Stage::new();
        let (shared, unshared) = (stage.shared(1), stage.shared(2));
        let mut reader = stage.reader();
        let thread = spawn(move || {
            // SAFETY: nothing is stored there.
            let seen = match reader.try_protect_ptr(null_mut(), unsafe { shared.as_std() }) {
                Ok(object) => {
                    assert!(object.is_none(), "null protects nothing");
                    // SAFETY: no other thread uses it: the one that did has stored null after its last use.
                    unsafe { &*unshared.load_ptr() }.change();
                    0
                }
                Err(_) => 1,
            };
            (seen, reader)
        });
        // SAFETY: its object lives to the end of the model.
        unsafe { &*unshared.load_ptr() }.change();
        // SAFETY: null.
        let old = unsafe { shared.swap_ptr(null_mut()) };
        let (seen, reader) = thread.join().expect("it only tries");
        drop(reader);
        stage.retire(old);
        stage.end([shared, unshared]);
        seen
    })
}

/// A hazard pointer tries a null pointer while two scans come by, and protects an object then: its slot must not have
/// been hidden from the third one.
pub fn null_hides_no_slot() -> usize {
    explore_to(BESIDE_THREE_SCANS, || {
        let stage = Stage::new();
        let (shared, empty) = (stage.shared(1), stage.empty());
        let mut reader = stage.reader();
        // The first of these would mark the slot of the other thread, the second hide it, if it looked idle.
        let thread = spawn(move || [2, 3, 4].map(|number| stage.replace(shared, number)));
        // SAFETY: nothing is stored there.
        let tried = reader.try_protect_ptr(null_mut(), unsafe { empty.as_std() });
        assert!(matches!(tried, Ok(None)));
        let seen = stage.look(shared, &mut reader);
        let reclaimed = thread.join().expect("it only replaces");
        drop(reader);
        stage.end([shared, empty]);
        (seen, reclaimed)
    })
}

/// An object is reclaimed, and another one made and stored at the same address, between the two loads of a reader.
pub fn address_is_reused() -> usize {
    explore_to([(1, 0), (2, 0), (2, 1), (3, 1)], || {
        let stage = Stage::new();
        let shared = stage.shared(1);
        let object = shared.load_ptr();
        let mut reader = stage.reader();
        let thread = spawn(move || (stage.look(shared, &mut reader), reader));
        let reclaimed = stage.replace(shared, 2);
        if reclaimed == 1 {
            // SAFETY: it was reclaimed, so this thread may do with its memory what it likes.
            let object = unsafe { Owner::anew(object, 3) };
            stage.retire(shared.swap(object));
        }
        let (seen, reader) = thread.join().expect("it only reads");
        drop(reader);
        stage.end([shared]);
        (seen, reclaimed)
    })
}

/// A reader that does not look again after having announced the object is found out: this is what the second look is
/// for.
#[test]
fn without_validation() {
    let exploration = std::panic::catch_unwind(|| {
        explore_to([(1, 0), (1, 1), (2, 0), (2, 1)], || {
            let stage = Stage::new();
            let shared = stage.shared(1);
            let mut reader = stage.reader();
            let thread = spawn(move || {
                let object = shared.load_ptr();
                reader.protect_raw(object);
                // SAFETY: an object's memory lives to the end of the model.
                (unsafe { &*object }.look(), reader)
            });
            let reclaimed = stage.replace(shared, 2);
            let (seen, reader) = thread.join().expect("it only reads");
            drop(reader);
            stage.end([shared]);
            (seen, reclaimed)
        })
    });
    let panic = exploration.expect_err("it reads what has been dropped");
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    let says = |text| message.is_some_and(|message| message.contains(text));
    assert!(says("has been dropped") || says("Causality violation"), "{message:?}");
}
