//! The index over a storage in memory.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tocsin::history::index::follow::take;
use tocsin::history::index::{
    Change, Contents, Index, Limits, MemoryStorage, Past, Storage, add_record,
};
use tocsin::history::{Entry, Order, Position, Span, Subject, Timeline, What};
use tocsin::record::{AlertBatchV1, AlertV1, Lsn, Record, TenantV1};
use tocsin::sys::WallTime;

use super::records::{DAY_NS, MINUTE_NS, fingerprint, received, touched};

const EVERYTHING: Limits = Limits {
    retention: Duration::MAX,
    bytes_max: u64::MAX,
};

fn add(index: &Index, lsn: u64, record: &Record) {
    add_record(index, Lsn(lsn), record, WallTime(0)).unwrap();
}

fn open(storage: &Arc<MemoryStorage>, limits: Limits) -> Arc<Index> {
    let storage: Arc<dyn Storage> = Arc::clone(storage) as _;
    Arc::new(Index::open(storage, [7; 16], limits).unwrap())
}

fn entries(index: &Arc<Index>, subject: &Subject, span: Span, order: Order) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut take = |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    };
    let past = Past::new(Arc::clone(index), "");
    past.scan(subject, span, order, &mut take).unwrap();
    entries
}

/// What happened to an alert, oldest first: kind and how often.
fn timeline(index: &Arc<Index>, name: &str) -> Vec<(&'static str, u32)> {
    let subject = Subject::Alert(fingerprint(name));
    let entries = entries(index, &subject, Span::ALL, Order::OldestFirst);
    let kind = |entry: &Entry| match entry.what {
        What::Received { .. } => "received",
        What::Touched { .. } => "touched",
        _ => "other",
    };
    entries.iter().map(|it| (kind(it), it.times)).collect()
}

#[test]
fn the_same_said_again_and_again_is_one_entry_also_across_a_restart() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, EVERYTHING);
    add(&index, 1, &received("A", 0));
    for minute in 1..10u64 {
        add(
            &index,
            1 + minute,
            &touched("A", minute.cast_signed() * MINUTE_NS),
        );
    }
    index.persist().unwrap();
    let index = open(&storage, EVERYTHING);
    for minute in 10..20u64 {
        add(
            &index,
            1 + minute,
            &touched("A", minute.cast_signed() * MINUTE_NS),
        );
    }
    assert_eq!(timeline(&index, "A"), [("received", 20)]);
}

#[test]
fn what_was_not_written_is_read_again_and_what_was_is_not_taken_twice() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, EVERYTHING);
    add(&index, 1, &received("A", 0));
    index.persist().unwrap();
    add(&index, 2, &received("A", MINUTE_NS));
    // A crash: the second is lost, and comes again, with the first.
    let index = open(&storage, EVERYTHING);
    assert_eq!(index.applied(), Lsn(1));
    add(&index, 1, &received("A", 0));
    add(&index, 2, &received("A", MINUTE_NS));
    assert_eq!(timeline(&index, "A"), [("received", 1), ("received", 1)]);
}

#[test]
fn entries_come_in_the_order_of_their_positions_over_many_chunks_and_within_a_span() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, EVERYTHING);
    let hours: Vec<i64> = (0..200).collect();
    for hour in &hours {
        let at = hour * 60 * MINUTE_NS;
        add(
            &index,
            10 + hour.unsigned_abs(),
            &received(["A", "B"][usize::from(hour % 2 == 1)], at),
        );
    }
    assert!(index.contents().chunks > 10, "{:?}", index.contents());
    let subject = Subject::Alert(fingerprint("A"));
    let at = |hour: i64| WallTime(hour * 60 * MINUTE_NS);
    let span = Span::between(at(20), at(100));
    let positions = |order| -> Vec<Position> {
        let entries = entries(&index, &subject, span, order);
        entries.iter().map(|entry| entry.position).collect()
    };
    let expected: Vec<Position> = hours
        .iter()
        .filter(|hour| *hour % 2 == 0 && (20..=100).contains(*hour))
        .map(|hour| Position {
            at: at(*hour),
            lsn: Lsn(10 + hour.unsigned_abs()),
            place: 0,
        })
        .collect();
    let reversed: Vec<Position> = expected.iter().rev().copied().collect();
    assert_eq!(
        (positions(Order::OldestFirst), positions(Order::NewestFirst)),
        (expected, reversed)
    );
}

