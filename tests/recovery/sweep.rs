//! The n-th call fails, for every n: whatever call of the disk fails, with whatever error, nothing
//! that was acknowledged is lost, nothing panics, and a healthy disk makes all well again.

use tocsin::sys::{Call, Errno, Fault, FaultKind};
use tocsin::wal::{Class, Lane, Writer, repair_tail, salvage};

use crate::support::{World, killed_after, post, start, text_record, texts};

const CALLS: [Call; 13] = [
    Call::Open,
    Call::Create,
    Call::CreateDir,
    Call::List,
    Call::Rename,
    Call::Unlink,
    Call::SyncDir,
    Call::Lock,
    Call::Pwrite,
    Call::Fdatasync,
    Call::Read,
    Call::Len,
    Call::Preallocate,
];

const KINDS: [FaultKind; 4] = [
    FaultKind::Error(Errno::Eio),
    FaultKind::Error(Errno::Enospc),
    FaultKind::PartThenError(100, Errno::Enospc),
    FaultKind::Short(0),
];

/// Appends if it can, and notes what was acknowledged.
fn try_post(writer: &mut Writer, text: &str, acked: &mut Vec<String>) {
    if writer.append(Lane::Normal, &[&text_record(text)]).is_ok() {
        acked.push(text.to_owned());
    }
}

/// A checkpoint of everything that was acknowledged, if it can be made.
fn try_checkpoint(writer: &mut Writer, acked: &[String]) {
    let lsn = writer.durable();
    // Failing is what this is about.
    let _ = writer.checkpoint(lsn, 1, |sections| {
        acked
            .iter()
            .try_for_each(|text| sections.section(1, text.as_bytes()))
    });
}

/// Two lives of a store, as far as the disk lets them be; returns what was acknowledged.
fn two_lives(world: &World) -> Vec<String> {
    let mut acked = Vec::new();
    for life in 0..2 {
        let Ok((mut writer, _, recovered)) = world.try_open() else {
            continue;
        };
        // What a start has read counts as acknowledged, and nothing else is in the log.
        acked = recovered;
        let _ = writer.prepare_spare();
        for part in 0..3 {
            try_post(&mut writer, &format!("{life}.{part}.a"), &mut acked);
            let _ = writer.rotate();
            try_post(&mut writer, &format!("{life}.{part}.b"), &mut acked);
            try_checkpoint(&mut writer, &acked);
        }
        let _ = writer.heartbeat();
        let _ = writer.shutdown();
    }
    acked
}

/// Fails one call after the other until the scenario runs through; returns how many failed.
fn sweep(mut scenario: impl FnMut(Fault) -> Option<String>) -> (u64, Vec<String>) {
    let (mut faults, mut wrong) = (0, Vec::new());
    for call in CALLS {
        for kind in KINDS {
            for nth in 1..400 {
                match scenario(Fault::once(call, nth, kind)) {
                    Some(outcome) if outcome.is_empty() => faults += 1,
                    Some(outcome) => wrong.push(format!("{call:?} {nth} {kind:?}: {outcome}")),
                    None => break,
                }
            }
        }
    }
    (faults, wrong)
}

/// Whether the planned fault came to pass.
fn was_hit(world: &World, fault: &Fault, before: u64) -> bool {
    world.disk.calls(fault.call) >= before + fault.from_nth
}

#[test]
fn every_call_of_a_store_s_life_may_fail() {
    let (faults, wrong) = sweep(|fault| {
        let world = World::new();
        world.disk.plan(fault.clone());
        let acked = two_lives(&world);
        let is_hit = was_hit(&world, &fault, 0);
        world.disk.heal();
        let outcome = match world.try_open() {
            Ok((_, _, recovered)) => {
                let mut back = recovered.iter();
                let lost: Vec<_> = acked
                    .iter()
                    .filter(|text| !back.any(|one| one == *text))
                    .collect();
                if lost.is_empty() {
                    String::new()
                } else {
                    format!("lost {lost:?}")
                }
            }
            Err(error) => error.to_string(),
        };
        is_hit.then_some(outcome)
    });
    assert_eq!((faults > 500, wrong), (true, vec![]));
}

