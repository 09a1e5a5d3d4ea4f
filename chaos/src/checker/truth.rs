//! I4 and I7: what is told is so, and each receiver hears it in turn.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::spans::Span;
use super::verdict::{Invariant, Kind, Verdict};
use super::world::{AlertId, Class, IntegrationId, Message, World};
use crate::history::{At, Status};

/// The alerts of each group of each integration.
type Groups<'a> = HashMap<(IntegrationId, Vec<&'a str>), Vec<AlertId>>;

pub(super) fn check(world: &World, verdict: &mut Verdict) {
    let groups = groups(world);
    for message in &world.messages {
        each_alert_is_so(world, message, verdict);
        the_group_is_whole(world, &groups, message, verdict);
    }
    told_in_turn(world, verdict);
}

fn groups(world: &World) -> Groups<'_> {
    let mut groups: Groups<'_> = HashMap::new();
    for alert in 0..world.labels.len() {
        for (integration, _) in world.integrations_of(alert) {
            let key = (integration, world.group_of(alert));
            groups.entry(key).or_default().push(alert);
        }
    }
    groups
}

fn each_alert_is_so(world: &World, message: &Message, verdict: &mut Verdict) {
    let from = world.decided_from(message);
    let to = world.integration_name(message.integration);
    for (alert, status) in &message.alerts {
        let name = world.name(*alert);
        let statements = &world.statements[*alert];
        let was_posted = statements
            .iter()
            .any(|it| it.class != Class::Never && it.asked <= message.at);
        if !was_posted {
            let what = format!("{to} was told of {name}, which nobody had posted");
            verdict.add(Invariant::I4, Kind::Other, message.at, what);
            continue;
        }
        let (other, kind) = match status {
            Status::Firing => (Status::Resolved, Kind::Other),
            Status::Resolved => (Status::Firing, Kind::FalseAllClear),
        };
        if world.was_certainly(*alert, other, from, message.at)
            && !is_owed_from_before(world, message, *alert, from)
        {
            let (said, is) = (status.word(), other.word());
            let what =
                format!("{to} was told {said} of {name}, which was {is} since before {from}");
            verdict.add(Invariant::I4, kind, message.at, what);
        }
    }
}

/// What was due while no process ran is told as it was then, though it may be over since: firing, first.
fn is_owed_from_before(world: &World, message: &Message, alert: AlertId, from: At) -> bool {
    if message.alerts.get(&alert) != Some(&Status::Firing) {
        return false;
    }
    // Since the start before last: a process that is killed while it catches up goes on with it.
    let was_down = world.down.iter().any(|span| {
        span.meets(super::spans::Span::new(
            from.minus_ms(world.policy.bound_ms),
            message.at,
        ))
    });
    let was_firing = world.statements[alert]
        .iter()
        .any(|it| it.class != Class::Never && it.status == Status::Firing && it.asked <= from);
    was_down && was_firing
}

fn the_group_is_whole(
    world: &World,
    groups: &Groups<'_>,
    message: &Message,
    verdict: &mut Verdict,
) {
    let Some(first) = message.alerts.keys().next() else {
        return;
    };
    let group = world.group_of(*first);
    let from = world.decided_from(message);
    let members = groups.get(&(message.integration, group));
    let fires = |alert: &AlertId| {
        world.was_certainly(*alert, Status::Firing, from, message.at)
            && !world
                .possibly_muted(*alert)
                .iter()
                .any(|span| span.meets(super::spans::Span::new(from, message.at.plus_ms(1))))
    };
    let missing = members
        .into_iter()
        .flatten()
        .find(|alert| !message.alerts.contains_key(alert) && fires(alert));
    let Some(missing) = missing else { return };
    let name = world.name(*missing);
    let to = world.integration_name(message.integration);
    let (kind, what) = match message.status {
        Status::Resolved => (
            Kind::FalseAllClear,
            format!("{to} was told that the group is over; {name} fired since before {from}"),
        ),
        Status::Firing => (
            Kind::Other,
            format!(
                "{to} was told of a part of a group, without {name}, which fired since before {from}"
            ),
        ),
    };
    verdict.add(Invariant::I4, kind, message.at, what);
}

