//! Integrations that panic or hang, and notifications that seem to crash the process.

use std::time::Duration;

use tocsin::delivery::{Ending, HANG_GRACE, PROBE_INTERVAL};
use tocsin::receivers::Reason;
use tokio::time::sleep;

use crate::support::{Bench, Scripted, Step, delivered, failed, lane, order};

const QUARANTINED: &str =
    "a/webhook[0]: the integration is quarantined because it panicked or hung";

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failed_attempt() {
    let bench = Bench::new();
    bench.script(&[Step::Panic, Step::Panic, delivered()]);
    let seen = bench.run(order("a")).await;
    let counts = &bench.delivery.counts()[&lane("a")];
    assert_eq!(
        (
            seen.attempts,
            seen.ending,
            counts.panics,
            counts.requests_failed
        ),
        (3, Ending::Delivered, 2, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn after_three_panics_in_a_row_it_is_quarantined_and_given_a_chance_each_minute() {
    let bench = Bench::new();
    let steps = [
        Step::Panic,
        Step::Panic,
        Step::Panic,
        Step::Panic,
        delivered(),
    ];
    bench.script(&steps);
    let quarantined = || Ending::Quarantined(QUARANTINED.to_owned());
    let mut seen = Vec::new();
    for wait in [
        Duration::ZERO,
        Duration::ZERO,
        PROBE_INTERVAL,
        PROBE_INTERVAL,
        Duration::ZERO,
    ] {
        sleep(wait).await;
        let report = bench.run(order("a")).await;
        seen.push((report.attempts, report.ending));
    }
    let counts = &bench.delivery.counts()[&lane("a")];
    assert_eq!(
        (
            seen,
            counts.quarantined,
            bench.outcomes().last().map(String::as_str)
        ),
        (
            vec![
                (3, quarantined()),
                (0, quarantined()),
                (1, quarantined()),
                (1, Ending::Delivered),
                (1, Ending::Delivered),
            ],
            3,
            Some("delivered")
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_integration_ends_the_quarantine() {
    let bench = Bench::new();
    bench.script(&[Step::Panic]);
    bench.run(order("a")).await;
    bench.script(&[delivered()]);
    assert_eq!(bench.run(order("a")).await.ending, Ending::Delivered);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_goes_on_after_its_deadline_is_abandoned() {
    let bench = Bench::new();
    bench.script(&[Step::Hang]);
    let seen = bench.run(order("a")).await;
    bench.events.note("end");
    let text = "a/webhook[0]: notify retry canceled after 1 attempts: context deadline exceeded";
    assert_eq!(
        (
            bench.events.times("end"),
            seen.ending,
            bench.delivery.counts()[&lane("a")].hangs
        ),
        (
            vec![10_000 + HANG_GRACE.as_millis()],
            failed(Reason::ContextDeadlineExceeded, text),
            1
        )
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_does_not_hold_up_the_others() {
    let bench = Bench::new();
    let hanging = Scripted::new("a", &bench.events, &[Step::Hang]);
    let sound = Scripted::new("b", &bench.events, &[delivered()]);
    bench.install(&[hanging, sound]);
    let waiting: Vec<_> = (0..1000)
        .map(|_| bench.delivery.submit(order("a")).expect("it is taken"))
        .collect();
    let seen = bench.run(order("b")).await;
    bench.events.note("end");
    assert_eq!(
        (seen.ending, bench.events.times("end"), waiting.len()),
        (Ending::Delivered, vec![0], 1000)
    );
}

#[tokio::test(start_paused = true)]
async fn integrations_of_one_receiver_are_told_at_the_same_time() {
    let bench = Bench::new();
    let slow = |name| {
        let step = match delivered() {
            Step::End(_, outcome) => Step::End(Duration::from_secs(3), outcome),
            step => step,
        };
        Scripted::new(name, &bench.events, &[step])
    };
    bench.install(&[slow("a"), slow("b"), slow("c")]);
    let orders = ["a", "b", "c"].map(|name| bench.delivery.submit(order(name)).unwrap());
    for done in orders {
        done.await.unwrap();
    }
    bench.events.note("end");
    assert_eq!(bench.events.times("end"), [3000]);
}

#[tokio::test(start_paused = true)]
async fn a_notification_in_doubt_keeps_its_number_and_is_left_out_once_after_three_crashes() {
    let bench = Bench::new();
    bench.script(&[delivered()]);
    let mut seen = Vec::new();
    for (attempt, crashes) in [(7, 2), (8, 3), (9, 0)] {
        let mut order = order("a");
        order.is_recovered = true;
        order.intent.attempt = attempt;
        order.crashes = crashes;
        seen.push(bench.run(order).await.ending);
    }
    let left_out = "a/webhook[0]: the process ended 3 times while this was being sent, it is left out until the next flush";
    assert_eq!(
        (
            seen,
            bench
                .events
                .take()
                .into_iter()
                .map(|(_, what)| what)
                .collect::<Vec<_>>()
        ),
        (
            vec![
                Ending::Delivered,
                Ending::Quarantined(left_out.to_owned()),
                Ending::Delivered
            ],
            [
                "intent durable",
                "a attempt 7 of f r",
                "delivered durable",
                "failed durable",
                "intent durable",
                "a attempt 9 of f r",
                "delivered durable"
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
}