#[test]
fn what_is_older_than_the_retention_goes_with_its_names_and_the_horizon_follows() {
    let storage = Arc::new(MemoryStorage::default());
    let limits = Limits {
        retention: Duration::from_secs(10 * 24 * 3600),
        bytes_max: u64::MAX,
    };
    let index = open(&storage, limits);
    for day in 0..30u64 {
        add(
            &index,
            1 + day,
            &received(&format!("A{day}"), day.cast_signed() * DAY_NS),
        );
    }
    index.retain(WallTime(30 * DAY_NS)).unwrap();
    let past = Past::new(Arc::clone(&index), "");
    let known = (0..30).filter(|day| {
        let alert = fingerprint(&format!("A{day}"));
        past.alert(alert).unwrap().is_some()
    });
    let first_known = known.min();
    let kept = (0..30).filter(|day| !timeline(&index, &format!("A{day}")).is_empty());
    let first_kept = kept.min();
    let horizon = past.horizon().unwrap();
    // What is read from storage again is the same.
    index.persist().unwrap();
    let reopened = open(&storage, limits);
    assert_eq!(
        (
            first_known,
            first_kept,
            horizon > WallTime(18 * DAY_NS),
            horizon <= WallTime(20 * DAY_NS),
            reopened.contents()
        ),
        (Some(20), Some(20), true, true, index.contents())
    );
}

#[test]
fn more_bytes_than_allowed_are_not_kept() {
    let storage = Arc::new(MemoryStorage::default());
    let limits = Limits {
        retention: Duration::MAX,
        bytes_max: 1_000_000,
    };
    let index = open(&storage, limits);
    for number in 0..30_000u32 {
        // Texts that pack badly.
        let name = format!(
            "{:x}{:x}",
            u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            number.wrapping_mul(0x85EB_CA6B)
        );
        add(
            &index,
            1 + u64::from(number),
            &received(&name, i64::from(number) * MINUTE_NS),
        );
        if number % 1000 == 0 {
            index
                .retain(WallTime(i64::from(number) * MINUTE_NS))
                .unwrap();
        }
    }
    index.retain(WallTime(30_000 * MINUTE_NS)).unwrap();
    let size = storage.size_bytes().unwrap();
    let Contents { entries, .. } = index.contents();
    assert_eq!(
        (size <= 1_000_000, entries > 0),
        (true, true),
        "{size} bytes, {entries} entries"
    );
}

/// Everything in a storage.
fn values(storage: &MemoryStorage) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut values = Vec::new();
    let mut note = |key: &[u8], value: &[u8]| {
        values.push((key.to_vec(), value.to_vec()));
        Ok(())
    };
    storage.scan(&[], &mut note).unwrap();
    values
}

/// A storage that holds these.
fn holding(values: &[(Vec<u8>, Vec<u8>)]) -> Arc<MemoryStorage> {
    let storage = MemoryStorage::default();
    let changes = values.iter().map(|(key, value)| Change {
        key: key.clone(),
        value: Some(value.clone()),
    });
    storage.apply(changes.collect()).unwrap();
    Arc::new(storage)
}

/// Whether an index is taken for sound, as the probe does it.
fn is_sound(values: &[(Vec<u8>, Vec<u8>)]) -> bool {
    let storage: Arc<dyn Storage> = holding(values) as _;
    let opened = Index::open(storage, [7; 16], EVERYTHING);
    opened.and_then(|index| index.verify()).is_ok()
}

