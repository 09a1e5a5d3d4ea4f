//! The simulator: that a seed decides everything, and that what it says is so.

use tocsin_chaos::simulate::{Outcome, Simulator};

/// A run has a few thousand events.
const SEEDS: std::ops::Range<u64> = 1..9;

fn run(seed: u64) -> Outcome {
    Simulator::default().run(seed, false)
}

#[test]
fn the_same_seed_gives_the_same_events() {
    let hashes = |seeds: std::ops::Range<u64>| -> Vec<(u64, u64)> {
        let mut simulator = Simulator::default();
        let runs = seeds.map(|seed| simulator.run(seed, seed.is_multiple_of(2)));
        runs.map(|it| (it.hash, it.events)).collect()
    };
    // On another thread, and each in a simulator of its own.
    let elsewhere = std::thread::spawn(|| -> Vec<(u64, u64)> {
        SEEDS
            .map(|seed| (run(seed).hash, run(seed).events))
            .collect()
    });
    assert_eq!(elsewhere.join().ok(), Some(hashes(SEEDS)));
}

#[test]
fn some_seeds_find_nothing_and_do_a_lot() {
    let outcomes: Vec<Outcome> = SEEDS.map(run).collect();
    let found: Vec<&str> = outcomes
        .iter()
        .filter_map(|it| it.violation.as_deref())
        .collect();
    let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    let has_done = [
        sum(|it| it.kills) > 50,
        sum(|it| it.acknowledged) > 1_000,
        sum(|it| it.messages) > 500,
        sum(|it| it.ms) > 24 * 3_600_000,
    ];
    assert_eq!((found, has_done), (vec![], [true; 4]));
}
