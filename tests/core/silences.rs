//! The life of a silence.

use tocsin::core::proto::{Matcher, MatcherSet, MeshSilence, Silence as Message};
use tocsin::core::{SilenceDraft, SilenceError, SilenceState};
use tocsin::model::{NameRule, Operator};
use tocsin::record::{MergeV1, Record};

use crate::support::{World, at, labels, simple};

fn draft(starts: Option<i64>, ends: i64) -> SilenceDraft {
    SilenceDraft {
        matcher_sets: vec![vec![equal("alertname", "A")]],
        starts_at: starts.map(at),
        ends_at: Some(at(ends)),
        created_by: "me".to_owned(),
        comment: "c".to_owned(),
        ..SilenceDraft::default()
    }
}

fn equal(name: &str, value: &str) -> (String, Operator, String) {
    (name.to_owned(), Operator::Equal, value.to_owned())
}

/// Sets a silence: its id and whether it is new, or the error.
fn set(world: &mut World, draft: &SilenceDraft, new_id: &str) -> Result<(String, bool), String> {
    let now = at(world.now);
    let change = world
        .core
        .set_silence("", draft, NameRule::Classic, new_id, now)
        .map_err(|error| error.to_string())?;
    for record in change.records {
        world.append(record);
    }
    Ok((change.id, change.is_new))
}

/// Id, start, end, state of all silences.
fn listed(world: &World) -> Vec<(String, i64, i64, SilenceState)> {
    let since = |time: tocsin::sys::WallTime| (time.0 - at(0).0) / 1_000_000_000;
    let tenant = world.core.tenant("").unwrap();
    let all = tenant.silences().iter().map(|it| {
        let state = it.state_at(at(world.now));
        (
            it.id.to_string(),
            since(it.starts_at),
            since(it.ends_at),
            state,
        )
    });
    all.collect()
}

#[test]
fn what_makes_no_sense_is_refused_in_alertmanagers_words() {
    let mut world = World::new(simple());
    let of = |sets: Vec<Vec<(&str, Operator, &str)>>| SilenceDraft {
        matcher_sets: sets
            .into_iter()
            .map(|set| {
                set.into_iter()
                    .map(|(name, operator, value)| (name.to_owned(), operator, value.to_owned()))
                    .collect()
            })
            .collect(),
        ..draft(None, 100)
    };
    let drafts = [
        of(vec![]),
        of(vec![vec![]]),
        of(vec![vec![("a", Operator::Equal, "1")], vec![]]),
        of(vec![vec![
            ("a", Operator::Equal, "1"),
            ("a-b", Operator::Equal, "1"),
        ]]),
        of(vec![vec![("a", Operator::Regex, "(")]]),
        of(vec![vec![
            ("a", Operator::Equal, ""),
            ("b", Operator::Regex, "x*"),
        ]]),
        SilenceDraft {
            ends_at: None,
            ..draft(None, 0)
        },
        draft(Some(20), 10),
        SilenceDraft {
            id: "unknown".to_owned(),
            ..draft(None, 10)
        },
    ];
    let refused = drafts.map(|draft| set(&mut world, &draft, "new").unwrap_err());
    assert_eq!(
        refused,
        [
            "invalid silence: at least one matcher set required",
            "invalid silence: matcher set 0 is empty",
            "invalid silence: matcher set 1 is empty",
            r#"invalid silence: invalid label matcher 1 in set 0: invalid label name "a-b""#,
            "invalid silence: invalid label matcher 0 in set 0: invalid regular expression \"(\": error parsing regexp: missing closing ): `(`",
            "invalid silence: matcher set 0: at least one matcher must not match the empty string",
            "invalid silence: invalid zero end timestamp",
            "invalid silence: end time must not be before start time",
            "silence not found",
        ]
    );
}

#[test]
fn a_silence_of_negative_matchers_alone_is_accepted() {
    let mut world = World::new(simple());
    let draft = SilenceDraft {
        matcher_sets: vec![vec![("a".to_owned(), Operator::NotEqual, "1".to_owned())]],
        ..draft(None, 100)
    };
    assert_eq!(set(&mut world, &draft, "new"), Ok(("new".to_owned(), true)));
}