fn told_in_turn(world: &World, verdict: &mut Verdict) {
    let mut last: BTreeMap<(IntegrationId, AlertId), &Message> = BTreeMap::new();
    let mut fired: BTreeSet<(IntegrationId, AlertId)> = BTreeSet::new();
    let kills: Vec<At> = world.kills().collect();
    for message in &world.messages {
        let to = world.integration_name(message.integration);
        let mut unheard_of = 0;
        for (alert, status) in &message.alerts {
            let key = (message.integration, *alert);
            let before = last.insert(key, message);
            if *status == Status::Firing {
                fired.insert(key);
                continue;
            }
            unheard_of += usize::from(!fired.contains(&key));
            let Some(before) = before else { continue };
            if before.alerts[alert] == Status::Resolved
                && before.is_confirmed()
                && !world.is_in_doubt(before)
                && !world.is_in_place_of_doubt(before, message)
                && before.attempt.is_none_or(|attempt| attempt == 1)
                && !is_said_again(world, *alert, before.at, message)
                && !is_held_back(world, *alert, before, message)
            {
                let name = world.name(*alert);
                let at = before.at;
                let what = format!("{to} was told that {name} is over, at {at} and again");
                verdict.add(Invariant::I7, Kind::Other, message.at, what);
            }
        }
        // Among others, an alert may be shown that came and went within one interval. A notification of
        // nothing else has no reason, unless one that a kill left in doubt may have been taken.
        if unheard_of == 0 || unheard_of < message.alerts.len() {
            continue;
        }
        let statements = message.alerts.keys().flat_map(|it| &world.statements[*it]);
        let posted = statements.filter(|it| it.class != Class::Never);
        let since = posted.map(|it| it.asked).min();
        let may_be_in_doubt = kills
            .iter()
            .any(|kill| since.is_some_and(|since| since <= *kill) && *kill <= message.at);
        if !may_be_in_doubt {
            let group = &message.group;
            let what = format!("{to} was told that {group} is over, and never that it fires");
            verdict.add(Invariant::I7, Kind::Other, message.at, what);
        }
    }
}

/// An alert that is said to be over once more, or fires in between, is part of its group once more: it is
/// told of with the next change of that group. (Alertmanager 0.34: a flush removes only those resolved alerts
/// from its group that were not received again since it was decided.)
fn is_said_again(world: &World, alert: AlertId, told: At, message: &Message) -> bool {
    // What was said just before may have come after the decision; so may, at a start, what was said while
    // nothing was told of the state as it was before.
    let decided = told.minus_ms(world.policy.tolerance_ms);
    let since = decided.min(world.frozen_since(told));
    let mut was_over = false;
    for it in &world.statements[alert] {
        if it.class == Class::Never || it.asked > message.at {
            continue;
        }
        let is_news = it.status == Status::Firing || it.asked > told || was_over;
        if it.ended >= since && is_news {
            return true;
        }
        was_over = it.status == Status::Resolved;
    }
    false
}

/// An alert stays in its group until all integrations of the route were told that it is over; one that was not
/// well in between may not have been, nor one of which a kill left in doubt whether it was.
fn is_held_back(world: &World, alert: AlertId, before: &Message, message: &Message) -> bool {
    let between = Span::new(before.at, message.at.plus_ms(1));
    let is_unwell = || {
        let mut spans = world.unwell[message.integration].iter();
        spans.any(|span| span.meets(between))
    };
    let is_in_doubt = || {
        world.messages.iter().any(|it| {
            it.group == message.group
                && it.alerts.get(&alert) == Some(&Status::Resolved)
                && between.contains(it.at)
                && world.is_in_doubt(it)
        })
    };
    is_unwell() || is_in_doubt()
}
