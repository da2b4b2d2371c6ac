//! The bills as tables, plots and heat maps.

mod comparison;

use bills::{Bill, CORES, FAMILIES, Workload, all, workload};
use coherence::Machine;

use crate::document::{Map, Place, Plot, Section, Series, Table};

/// The machines on which virtual throughput is told, each with as many threads as one of its sockets has cores, or 64.
fn machines() -> [(Machine, usize); 4] {
    [
        (Machine::two_cores(), 2),
        (Machine::xeon_8375c(), 32),
        (Machine::graviton_3(), 64),
        (Machine::epyc_9654(), 64),
    ]
}

/// How many cores the heat maps have.
const MAPPED: usize = 8;

/// All sections.
pub fn sections() -> Vec<Section> {
    let families = FAMILIES.iter().map(|family| {
        let workloads: Vec<&Workload> = all().filter(|workload| workload.family == *family).collect();
        section(family, &workloads)
    });
    let mut sections: Vec<Section> = families.collect();
    sections.push(comparison::section());
    let maps = [
        "Counter",
        "control: fetch_add, neighbours",
        "spin::TicketMutex",
        "control: spin::Mutex, neighbours",
    ];
    sections.push(Section {
        title: "Which lines move, and for whom".into(),
        text: vec![
            "Transactions of each core for each line, in the steady state; red where they are false-sharing misses. \
                    Lines that do not move are left out."
                .into(),
        ],
        tables: vec![],
        plots: vec![],
        maps: maps.map(|name| map(workload(name))).into(),
    });
    sections
}

fn section(family: &str, workloads: &[&Workload]) -> Section {
    // By workload, then by the number of cores.
    let bills: Vec<Vec<Bill>> = workloads
        .iter()
        .map(|workload| CORES.map(|cores| workload.bill(&Machine::flat(cores), cores)).into())
        .collect();
    let by_cores = |caption: &str, cell: &dyn Fn(&Bill) -> String| Table {
        caption: caption.into(),
        columns: std::iter::once(String::new())
            .chain(CORES.iter().map(|cores| cores_text(*cores)))
            .collect(),
        rows: workloads
            .iter()
            .zip(&bills)
            .map(|(workload, bills)| {
                std::iter::once(workload.name.to_owned())
                    .chain(bills.iter().map(cell))
                    .collect()
            })
            .collect(),
    };
    let throughputs = Table {
        caption: "virtual throughput, million operations per second of simulated time".into(),
        columns: std::iter::once(String::new())
            .chain(
                machines()
                    .iter()
                    .map(|(machine, threads)| format!("{}: {threads}", machine.name())),
            )
            .collect(),
        rows: workloads
            .iter()
            .map(|workload| {
                let cells =
                    machines().map(|(machine, threads)| millions(workload.bill(&machine, threads).throughput()));
                std::iter::once(workload.name.to_owned()).chain(cells).collect()
            })
            .collect(),
    };
    let series = workloads.iter().zip(&bills).map(|(workload, bills)| Series {
        name: if workload.ours {
            format!("linchpin {}", workload.name)
        } else {
            workload.name.to_owned()
        },
        points: bills.iter().map(Bill::transactions).collect(),
    });
    Section {
        title: format!("Bills: {family}"),
        text: vec![
            "Each thread is on a core of its own. Where one lock is contended, a section is 16 pauses long for each thread, so \
             that all others wait by its end: what an acquisition costs in transactions is then exact, and throughput only compares."
                .into(),
        ],
        tables: vec![
            by_cores(
                "coherence transactions per operation, on a flat machine with a thread on each core",
                &|bill| format!("{:.3}", bill.transactions()),
            ),
            by_cores("false-sharing misses per thousand operations", &|bill| {
                format!(
                    "{:.0}",
                    1e3 * bill.false_sharing_misses() as f64 / bill.operations() as f64
                )
            }),
            throughputs,
        ],
        plots: vec![Plot {
            title: format!("{family}: transactions per operation, by the number of cores"),
            places: CORES.iter().map(ToString::to_string).collect(),
            values: "transactions (0 is not drawn)".into(),
            series: series.collect(),
        }],
        maps: vec![],
    }
}

/// Millions, in three digits or more.
fn millions(value: f64) -> String {
    let value = value / 1e6;
    let decimals = if value < 1.0 { 4 } else { 2 };
    format!("{value:.decimals$}")
}

fn cores_text(cores: usize) -> String {
    if cores == 1 { "1 core".into() } else { cores.to_string() }
}

fn map(workload: &Workload) -> Map {
    let bill = workload.bill(&Machine::flat(MAPPED), MAPPED);
    let moved: Vec<_> = bill
        .steady()
        .lines()
        .iter()
        .filter(|line| line.transactions() > 0)
        .collect();
    let places = moved.iter().map(|line| {
        let mut places = vec![Place::default(); MAPPED];
        for core in line.cores() {
            let place = &mut places[core.core()];
            place.transactions = core.transactions();
            place.false_sharing = core.false_sharing_misses();
        }
        places
    });
    let title = if moved.is_empty() { ": no line moves" } else { "" };
    Map {
        title: format!("{}, {MAPPED} cores{title}", workload.name),
        lines: moved.iter().map(|line| format!("line {}", line.name())).collect(),
        places: places.collect(),
    }
}