#[test]
fn an_active_silence_is_changed_in_place_or_replaced() {
    let mut world = World::new(simple());
    set(&mut world, &draft(None, 100), "a").unwrap();
    world.now = 50;
    let change = |starts, ends| SilenceDraft {
        id: "a".to_owned(),
        ..draft(starts, ends)
    };
    let in_place = set(&mut world, &change(Some(0), 200), "b");
    let replaced = set(&mut world, &change(Some(1), 200), "c");
    world.now = 51;
    let expired = set(&mut world, &change(Some(0), 200), "d");
    world.checked_hash();
    use SilenceState::{Active, Expired};
    assert_eq!(
        (in_place, replaced, expired, listed(&world)),
        (
            Ok(("a".to_owned(), false)),
            Ok(("c".to_owned(), true)),
            Ok(("d".to_owned(), true)),
            vec![
                ("a".to_owned(), 0, 50, Expired),
                ("c".to_owned(), 50, 200, Active),
                ("d".to_owned(), 51, 200, Active),
            ]
        )
    );
}

#[test]
fn a_pending_silence_may_be_moved_but_not_into_the_past() {
    let mut world = World::new(simple());
    set(&mut world, &draft(Some(100), 200), "a").unwrap();
    world.now = 50;
    let change = |starts, ends| SilenceDraft {
        id: "a".to_owned(),
        ..draft(Some(starts), ends)
    };
    let moved = set(&mut world, &change(60, 300), "b");
    let replaced = set(&mut world, &change(49, 300), "c");
    world.now = 51;
    use SilenceState::{Active, Expired};
    assert_eq!(
        (moved, replaced, listed(&world)),
        (
            Ok(("a".to_owned(), false)),
            Ok(("c".to_owned(), true)),
            vec![
                ("a".to_owned(), 50, 50, Expired),
                ("c".to_owned(), 50, 300, Active),
            ]
        )
    );
}

#[test]
fn other_matchers_make_another_silence() {
    let mut world = World::new(simple());
    set(&mut world, &draft(None, 100), "a").unwrap();
    let other = SilenceDraft {
        id: "a".to_owned(),
        matcher_sets: vec![vec![equal("alertname", "B")]],
        ..draft(Some(0), 100)
    };
    assert_eq!(set(&mut world, &other, "b"), Ok(("b".to_owned(), true)));
}

#[test]
fn a_silence_is_active_at_both_ends_of_its_span() {
    let mut world = World::new(simple());
    set(&mut world, &draft(Some(10), 20), "a").unwrap();
    let states = [9, 10, 20, 21].map(|now| {
        world.now = now;
        let muting = world.core.tenant("").unwrap().silences();
        (
            listed(&world)[0].3,
            muting.muting(&labels("A"), at(now)).len(),
        )
    });
    use SilenceState::{Active, Expired, Pending};
    assert_eq!(
        states,
        [(Pending, 0), (Active, 1), (Active, 1), (Expired, 0)]
    );
}

#[test]
fn silences_are_limited_in_number_and_size_and_a_replacement_needs_a_free_slot() {
    let mut policy = simple();
    policy.limits.silences = Some(1);
    policy.limits.silence_bytes = Some(150);
    let mut world = World::new(policy);
    set(&mut world, &draft(None, 100), "a").unwrap();
    let another = set(&mut world, &draft(None, 100), "b");
    let replacement = set(
        &mut world,
        &SilenceDraft {
            id: "a".to_owned(),
            ..draft(Some(50), 100)
        },
        "b",
    );
    let large = set(
        &mut world,
        &SilenceDraft {
            id: "a".to_owned(),
            comment: "x".repeat(200),
            ..draft(Some(0), 100)
        },
        "b",
    );
    let too_many = "exceeded maximum number of silences: 1 (limit: 1)".to_owned();
    assert_eq!(
        (another, replacement, large),
        (
            Err(too_many.clone()),
            Err(too_many),
            Err("silence exceeded maximum size: 279 bytes (limit: 150 bytes)".to_owned())
        )
    );
}

#[test]
fn expiring_twice_changes_nothing_and_an_unknown_one_is_not_found() {
    let mut world = World::new(simple());
    set(&mut world, &draft(None, 100), "a").unwrap();
    world.now = 10;
    world.expire("a");
    world.now = 11;
    let again = world.core.expire_silence("", "a", at(11));
    let unknown = world.core.expire_silence("", "b", at(11));
    assert_eq!(
        (again, unknown, listed(&world)),
        (
            Ok(None),
            Err(SilenceError::NotFound),
            vec![("a".to_owned(), 0, 10, SilenceState::Expired)]
        )
    );
}

#[test]
fn an_expired_silence_is_collected_after_the_retention() {
    let mut policy = simple();
    policy.retention = tocsin::model::Duration::from_secs(1_000);
    let mut world = World::new(policy);
    set(&mut world, &draft(None, 100), "a").unwrap();
    world.run(1_700);
    let before = listed(&world).len();
    world.run(2_000);
    world.checked_hash();
    assert_eq!((before, listed(&world).len()), (1, 0));
}

