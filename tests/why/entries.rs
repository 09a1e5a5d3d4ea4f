//! Records as entries, and entries that are joined.

use tocsin::history::{Entry, Flush, GroupHash, Position, Subject, Told, What};
use tocsin::record::{FlushOccasion, Lsn, ToldReason, ToldVerdict, group_hash};

use crate::memory::Memory;
use crate::support::{World, alert, at, explaining, simple};
use crate::{ask, lines};

#[test]
fn what_repeats_is_one_entry_for_months() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(100_000);
    let memory = Memory::of(&world.log);
    let group = Subject::Group(GroupHash(group_hash(r#"{}:{}"#, 0)));
    let flushes: Vec<(u32, i64)> = memory.entries[&group]
        .iter()
        .filter(|entry| matches!(entry.what, What::Flushed(_)))
        .map(|entry| (entry.times, (entry.until.0 - at(0).0) / 1_000_000_000))
        .collect();
    // Each day told six times, and in between nothing.
    assert_eq!(
        flushes,
        [
            (1, 30),
            (48, 14_430),
            (1, 14_730),
            (48, 29_130),
            (1, 29_430),
            (48, 43_830),
            (1, 44_130),
            (48, 58_530),
            (1, 58_830),
            (48, 73_230),
            (1, 73_530),
            (48, 87_930),
            (1, 88_230),
            (39, 99_930),
        ]
    );
}

#[test]
fn an_alert_that_fires_on_is_one_entry_though_its_annotations_change() {
    let mut world = explaining(simple());
    let send = |world: &mut World, minute: i64, value: i64| {
        world.run(60 * minute);
        let mut sent = alert("A", 0, 60 * minute + 240);
        sent.annotations = vec![("value".to_owned(), value.to_string())];
        world.post_alerts(vec![sent]);
    };
    for minute in 0..10 {
        send(&mut world, minute, minute / 2);
    }
    world.run(1_000);
    world.post(&["-A"]);
    world.run(2_000);
    let answer = ask(&world, "alertname=A", 2_000);
    let received: Vec<String> = lines(&answer)
        .into_iter()
        .filter(|line| line.contains("received"))
        .collect();
    // That it came to its group stands between the first and the others.
    assert_eq!(
        received,
        [
            "0 received: fires until 03:04:00",
            "60 received again, unchanged: fires until 03:05:00",
            "120 received: fires until 03:13:00; 8 times, last at 03:09:00",
            "1000 received: ended at 03:16:40",
        ]
    );
}

#[test]
fn an_entry_that_was_taken_in_is_not_counted_twice() {
    let touched = |seconds: i64, lsn: u64| {
        let position = Position {
            at: at(seconds),
            lsn: Lsn(lsn),
            place: 0,
        };
        let what = What::Touched {
            alert: 7,
            ends_at: at(seconds + 300),
            is_timeout: false,
        };
        Entry::new(position, what)
    };
    let mut first = touched(0, 1);
    let taken = [(60, 2), (120, 3), (120, 3)].map(|(at, lsn)| first.absorb(&touched(at, lsn)));
    let expected = Entry {
        until: at(120),
        until_lsn: Lsn(3),
        times: 3,
        what: touched(120, 3).what,
        ..touched(0, 1)
    };
    assert_eq!((taken, first), ([true, true, true], expected));
}

#[test]
fn a_log_without_what_explains_it_replays_to_the_same_state() {
    let mut world = explaining(simple());
    world.post(&["A", "B"]);
    world.run(100);
    world.post(&["-B"]);
    world.run(5_000);
    let explained = world.checked_hash();
    let before = world.log.len();
    world.log.retain(|(_, record)| !record.is_explanation());
    let cut = before - world.log.len();
    assert_eq!((world.checked_hash(), cut > 0), (explained, true));
}

#[test]
fn only_what_says_nothing_new_is_joined() {
    let entry = |seconds: i64, lsn: u64, what: What| {
        let position = Position {
            at: at(seconds),
            lsn: Lsn(lsn),
            place: 0,
        };
        Entry::new(position, what)
    };
    let received = |starts: i64| What::Received {
        alert: 7,
        starts_at: at(starts),
        ends_at: at(1_000),
        is_timeout: false,
        annotations: 0,
        generator_url: 0,
    };
    let flushed = |verdict: ToldVerdict| {
        What::Flushed(Flush {
            group: GroupHash(1),
            receiver: "r".to_owned(),
            occasion: FlushOccasion::Tick,
            due_at: at(0),
            next_at: at(300),
            firing: 1,
            resolved: 0,
            inhibited: vec![],
            silenced: vec![],
            muted: vec![],
            told: vec![Told {
                integration: "webhook".to_owned(),
                index: 0,
                verdict,
                reason: ToldReason::None,
                flush_id: 0,
                attempt: 0,
                added: vec![],
                ended: vec![],
            }],
        })
    };
    let joined = |first: What, second: (i64, What)| {
        entry(100, 1, first).absorb(&entry(second.0, 2, second.1))
    };
    assert_eq!(
        [
            joined(received(0), (160, received(0))),
            joined(received(0), (160, received(120))),
            joined(received(0), (40, received(0))),
            joined(
                flushed(ToldVerdict::NothingChanged),
                (400, flushed(ToldVerdict::NothingChanged))
            ),
            joined(
                flushed(ToldVerdict::Notify),
                (400, flushed(ToldVerdict::Notify))
            ),
        ],
        [true, false, false, true, false]
    );
}
