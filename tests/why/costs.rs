//! What explaining costs in bytes of the log.

use std::sync::Arc;

use tocsin::core::Policy;
use tocsin::core::explain::Explanations;
use tocsin::record::{AlertV1, Lsn, Record};

use crate::support::{World, alert, at, explaining, policy, route, simple};

/// Bytes of a record in the log: header, payload, padding.
fn bytes_of(record: &Record) -> usize {
    (28 + record.encode().unwrap().len()).next_multiple_of(8)
}

fn bytes(world: &World, is_counted: impl Fn(&Record) -> bool) -> usize {
    let records = world.log.iter().map(|(_, record)| record);
    records.filter(|it| is_counted(it)).map(bytes_of).sum()
}

fn grouped() -> Policy {
    policy(route("team-x", &["job"]), &["team-x"])
}

fn last_decisions(world: &World) -> usize {
    let mut records = world.log.iter().rev();
    let last = records.find(|(_, record)| matches!(record, Record::Decisions(_)));
    bytes_of(&last.unwrap().1)
}

#[test]
fn that_nothing_changed_costs_tens_of_bytes() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(1_000);
    let alone = last_decisions(&world);
    let mut world = explaining(grouped());
    let many: Vec<String> = (0..100).map(|job| format!("A job={job}")).collect();
    world.post(&many.iter().map(String::as_str).collect::<Vec<_>>());
    world.run(1_000);
    let of_a_hundred = last_decisions(&world);
    assert_eq!((alone, of_a_hundred), (0, 0));
}

/// Who sent a request, for so many requests in turns of two senders, whose records are one apart.
fn receipts(requests: u64) -> Vec<Record> {
    let mut explanations = Explanations::default();
    let tenant: Arc<str> = "".into();
    let senders: [Arc<str>; 2] =
        ["10.0.0.3 Prometheus/3.5.0", "10.0.0.4 Prometheus/3.5.0"].map(Arc::from);
    for request in 0..requests {
        let sender = if request % 2 == 0 {
            &senders[0]
        } else {
            &senders[1]
        };
        explanations.received(&tenant, at(0), Lsn(1_000_000 + 2 * request), sender);
    }
    explanations.take().0
}

#[test]
fn who_sent_a_request_costs_two_bytes_and_a_new_alert_twenty() {
    let of_requests: usize = receipts(4_000).iter().map(bytes_of).sum();
    let mut world = explaining(simple());
    let alerts: Vec<AlertV1> = (0..1_000)
        .map(|number| alert(&format!("A n={number}"), 0, 1_000_000))
        .collect();
    world.post_alerts(alerts);
    world.step();
    let of_alerts = bytes(&world, Record::is_explanation);
    assert_eq!((of_requests / 4_000, of_alerts / 1_000), (2, 20));
}

/// 100,000 alerts in 10,000 groups, sent each minute by two Prometheus, in requests of 64. The design allows
/// 300,000 bytes a second.
#[test]
fn alerts_that_are_sent_again_and_what_explains_them_stay_within_their_volume() {
    const ALERTS: usize = 100_000;
    const PER_REQUEST: usize = 64;
    const BATCH_START_BYTES: usize = 48;
    let sent = |world: &mut World, seconds: i64| {
        let alerts = (0..ALERTS).map(|number| {
            let text = format!("A job={} n={number}", number % 10_000);
            alert(&text, 0, seconds + 240)
        });
        let alerts: Vec<AlertV1> = alerts.collect();
        for request in alerts.chunks(PER_REQUEST) {
            world.post_alerts(request.to_vec());
        }
    };
    let mut world = explaining(grouped());
    sent(&mut world, 0);
    world.run(31);
    for minute in 1..=5 {
        world.run(60 * minute);
        if minute == 5 {
            break;
        }
        sent(&mut world, 60 * minute);
    }
    // All groups are flushed within these five minutes, and nothing has changed.
    world.log.clear();
    for minute in 5..10 {
        for _ in 0..2 {
            sent(&mut world, 60 * minute);
        }
        world.run(60 * (minute + 1) - 1);
    }
    let requests = world
        .log
        .iter()
        .filter(|(_, record)| matches!(record, Record::AlertTouch(_)));
    let requests = requests.count();
    let starts = BATCH_START_BYTES * requests;
    let senders: usize = receipts(requests as u64).iter().map(bytes_of).sum();
    let explaining = senders + bytes(&world, Record::is_explanation);
    let all = starts + senders + bytes(&world, |_| true);
    let flushes = world.log.iter().filter_map(|(_, record)| match record {
        Record::Decisions(decisions) => Some(decisions.flushes.len()),
        _ => None,
    });
    let flushes: usize = flushes.sum();
    println!(
        "{} bytes/s, {} of them explain",
        all / 300,
        explaining / 300
    );
    assert_eq!(
        (
            requests,
            flushes,
            all / 300 < 300_000,
            explaining / 300 < 10_000
        ),
        (10 * ALERTS.div_ceil(PER_REQUEST), 10_000, true, true)
    );
}
