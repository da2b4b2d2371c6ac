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
    ("Mutex: flat, short", &[0.95, 0.52, 0.36, 0.57, 0.73, 0.52]),
    (
        "Mutex: flat, short, 2 threads a core",
        &[0.94, 0.41, 0.38, 0.51, 0.55, 0.57],
    ),
    ("Mutex: flat, long", &[0.92, 0.96, 0.60, 0.57, 0.72, 0.71]),
    (
        "Mutex: flat, long, 2 threads a core",
        &[0.91, 0.99, 0.50, 0.63, 0.65, 0.68],
    ),
    ("Mutex: Xeon 8375C, short", &[0.80, 0.66, 0.32, 0.52, 0.60, 0.86]),
    (
        "Mutex: Xeon 8375C, short, 2 threads a core",
        &[0.80, 0.62, 0.43, 0.54, 0.61, 0.90],
    ),
    ("Mutex: Xeon 8375C, long", &[0.96, 1.00, 0.86, 0.86, 0.94, 0.83]),
    (
        "Mutex: Xeon 8375C, long, 2 threads a core",
        &[0.94, 1.00, 0.93, 1.00, 0.97, 0.83],
    ),
    ("Mutex: Graviton 3, short", &[0.85, 0.65, 0.25, 0.43, 0.70, 0.63]),
    (
        "Mutex: Graviton 3, short, 2 threads a core",
        &[0.92, 0.40, 0.38, 0.49, 0.56, 0.53],
    ),
    ("Mutex: Graviton 3, long", &[0.93, 0.93, 0.62, 0.64, 0.71, 0.72]),
    (
        "Mutex: Graviton 3, long, 2 threads a core",
        &[0.91, 0.96, 0.53, 0.65, 0.60, 0.65],
    ),
    ("Mutex: EPYC 9654, near, short", &[0.82, 0.70, 0.35, 0.39, 0.58, 0.59]),
    (
        "Mutex: EPYC 9654, near, short, 2 threads a core",
        &[0.82, 0.73, 0.33, 0.64, 0.67, 0.63],
    ),
    ("Mutex: EPYC 9654, near, long", &[0.93, 0.90, 0.87, 0.61, 0.59, 0.55]),
    (
        "Mutex: EPYC 9654, near, long, 2 threads a core",
        &[0.91, 1.00, 0.75, 0.56, 0.67, 0.54],
    ),
    ("Mutex: EPYC 9654, far, short", &[0.99, 0.49, 0.52, 0.84, 1.00, 1.00]),
    (
        "Mutex: EPYC 9654, far, short, 2 threads a core",
        &[0.77, 0.41, 0.58, 0.78, 1.00, 0.62],
    ),
    ("Mutex: EPYC 9654, far, long", &[0.93, 0.68, 0.33, 0.60, 0.58, 0.58]),
    (
        "Mutex: EPYC 9654, far, long, 2 threads a core",
        &[0.89, 0.57, 0.51, 0.57, 0.57, 0.55],
    ),
    ("Mutex: 2-core virtual machine, long", &[0.93]),
    ("Mutex: 2-core virtual machine, long, 2 threads a core", &[0.90]),
    (
        "RwLock, 1 write in 20: flat, short",
        &[1.00, 1.00, 1.00, 0.69, 0.64, 0.49],
    ),
    (
        "RwLock, 1 write in 20: flat, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.75, 0.41, 0.30],
    ),
    (
        "RwLock, 1 write in 20: flat, long",
        &[1.00, 1.00, 1.00, 0.87, 0.63, 0.47],
    ),
    (
        "RwLock, 1 write in 20: flat, long, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.90, 0.52, 0.30],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, short",
        &[1.00, 1.00, 1.00, 0.67, 0.46, 0.52],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.64, 0.38, 0.31],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, long",
        &[1.00, 1.00, 1.00, 0.99, 0.49, 0.55],
    ),
    (
        "RwLock, 1 write in 20: Xeon 8375C, long, 2 threads a core",
        &[1.00, 0.96, 1.00, 0.99, 0.42, 0.25],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, short",
        &[1.00, 1.00, 1.00, 0.74, 0.53, 0.42],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.71, 0.43, 0.31],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, long",
        &[1.00, 1.00, 1.00, 0.76, 0.62, 0.45],
    ),
    (
        "RwLock, 1 write in 20: Graviton 3, long, 2 threads a core",
        &[1.00, 0.99, 1.00, 0.91, 0.53, 0.28],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, short",
        &[1.00, 1.00, 1.00, 0.67, 0.44, 0.24],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, short, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.79, 0.52, 0.28],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, long",
        &[1.00, 1.00, 0.97, 0.96, 0.83, 0.58],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, near, long, 2 threads a core",
        &[1.00, 0.99, 1.00, 0.94, 0.48, 0.31],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, short",
        &[1.00, 1.00, 0.58, 0.76, 0.61, 0.19],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, short, 2 threads a core",
        &[1.00, 1.00, 0.82, 0.60, 0.55, 0.46],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, long",
        &[1.00, 1.00, 1.00, 0.87, 0.63, 0.54],
    ),
    (
        "RwLock, 1 write in 20: EPYC 9654, far, long, 2 threads a core",
        &[1.00, 1.00, 1.00, 0.89, 0.46, 0.34],
    ),
    (
        "RwLock, 1 write in 2: flat, short",
        &[0.80, 0.81, 0.97, 0.47, 0.28, 0.31],
    ),
    (
        "RwLock, 1 write in 2: flat, short, 2 threads a core",
        &[0.83, 0.80, 0.82, 0.44, 0.27, 0.27],
    ),
    (
        "RwLock, 1 write in 2: flat, long",
        &[0.96, 0.88, 0.90, 0.59, 0.38, 0.34],
    ),
    (
        "RwLock, 1 write in 2: flat, long, 2 threads a core",
        &[0.90, 0.99, 1.00, 0.57, 0.35, 0.34],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, short",
        &[0.79, 0.75, 0.82, 0.50, 0.30, 0.33],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, short, 2 threads a core",
        &[0.80, 0.70, 0.76, 0.43, 0.26, 0.30],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, long",
        &[0.98, 0.97, 0.90, 0.78, 0.60, 0.48],
    ),
    (
        "RwLock, 1 write in 2: Xeon 8375C, long, 2 threads a core",
        &[0.95, 0.91, 0.78, 0.66, 0.53, 0.48],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, short",
        &[0.84, 0.82, 0.91, 0.58, 0.29, 0.25],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, short, 2 threads a core",
        &[0.83, 0.79, 0.85, 0.45, 0.25, 0.25],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, long",
        &[0.96, 0.87, 0.77, 0.68, 0.38, 0.33],
    ),
    (
        "RwLock, 1 write in 2: Graviton 3, long, 2 threads a core",
        &[0.90, 0.99, 0.99, 0.61, 0.37, 0.37],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, short",
        &[0.82, 0.79, 0.91, 0.50, 0.37, 0.52],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, short, 2 threads a core",
        &[0.80, 0.80, 0.83, 0.43, 0.33, 0.39],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, long",
        &[0.96, 0.92, 0.94, 0.55, 0.36, 0.39],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, near, long, 2 threads a core",
        &[0.94, 1.00, 1.00, 0.52, 0.37, 0.37],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, short",
        &[0.62, 0.77, 0.71, 0.54, 0.67, 0.30],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, short, 2 threads a core",
        &[0.77, 0.86, 0.63, 0.42, 0.49, 0.40],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, long",
        &[0.84, 0.73, 0.67, 0.46, 0.35, 0.41],
    ),
    (
        "RwLock, 1 write in 2: EPYC 9654, far, long, 2 threads a core",
        &[0.84, 0.72, 0.68, 0.39, 0.38, 0.41],
    ),
    ("RwLock, 1 write in 2: 2-core virtual machine, short", &[0.96]),
    (
        "RwLock, 1 write in 2: 2-core virtual machine, short, 2 threads a core",
        &[0.98],
    ),
    ("RwLock, 1 write in 2: 2-core virtual machine, long", &[0.93]),
    (
        "RwLock, 1 write in 2: 2-core virtual machine, long, 2 threads a core",
        &[0.93],
    ),
];
