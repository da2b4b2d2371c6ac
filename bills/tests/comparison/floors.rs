//! Where our locks fall short today. A change must not fall below, and one that does better raises the floor:
//!
//! ```text
//! RUSTFLAGS="--cfg linchpin_coherence" cargo run -p bills --release --target-dir target/coherence -- --floors
//! ```
//!
//! prints all rows as they are now.

/// The throughput of ours for 1 of the best of std and `parking_lot`, on 2, 4, 8, 16, 32 and 64 cores: the lowest ratio
/// of three drawings of random times, rounded down, and 1 where none is lower. Rows that are not here are 1 throughout.
pub const FLOORS: &[(&str, &[f64])] = &[
    ("Mutex: flat, short", &[0.95, 0.84, 0.64, 0.76, 0.82, 0.64]),
    (
        "Mutex: flat, short, 2 threads a core",
        &[0.95, 0.91, 0.87, 0.86, 0.50, 0.56],
    ),
    ("Mutex: flat, long", &[0.92, 0.88, 0.89, 0.72, 0.73, 0.72]),
    (
        "Mutex: flat, long, 2 threads a core",
        &[0.92, 0.85, 0.76, 0.70, 0.67, 0.70],
    ),
    ("Mutex: Xeon 8375C, short", &[0.80, 0.79, 0.64, 0.68, 0.73, 0.73]),
    (
        "Mutex: Xeon 8375C, short, 2 threads a core",
        &[0.80, 0.81, 0.71, 0.63, 0.55, 0.79],
    ),
    ("Mutex: Xeon 8375C, long", &[0.96, 0.97, 1.00, 0.92, 0.95, 0.84]),
    (
        "Mutex: Xeon 8375C, long, 2 threads a core",
        &[0.94, 0.87, 1.00, 0.99, 0.99, 0.78],
    ),
    ("Mutex: Graviton 3, short", &[0.86, 0.84, 0.68, 0.64, 0.84, 0.75]),
    (
        "Mutex: Graviton 3, short, 2 threads a core",
        &[0.92, 0.89, 0.83, 0.56, 0.58, 0.62],
    ),
    ("Mutex: Graviton 3, long", &[0.93, 0.89, 0.91, 0.79, 0.76, 0.75]),
    (
        "Mutex: Graviton 3, long, 2 threads a core",
        &[0.91, 0.87, 0.81, 0.74, 0.73, 0.70],
    ),
    ("Mutex: EPYC 9654, near, short", &[0.82, 0.81, 0.82, 0.64, 0.46, 0.70]),
    (
        "Mutex: EPYC 9654, near, short, 2 threads a core",
        &[0.82, 0.82, 0.87, 0.53, 0.66, 0.60],
    ),
    ("Mutex: EPYC 9654, near, long", &[0.93, 0.90, 0.99, 0.69, 0.56, 0.52]),
    (
        "Mutex: EPYC 9654, near, long, 2 threads a core",
        &[0.91, 0.88, 0.89, 0.63, 0.53, 0.45],
    ),
    ("Mutex: EPYC 9654, far, short", &[0.99, 0.85, 0.83, 1.00, 1.00, 1.00]),
    (
        "Mutex: EPYC 9654, far, short, 2 threads a core",
        &[0.86, 1.00, 0.80, 0.83, 0.91, 0.57],
    ),
    ("Mutex: EPYC 9654, far, long", &[0.93, 0.79, 0.50, 0.53, 0.53, 0.53]),
    (
        "Mutex: EPYC 9654, far, long, 2 threads a core",
        &[0.89, 0.78, 0.53, 0.56, 0.51, 0.52],
    ),
    ("Mutex: 2-core virtual machine, long", &[0.93]),
    ("Mutex: 2-core virtual machine, long, 2 threads a core", &[0.90]),
    (
        "RwLock, 1 write in 20: flat, short",
        &[1.00, 1.00, 1.00, 0.69, 0.49, 0.39],
    ),
    (
        "RwLock, 1 write in 20: flat, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.66, 0.41, 0.28],
    ),
    (
        "RwLock, 1 write in 20: flat, long",
        &[1.00, 1.00, 1.00, 1.00, 0.65, 0.43],
    ),
    (
        "RwLock, 1 write in 20: flat, long, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.90, 0.61, 0.34],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, short",
        &[1.00, 1.00, 1.00, 0.65, 0.42, 0.41],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.69, 0.43, 0.28],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, long",
        &[1.00, 1.00, 1.00, 1.00, 0.49, 0.56],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, long, 2 threads a core",
        &[0.99, 0.99, 0.98, 1.00, 0.46, 0.29],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, short",
        &[1.00, 1.00, 1.00, 0.70, 0.38, 0.34],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.76, 0.44, 0.26],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, long",
        &[1.00, 1.00, 1.00, 1.00, 0.70, 0.43],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, long, 2 threads a core",
        &[1.00, 0.99, 1.00, 0.92, 0.61, 0.31],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, short",
        &[1.00, 1.00, 1.00, 0.76, 0.43, 0.20],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.73, 0.42, 0.26],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, long",
        &[1.00, 1.00, 0.99, 1.00, 0.79, 0.61],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, long, 2 threads a core",
        &[1.00, 0.98, 1.00, 1.00, 0.57, 0.35],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, short",
        &[1.00, 1.00, 0.71, 0.44, 0.49, 0.10],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, short, 2 threads a core",
        &[1.00, 1.00, 0.74, 0.56, 0.49, 0.31],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, long",
        &[1.00, 1.00, 1.00, 0.77, 0.56, 0.48],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, long, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.78, 0.46, 0.37],
    ),
    (
        "RwLock, 1 write in 2: flat, short",
        &[0.85, 0.93, 1.00, 0.52, 0.28, 0.29],
    ),
    (
        "RwLock, 1 write in 2: flat, short, 2 threads a core",
        &[0.86, 0.87, 1.00, 0.51, 0.27, 0.27],
    ),
    (
        "RwLock, 1 write in 2: flat, long",
        &[0.96, 0.90, 0.94, 0.65, 0.39, 0.35],
    ),
    (
        "RwLock, 1 write in 2: flat, long, 2 threads a core",
        &[0.94, 1.00, 1.00, 0.69, 0.35, 0.35],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, short",
        &[0.83, 0.84, 1.00, 0.59, 0.27, 0.33],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, short, 2 threads a core",
        &[0.83, 0.80, 0.90, 0.53, 0.25, 0.34],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, long",
        &[0.97, 0.99, 1.00, 0.84, 0.60, 0.49],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, long, 2 threads a core",
        &[0.95, 1.00, 1.00, 0.88, 0.53, 0.47],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, short",
        &[0.84, 0.91, 1.00, 0.62, 0.29, 0.25],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, short, 2 threads a core",
        &[0.84, 0.86, 1.00, 0.52, 0.26, 0.28],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, long",
        &[0.96, 0.90, 0.96, 0.70, 0.39, 0.34],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, long, 2 threads a core",
        &[0.90, 1.00, 1.00, 0.78, 0.36, 0.37],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, short",
        &[0.82, 0.83, 1.00, 0.58, 0.45, 0.50],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, short, 2 threads a core",
        &[0.80, 0.81, 0.90, 0.53, 0.38, 0.42],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, long",
        &[0.96, 0.91, 1.00, 0.63, 0.36, 0.38],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, long, 2 threads a core",
        &[0.95, 1.00, 1.00, 0.60, 0.38, 0.39],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, short",
        &[0.66, 0.91, 0.71, 0.61, 0.67, 0.34],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, short, 2 threads a core",
        &[0.90, 0.95, 0.76, 0.45, 0.46, 0.42],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, long",
        &[0.90, 0.85, 0.75, 0.48, 0.37, 0.40],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, long, 2 threads a core",
        &[0.90, 0.86, 0.76, 0.37, 0.36, 0.41],
    ),
    ("RwLock, 1 write in 2: 2-core virtual machine, short", &[0.99]),
    ("RwLock, 1 write in 2: 2-core virtual machine, long", &[0.94]),
    (
        "RwLock, 1 write in 2: 2-core virtual machine, long, 2 threads a core",
        &[0.91],
    ),
];
