//! I1, I2, I3: what was acknowledged is delivered, and in time.
//!
//! A change is *owed* to an integration if it held long enough, without a break, while the integration
//! was well and the alert was not silenced: for the longer of `group_wait` and `group_interval`, and what
//! a busy machine adds; or from the heal to the end, for the bound. While the process was held for longer
//! than that, it did not hold: what ends by itself may be over when the process goes on. Kills are no excuse:
//! what was due while no process ran is due at the next start, as it was then (I3). An end is owed to those who were told the
//! beginning, from then on.

use super::changes::Change;
use super::spans::{Span, free_ms, longest_free_ms};
use super::verdict::{Invariant, Kind, Verdict};
use super::world::{AlertId, IntegrationId, Life, World};
use crate::history::{At, Status, Then};

/// One alert in one notification.
#[derive(Debug, Clone, Copy)]
struct Telling {
    at: At,
    /// Of what state it may tell: after a start, of that before.
    since: At,
    status: Status,
    /// Whether the receiver says it has it.
    is_confirmed: bool,
    /// Whether the receiver says it has not.
    is_refused: bool,
}

impl Telling {
    fn is_of(&self, change: &Change) -> bool {
        self.status == change.status && change.asked <= self.at && self.since < change.same_again
    }
}

/// When each integration was told what of each alert.
#[derive(Debug)]
struct Tellings {
    /// By integration and alert.
    told: Vec<Vec<Vec<Telling>>>,
}

impl Tellings {
    fn of(world: &World) -> Self {
        let alerts = world.labels.len();
        let mut told = vec![vec![Vec::new(); alerts]; world.integrations().count()];
        for message in world.messages.iter().filter(|it| it.is_taken()) {
            for (alert, status) in &message.alerts {
                told[message.integration][*alert].push(Telling {
                    at: message.at,
                    since: world.frozen_since(message.at),
                    status: *status,
                    is_confirmed: message.is_confirmed(),
                    is_refused: matches!(message.then, Then::ClientError | Then::ServerError),
                });
            }
        }
        Self { told }
    }

    /// When the change was first told.
    fn first(&self, to: IntegrationId, alert: AlertId, change: &Change) -> Option<At> {
        let mut told = self.told[to][alert].iter();
        told.find(|it| it.is_of(change)).map(|it| it.at)
    }

    /// From when on a receiver that says it has it believes that the alert fires, if it does, and may be
    /// owed the end.
    fn believes_since(&self, to: IntegrationId, alert: AlertId, end: &Change) -> Option<At> {
        let told = self.told[to][alert].iter();
        let confirmed: Vec<&Telling> = told
            .filter(|it| it.is_confirmed && it.at < end.same_again)
            .collect();
        let before = confirmed.iter().rfind(|it| it.at < end.asked);
        if before.is_some_and(|it| it.status == Status::Firing) {
            return Some(end.acked);
        }
        let first = confirmed.iter().find(|it| it.at >= end.asked)?;
        // Told late, because it was due while no process ran. What is told when it fires once more is that.
        let is_late = first.status == Status::Firing && first.at < end.superseded;
        is_late.then(|| first.at.max(end.acked))
    }

    /// What was told last before, unless the receiver said that it would not have it.
    fn last_before(&self, to: IntegrationId, alert: AlertId, at: At) -> Option<Status> {
        let told = self.told[to][alert].iter();
        let mut before = told.rev().filter(|it| it.at < at && !it.is_refused);
        before.next().map(|it| it.status)
    }
}

