//! What a reload and the end of the program do to notifications under way.

use std::time::Duration;

use tocsin::delivery::{Ending, Refusal};
use tocsin::receivers::{Outcome, Reason, ReceiverData};
use tokio::time::sleep;

use crate::support::{Bench, Scripted, Step, delivered, failed, order, owned, retryable};

#[tokio::test(start_paused = true)]
async fn a_reload_tries_the_new_integration_at_once() {
    let bench = Bench::new();
    bench.script(&[retryable(Reason::ServerError, "unexpected status code 500")]);
    let done = bench.delivery.submit(order("a")).unwrap();
    sleep(Duration::from_millis(600)).await;
    bench.script(&[delivered()]);
    let seen = done.await.unwrap();
    assert_eq!(
        (seen.ending, bench.events.times("a attempt")),
        (Ending::Delivered, vec![0, 500, 600])
    );
}

#[tokio::test(start_paused = true)]
async fn a_reload_lets_an_attempt_under_way_go_on() {
    let bench = Bench::new();
    bench.script(&[Step::End(
        Duration::from_secs(2),
        Outcome::Delivered(ReceiverData::new()),
    )]);
    let done = bench.delivery.submit(order("a")).unwrap();
    sleep(Duration::from_secs(1)).await;
    bench.script(&[Step::Hang]);
    let seen = done.await.unwrap();
    assert_eq!(
        (seen.attempts, seen.ending, bench.events.times("delivered")),
        (1, Ending::Delivered, vec![2000])
    );
}

#[tokio::test(start_paused = true)]
async fn an_integration_that_is_gone_cancels_its_notifications() {
    let bench = Bench::new();
    bench.script(&[Step::Hang]);
    let done = bench.delivery.submit(order("a")).unwrap();
    sleep(Duration::from_secs(1)).await;
    bench.install(&[]);
    let seen = done.await.unwrap();
    let text = "a/webhook[0]: notify retry canceled after 1 attempts: context canceled";
    assert_eq!(
        (
            seen.ending,
            bench.events.take(),
            bench.delivery.submit(order("a")).unwrap_err().refusal
        ),
        (
            failed(Reason::ContextCanceled, text),
            owned(&[
                (0, "intent durable"),
                (0, "a attempt 1 of f r"),
                (1000, "failed durable")
            ]),
            Refusal::Unknown
        )
    );
}

#[tokio::test(start_paused = true)]
async fn at_the_end_attempts_may_finish_and_what_waits_is_left_for_the_next_start() {
    let bench = Bench::new();
    let slow = Step::End(
        Duration::from_secs(2),
        Outcome::Delivered(ReceiverData::new()),
    );
    let all = [
        Scripted::new("a", &bench.events, &[slow]),
        Scripted::new("b", &bench.events, &[retryable(Reason::Other, "x")]),
        Scripted::new("c", &bench.events, &[Step::NoAnswer]),
    ];
    bench.install(&all);
    let orders = ["a", "b", "c"].map(|name| bench.delivery.submit(order(name)).unwrap());
    sleep(Duration::from_secs(1)).await;
    bench.delivery.shut_down(Duration::from_secs(5)).await;
    bench.events.note("end");
    let refusal = bench.delivery.submit(order("a")).unwrap_err().refusal;
    let mut endings = Vec::new();
    for done in orders {
        let report = done.await.unwrap();
        endings.push((report.ending, report.is_recorded));
    }
    assert_eq!(
        (
            endings,
            bench.events.times("end"),
            bench.outcomes(),
            refusal
        ),
        (
            vec![
                (Ending::Delivered, true),
                (Ending::Abandoned, false),
                (Ending::Abandoned, false),
            ],
            vec![6000],
            // Three intents, one result: two are in doubt, and the next start knows it.
            ["intent", "intent", "intent", "delivered"]
                .map(str::to_owned)
                .to_vec(),
            Refusal::Stopping
        )
    );
}
