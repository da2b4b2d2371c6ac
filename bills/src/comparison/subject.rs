//! The locks that are compared.

use linchpin::futex;

use super::Kind;
use crate::baseline::parking_lot::Version;
use crate::baseline::{Apart, parking_lot, standard};

/// A lock. One that has no readers lets them write.
pub(super) trait Lock: Sync {
    /// Runs `section` with the lock held.
    fn write(&self, section: &mut dyn FnMut());
    /// Runs `section` beside other readers.
    fn read(&self, section: &mut dyn FnMut());
}

/// A lock with `lock` and `unlock`.
macro_rules! mutex {
    ($($lock:ty),*) => {$(
        impl Lock for $lock {
            fn write(&self, section: &mut dyn FnMut()) {
                self.lock();
                section();
                self.unlock();
            }

            fn read(&self, section: &mut dyn FnMut()) {
                Lock::write(self, section);
            }
        }
    )*};
}

mutex!(standard::Mutex, parking_lot::Mutex);

/// A lock with `read`, `write` and their ends.
macro_rules! rwlock {
    ($($lock:ty),*) => {$(
        impl Lock for $lock {
            fn write(&self, section: &mut dyn FnMut()) {
                <$lock>::write(self);
                section();
                self.unlock_write();
            }

            fn read(&self, section: &mut dyn FnMut()) {
                <$lock>::read(self);
                section();
                self.unlock_read();
            }
        }
    )*};
}

rwlock!(standard::RwLock, parking_lot::RwLock);

impl Lock for futex::Mutex<()> {
    fn write(&self, section: &mut dyn FnMut()) {
        let _held = self.lock();
        section();
    }

    fn read(&self, section: &mut dyn FnMut()) {
        Lock::write(self, section);
    }
}

impl Lock for futex::RwLock<()> {
    fn write(&self, section: &mut dyn FnMut()) {
        let _held = futex::RwLock::write(self);
        section();
    }

    fn read(&self, section: &mut dyn FnMut()) {
        let _held = futex::RwLock::read(self);
        section();
    }
}

impl<L: Lock> Lock for Apart<L> {
    fn write(&self, section: &mut dyn FnMut()) {
        self.0.write(section);
    }

    fn read(&self, section: &mut dyn FnMut()) {
        self.0.read(section);
    }
}

/// One of the locks that are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// `futex::Mutex` or `futex::RwLock`.
    Ours,
    /// `std::sync`, over a futex.
    Std,
    /// `parking_lot` 0.12, which hands over each half a millisecond, on average.
    ParkingLot12,
    /// `parking_lot` 0.13, which never does.
    ParkingLot13,
}

impl Subject {
    /// All of them, ours first.
    pub const ALL: [Subject; 4] = [
        Subject::Ours,
        Subject::Std,
        Subject::ParkingLot12,
        Subject::ParkingLot13,
    ];

    /// All but ours.
    pub const BASELINES: [Subject; 3] = [Subject::Std, Subject::ParkingLot12, Subject::ParkingLot13];

    /// Its name in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Subject::Ours => "linchpin",
            Subject::Std => "std",
            Subject::ParkingLot12 => "p_l 0.12",
            Subject::ParkingLot13 => "p_l 0.13",
        }
    }

    /// Its lock, for so many threads.
    pub(super) fn lock(self, kind: Kind, threads: usize) -> Box<dyn Lock> {
        match (kind, self) {
            (Kind::Mutex, Subject::Ours) => Box::new(Apart(futex::Mutex::new(()))),
            (Kind::Mutex, Subject::Std) => Box::new(Apart(standard::Mutex::default())),
            (Kind::Mutex, _) => Box::new(parking_lot::Mutex::new(threads, self.version())),
            (_, Subject::Ours) => Box::new(Apart(futex::RwLock::new(()))),
            (_, Subject::Std) => Box::new(Apart(standard::RwLock::default())),
            (_, _) => Box::new(parking_lot::RwLock::new(threads, self.version())),
        }
    }

    fn version(self) -> Version {
        if self == Subject::ParkingLot12 {
            Version::V0_12
        } else {
            Version::V0_13
        }
    }
}
