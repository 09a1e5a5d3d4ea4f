//! Killed again and again, with the index and without: every start succeeds, and nobody is told anything
//! else.
//!
//! The moments are drawn from a seed. Both runs draw the same ones, and both get the same alerts: what was
//! told in the end must be the same, whatever the moments were.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::past::{complete, metric, online};
use crate::support::{Place, Sink, one_webhook, told, until};

/// One life of the server lasts that long at most, in milliseconds: long enough for the index to be opened,
/// probed and written in some.
const LIFE_MS_MAX: u64 = 600;

/// A generator of numbers that the seed decides.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What was told after so many kills, and how often the index was made anew.
fn after(kills: u64, seed: u64, flags: &[&str]) -> (BTreeSet<String>, f64) {
    let sink = Sink::start();
    let config = one_webhook(&sink.url("/"), "0s", "1s").replace(
        "  receiver: r\n",
        "  receiver: r\n  group_by: [alertname]\n",
    );
    // Nothing ends by itself meanwhile.
    let place = Place::new(&format!("global:\n  resolve_timeout: 2h\n{config}"));
    let mut dice = Dice(seed);
    let mut fired = Vec::new();
    for number in 0..kills {
        let life = Duration::from_millis(dice.below(LIFE_MS_MAX));
        let server = place.start_with(flags);
        let name = format!("A{number}");
        assert_eq!(server.fire(&[&name]), 200, "seed {seed}, life {number}");
        if number % 3 == 0 {
            let begun = Instant::now();
            until("the end of a life", || {
                (begun.elapsed() >= life).then_some(())
            });
        }
        server.kill();
        fired.push(name);
    }
    let server = place.start_with(flags);
    for name in fired {
        sink.wait_to_be_told(&format!("{name} firing"));
    }
    let rebuilds = match flags.contains(&"--history=off") {
        true => 0.0,
        false => {
            complete(&server);
            let page = online(
                &server,
                &["history", "--kind", "received", "--limit", "1000"],
            );
            let received = page["entries"].as_array().unwrap().len() as u64;
            assert_eq!(received, kills, "seed {seed}: receipts in history");
            let of = |reason: &str| {
                metric(
                    &server,
                    &format!("tocsin_history_rebuilds_total{{reason=\"{reason}\"}}"),
                )
            };
            of("panic") + of("hang") + of("mismatch") + of("error") + of("foreign")
        }
    };
    server.stop();
    // Told twice is allowed after a kill at the wrong moment; told otherwise is not.
    (told(&sink.got()).into_iter().collect(), rebuilds)
}

fn compared(kills: u64, seed: u64) {
    let (with, rebuilds) = after(kills, seed, &[]);
    let (without, _) = after(kills, seed, &["--history=off"]);
    assert_eq!((with, rebuilds), (without, 0.0), "seed {seed}");
}

#[test]
fn ten_kills_change_nothing_that_is_told() {
    compared(10, 0x5EED_0001);
}

#[test]
#[ignore = "takes minutes: `make kills`"]
fn two_hundred_kills_change_nothing_that_is_told() {
    compared(200, 0x5EED_0002);
}