#[test]
fn a_value_that_was_changed_lost_or_is_the_one_before_is_missed() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, EVERYTHING);
    let hour = |hour: u64| {
        received(["A", "B"][usize::from(hour % 2 == 1)], {
            hour.cast_signed() * 60 * MINUTE_NS
        })
    };
    (1..40).for_each(|number| add(&index, number, &hour(number)));
    index.persist().unwrap();
    let before = values(&storage);
    add(&index, 40, &hour(40));
    index.persist().unwrap();
    let now = values(&storage);
    let with = |place: usize, change: &dyn Fn(&mut Vec<u8>)| {
        let mut values = now.clone();
        change(&mut values[place].1);
        values
    };
    let places = 0..now.len();
    let changed = places.clone().filter(|place| {
        let bytes = now[*place].1.len();
        (0..bytes).any(|byte| is_sound(&with(*place, &|value| value[byte] ^= 0x10)))
    });
    let lost = places.clone().filter(|place| {
        let mut values = now.clone();
        values.remove(*place);
        is_sound(&values)
    });
    let old = places.filter(|place| {
        let (key, value) = &now[*place];
        let older = before.iter().find(|(it, _)| it == key);
        older.is_some_and(|(_, older)| {
            older != value && is_sound(&with(*place, &|value| value.clone_from(older)))
        })
    });
    assert_eq!(
        (is_sound(&now), changed.count(), lost.count(), old.count()),
        (true, 0, 0, 0)
    );
}

#[test]
fn a_name_that_went_away_under_a_running_index_is_reported_and_not_taken_for_an_unknown_one() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, EVERYTHING);
    add(&index, 1, &received("A", 0));
    let past = Past::new(Arc::clone(&index), "");
    let before = past.alert(fingerprint("A")).unwrap().is_some();
    index.persist().unwrap();
    add(&index, 2, &received("B", 0));
    index.persist().unwrap();
    // The other one: what was read is kept for a while.
    let written = past.alert(fingerprint("B")).unwrap().is_some();
    let names = values(&storage)
        .into_iter()
        .filter(|(key, _)| key[0] == b'n');
    let gone = names.map(|(key, _)| Change { key, value: None });
    storage.apply(gone.collect()).unwrap();
    let lost = past.alert(fingerprint("A")).is_err();
    assert_eq!(
        (
            before,
            written,
            lost,
            index.reported().map(|it| it.reason())
        ),
        (true, true, true, Some("mismatch"))
    );
}

#[test]
fn a_record_that_comes_again_adds_nothing_and_one_that_is_missing_moves_the_horizon() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, EVERYTHING);
    let created = |at_ns: i64| {
        Record::TenantCreated(TenantV1 {
            tenant: String::new(),
            at_ns,
        })
    };
    add(&index, 1, &created(DAY_NS));
    add(&index, 1, &created(DAY_NS));
    let entries = entries(&index, &Subject::Tenant, Span::ALL, Order::OldestFirst).len();
    let past = Past::new(Arc::clone(&index), "");
    let at_first = past.horizon();
    index.skip_to(Lsn(9));
    add(&index, 10, &created(3 * DAY_NS));
    assert_eq!(
        (entries, at_first, past.horizon()),
        (1, Some(WallTime(DAY_NS)), Some(WallTime(3 * DAY_NS)))
    );
}

