//! What integrations were told last: its life, its bytes, and peers.

use tocsin::core::{LogEntry, LogKey};
use tocsin::model::route::RouteSpec;
use tocsin::record::{MergeV1, Record};

use crate::support::{Health, World, at, policy, route, seconds, simple};

fn entries(world: &World) -> Vec<(LogKey, LogEntry)> {
    let tenant = world.core.tenant("").unwrap();
    let all = tenant.notification_log().iter();
    all.map(|(key, entry)| (key.clone(), entry.clone()))
        .collect()
}

#[test]
fn an_entry_is_alertmanagers_message_to_the_byte() {
    let root = RouteSpec {
        repeat_interval: seconds(60),
        ..route("r", &[])
    };
    let mut world = World::new(policy(root, &["r"]));
    world.post(&["A"]);
    world.run(30);
    let (key, entry) = entries(&world).remove(0);
    let hex = entry.encoded().iter().map(|byte| format!("{byte:02x}"));
    assert_eq!(
        (&*key.group_key, entry.told_at, entry.expires_at, hex.collect::<String>()),
        (
            "{}:{}",
            at(30),
            at(150),
            // Made by hand from the field numbers of nflog.proto.
            "0a290a057b7d3a7b7d120c0a01721207776562686f6f6b2a0608ceb589d806320afcabede1849ac2d8f701120608c6b689d806".to_owned()
        )
    );
}

#[test]
fn entries_live_for_twice_the_repeat_interval_at_most_for_the_retention() {
    let life = |repeat: i64, retention: i64| {
        let root = RouteSpec {
            repeat_interval: seconds(repeat),
            ..route("r", &[])
        };
        let mut policy = policy(root, &["r"]);
        policy.retention = seconds(retention).unwrap();
        let mut world = World::new(policy);
        world.post(&["A"]);
        world.run(30);
        (entries(&world)[0].1.expires_at.0 - at(30).0) / 1_000_000_000
    };
    assert_eq!([life(100, 1_000), life(900, 1_000)], [200, 1_000]);
}

#[test]
fn r44_an_entry_is_believed_until_it_is_collected_and_then_everything_is_a_first_notification() {
    let mut policy = simple();
    policy.retention = seconds(1_000).unwrap();
    let mut world = World::new(policy);
    world.post(&["A"]);
    world.run(3_000);
    world.checked_hash();
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            // Expired at 1030, collected at 1800.
            "1830 r/webhook first notification: A",
        ]
    );
}

#[test]
fn an_entry_is_kept_beyond_its_life_while_its_receiver_is_owed_something() {
    let root = RouteSpec {
        repeat_interval: seconds(1_200),
        ..route("r", &[])
    };
    let mut world = World::new(policy(root, &["r"]));
    world.post(&["A"]);
    world.run(100);
    world.health.insert("r".to_owned(), Health::Down);
    // Long beyond twice the repeat interval.
    world.run(9_000);
    world.post(&["-A"]);
    world.run(18_000);
    world.health.clear();
    world.run(30_000);
    world.checked_hash();
    assert_eq!(
        (world.sent.pop(), entries(&world).len()),
        (
            Some("18030 r/webhook all alerts resolved:, resolved A (attempt 31)".to_owned()),
            0
        )
    );
}

/// An entry of a peer that told at `told`.
fn of_peer(told: i64, expires: i64) -> Vec<u8> {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.now = told;
    world.step();
    let notification = world.got.remove(0);
    let tocsin::record::Record::NotifyResult(result) =
        notification.delivered(at(told), std::collections::BTreeMap::new())
    else {
        unreachable!()
    };
    let mut mesh: tocsin::core::proto::MeshEntry = prost::Message::decode(&*result.entry).unwrap();
    mesh.expires_at = Some(at(expires).into());
    prost::Message::encode_to_vec(&mesh)
}

#[test]
fn entries_of_peers_are_taken_if_they_are_younger_and_have_not_expired() {
    let mut world = World::new(simple());
    world.now = 1_000;
    let mut told_after = vec![];
    for (told, expires) in [
        (500, 900),
        (500, 5_000),
        (400, 6_000),
        (500, 7_000),
        (600, 8_000),
    ] {
        world.append(Record::NflogMerge(MergeV1 {
            tenant: String::new(),
            received_at_ns: at(1_000).0,
            entries: vec![of_peer(told, expires)],
        }));
        told_after.push(entries(&world).first().map(|(_, it)| it.told_at));
    }
    world.checked_hash();
    assert_eq!(
        told_after,
        [
            None,
            Some(at(500)),
            Some(at(500)),
            Some(at(500)),
            Some(at(600))
        ]
    );
}

#[test]
fn what_a_peer_told_leaves_owed_what_it_does_not_mention() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.run(100);
    world.silence("s", "alertname=A", 700);
    world.post(&["-A"]);
    let mut mesh: tocsin::core::proto::MeshEntry =
        prost::Message::decode(&*of_peer(90, 5_000)).unwrap();
    let entry = mesh.entry.as_mut().unwrap();
    // Of the same group, and of an alert that only the peer had.
    (entry.firing_alerts, entry.resolved_alerts) = (vec![], vec![7]);
    world.append(Record::NflogMerge(MergeV1 {
        tenant: String::new(),
        received_at_ns: at(100).0,
        entries: vec![prost::Message::encode_to_vec(&mesh)],
    }));
    world.run(1_000);
    world.checked_hash();
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "930 r/webhook all alerts resolved:, resolved A",
        ]
    );
}

#[test]
fn a_message_that_is_none_is_reported_and_the_others_are_taken() {
    let mut world = World::new(simple());
    world.append(Record::NflogMerge(MergeV1 {
        tenant: String::new(),
        received_at_ns: at(0).0,
        entries: vec![vec![0xff], vec![], of_peer(50, 5_000)],
    }));
    assert_eq!((world.events.len(), entries(&world).len()), (2, 1));
}

#[test]
fn h16_an_entry_with_a_time_ahead_of_the_clock_does_not_keep_later_ones_out() {
    let mut world = World::new(simple());
    world.now = 3_600;
    world.post(&["A"]);
    world.run(3_630);
    // The clock goes back by an hour.
    world.now = 30;
    for record in world.core.plan_recovery(at(3_630), at(30)) {
        world.append(record);
    }
    world.post(&["B"]);
    world.run(2_000);
    assert_eq!(
        world.sent,
        [
            "3630 r/webhook first notification: A",
            "330 r/webhook new alerts added: A B",
        ]
    );
}
