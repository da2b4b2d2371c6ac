//! What stacks cost.
#![cfg(linchpin_coherence)]
use bills::{CORES, all};
use coherence::Machine;
#[test]
fn show() {
    let w = std::env::var("W").unwrap_or_default();
    for workload in all().filter(|x| x.name.contains(&w)).filter(|workload| workload.name.contains("stack::") || workload.name.contains("Vec")) {
        for cores in CORES {
            let bill = workload.bill(&Machine::flat(cores), cores);
            println!("{} {cores}: {:.3} false {} throughput {:.2}", workload.name, bill.transactions(), bill.false_sharing_misses(), bill.throughput()/1e6);
        }
    }
}
