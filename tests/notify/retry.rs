//! The retry stage: schedules, endings, records, counts, logs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tocsin::delivery::{Counts, Ending, Installation, Intents, Latency, Report};
use tocsin::receivers::{Failure, Outcome, Reason, ReceiverData, ReceiverValue};
use tocsin::record::{AttemptV1, AttemptsV1, NotifyResultV1, Record};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use crate::support::{
    Bench, Scripted, Step, alert, delivered, failed, intent, lane, order, owned, permanent,
    retryable,
};

fn report(attempts: u32, ending: Ending) -> Report {
    Report {
        flush_id: 42,
        attempts,
        ending,
        is_recorded: true,
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_follow_the_backoff_until_the_deadline_and_the_last_error_is_reported() {
    let bench = Bench::new();
    bench.script(&[retryable(Reason::ServerError, "unexpected status code 500")]);
    let seen = bench.run(order("a")).await;
    bench.events.note("end");
    let text = "a/webhook[0]: notify retry canceled after 6 attempts: unexpected status code 500";
    assert_eq!(
        (
            bench.events.times("a attempt"),
            bench.events.times("end"),
            seen
        ),
        (
            // 500 ms, half as much again each time, rounded up to the timer's milliseconds.
            vec![0, 500, 1250, 2375, 4063, 6595],
            vec![10_000],
            report(6, failed(Reason::ServerError, text))
        )
    );
}

#[tokio::test(start_paused = true)]
async fn the_wait_counts_from_the_start_of_an_attempt() {
    let bench = Bench::new();
    let slow = |ms| match retryable(Reason::Other, "x") {
        Step::End(_, outcome) => Step::End(Duration::from_millis(ms), outcome),
        step => step,
    };
    bench.script(&[slow(100), slow(2000), slow(0), delivered()]);
    bench.run(order("a")).await;
    // 500 after 0; at once, since 2000 is more than 750; 1125 after 2500.
    assert_eq!(bench.events.times("a attempt"), [0, 500, 2500, 3625]);
}

#[tokio::test(start_paused = true)]
async fn after_an_error_that_passes_it_is_delivered_once_and_recorded() {
    let bench = Bench::new();
    let kept = ReceiverData::from([("ts".to_owned(), ReceiverValue::Text("1.2".to_owned()))]);
    bench.script(&[
        retryable(Reason::ServerError, "unexpected status code 503"),
        Step::End(Duration::ZERO, Outcome::Delivered(kept.clone())),
    ]);
    let seen = bench.run(order("a")).await;
    let result = NotifyResultV1 {
        flush_id: 42,
        key: intent("a").key,
        outcome: "delivered".to_owned(),
        detail: String::new(),
        entry: format!("[5] {kept:?} 7").into_bytes(),
        finished_at_ns: 7,
    };
    assert_eq!(
        (seen, bench.journal.records.lock().unwrap().clone()),
        (
            report(2, Ending::Delivered),
            vec![
                Record::FlushIntent(intent("a")),
                Record::NotifyResult(result)
            ]
        )
    );
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_recorded_beside_the_result() {
    let bench = Bench::new();
    let failure = Failure::new(Reason::ServerError, "unexpected status code 503").with_status(503);
    bench.script(&[
        Step::End(Duration::from_millis(70), Outcome::Retryable(failure)),
        delivered(),
    ]);
    bench.run(order("a")).await;
    let attempt =
        |number: u32, duration_us: u64, status: u32, error: &str, detail: &str| AttemptV1 {
            number,
            after_ms: 0,
            duration_us,
            status,
            error: error.to_owned(),
            detail: detail.to_owned(),
        };
    // The clock of the test stands still.
    let expected = AttemptsV1 {
        flush_id: 42,
        key: intent("a").key,
        idempotency_key: intent("a").idempotency_key,
        started_at_ns: 7,
        count: 2,
        attempts: vec![
            attempt(1, 70_000, 503, "serverError", "unexpected status code 503"),
            attempt(2, 0, 0, "", ""),
        ],
    };
    assert_eq!(
        *bench.journal.attempts.lock().unwrap(),
        [Record::Attempts(expected)]
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_for_good_ends_it_at_once() {
    let bench = Bench::new();
    bench.script(&[
        retryable(Reason::Other, "x"),
        permanent(Reason::ClientError, "unexpected status code 400: bad"),
    ]);
    let seen = bench.run(order("a")).await;
    let text = "a/webhook[0]: notify retry canceled due to unrecoverable error after 2 attempts: unexpected status code 400: bad";
    let recorded = match bench.journal.records.lock().unwrap().last() {
        Some(Record::NotifyResult(result)) => (result.outcome.clone(), result.detail.clone()),
        _ => Default::default(),
    };
    assert_eq!(
        (seen, recorded),
        (
            report(2, failed(Reason::ClientError, text)),
            ("failed".to_owned(), text.to_owned())
        )
    );
}

#[tokio::test(start_paused = true)]
async fn without_any_answer_the_deadline_itself_is_the_error() {
    let bench = Bench::new();
    bench.script(&[Step::NoAnswer]);
    let seen = bench.run(order("a")).await;
    let text = "a/webhook[0]: notify retry canceled after 1 attempts: context deadline exceeded";
    assert_eq!(
        seen,
        report(1, failed(Reason::ContextDeadlineExceeded, text))
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_that_came_before_is_reported_when_the_last_attempt_has_no_answer() {
    let bench = Bench::new();
    bench.script(&[
        retryable(Reason::ServerError, "unexpected status code 500"),
        Step::NoAnswer,
    ]);
    let seen = bench.run(order("a")).await;
    let text = "a/webhook[0]: notify retry canceled after 2 attempts: unexpected status code 500";
    assert_eq!(seen, report(2, failed(Reason::ServerError, text)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_before_the_intent_is_durable() {
    let bench = Bench::with(Intents::Durable, Duration::from_millis(5));
    bench.script(&[delivered()]);
    bench.run(order("a")).await;
    assert_eq!(
        bench.events.take(),
        owned(&[
            (5, "intent durable"),
            (5, "a attempt 1 of f r"),
            (10, "delivered durable")
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_cannot_be_recorded_is_not_sent() {
    let bench = Bench::new();
    bench.script(&[delivered()]);
    bench
        .journal
        .is_poisoned
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let seen = bench.run(order("a")).await;
    let expected = Report {
        is_recorded: false,
        ..report(0, Ending::NotRecorded("the log is poisoned".to_owned()))
    };
    assert_eq!((seen, bench.events.take()), (expected, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn with_intents_switched_off_only_the_result_is_recorded() {
    let bench = Bench::with(Intents::Off, Duration::ZERO);
    bench.script(&[delivered()]);
    bench.run(order("a")).await;
    assert_eq!(bench.outcomes(), ["delivered"]);
}

#[tokio::test(start_paused = true)]
async fn an_integration_that_does_not_tell_of_resolved_alerts_is_given_the_others() {
    let bench = Bench::new();
    let integration = Scripted::new("a", &bench.events, &[delivered()]);
    bench.delivery.install(vec![Installation {
        lane: lane("a"),
        integration,
        send_resolved: false,
    }]);
    let with_firing = bench.run(order("a")).await;
    let mut resolved = order("a");
    resolved.content = Arc::new(tocsin::receivers::Content {
        alerts: vec![alert("r", "resolved")],
        ..Default::default()
    });
    let without = bench.run(resolved).await;
    let notifications = bench.delivery.counts()[&lane("a")].notifications;
    assert_eq!(
        (with_firing, without, notifications, bench.events.take()),
        (
            report(1, Ending::Delivered),
            report(0, Ending::NothingToSend),
            2,
            owned(&[
                (0, "intent durable"),
                (0, "a attempt 1 of f"),
                (0, "delivered durable"),
                (0, "delivered durable"),
            ])
        )
    );
}

#[tokio::test(start_paused = true)]
async fn everything_is_counted() {
    let bench = Bench::new();
    let slow = Step::End(
        Duration::from_secs(6),
        Outcome::Delivered(ReceiverData::new()),
    );
    bench.script(&[
        retryable(Reason::ServerError, "unexpected status code 500"),
        slow,
        permanent(Reason::RateLimited, "unexpected status code 429"),
        Step::NoAnswer,
    ]);
    for _ in 0..3 {
        bench.run(order("a")).await;
    }
    let expected = Counts {
        notifications: 3,
        notifications_failed: [0, 0, 0, 0, 1, 0, 1],
        requests: 4,
        requests_failed: 3,
        latency: Latency {
            counts: [2, 0, 2, 0, 0, 0],
            sum: Duration::from_secs(16),
        },
        ..Counts::default()
    };
    assert_eq!(
        (
            &bench.delivery.counts()[&lane("a")],
            &bench.delivery.counts_of_kinds()["webhook"]
        ),
        (&expected, &expected)
    );
}

/// What was logged: level, message, number of the attempt, error.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<String>>>);

impl Subscriber for Logged {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tocsin")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() != "duration" {
            self.0.push_str(&format!(" {}={value:?}", field.name()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_is_logged_when_it_is_not_that_of_the_attempt_before() {
    let logged = Logged::default();
    let _guard = tracing::subscriber::set_default(logged.clone());
    let bench = Bench::new();
    bench.script(&[
        retryable(Reason::Other, "one"),
        retryable(Reason::Other, "one"),
        retryable(Reason::Other, "two"),
        delivered(),
        permanent(Reason::ClientError, "three"),
    ]);
    bench.run(order("a")).await;
    bench.run(order("a")).await;
    let place = r#"receiver="a" integration=webhook[0] aggrGroup="{}:{}""#;
    let failed = "Notify attempt failed, will retry later";
    assert_eq!(
        *logged.0.lock().unwrap(),
        [
            format!(r#"WARN message={failed} {place} attempts=1 err="one""#),
            format!(r#"WARN message={failed} {place} attempts=3 err="two""#),
            format!("INFO message=Notify success {place} attempts=4 numAlerts=2"),
            concat!(
                r#"ERROR message=Notify for alerts failed aggrGroup="{}:{}" num_alerts=2 "#,
                r#"err="a/webhook[0]: notify retry canceled due to unrecoverable error after 1 attempts: three""#
            )
            .to_owned(),
        ]
    );
}
