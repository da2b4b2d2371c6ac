//! A mutex that survives the thread that held it: the next holder is told, repairs the value, and says so.
//!
//! A thread that ends with the lock held leaves a `parking_lot` or `std` mutex locked for ever. The kernel knows which thread
//! holds a `PiMutex`, so it knows that this one is gone. Linux and Android only.
//!
//! ```text
//! cargo run --example pi_mutex_recovery
//! ```

#[cfg(any(target_os = "linux", target_os = "android"))]
mod example {
    use std::mem;
    use std::thread;

    use linchpin::futex::{PiError, PiMutex, PiMutexGuard};

    /// Two accounts, whose sum never changes.
    struct Accounts {
        first: i64,
        second: i64,
        /// What is to be taken back, if a transfer is found half done.
        pending: Option<i64>,
    }

    const TOTAL: i64 = 100;

    static ACCOUNTS: PiMutex<Accounts> = PiMutex::new(Accounts {
        first: TOTAL,
        second: 0,
        pending: None,
    });

    /// Locks the accounts, and repairs them if the last holder has ended in the middle of a transfer.
    fn lock() -> (PiMutexGuard<'static, Accounts>, bool) {
        match ACCOUNTS.lock() {
            Ok(accounts) => (accounts, false),
            Err(PiError::OwnerDied(mut accounts)) => {
                if let Some(amount) = accounts.pending.take() {
                    accounts.first += amount;
                }
                // Without this each lock would report it again.
                PiMutexGuard::mark_repaired(&mut accounts);
                (accounts, true)
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub fn main() {
        let died = thread::spawn(|| {
            let (mut accounts, _) = lock();
            accounts.pending = Some(30);
            accounts.first -= 30;
            // Stands for a thread that ends without unwinding, as one of another language may.
            mem::forget(accounts);
        });
        died.join().expect("it only ends");

        let (accounts, was_repaired) = lock();
        println!("repaired: {was_repaired}; {} and {}", accounts.first, accounts.second);
        assert!(was_repaired);
        assert_eq!(accounts.first + accounts.second, TOTAL);
        drop(accounts);

        let (_accounts, was_repaired) = lock();
        assert!(!was_repaired, "it is told once");
    }
}

fn main() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    example::main();
}
