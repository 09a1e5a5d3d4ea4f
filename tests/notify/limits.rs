//! Nothing is unbounded.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tocsin::delivery::{ATTEMPTS_AT_ONCE_MAX, ORDERS_MAX, Refusal};
use tocsin::receivers::{Outcome, ReceiverData};

use crate::support::{Bench, Step, lane, order};

#[tokio::test(start_paused = true)]
async fn an_order_too_many_is_given_back_and_counted() {
    let bench = Bench::new();
    bench.script(&[Step::Hang]);
    let taken: Vec<_> = (0..ORDERS_MAX)
        .map(|_| bench.delivery.submit(order("a")))
        .collect();
    let refused = bench.delivery.submit(order("a")).unwrap_err();
    assert_eq!(
        (
            taken.iter().filter(|taken| taken.is_ok()).count(),
            refused.refusal,
            refused.to_string().as_str(),
            bench.delivery.counts()[&lane("a")].refused
        ),
        (
            ORDERS_MAX,
            Refusal::Full,
            "a/webhook[0]: too many notifications are waiting for it",
            1
        )
    );
}

#[tokio::test(start_paused = true)]
async fn so_many_attempts_at_once_and_the_deadline_of_the_others_does_not_run() {
    let bench = Bench::new();
    let slow = Step::End(
        Duration::from_secs(9),
        Outcome::Delivered(ReceiverData::new()),
    );
    let integration = bench.script(&[slow]);
    let orders: Vec<_> = (0..3 * ATTEMPTS_AT_ONCE_MAX)
        .map(|_| bench.delivery.submit(order("a")).unwrap())
        .collect();
    let mut delivered = 0;
    for order in orders {
        delivered +=
            usize::from(order.await.unwrap().ending == tocsin::delivery::Ending::Delivered);
    }
    bench.events.note("end");
    assert_eq!(
        (
            delivered,
            integration.running_max.load(Ordering::SeqCst),
            bench.events.times("end")
        ),
        (3 * ATTEMPTS_AT_ONCE_MAX, ATTEMPTS_AT_ONCE_MAX, vec![27_000])
    );
}

#[tokio::test(start_paused = true)]
async fn an_order_for_nobody_is_given_back() {
    let bench = Bench::new();
    let refused = bench.delivery.submit(order("a")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a/webhook[0]: there is no such integration"
    );
}
