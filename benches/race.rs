//! quick
mod arena;
use arena::locks::*;
use arena::*;
use std::time::Duration;
fn main() {
    let d = Duration::from_millis(std::env::var("MS").map_or(60, |m| m.parse().unwrap()));
    let which = std::env::var("W").unwrap_or_default();
    if which.contains('c') {
        for t in [1, 2, 4] {
            let crew = Crew::new(Crowd::of(t));
            let jobs: Vec<_> = counters::ALL.iter().map(|(n, j)| (*n, j())).collect();
            let mut r = vec![vec![]; jobs.len()];
            for _ in 0..5 {
                for (i, (_, j)) in jobs.iter().enumerate() {
                    r[i].push(crew.race(j, d).throughput());
                }
            }
            for (i, (n, _)) in jobs.iter().enumerate() {
                r[i].sort_by(f64::total_cmp);
                println!(
                    "{t} {n:30} {:9.1} M/s {:.2} ns",
                    r[i][2] / 1e6,
                    1e9 * t as f64 / r[i][2]
                );
            }
        }
    }
    if which.contains('l') {
        for (section, outside) in [(0, 0), (0, 50), (50, 0), (50, 50)] {
            for c in [
                Crowd::of(1),
                Crowd::of(2),
                Crowd::of(4),
                Crowd::of(8),
                Crowd::of(16),
                Crowd {
                    threads: 8,
                    one_cpu: true,
                },
            ] {
                let crew = Crew::new(c);
                let l = Load { section, outside };
                let jobs: Vec<(&str, Job)> = vec![
                    ("linchpin Mutex", passages::<linchpin::spin::Mutex<u64>>(l)),
                    ("linchpin TasMutex", passages::<linchpin::spin::TasMutex<u64>>(l)),
                    ("linchpin Ticket", passages::<linchpin::spin::TicketMutex<u64>>(l)),
                    ("std", passages::<std::sync::Mutex<u64>>(l)),
                    ("parking_lot", passages::<parking_lot::Mutex<u64>>(l)),
                    ("spin Spin", passages::<spin::mutex::SpinMutex<u64>>(l)),
                    ("spin Ticket", passages::<spin::mutex::TicketMutex<u64>>(l)),
                    ("mcs spins", passages::<mcslock::raw::spins::Mutex<u64>>(l)),
                    ("mcs yields", passages::<mcslock::raw::yields::Mutex<u64>>(l)),
                ];
                let mut r = vec![vec![]; jobs.len()];
                let mut f = vec![vec![]; jobs.len()];
                for _ in 0..5 {
                    for (i, (_, j)) in jobs.iter().enumerate() {
                        let h = crew.race(j, d);
                        r[i].push(h.throughput());
                        f[i].push(h.fairness());
                    }
                }
                println!("== section {section} outside {outside} {c:?}");
                for (i, (n, _)) in jobs.iter().enumerate() {
                    r[i].sort_by(f64::total_cmp);
                    f[i].sort_by(f64::total_cmp);
                    println!(
                        "   {n:20} {:9.2} M/s {:.2} ns  fair {:.2}",
                        r[i][2] / 1e6,
                        1e9 * c.threads as f64 / r[i][2],
                        f[i][2]
                    );
                }
            }
        }
    }
}