pub(super) fn check(world: &World, verdict: &mut Verdict) {
    let tellings = Tellings::of(world);
    for alert in 0..world.labels.len() {
        let changes = world.changes(alert);
        verdict.counts.transitions += changes.len() as u64;
        if changes.is_empty() {
            continue;
        }
        let muted = world.possibly_muted(alert);
        for (integration, send_resolved) in world.integrations_of(alert) {
            let mut blocked = world.unwell[integration].clone();
            blocked.extend(&muted);
            for (index, change) in changes.iter().enumerate() {
                let owed_from = match change.status {
                    Status::Firing => Some(change.acked),
                    Status::Resolved if !send_resolved => None,
                    Status::Resolved => tellings.believes_since(integration, alert, change),
                };
                let Some(owed_from) = owed_from else { continue };
                let delivery = Delivery {
                    world,
                    alert,
                    integration,
                    change,
                    owed_from,
                    blocked: &blocked,
                    muted: &muted,
                };
                let told = tellings.first(integration, alert, change);
                let last = tellings.last_before(integration, alert, change.asked);
                let end = index.checked_sub(1).map(|index| &changes[index]);
                // Between two beginnings there was an end too short to be seen.
                let is_news = last != Some(change.status)
                    || end.is_some_and(|end| delivery.is_seen(end.acked, end.superseded));
                // What is told after it was said again may be of that.
                let is_of_it = told.is_some_and(|told| told < change.same_again);
                if is_of_it || is_news {
                    delivery.check(told, verdict);
                }
            }
        }
    }
}

/// One change, and one integration that is to be told.
struct Delivery<'a> {
    world: &'a World,
    alert: AlertId,
    integration: IntegrationId,
    change: &'a Change,
    owed_from: At,
    /// When it may wait.
    blocked: &'a [Span],
    /// When it may wait because of a silence.
    muted: &'a [Span],
}

