//! I5, I6 and I8: nothing twice, different things with the interval between, and the first in time.
//!
//! A notification that says what the last one of its group said, to the same integration, is
//! * a *retry* if the receiver had not taken the last one or had not said so,
//! * a *repeat* if `repeat_interval` has passed,
//! * *told anew* if it was different in between and a kill came: that may have been told, and is undone,
//! * a *duplicate* otherwise. A duplicate is allowed if a kill came before the process could have noted
//!   the answer to the last one, once for each such kill, and must have the same key.

use std::collections::{BTreeMap, BTreeSet};

use super::spans::Span;
use super::verdict::{Invariant, Kind, Verdict};
use super::world::{AlertId, Class, IntegrationId, Message, World};
use crate::history::{At, Status};

/// How much too early a notification may seem, because the one before it was late.
const CADENCE_TOLERANCE_MS: u64 = 250;

/// The same for the first one: nothing is before it, so that only clocks can differ.
const EARLY_TOLERANCE_MS: u64 = 50;

type Content<'a> = &'a BTreeMap<AlertId, Status>;

pub(super) fn check(world: &World, verdict: &mut Verdict) {
    let mut groups: BTreeMap<(IntegrationId, &str), Vec<&Message>> = BTreeMap::new();
    for message in &world.messages {
        let key = (message.integration, message.group.as_str());
        groups.entry(key).or_default().push(message);
    }
    verdict.counts.messages = world.messages.len() as u64;
    keys_mean_one_thing(world, verdict);
    for messages in groups.values() {
        told_once(world, messages, verdict);
        interval_is_kept(world, messages, verdict);
        first_in_time(world, messages, verdict);
    }
}

fn keys_mean_one_thing(world: &World, verdict: &mut Verdict) {
    let mut first: BTreeMap<(IntegrationId, &str), Content<'_>> = BTreeMap::new();
    for message in &world.messages {
        let Some(key) = &message.key else { continue };
        let content = first
            .entry((message.integration, key))
            .or_insert(&message.alerts);
        if **content != message.alerts {
            let to = world.integration_name(message.integration);
            let what = format!("{to} was told different things under the key {key}");
            verdict.add(Invariant::I5, Kind::Other, message.at, what);
        }
    }
}

/// Whether something else may have been so between two messages that say the same.
fn is_changed_between(world: &World, before: &Message, message: &Message) -> bool {
    let from = world.decided_from(before);
    message.alerts.iter().any(|(alert, status)| {
        world.statements[*alert].iter().any(|it| {
            let is_other = it.status != *status && from <= it.ended && it.asked <= message.at;
            let is_expired = it.status == Status::Firing && it.expires < message.at;
            it.class != Class::Never && (is_other || is_expired)
        })
    })
}

/// A receiver that is not told of ends does not hear what was between two beginnings.
fn is_fired_anew(world: &World, before: &Message, message: &Message) -> bool {
    let mut integrations = world.integrations();
    let found = integrations.find(|it| it.0 == message.integration);
    found.is_some_and(|it| !it.2.send_resolved) && is_changed_between(world, before, message)
}

/// What was different in between may have been on its way at a kill, and not have come: the receiver may
/// believe it, and is told how it is.
fn is_told_anew(world: &World, before: &Message, message: &Message) -> bool {
    let between = Span::new(before.at, message.at);
    before.key != message.key
        && world.kills().any(|kill| between.contains(kill))
        && is_changed_between(world, before, message)
}

fn told_once(world: &World, messages: &[&Message], verdict: &mut Verdict) {
    let mut explained: BTreeSet<At> = BTreeSet::new();
    let mut keys: BTreeSet<&str> = BTreeSet::new();
    let mut last: Option<&Message> = None;
    for message in messages {
        let before = last.replace(message);
        let key = message.key.as_deref();
        let is_known_key = key.is_some_and(|key| !keys.insert(key));
        let to = world.integration_name(message.integration);
        let group = &message.group;
        let Some(before) = before else { continue };
        if before.alerts != message.alerts {
            if is_known_key {
                let what = format!("{to} was told of {group} under the key of an earlier message");
                verdict.add(Invariant::I5, Kind::Duplicate, message.at, what);
            }
            continue;
        }
        let since_ms = message.at.ms_since(before.at);
        if since_ms + world.policy.tolerance_ms >= world.policy.repeat_interval_ms {
            continue;
        }
        if is_fired_anew(world, before, message) {
            continue;
        }
        let has_same_key = before.key == message.key && message.key.is_some();
        if !before.is_confirmed() {
            verdict.counts.retries += 1;
            let is_other = is_changed_between(world, before, message);
            if message.key.is_some() && !has_same_key && !is_other {
                let what = format!("{to} was told of {group} again under another key");
                verdict.add(Invariant::I5, Kind::Duplicate, message.at, what);
            }
            continue;
        }
        if is_told_anew(world, before, message) {
            verdict.counts.told_anew += 1;
            continue;
        }
        verdict.counts.duplicates += 1;
        verdict.counts.duplicates_same_key += u64::from(has_same_key);
        let kill = world
            .doubts(before)
            .find(|life| explained.insert(life.ended));
        verdict.counts.duplicates_attributed += u64::from(kill.is_some());
        verdict.counts.duplicates_at_random += u64::from(kill.is_some_and(|it| it.is_random));
        let why = match (kill, has_same_key) {
            (Some(_), true) => continue,
            (Some(_), false) => "a kill explains it, but the key is another one or there is none",
            (None, _) => "no kill explains it",
        };
        let what = format!("{to} was told of {group} at {} and again: {why}", before.at);
        verdict.add(Invariant::I5, Kind::Duplicate, message.at, what);
    }
}

