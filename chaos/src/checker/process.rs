//! I10 to I15: what the server shows of itself, and how its process does.

use std::collections::BTreeSet;

use super::verdict::{Invariant, Kind, Verdict};
use super::world::{Class, World};
use crate::history::{At, Entry, Event, Labels, Status};

/// How long a start may take.
const START_MS_MAX: u64 = 30_000;

/// Below so many samples nothing is said of growth.
const SAMPLES_MIN: usize = 20;

/// What may be taken up in addition to twice as much as at first, by name: room for another segment and
/// checkpoint, some connections, what a few thousand alerts take, and a busy machine.
const GROWTH: [(&str, u64); 4] = [
    ("bytes of data", 64 << 20),
    ("open files", 32),
    ("bytes of memory", 64 << 20),
    ("ms to start", 2_000),
];

pub(super) fn check(world: &World, entries: &[Entry], verdict: &mut Verdict) {
    let mut other = |invariant, at, what| verdict.add(invariant, Kind::Other, at, what);
    for entry in entries {
        match &entry.event {
            Event::View {
                alerts,
                grouped,
                silences,
            } => {
                for what in alerts_shown(world, entry.at, "listed", alerts)
                    .chain(alerts_shown(world, entry.at, "in a group", grouped))
                    .chain(silences_shown(world, entry.at, silences))
                {
                    other(Invariant::I10, entry.at, what);
                }
            }
            Event::Exit {
                code,
                is_expected: false,
            } => {
                let code = code.map_or("a signal".to_owned(), |code| format!("code {code}"));
                let what = format!("the process ended by itself, with {code}");
                other(Invariant::I11, entry.at, what);
            }
            Event::Panic { text } if is_contained(world, text) => {}
            Event::Panic { text } => {
                other(
                    Invariant::I11,
                    entry.at,
                    format!("the process panicked: {text}"),
                );
            }
            Event::Metrics { values } => {
                let counted = values.get("alertmanager_alerts_received_total");
                if let Some(what) = counted.and_then(|it| received(world, entry.at, *it)) {
                    other(Invariant::I14, entry.at, what);
                }
            }
            _ => {}
        }
    }
    for life in &world.lives {
        let until = life.ready.unwrap_or(life.ended).min(world.end);
        let took_ms = until.ms_since(life.boot);
        if took_ms > START_MS_MAX {
            let what = format!("the start at {} took {took_ms} ms and more", life.boot);
            other(Invariant::I11, life.boot, what);
        }
    }
    recoveries_agree(entries, verdict);
    tenants_are_apart(world, verdict);
    nothing_grows(entries, verdict);
}

fn alerts_shown<'a>(
    world: &'a World,
    at: At,
    where_: &'a str,
    shown: &'a [Labels],
) -> impl Iterator<Item = String> + 'a {
    let set: BTreeSet<&Labels> = shown.iter().collect();
    let from = at.minus_ms(world.policy.tolerance_ms);
    let unknown = shown
        .iter()
        .filter(|labels| !world.ids.contains_key(*labels))
        .map(move |labels| format!("{labels:?} is {where_}, and nobody had posted it"));
    let known = (0..world.labels.len()).filter_map(move |alert| {
        let name = world.name(alert);
        match set.contains(&world.labels[alert]) {
            true => world
                .was_certainly(alert, Status::Resolved, from, at)
                .then(|| format!("{name} is {where_}, and was over since before {from}")),
            false => world
                .was_certainly(alert, Status::Firing, from, at)
                .then(|| format!("{name} is not {where_}, and fired since before {from}")),
        }
    });
    unknown.chain(known)
}

fn silences_shown<'a>(
    world: &'a World,
    at: At,
    shown: &'a [String],
) -> impl Iterator<Item = String> + 'a {
    let from = at.minus_ms(world.policy.tolerance_ms);
    world.silences.iter().filter_map(move |silence| {
        let name = &silence.name;
        let is_certain = silence.certain.from <= from && at < silence.certain.to;
        let is_over = silence.possible.to <= from;
        match shown.contains(name) {
            false if is_certain => Some(format!("silence {name} is not shown as active")),
            true if is_over => Some(format!(
                "silence {name} is shown as active, and was over at {}",
                silence.possible.to
            )),
            _ => None,
        }
    })
}

/// Alerts that were acknowledged since the process was started, against those that it counts.
fn received(world: &World, at: At, counted: f64) -> Option<String> {
    let boot = world.lives.iter().map(|life| life.boot);
    let since = boot.filter(|boot| *boot <= at).max()?;
    let (mut must, mut may) = (0, 0);
    for (asked, class, alerts) in &world.requests {
        if *asked < since || at < *asked {
            continue;
        }
        match class {
            Class::Must => must += alerts,
            Class::May => may += alerts,
            Class::Never => {}
        }
    }
    let is_so = (must as f64) <= counted && counted <= (must + may) as f64;
    (!is_so).then(|| {
        format!(
            "{counted} alerts are counted as received; {must} were acknowledged, {may} more may be"
        )
    })
}

/// The index of history is kept by a library that panics when its disk fails. tocsin expects that, behind a
/// barrier in the thread of history, and goes on without it.
fn is_contained(world: &World, panic: &str) -> bool {
    world.lives.iter().any(|life| life.fault.is_some())
        && panic.starts_with("thread 'history'")
        && panic.contains("/sled-")
}

fn recoveries_agree(entries: &[Entry], verdict: &mut Verdict) {
    let mut first: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for entry in entries {
        if let Event::Recovered { store, state_hash } = &entry.event
            && first.entry(store).or_insert(*state_hash) != state_hash
        {
            let what = format!("two recoveries of the store {store} do not agree");
            verdict.add(Invariant::I12, Kind::Other, entry.at, what);
        }
    }
}

fn tenants_are_apart(world: &World, verdict: &mut Verdict) {
    for message in &world.messages {
        for alert in message.alerts.keys() {
            let tenants = &world.tenants[*alert];
            if !tenants.is_empty() && !tenants.contains(&message.tenant) {
                let what = format!(
                    "the receiver of tenant {:?} was told of {} of another",
                    message.tenant,
                    world.name(*alert)
                );
                verdict.add(Invariant::I13, Kind::Other, message.at, what);
            }
        }
    }
}

fn nothing_grows(entries: &[Entry], verdict: &mut Verdict) {
    let samples: Vec<(At, [u64; 4])> = entries
        .iter()
        .filter_map(|entry| match entry.event {
            Event::Resources {
                disk_bytes,
                open_files,
                memory_bytes,
                start_ms,
            } => Some((entry.at, [disk_bytes, open_files, memory_bytes, start_ms])),
            _ => None,
        })
        .collect();
    if samples.len() < SAMPLES_MIN {
        return;
    }
    let quarter = samples.len() / 4;
    for (index, (name, slack)) in GROWTH.into_iter().enumerate() {
        // The middle of each: one slow start is not growth.
        let middle = |part: &[(At, [u64; 4])]| {
            let mut values: Vec<u64> = part.iter().map(|sample| sample.1[index]).collect();
            values.sort_unstable();
            values[values.len() / 2]
        };
        let first = middle(&samples[..quarter]);
        let last = middle(&samples[samples.len() - quarter..]);
        if last > 2 * first + slack {
            let at = samples[samples.len() - 1].0;
            let what = format!("{last} {name} at the end, {first} at first");
            verdict.add(Invariant::I15, Kind::Other, at, what);
        }
    }
}
