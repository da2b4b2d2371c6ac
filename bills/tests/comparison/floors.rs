//! Where our locks fall short today. A change must not fall below, and one that does better raises the floor:
//!
//! ```text
//! RUSTFLAGS="--cfg linchpin_coherence" cargo run -p bills --release --target-dir target/coherence -- --floors
//! ```
//!
//! prints all rows as they are now.

/// The throughput of ours for 1 of the best of std and `parking_lot`, on 2, 4, 8, 16, 32 and 64 cores: the lowest ratio of three
/// drawings of random times, rounded down, and 1 where none is lower. Rows that are not here are 1 throughout.
pub const FLOORS: &[(&str, &[f64])] = &[
    ("Mutex: flat, short", &[0.93, 0.95, 0.86, 0.53, 0.50, 0.52]),
    (
        "Mutex: flat, short, 2 threads a core",
        &[0.94, 1.00, 1.00, 0.57, 0.51, 0.56],
    ),
    ("Mutex: flat, long", &[0.97, 1.00, 1.00, 0.68, 0.59, 0.59]),
    (
        "Mutex: flat, long, 2 threads a core",
        &[0.95, 0.99, 0.96, 0.66, 0.60, 0.60],
    ),
    ("Mutex: Xeon 8375C, short", &[0.83, 0.94, 0.97, 0.78, 0.49, 0.57]),
    (
        "Mutex: Xeon 8375C, short, 2 threads a core",
        &[0.81, 0.92, 1.00, 0.85, 0.50, 0.66],
    ),
    ("Mutex: Xeon 8375C, long", &[0.96, 0.99, 1.00, 0.96, 0.88, 0.71]),
    (
        "Mutex: Xeon 8375C, long, 2 threads a core",
        &[0.95, 0.95, 1.00, 1.00, 0.91, 0.72],
    ),
    ("Mutex: Graviton 3, short", &[0.90, 0.95, 0.87, 0.53, 0.49, 0.49]),
    (
        "Mutex: Graviton 3, short, 2 threads a core",
        &[0.92, 1.00, 1.00, 0.62, 0.50, 0.50],
    ),
    ("Mutex: Graviton 3, long", &[0.98, 0.99, 1.00, 0.74, 0.64, 0.63]),
    (
        "Mutex: Graviton 3, long, 2 threads a core",
        &[0.95, 0.99, 0.98, 0.73, 0.63, 0.63],
    ),
    ("Mutex: EPYC 9654, near, short", &[0.84, 0.94, 0.97, 0.49, 0.61, 0.60]),
    (
        "Mutex: EPYC 9654, near, short, 2 threads a core",
        &[0.84, 0.91, 1.00, 0.51, 0.57, 0.73],
    ),
    ("Mutex: EPYC 9654, near, long", &[0.97, 0.99, 1.00, 0.58, 0.50, 0.49]),
    (
        "Mutex: EPYC 9654, near, long, 2 threads a core",
        &[0.95, 0.99, 1.00, 0.56, 0.52, 0.54],
    ),
    ("Mutex: EPYC 9654, far, short", &[1.00, 0.89, 0.83, 0.92, 1.00, 1.00]),
    (
        "Mutex: EPYC 9654, far, short, 2 threads a core",
        &[1.00, 1.00, 0.91, 0.71, 0.96, 0.82],
    ),
    ("Mutex: EPYC 9654, far, long", &[0.98, 0.98, 0.65, 0.53, 0.52, 0.57]),
    (
        "Mutex: EPYC 9654, far, long, 2 threads a core",
        &[0.97, 0.96, 0.70, 0.54, 0.54, 0.62],
    ),
    ("Mutex: 2-core virtual machine, long", &[0.97]),
    ("Mutex: 2-core virtual machine, long, 2 threads a core", &[0.96]),
    (
        "RwLock, 1 write in 20: flat, short",
        &[1.00, 1.00, 1.00, 0.81, 0.53, 0.59],
    ),
    (
        "RwLock, 1 write in 20: flat, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.87, 0.47, 0.37],
    ),
    (
        "RwLock, 1 write in 20: flat, long",
        &[1.00, 1.00, 1.00, 1.00, 0.73, 0.65],
    ),
    (
        "RwLock, 1 write in 20: flat, long, 2 threads a core",
        &[1.00, 1.00, 1.00, 1.00, 0.64, 0.37],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, short",
        &[1.00, 1.00, 1.00, 0.95, 0.56, 0.40],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.88, 0.62, 0.34],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, long",
        &[1.00, 1.00, 1.00, 1.00, 0.68, 1.00],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, long, 2 threads a core",
        &[1.00, 0.99, 0.97, 1.00, 0.59, 0.36],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, short",
        &[1.00, 1.00, 1.00, 0.85, 0.49, 0.42],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.91, 0.54, 0.35],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, long",
        &[1.00, 1.00, 1.00, 1.00, 0.79, 0.58],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, long, 2 threads a core",
        &[1.00, 1.00, 1.00, 1.00, 0.71, 0.33],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, short",
        &[1.00, 1.00, 1.00, 0.89, 0.45, 0.40],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.90, 0.43, 0.38],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, long",
        &[1.00, 1.00, 1.00, 1.00, 0.95, 1.00],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, long, 2 threads a core",
        &[1.00, 0.98, 1.00, 1.00, 0.71, 0.53],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, short",
        &[1.00, 1.00, 0.71, 0.54, 0.51, 0.35],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.53, 0.50, 0.41],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, long",
        &[1.00, 1.00, 1.00, 1.00, 0.89, 1.00],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, long, 2 threads a core",
        &[1.00, 1.00, 1.00, 1.00, 0.66, 0.60],
    ),
    (
        "RwLock, 1 write in 2: flat, short",
        &[0.85, 0.99, 1.00, 0.59, 0.56, 0.54],
    ),
    (
        "RwLock, 1 write in 2: flat, short, 2 threads a core",
        &[0.86, 0.93, 1.00, 0.60, 0.56, 0.37],
    ),
    (
        "RwLock, 1 write in 2: flat, long",
        &[0.97, 0.94, 1.00, 0.76, 0.61, 0.47],
    ),
    (
        "RwLock, 1 write in 2: flat, long, 2 threads a core",
        &[0.92, 0.88, 0.92, 0.78, 0.57, 0.38],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, short",
        &[0.80, 0.84, 1.00, 0.86, 0.44, 0.53],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, short, 2 threads a core",
        &[0.80, 0.82, 1.00, 0.85, 0.45, 0.48],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, long",
        &[0.96, 0.95, 1.00, 0.99, 0.84, 0.66],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, long, 2 threads a core",
        &[0.93, 0.86, 0.82, 0.87, 0.81, 0.52],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, short",
        &[0.83, 0.97, 1.00, 0.66, 0.56, 0.42],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, short, 2 threads a core",
        &[0.85, 0.92, 1.00, 0.63, 0.48, 0.37],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, long",
        &[0.97, 0.94, 1.00, 0.81, 0.56, 0.54],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, long, 2 threads a core",
        &[0.92, 0.88, 0.86, 0.82, 0.59, 0.44],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, short",
        &[0.81, 0.84, 1.00, 0.62, 0.62, 0.82],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, short, 2 threads a core",
        &[0.81, 0.84, 0.97, 0.59, 0.70, 0.81],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, long",
        &[0.97, 0.94, 1.00, 0.74, 0.58, 0.54],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, long, 2 threads a core",
        &[0.93, 0.83, 0.68, 0.69, 0.54, 0.51],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, short",
        &[0.59, 0.91, 0.79, 0.77, 1.00, 0.46],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, short, 2 threads a core",
        &[0.74, 1.00, 0.83, 0.66, 0.85, 0.86],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, long",
        &[0.94, 0.99, 0.93, 0.62, 0.65, 0.62],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, long, 2 threads a core",
        &[0.93, 0.92, 0.88, 0.58, 0.61, 0.69],
    ),
    ("RwLock, 1 write in 2: 2-core virtual machine, short", &[0.89]),
    (
        "RwLock, 1 write in 2: 2-core virtual machine, short, 2 threads a core",
        &[0.92],
    ),
    ("RwLock, 1 write in 2: 2-core virtual machine, long", &[0.97]),
    (
        "RwLock, 1 write in 2: 2-core virtual machine, long, 2 threads a core",
        &[0.93],
    ),
];