#[test]
fn entries_of_all_subjects_come_in_order_though_their_chunks_overlap() {
    let storage = Arc::new(MemoryStorage::default());
    let index = open(&storage, EVERYTHING);
    let many = 6_000u32;
    for number in 0..many {
        // Subjects in another order than times.
        let name = format!("A{:x}", number.wrapping_mul(0x9E37_79B9));
        add(
            &index,
            1 + u64::from(number),
            &received(&name, i64::from(number) * MINUTE_NS / 60),
        );
    }
    // Closes what is open.
    add(&index, 10_000, &received("Last", DAY_NS));
    index.persist().unwrap();
    add(&index, 10_001, &received("Last", 2 * DAY_NS));
    let past = Past::new(Arc::clone(&index), "");
    let lsns = |order| {
        let mut lsns = Vec::new();
        let mut take = |entry: Entry| {
            lsns.push(entry.position.lsn.0);
            ControlFlow::Continue(())
        };
        past.scan_all(Span::ALL, order, &mut take).unwrap();
        lsns
    };
    let expected: Vec<u64> = (1..=u64::from(many)).chain([10_000, 10_001]).collect();
    let reversed: Vec<u64> = expected.iter().rev().copied().collect();
    assert_eq!(
        (
            index.contents().chunks > 2,
            lsns(Order::OldestFirst) == expected,
            lsns(Order::NewestFirst) == reversed
        ),
        (true, true, true)
    );
}

#[test]
fn alerts_that_are_read_where_they_are_come_to_the_same_as_their_record() {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs.map(|(a, b)| ((*a).into(), (*b).into())).collect()
    };
    let alert = |labels: &[(&str, &str)], generator_url: &str| AlertV1 {
        labels: pairs(labels),
        annotations: pairs(&[("summary", "full"), ("runbook", "ä")]),
        starts_at_ns: 1,
        ends_at_ns: MINUTE_NS,
        is_timeout: false,
        generator_url: generator_url.to_owned(),
    };
    let record = |received_at_ns: i64, alerts: Vec<AlertV1>| {
        Record::AlertBatch(AlertBatchV1 {
            tenant: "one".to_owned(),
            received_at_ns,
            alerts,
        })
    };
    let records = [
        record(
            1,
            vec![
                alert(&[("alertname", "A"), ("job", "node")], ""),
                alert(&[("alertname", "B"), ("empty", "")], "http://here"),
                alert(&[], ""),
            ],
        ),
        // Out of order, and the first once more.
        record(
            2,
            vec![alert(&[("job", "node"), ("alertname", "A")], "http://x")],
        ),
        record(3, vec![alert(&[("alertname", "A"), ("job", "node")], "")]),
    ];
    let filled = |take: &dyn Fn(&Index, Lsn, &Record)| {
        let storage = Arc::new(MemoryStorage::default());
        let index = open(&storage, EVERYTHING);
        (1..)
            .zip(&records)
            .for_each(|(lsn, record)| take(&index, Lsn(lsn), record));
        index.persist().unwrap();
        values(&storage)
    };
    let in_place = filled(&|index, lsn, record| {
        let payload = record.encode().unwrap();
        take(index, lsn, record.record_type(), record.schema(), &payload).unwrap();
    });
    let decoded = filled(&|index, lsn, record| {
        add_record(index, lsn, record, WallTime(0)).unwrap();
    });
    assert_eq!(in_place, decoded);
}

#[test]
fn names_that_were_written_before_their_entries_promise_none_of_them() {
    let padding = "x".repeat(400);
    let name = |number: u64| format!("A{number}-{padding}");
    let many = 4_000u64;
    let fill = |index: &Index| {
        (1..=many).for_each(|lsn| add(index, lsn, &received(&name(lsn), lsn.cast_signed())));
    };
    let storage = Arc::new(MemoryStorage::default());
    fill(&open(&storage, EVERYTHING));
    let written = values(&storage)
        .into_iter()
        .filter(|(key, _)| key[0] == b'n');
    let has_names = written.count() > 0;
    // A crash: everything comes again.
    let index = open(&storage, EVERYTHING);
    let (applied, since) = (index.applied(), index.known_since());
    fill(&index);
    let never_crashed = open(&Arc::new(MemoryStorage::default()), EVERYTHING);
    fill(&never_crashed);
    let seen = |index: &Arc<Index>| {
        let timelines = (1..=many).map(|number| timeline(index, &name(number)));
        (index.contents().names, timelines.collect::<Vec<_>>())
    };
    assert_eq!(
        (has_names, applied, since, seen(&index)),
        (true, Lsn(0), None, seen(&never_crashed))
    );
}