#[test]
fn every_call_of_a_power_loss_s_start_may_fail() {
    let whole = World::new();
    let acked = two_lives(&whole);
    let image = whole.disk.power_loss();
    let (faults, wrong) = sweep(|fault| {
        let world = World::on(&image);
        world.disk.plan(fault.clone());
        let first = world.try_open().map(|(_, _, recovered)| recovered);
        let is_hit = was_hit(&world, &fault, 0);
        world.disk.heal();
        let is_right = |recovered: &Vec<String>| *recovered == acked;
        let outcome = match (first, world.try_open()) {
            (Ok(first), Ok((_, _, second))) if is_right(&first) && is_right(&second) => {
                String::new()
            }
            (Err(_), Ok((_, _, second))) if is_right(&second) => String::new(),
            (first, second) => format!("{first:?}, then {:?}", second.map(|(_, _, texts)| texts)),
        };
        is_hit.then_some(outcome)
    });
    assert_eq!((faults > 100, wrong), (true, vec![]));
}

fn damaged() -> World {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one", "two"]);
    writer.rotate().unwrap();
    post(&mut writer, &["three"]);
    writer.heartbeat().unwrap();
    drop(writer);
    world.with_flipped("two").0
}

#[test]
fn every_call_of_a_salvage_may_fail_and_the_next_salvage_keeps_all_that_is_sound() {
    let image = damaged().disk.image();
    let (faults, wrong) = sweep(|fault| {
        let world = World::on(&image);
        world.disk.plan(fault.clone());
        let first = salvage(&world.environment(5), &world.options);
        let is_hit = was_hit(&world, &fault, 0);
        world.disk.heal();
        // A read error that lasts makes more of the log unreadable, and says so.
        let announced =
            first.is_ok_and(|report| report.lost.len() > 1 || report.lost[0].first_lsn != 5);
        let second = salvage(&world.environment(6), &world.options).map(|_| ());
        let outcome = match (second, world.try_open()) {
            (Ok(()), Ok((_, _, recovered))) if recovered == texts(&["one", "three"]) => {
                String::new()
            }
            (Ok(()), Ok(_)) if announced => String::new(),
            (second, third) => format!("{second:?}, then {:?}", third.map(|(_, _, texts)| texts)),
        };
        is_hit.then_some(outcome)
    });
    assert_eq!((faults > 100, wrong), (true, vec![]));
}

#[test]
fn every_call_of_a_tail_repair_may_fail_and_the_store_still_starts() {
    let image = killed_after(&["one"]).torn(40).0.disk.image();
    let (faults, wrong) = sweep(|fault| {
        let world = World::on(&image);
        world.disk.plan(fault.clone());
        let _ = repair_tail(&world.environment(5), &world.options);
        let is_hit = was_hit(&world, &fault, 0);
        world.disk.heal();
        let outcome = match world.try_open() {
            Ok((_, report, recovered)) if recovered == texts(&["one"]) => {
                if report.scan.class <= Class::TornTail {
                    String::new()
                } else {
                    "damaged".into()
                }
            }
            other => format!("{:?}", other.map(|(_, _, texts)| texts)),
        };
        is_hit.then_some(outcome)
    });
    assert_eq!((faults > 50, wrong), (true, vec![]));
}

#[test]
fn every_call_may_fail_under_the_running_log() {
    let (faults, wrong) = sweep(|fault| {
        let world = World::new();
        let writer = world.open();
        let before = world.disk.calls(fault.call);
        world.disk.plan(fault.clone());
        let log = start(writer);
        let mut acked = Vec::new();
        for at in 0..8 {
            let text = format!("{at} {}", "x".repeat(2500));
            if log
                .append_and_wait(Lane::Normal, vec![text_record(&text)])
                .is_ok()
            {
                acked.push(text);
            }
            if at % 3 == 2 {
                let _ = log.checkpoint(log.durable(), 1, |sections| {
                    acked
                        .iter()
                        .try_for_each(|text| sections.section(1, text.as_bytes()))
                });
            }
        }
        let _ = log.close();
        let is_hit = was_hit(&world, &fault, before);
        world.disk.heal();
        let outcome = match world.try_open() {
            Ok((_, _, recovered)) => {
                let lost = acked
                    .iter()
                    .filter(|text| !recovered.contains(text))
                    .count();
                if lost == 0 {
                    String::new()
                } else {
                    format!("{lost} lost")
                }
            }
            Err(error) => error.to_string(),
        };
        is_hit.then_some(outcome)
    });
    assert_eq!((faults > 100, wrong), (true, vec![]));
}
