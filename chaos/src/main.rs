//! chaos
use tocsin::sys::VirtualClock;
use tocsin_chaos::log::suites::*;
use tocsin_chaos::log::workload::Op;
fn main() {
    let arg = std::env::args().nth(1).unwrap();
    let t = Tally::default();
    let clock = VirtualClock::default();
    let s = std::time::Instant::now();
    in_parallel(&t, &clock, &|part, parts| match arg.as_str() {
        "two" => {
            bounded(&t, &Op::ALL, 2, 1, part, parts);
        }
        "three" => {
            bounded(&t, &Op::ALL, 3, 1, part, parts);
        }
        "four" => {
            bounded(&t, &Op::HEALTHY, 4, 1, part, parts);
        }
        "ref" => reference(&t, 200, 2, 1, part, parts),
        "hist" => histories(&t, 20000, 1, part, parts),
        "rot" => rot(&t, 1, 1, part, parts),
        _ => {}
    });
    eprintln!(
        "{arg} {:?} images {:?} nested {:?} flips {:?} mangled {:?} histories {:?} panics {:?}",
        s.elapsed(),
        t.images,
        t.nested,
        t.flips,
        t.mangled,
        t.histories,
        t.panics
    );
    let v = t.violations();
    eprintln!("{} violations", v.len());
    for v in v.iter().take(4) {
        eprintln!("{v}");
    }
}
