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
    ("Mutex: flat, short", &[0.96, 0.51, 0.29, 0.76, 0.64, 0.74]),
    (
        "Mutex: flat, short, 2 threads a core",
        &[0.95, 0.47, 0.33, 0.53, 0.57, 0.65],
    ),
    ("Mutex: flat, long", &[0.93, 0.94, 0.67, 0.70, 0.65, 0.68]),
    (
        "Mutex: flat, long, 2 threads a core",
        &[0.91, 0.99, 0.46, 0.48, 0.70, 0.68],
    ),
    ("Mutex: Xeon 8375C, short", &[0.81, 0.64, 0.41, 0.54, 0.57, 0.77]),
    (
        "Mutex: Xeon 8375C, short, 2 threads a core",
        &[0.80, 0.55, 0.43, 0.50, 0.58, 0.65],
    ),
    ("Mutex: Xeon 8375C, long", &[0.96, 1.00, 0.78, 0.89, 0.94, 0.81]),
    (
        "Mutex: Xeon 8375C, long, 2 threads a core",
        &[0.93, 1.00, 0.86, 0.90, 1.00, 0.81],
    ),
    ("Mutex: Graviton 3, short", &[0.91, 0.52, 0.30, 0.49, 0.50, 0.66]),
    (
        "Mutex: Graviton 3, short, 2 threads a core",
        &[0.93, 0.59, 0.37, 0.56, 0.51, 0.62],
    ),
    ("Mutex: Graviton 3, long", &[0.93, 0.99, 0.58, 0.64, 0.71, 0.72]),
    (
        "Mutex: Graviton 3, long, 2 threads a core",
        &[0.91, 0.99, 0.54, 0.61, 0.67, 0.69],
    ),
    ("Mutex: EPYC 9654, near, short", &[0.81, 0.79, 0.28, 0.41, 0.64, 0.74]),
    (
        "Mutex: EPYC 9654, near, short, 2 threads a core",
        &[0.82, 0.62, 0.33, 0.66, 0.65, 0.63],
    ),
    ("Mutex: EPYC 9654, near, long", &[0.93, 0.90, 0.86, 0.55, 0.59, 0.60]),
    (
        "Mutex: EPYC 9654, near, long, 2 threads a core",
        &[0.90, 0.95, 0.72, 0.65, 0.56, 0.55],
    ),
    ("Mutex: EPYC 9654, far, short", &[1.00, 0.45, 0.51, 1.00, 1.00, 1.00]),
    (
        "Mutex: EPYC 9654, far, short, 2 threads a core",
        &[0.86, 0.49, 0.68, 0.74, 0.94, 0.50],
    ),
    ("Mutex: EPYC 9654, far, long", &[0.92, 0.68, 0.45, 0.54, 0.47, 0.65]),
    (
        "Mutex: EPYC 9654, far, long, 2 threads a core",
        &[0.90, 0.63, 0.49, 0.55, 0.55, 0.53],
    ),
    ("Mutex: 2-core virtual machine, long", &[0.93]),
    ("Mutex: 2-core virtual machine, long, 2 threads a core", &[0.90]),
    (
        "RwLock, 1 write in 20: flat, short",
        &[1.00, 1.00, 1.00, 0.64, 0.49, 0.48],
    ),
    (
        "RwLock, 1 write in 20: flat, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.72, 0.42, 0.32],
    ),
    (
        "RwLock, 1 write in 20: flat, long",
        &[1.00, 1.00, 1.00, 0.90, 0.60, 0.40],
    ),
    (
        "RwLock, 1 write in 20: flat, long, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.92, 0.50, 0.30],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, short",
        &[1.00, 1.00, 0.98, 0.63, 0.46, 0.46],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.67, 0.37, 0.32],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, long",
        &[1.00, 1.00, 1.00, 0.90, 0.50, 0.65],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, long, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.93, 0.35, 0.26],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, short",
        &[1.00, 1.00, 1.00, 0.74, 0.48, 0.40],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.80, 0.43, 0.27],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, long",
        &[1.00, 1.00, 1.00, 0.85, 0.68, 0.50],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, long, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.91, 0.57, 0.30],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, short",
        &[1.00, 1.00, 1.00, 0.79, 0.53, 0.23],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.73, 0.47, 0.29],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, long",
        &[1.00, 1.00, 0.97, 0.94, 0.64, 0.59],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, long, 2 threads a core",
        &[1.00, 0.98, 1.00, 0.96, 0.57, 0.33],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, short",
        &[1.00, 1.00, 0.66, 0.48, 0.59, 0.16],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.56, 0.56, 0.39],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, long",
        &[1.00, 1.00, 0.94, 0.86, 0.62, 0.65],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, long, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.88, 0.52, 0.38],
    ),
    (
        "RwLock, 1 write in 2: flat, short",
        &[0.82, 0.81, 0.94, 0.46, 0.29, 0.29],
    ),
    (
        "RwLock, 1 write in 2: flat, short, 2 threads a core",
        &[0.84, 0.73, 0.82, 0.40, 0.26, 0.28],
    ),
    (
        "RwLock, 1 write in 2: flat, long",
        &[0.96, 0.86, 0.86, 0.62, 0.38, 0.34],
    ),
    (
        "RwLock, 1 write in 2: flat, long, 2 threads a core",
        &[0.94, 0.97, 1.00, 0.52, 0.35, 0.36],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, short",
        &[0.78, 0.75, 0.86, 0.54, 0.26, 0.32],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, short, 2 threads a core",
        &[0.80, 0.70, 0.77, 0.44, 0.26, 0.32],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, long",
        &[0.97, 0.98, 0.90, 0.73, 0.57, 0.48],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, long, 2 threads a core",
        &[0.95, 0.94, 0.75, 0.68, 0.54, 0.48],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, short",
        &[0.82, 0.84, 0.93, 0.53, 0.30, 0.25],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, short, 2 threads a core",
        &[0.84, 0.79, 0.86, 0.46, 0.23, 0.26],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, long",
        &[0.96, 0.89, 0.90, 0.65, 0.39, 0.34],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, long, 2 threads a core",
        &[0.94, 0.98, 1.00, 0.64, 0.36, 0.36],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, short",
        &[0.82, 0.78, 0.96, 0.48, 0.36, 0.53],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, short, 2 threads a core",
        &[0.80, 0.80, 0.82, 0.44, 0.36, 0.40],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, long",
        &[0.96, 0.92, 1.00, 0.57, 0.37, 0.37],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, long, 2 threads a core",
        &[0.95, 0.99, 1.00, 0.47, 0.36, 0.38],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, short",
        &[0.56, 0.76, 0.61, 0.63, 0.68, 0.27],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, short, 2 threads a core",
        &[0.79, 0.86, 0.68, 0.46, 0.43, 0.60],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, long",
        &[0.86, 0.74, 0.67, 0.46, 0.36, 0.42],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, long, 2 threads a core",
        &[0.84, 0.73, 0.65, 0.35, 0.37, 0.40],
    ),
    ("RwLock, 1 write in 2: 2-core virtual machine, short", &[0.94]),
    (
        "RwLock, 1 write in 2: 2-core virtual machine, short, 2 threads a core",
        &[0.97],
    ),
    ("RwLock, 1 write in 2: 2-core virtual machine, long", &[0.95]),
    (
        "RwLock, 1 write in 2: 2-core virtual machine, long, 2 threads a core",
        &[0.92],
    ),
];