impl Delivery<'_> {
    fn check(&self, told: Option<At>, verdict: &mut Verdict) {
        let owed = self.owed();
        verdict.counts.deliveries_owed += u64::from(owed.is_some());
        let invariant = match self.change.status {
            Status::Firing => Invariant::I1,
            Status::Resolved => Invariant::I2,
        };
        let Some(told) = told else {
            let Some(by_rule) = owed else { return };
            verdict.counts.lost_though_repeated += u64::from(self.world.is_repeated[self.alert]);
            let invariant = by_rule.unwrap_or(invariant);
            let what = format!("{} was never told", self.what());
            verdict.add(invariant, Kind::Lost, self.change.acked, what);
            return;
        };
        if owed.is_none() && told >= self.change.same_again {
            // Most likely of what was said later.
            return;
        }
        verdict.counts.delivered += 1;
        let took_ms = self.took_ms(told);
        verdict.counts.slowest_ms = verdict.counts.slowest_ms.max(took_ms);
        if took_ms > self.world.policy.bound_ms {
            let what = format!("{} was told at {told}, after {took_ms} ms", self.what());
            verdict.add(invariant, Kind::OutOfBound, self.change.acked, what);
        }
    }

    /// Whether what held from then until then must have been seen by a flush.
    fn is_seen(&self, from: At, until: At) -> bool {
        let policy = &self.world.policy;
        let interval_ms = policy.group_wait_ms.max(policy.group_interval_ms);
        let mut blocked = self.blocked.to_vec();
        blocked.extend(self.world.held_long());
        blocked.extend(self.downtime_of_cut_off_start(from));
        blocked.extend(self.downtimes_before_cut_off_starts());
        blocked.extend(self.downtimes_before_a_start_in_vain());
        longest_free_ms(Span::new(from, until), &blocked) >= interval_ms + policy.tolerance_ms
    }

    /// What is acknowledged while a start still catches up is not part of what that start has frozen. If
    /// the process is killed before it has caught up, the time until the next is no time to be told in.
    fn downtime_of_cut_off_start(&self, from: At) -> Option<Span> {
        let mut lives = self.world.lives.iter();
        let life = lives.find(|life| life.boot <= from && from <= life.stopped())?;
        if !self.is_cut_off(life) {
            return None;
        }
        let next = lives.find_map(|life| life.ready)?;
        Some(Span::new(life.stopped(), next))
    }

    /// What was due while no process ran is told by the next start, as it was then. If that start is cut off, and
    /// it was said to be otherwise meanwhile, the start after it tells how it is then: an end of what fires anew
    /// would be a false all-clear. So it had no downtime in which it was due: not before that start, nor before
    /// those that were cut off until then.
    fn downtimes_before_cut_off_starts(&self) -> Vec<Span> {
        let superseded = self.change.superseded;
        let lives = &self.world.lives;
        let place = lives
            .iter()
            .position(|life| life.boot <= superseded && superseded <= life.ended);
        let Some(place) = place else {
            return Vec::new();
        };
        let before = lives[..=place].windows(2).rev();
        before
            .take_while(|lives| self.is_cut_off(&lives[1]))
            .map(|lives| downtime(&lives[0], &lives[1]))
            .collect()
    }

    /// What was due while no process ran is told when one does. If that was tried, and the receiver fell ill
    /// meanwhile, or a silence came, the downtime was none in which it could be told.
    fn downtimes_before_a_start_in_vain(&self) -> Vec<Span> {
        let lives = self.world.lives.windows(2);
        let downtimes = lives.map(|lives| downtime(&lives[0], &lives[1]));
        downtimes
            .filter(|it| self.is_in_vain_after(it.to))
            .collect()
    }

    /// Whether a start tried to tell it, but the receiver did not take it, or a silence came before its turn.
    fn is_in_vain_after(&self, up: At) -> bool {
        let interval_ms = self.world.policy.group_interval_ms;
        let caught_up = Span::new(up, self.world.have_run_for(up, interval_ms));
        if self.muted.iter().any(|span| span.meets(caught_up)) {
            return true;
        }
        self.world.messages.iter().any(|it| {
            it.integration == self.integration
                && caught_up.contains(it.at)
                && !it.is_taken()
                && it.alerts.get(&self.alert) == Some(&self.change.status)
        })
    }

    /// Whether a process ended before it had told of all that was due when it came up.
    fn is_cut_off(&self, life: &Life) -> bool {
        let interval_ms = self.world.policy.group_interval_ms;
        let caught_up = life.ready.map(|ready| ready.plus_ms(interval_ms));
        caught_up.is_none_or(|caught_up| life.stopped() < caught_up)
    }

    /// Whether it is owed; if only because it was due while no process ran, by which rule.
    fn owed(&self) -> Option<Option<Invariant>> {
        let policy = &self.world.policy;
        let interval_ms = policy.group_wait_ms.max(policy.group_interval_ms);
        let until = self.change.superseded.min(self.world.end);
        if self.is_seen(self.owed_from, until) {
            return Some(None);
        }
        if let Some(healed) = self.world.healed
            && self.change.superseded >= self.world.end
        {
            let rest = Span::new(self.owed_from.max(healed), until);
            if longest_free_ms(rest, self.muted) >= policy.bound_ms {
                return Some(None);
            }
        }
        self.was_due_while_down(interval_ms)
            .then_some(Some(Invariant::I3))
    }

    fn was_due_while_down(&self, interval_ms: u64) -> bool {
        let due = self.owed_from.plus_ms(interval_ms);
        let cut_off = self.downtimes_before_cut_off_starts();
        self.world.lives.windows(2).any(|lives| {
            let (dead, next) = (&lives[0], &lives[1]);
            let Some(ready) = next.ready else {
                return false;
            };
            let meets = |spans: &[Span]| {
                let wait = Span::new(self.owed_from, ready);
                spans.iter().any(|span| span.meets(wait))
            };
            // What is acknowledged while a start still catches up waits for the tick after that.
            let caught_up = dead.ready.map(|ready| ready.plus_ms(interval_ms));
            caught_up.is_some_and(|caught_up| caught_up <= self.owed_from)
                && self.owed_from <= dead.ended
                && due <= next.boot
                // It listens when it has decided what is to be told of the time before.
                && self.change.superseded >= next.boot
                && !meets(self.blocked)
                && !meets(&self.world.held)
                && !self.is_in_vain_after(ready)
                && !cut_off.contains(&downtime(dead, next))
        })
    }

    /// In how much time in which the server was up and the receiver was well.
    fn took_ms(&self, told: At) -> u64 {
        let mut excused = self.blocked.to_vec();
        excused.extend(&self.world.down);
        excused.extend(&self.world.held);
        free_ms(Span::new(self.owed_from, told), &excused)
    }

    fn what(&self) -> String {
        format!(
            "{} {}, acknowledged at {}, owed to {} from {}",
            self.world.name(self.alert),
            self.change.status.word(),
            self.change.acked,
            self.world.integration_name(self.integration),
            self.owed_from,
        )
    }
}

/// The time from one life to the next, until that is ready or has ended.
fn downtime(dead: &Life, next: &Life) -> Span {
    Span::new(dead.stopped(), next.ready.unwrap_or(next.ended))
}