/// A silence of a peer.
fn of_peer(id: &str, updated: i64, expires: i64, sets: &[&[(i32, &str, &str)]]) -> Vec<u8> {
    let sets = sets.iter().map(|set| MatcherSet {
        matchers: set
            .iter()
            .map(|(kind, name, pattern)| Matcher {
                kind: *kind,
                name: (*name).to_owned(),
                pattern: (*pattern).to_owned(),
            })
            .collect(),
    });
    let mesh = MeshSilence {
        silence: Some(Message {
            id: id.to_owned(),
            starts_at: Some(at(0).into()),
            ends_at: Some(at(1_000).into()),
            updated_at: Some(at(updated).into()),
            matcher_sets: sets.collect(),
            ..Message::default()
        }),
        expires_at: Some(at(expires).into()),
    };
    prost::Message::encode_to_vec(&mesh)
}

fn merge(world: &mut World, entries: Vec<Vec<u8>>) {
    world.append(Record::SilenceMerge(MergeV1 {
        tenant: String::new(),
        received_at_ns: at(world.now).0,
        entries,
    }));
}

#[test]
fn silences_of_peers_are_taken_if_they_are_younger_and_have_not_expired() {
    let mut world = World::new(simple());
    world.now = 100;
    let set: &[&[(i32, &str, &str)]] = &[&[(0, "alertname", "A")]];
    let mut updated = vec![];
    for (at_time, expires) in [(10, 90), (10, 5_000), (5, 5_000), (10, 6_000), (20, 5_000)] {
        merge(&mut world, vec![of_peer("p", at_time, expires, set)]);
        let tenant = world.core.tenant("").unwrap();
        updated.push(tenant.silences().get("p").map(|it| it.updated_at));
    }
    world.checked_hash();
    assert_eq!(
        updated,
        [None, Some(at(10)), Some(at(10)), Some(at(10)), Some(at(20))]
    );
}

#[test]
fn one_of_several_matcher_sets_is_enough_and_all_four_operators_count() {
    let mut world = World::new(simple());
    let sets: &[&[(i32, &str, &str)]] = &[
        &[(0, "alertname", "A"), (2, "job", "x")],
        &[(1, "alertname", "B|C"), (3, "job", "y.*")],
    ];
    merge(&mut world, vec![of_peer("p", 1, 5_000, sets)]);
    let tenant = world.core.tenant("").unwrap();
    let seen = ["A", "A job=x", "B job=x", "C job=yy", "D"]
        .map(|text| tenant.silences().muting(&labels(text), at(1)).len());
    assert_eq!(seen, [1, 0, 1, 0, 0]);
}

#[test]
fn a_silence_without_matchers_or_with_one_that_cannot_be_compiled_mutes_nothing() {
    let mut world = World::new(simple());
    let none = of_peer("none", 1, 5_000, &[]);
    let empty = of_peer("empty", 1, 5_000, &[&[]]);
    let broken = of_peer("broken", 1, 5_000, &[&[(1, "alertname", "(")]]);
    merge(&mut world, vec![none, empty, broken]);
    let tenant = world.core.tenant("").unwrap();
    let faults = tenant.silences().iter().map(|it| it.fault.is_some());
    assert_eq!(
        (
            tenant.silences().muting(&labels("A"), at(1)).len(),
            faults.collect::<Vec<_>>()
        ),
        (0, vec![true, false, false])
    );
}

#[test]
fn the_matchers_of_old_versions_are_read_and_written() {
    let mut world = World::new(simple());
    let legacy = MeshSilence {
        silence: Some(Message {
            id: "old".to_owned(),
            matchers: vec![Matcher {
                kind: 0,
                name: "alertname".to_owned(),
                pattern: "A".to_owned(),
            }],
            starts_at: Some(at(0).into()),
            ends_at: Some(at(1_000).into()),
            updated_at: Some(at(0).into()),
            comments: vec![tocsin::core::proto::Comment {
                author: "who".to_owned(),
                comment: "why".to_owned(),
                timestamp: None,
            }],
            ..Message::default()
        }),
        expires_at: Some(at(5_000).into()),
    };
    merge(&mut world, vec![prost::Message::encode_to_vec(&legacy)]);
    set(&mut world, &draft(None, 100), "new").unwrap();
    let tenant = world.core.tenant("").unwrap();
    let old = tenant.silences().get("old").unwrap();
    let new = tenant.silences().get("new").unwrap();
    let written: MeshSilence = prost::Message::decode(new.encoded()).unwrap();
    let written = written.silence.unwrap();
    assert_eq!(
        (
            old.matches(&labels("A")),
            (old.created_by.as_str(), old.comment.as_str()),
            written.matchers == written.matcher_sets[0].matchers,
        ),
        (true, ("who", "why"), true)
    );
}
