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
    assert_eq!((alone, of_a_hundred), (88, 3_160));
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
fn who_sent_a_request_costs_two_bytes_and_a_new_alert_nineteen() {
    let of_requests: usize = receipts(4_000).iter().map(bytes_of).sum();
    let mut world = explaining(simple());
    let alerts: Vec<AlertV1> = (0..1_000)
        .map(|number| alert(&format!("A n={number}"), 0, 1_000_000))
        .collect();
    world.post_alerts(alerts);
    world.step();
    let of_alerts = bytes(&world, Record::is_explanation);
    assert_eq!((of_requests / 4_000, of_alerts / 1_000), (2, 19));
}

/// 100,000 alerts in 10,000 groups whose flushes are spread over their interval, sent each minute by two
/// Prometheus in requests of 64: a tenth of it, times ten. The design allows 300,000 bytes a second.
#[test]
fn alerts_that_are_sent_again_and_what_explains_them_stay_within_their_volume() {
    const PARTS: usize = 10;
    const ALERTS: usize = 100_000 / PARTS;
    const GROUPS: usize = 10_000 / PARTS;
    const PER_REQUEST: usize = 64;
    const BATCH_START_BYTES: usize = 48;
    const INTERVAL: i64 = 300;
    let send = |world: &mut World, is_sent: &dyn Fn(usize) -> bool| {
        let ends = world.now + 240;
        let alerts = (0..ALERTS).filter(|number| is_sent(number % GROUPS));
        let alerts = alerts.map(|number| {
            let text = format!("A job={} n={number}", number % GROUPS);
            alert(&text, 0, ends)
        });
        let alerts: Vec<AlertV1> = alerts.collect();
        for request in alerts.chunks(PER_REQUEST) {
            world.post_alerts(request.to_vec());
        }
    };
    let mut world = explaining(grouped());
    for second in 0..INTERVAL {
        world.run(second);
        let job_of_second = |job: usize| i64::try_from(job).unwrap() % INTERVAL == second;
        send(&mut world, &job_of_second);
        if second % 60 == 0 {
            send(&mut world, &|job| {
                i64::try_from(job).unwrap() % INTERVAL < second
            });
        }
    }
    world.run(INTERVAL + 31);
    world.log.clear();
    for minute in 0..INTERVAL / 60 {
        send(&mut world, &|_| true);
        send(&mut world, &|_| true);
        world.run(INTERVAL + 31 + 60 * (minute + 1));
    }
    let is_touch = |record: &Record| matches!(record, Record::AlertTouch(_));
    let touches = world.log.iter().filter(|(_, record)| is_touch(record));
    let requests = touches.count();
    let flushes = world.log.iter().filter_map(|(_, record)| match record {
        Record::Decisions(decisions) => Some(decisions.flushes.len()),
        _ => None,
    });
    let flushes: usize = flushes.sum();
    let senders: usize = receipts(requests as u64).iter().map(bytes_of).sum();
    let explaining = senders + bytes(&world, Record::is_explanation);
    let all = BATCH_START_BYTES * requests + senders + bytes(&world, |_| true);
    let per_second = |bytes: usize| bytes * PARTS / 300;
    assert_eq!(
        (
            requests,
            flushes,
            per_second(all) < 300_000,
            per_second(explaining) < 10_000
        ),
        (10 * ALERTS.div_ceil(PER_REQUEST), GROUPS, true, true)
    );
}
