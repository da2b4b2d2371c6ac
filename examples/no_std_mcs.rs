//! A lock for code without `std`: a console that several cores of a kernel write to.
//!
//! `McsCell` needs neither an allocator nor thread-locals: each caller brings its node, on its stack. With `Spin` nothing
//! but the processor is needed to wait. The module `kernel` is such code; `main` stands for the cores, and is the only part
//! that uses `std`.
//!
//! ```text
//! cargo run --example no_std_mcs --no-default-features
//! ```
#![no_std]

extern crate std;

mod kernel {
    use core::fmt::{self, Write};

    use linchpin::queue::{McsCell, McsNode};
    use linchpin::wait::Spin;

    /// What has been written, in memory of a fixed size.
    pub struct Console {
        text: [u8; 4096],
        length: usize,
    }

    impl Write for Console {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let place = self
                .text
                .get_mut(self.length..self.length + text.len())
                .ok_or(fmt::Error)?;
            place.copy_from_slice(text.as_bytes());
            self.length += text.len();
            Ok(())
        }
    }

    static CONSOLE: McsCell<Console, Spin> = McsCell::with_wait(Console {
        text: [0; 4096],
        length: 0,
    });

    /// Writes a whole line; cores that write at the same time take turns, in the order in which they came.
    pub fn print(line: fmt::Arguments<'_>) -> fmt::Result {
        CONSOLE.lock_with(&mut McsNode::new(), |console| writeln!(console, "{line}"))
    }

    /// Lends what has been written.
    pub fn with_text<R>(read: impl FnOnce(&str) -> R) -> R {
        CONSOLE.lock_with(&mut McsNode::new(), |console| {
            read(core::str::from_utf8(&console.text[..console.length]).unwrap_or("no text"))
        })
    }
}

fn main() {
    std::thread::scope(|scope| {
        for core in 0..2 {
            scope.spawn(move || {
                for message in 0..3 {
                    kernel::print(format_args!("core {core}: message {message}")).expect("it has room");
                }
            });
        }
    });
    kernel::with_text(|text| {
        std::print!("{text}");
        assert_eq!(text.lines().count(), 6);
        assert!(
            text.lines()
                .all(|line| line.starts_with("core ") && line.contains(": message "))
        );
    });
}
