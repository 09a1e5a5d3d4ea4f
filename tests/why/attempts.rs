//! From whom an alert came, and how its notification was tried.

use std::sync::Arc;

use tocsin::core::explain::Explanations;

use crate::support::{Health, at, explaining, simple};
use crate::{ask, lines};

#[test]
fn who_sent_an_alert() {
    let mut world = explaining(simple());
    world.post(&["Z"]);
    let (before, _) = world.log[0];
    world.run(1);
    world.post(&["A"]);
    let (first, _) = *world.log.last().unwrap();
    world.run(2);
    world.post(&["B"]);
    let (second, _) = *world.log.last().unwrap();
    let mut explanations = Explanations::default();
    let tenant: Arc<str> = "".into();
    explanations.received(&tenant, at(0), before, &"10.0.0.2 curl".into());
    explanations.received(&tenant, at(1), first, &"10.0.0.3 Prometheus/3.5.0".into());
    explanations.received(&tenant, at(2), second, &"10.0.0.4 vmalert".into());
    for record in explanations.take().0 {
        world.append(record);
    }
    world.run(40);
    // Nobody said who sent this one, and it came long after the others.
    (0..64).for_each(|number| world.post(&[&format!("N{number}")]));
    world.post(&["C"]);
    world.run(80);
    let from = |text: &str| {
        let answer = ask(&world, text, 80);
        let found = answer.evidence.0.into_iter();
        found
            .filter(|(name, _)| *name == "received from")
            .map(|(_, value)| value)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ["A", "B", "C"].map(|name| from(&format!("alertname={name}"))),
        [
            vec!["10.0.0.3 Prometheus/3.5.0".to_owned()],
            vec!["10.0.0.4 vmalert".to_owned()],
            vec![]
        ]
    );
}

#[test]
fn the_timeline_of_a_notification_that_failed() {
    let mut world = explaining(simple());
    world.health.insert("r".to_owned(), Health::Down);
    world.post(&["A"]);
    world.run(40);
    assert_eq!(
        lines(&ask(&world, "alertname=A", 40)),
        [
            "0 received: fires until 2026-12-03 16:46:40",
            "0 group {}:{} came into being, due at 03:00:30",
            "0 came to group {}:{}",
            "30 r/webhook[0]: to be sent (first notification): 1 firing, 0 resolved",
            "30 flushed: r/webhook[0] is told",
            "30 r/webhook[0]: tried 7 times, the last failed after 120 ms (serverError): unexpected status code 503",
            "30 r/webhook[0]: failed: down"
        ]
    );
}
