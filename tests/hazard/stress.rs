//! Readers and writers: whatever is read has not been dropped, and at the end all is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use linchpin::hazard::{Domain, HazardPointer};

use crate::common::{Count, Family, Pointer, load, replace};

const POINTERS: usize = 8;

/// Readers keep a hazard pointer, take new ones, or several; writers replace. Threads come and go.
#[test]
fn nothing_that_is_read_has_been_dropped() {
    let (domain, count) = (Domain::new(&Family), Count::default());
    let pointers = [(); POINTERS].map(|()| Pointer::from(Box::new(count.value())));
    let stop = AtomicBool::new(false);
    let is_over = || stop.load(Ordering::Relaxed);
    thread::scope(|scope| {
        // A stalled one, all the time.
        let mut stalled = HazardPointer::new_in_domain(&domain);
        let object = load(&pointers[0], &mut stalled);
        scope.spawn(|| {
            let mut reader = HazardPointer::new_in_domain(&domain);
            while !is_over() {
                pointers.iter().for_each(|pointer| load(pointer, &mut reader).look());
            }
        });
        scope.spawn(|| {
            while !is_over() {
                for pointer in &pointers {
                    let mut reader = HazardPointer::new_in_domain(&domain);
                    load(pointer, &mut reader).look();
                }
            }
        });
        scope.spawn(|| {
            while !is_over() {
                let mut readers = HazardPointer::many_in_domain::<POINTERS>(&domain);
                for (reader, pointer) in readers.as_refs().into_iter().zip(&pointers) {
                    load(pointer, reader).look();
                }
            }
        });
        for first in 0..2 {
            let (pointers, domain, count) = (&pointers, &domain, &count);
            scope.spawn(move || {
                for number in (first..).take_while(|_| !is_over()) {
                    replace(&pointers[number % POINTERS], count.value(), domain);
                    if number % 1_024 == 0 {
                        domain.eager_reclaim();
                    }
                }
            });
        }
        let end = Instant::now() + Duration::from_millis(if cfg!(miri) { 50 } else { 400 });
        while Instant::now() < end {
            thread::scope(|scope| {
                for pointer in &pointers[..2] {
                    let (domain, count) = (&domain, &count);
                    scope.spawn(move || {
                        let mut reader = HazardPointer::new_in_domain(domain);
                        let object = load(pointer, &mut reader);
                        replace(pointer, count.value(), domain);
                        object.look();
                    });
                }
            });
        }
        object.look();
        stop.store(true, Ordering::Relaxed);
        drop(stalled);
    });
    for pointer in pointers {
        // SAFETY: it is in this pointer alone.
        unsafe { pointer.retire_in(&domain) };
    }
    drop(domain);
    assert_eq!(count.living(), 0);
}