fn interval_is_kept(world: &World, messages: &[&Message], verdict: &mut Verdict) {
    let interval_ms = world.policy.group_interval_ms;
    // The first message of those that say the same.
    let mut last: Option<&Message> = None;
    for message in messages {
        let Some(before) = last else {
            last = Some(message);
            continue;
        };
        if before.alerts == message.alerts {
            continue;
        }
        last = Some(message);
        let is_even = before.is_confirmed() && message.is_confirmed();
        let both = Span::new(before.at.minus_ms(interval_ms), message.at);
        // What was in doubt is sent again at the start; the next tick keeps its time.
        let is_disturbed = world.is_in_doubt(before)
            || world.is_in_place_of_doubt(before, message)
            || before.attempt.is_some_and(|attempt| attempt > 1)
            || world.held.iter().any(|span| span.meets(both))
            || world.unwell[message.integration]
                .iter()
                .any(|span| span.meets(both));
        // A group of which all is over is gone; the next one of that name has waited.
        let interval_ms = match before.status {
            Status::Firing => interval_ms,
            Status::Resolved => world.policy.group_wait_ms,
        };
        let apart_ms = message.at.ms_since(before.at);
        if is_even && !is_disturbed && apart_ms + CADENCE_TOLERANCE_MS < interval_ms {
            let to = world.integration_name(message.integration);
            let group = &message.group;
            let what = format!("{to} was told of {group} twice within {apart_ms} ms");
            verdict.add(Invariant::I6, Kind::Other, message.at, what);
        }
    }
}

fn first_in_time(world: &World, messages: &[&Message], verdict: &mut Verdict) {
    let Some(message) = messages.first() else {
        return;
    };
    let Some(first) = message.alerts.keys().next() else {
        return;
    };
    let group = world.group_of(*first);
    let is_member = |alert: &AlertId| {
        let told = world.integrations_of(*alert);
        world.group_of(*alert) == group && told.iter().any(|(id, _)| *id == message.integration)
    };
    let members: Vec<AlertId> = (0..world.labels.len()).filter(is_member).collect();
    let statements = members.iter().flat_map(|alert| &world.statements[*alert]);
    let Some(begin) = statements
        .filter(|it| it.class != Class::Never)
        .min_by_key(|it| it.asked)
    else {
        return;
    };
    let wait_ms = world.policy.group_wait_ms;
    let to = world.integration_name(message.integration);
    let group = &message.group;
    let earliest = begin.asked.plus_ms(wait_ms).minus_ms(EARLY_TOLERANCE_MS);
    if message.at < earliest {
        let what = format!(
            "{to} was told of {group} first, before it had waited from {}",
            begin.asked
        );
        verdict.add(Invariant::I8, Kind::Other, message.at, what);
    }
    let is_silenced = members
        .iter()
        .any(|alert| !world.possibly_muted(*alert).is_empty());
    let from = begin.asked;
    let until = message.at;
    let is_disturbed = world.unwell[message.integration]
        .iter()
        .chain(&world.held)
        .any(|span| span.meets(Span::new(from, until)));
    // Whoever began the group has to have fired ever since, and be told now: a group whose alerts are over
    // before it has waited is gone, and the next one of that name waits anew.
    let is_told = members.iter().any(|alert| {
        message.alerts.contains_key(alert)
            && world.was_certainly(*alert, Status::Firing, begin.ended, message.at)
            && world.statements[*alert]
                .iter()
                .any(|it| it.asked == begin.asked)
    });
    if begin.class != Class::Must || is_silenced || is_disturbed || !is_told {
        return;
    }
    let due = begin.ended.plus_ms(wait_ms);
    let ready = world.lives.iter().filter_map(|life| life.ready);
    let ready = ready.filter(|ready| *ready <= message.at).max();
    let latest = ready.map_or(due, |ready| due.max(ready));
    // A start catches up before it says that it is ready.
    let is_catching_up = world.down.iter().any(|span| span.contains(message.at));
    if !is_catching_up && message.at > latest.plus_ms(world.policy.tolerance_ms) {
        let what = format!("{to} was told of {group} first, which was due at {latest}");
        verdict.add(Invariant::I8, Kind::Other, message.at, what);
    }
}
