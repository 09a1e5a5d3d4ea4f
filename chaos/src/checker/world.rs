//! A history, put in order: who said what, with which effect, and what was told to whom.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::spans::Span;
use crate::history::{At, Entry, Event, Labels, Outcome, Policy, Posted, Status, Then, Told, Wall};

/// An alert, by its labels.
pub(super) type AlertId = usize;

/// A configured receiver, by its place in the policy.
pub(super) type IntegrationId = usize;

/// What a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Acknowledged: it must have its effect.
    Must,
    /// Nobody knows.
    May,
    /// No effect.
    Never,
}

impl Class {
    fn of(outcome: Option<Outcome>) -> Self {
        match outcome {
            Some(Outcome::Status(200..=299)) => Self::Must,
            Some(Outcome::NotConnected | Outcome::Status(503)) => Self::Never,
            _ => Self::May,
        }
    }

    /// One alert of a batch: a 400 acknowledges the valid ones and refuses the others.
    fn of_alert(outcome: Option<Outcome>, alert: &Posted) -> Self {
        match (outcome, alert.is_valid) {
            (Some(Outcome::Status(400)), true) => Self::Must,
            (_, false) => Self::Never,
            _ => Self::of(outcome),
        }
    }
}

/// What one request says of one alert.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statement {
    pub(super) asked: At,
    /// When its end was known; the end of time if it never was.
    pub(super) ended: At,
    pub(super) class: Class,
    pub(super) status: Status,
    /// Until when it holds if nothing more is heard.
    pub(super) expires: At,
}

/// A notification.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) at: At,
    /// When the answer was sent.
    pub(super) answered: Option<At>,
    pub(super) integration: IntegrationId,
    pub(super) key: Option<String>,
    pub(super) attempt: Option<u32>,
    pub(super) group: String,
    pub(super) status: Status,
    pub(super) alerts: BTreeMap<AlertId, Status>,
    pub(super) then: Then,
    pub(super) tenant: String,
}

impl Message {
    /// Whether the receiver has it.
    pub(super) fn is_taken(&self) -> bool {
        self.then != Then::Lose
    }

    /// Whether the receiver has it and says so.
    pub(super) fn is_confirmed(&self) -> bool {
        matches!(self.then, Then::Ok | Then::Trickle)
    }
}

/// A life of the process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    pub(super) boot: At,
    pub(super) ready: Option<At>,
    /// The end of time if it never ended.
    pub(super) ended: At,
    pub(super) is_killed: bool,
    /// When a fault was injected; nothing may be noted from then on.
    pub(super) fault: Option<At>,
    /// Whether it was killed, or a fault was injected that ended it.
    pub(super) is_excused: bool,
    /// Whether it was killed at no particular moment.
    pub(super) is_random: bool,
}

impl Life {
    /// When it did the last thing: one that a fault ends does nothing more from then on, and takes its time
    /// to end.
    pub(super) fn stopped(&self) -> At {
        let is_ended_by_fault = self.is_excused && !self.is_killed;
        self.fault
            .filter(|_| is_ended_by_fault)
            .unwrap_or(self.ended)
    }
}

/// A silence.
#[derive(Debug, Clone)]
pub(super) struct Silence {
    pub(super) name: String,
    pub(super) matchers: Labels,
    /// When it is certainly in force.
    pub(super) certain: Span,
    /// When it may be.
    pub(super) possible: Span,
}

/// All of it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) policy: Policy,
    pub(super) labels: Vec<Labels>,
    pub(super) ids: HashMap<Labels, AlertId>,
    pub(super) statements: Vec<Vec<Statement>>,
    /// Tenants for whom each alert was posted.
    pub(super) tenants: Vec<BTreeSet<String>>,
    /// Of senders that repeat what they say.
    pub(super) is_repeated: Vec<bool>,
    pub(super) messages: Vec<Message>,
    pub(super) silences: Vec<Silence>,
    pub(super) lives: Vec<Life>,
    /// When no server was ready, or one could not go on.
    pub(super) down: Vec<Span>,
    /// When the process was held.
    pub(super) held: Vec<Span>,
    /// When an integration, or one that it shares its route with, was not well or recovering from that:
    /// a flush waits for all of its integrations.
    pub(super) unwell: Vec<Vec<Span>>,
    pub(super) healed: Option<At>,
    pub(super) end: At,
    /// Classes of requests with alerts.
    pub(super) requests: Vec<(At, Class, usize)>,
}

impl World {
    pub(super) fn new(entries: &[Entry]) -> Option<Self> {
        let Event::Run { policy, .. } = &entries.first()?.event else {
            return None;
        };
        let mut world = Self {
            policy: policy.clone(),
            labels: Vec::new(),
            ids: HashMap::new(),
            statements: Vec::new(),
            tenants: Vec::new(),
            is_repeated: Vec::new(),
            messages: Vec::new(),
            silences: Vec::new(),
            lives: Vec::new(),
            down: Vec::new(),
            held: Vec::new(),
            unwell: Vec::new(),
            healed: entries
                .iter()
                .find(|it| it.event == Event::Heal)
                .map(|it| it.at),
            end: entries.last()?.at,
            requests: Vec::new(),
        };
        world.read_requests(entries);
        world.read_messages(entries);
        world.read_lives(entries);
        world.read_health(entries);
        Some(world)
    }

    fn id(&mut self, labels: &Labels) -> AlertId {
        if let Some(id) = self.ids.get(labels) {
            return *id;
        }
        let id = self.labels.len();
        self.labels.push(labels.clone());
        self.ids.insert(labels.clone(), id);
        self.statements.push(Vec::new());
        self.tenants.push(BTreeSet::new());
        self.is_repeated.push(false);
        id
    }

    fn read_requests(&mut self, entries: &[Entry]) {
        let ends: HashMap<u64, (At, Outcome)> = entries
            .iter()
            .filter_map(|entry| match entry.event {
                Event::PostEnd { request, outcome } => Some((request, (entry.at, outcome))),
                _ => None,
            })
            .collect();
        // 503 has no effect, but for one: where the disk fails, what was written may be there after all.
        let is_faulty = entries
            .iter()
            .any(|entry| matches!(entry.event, Event::DiskFault { .. }));
        let end_of = |request: &u64| match ends.get(request) {
            Some((at, Outcome::Status(503))) if is_faulty => (*at, Some(Outcome::Broken)),
            Some((at, outcome)) => (*at, Some(*outcome)),
            None => (At::NEVER, None),
        };
        let mut expiries: HashMap<&str, Vec<(At, At, Class)>> = HashMap::new();
        for entry in entries {
            match &entry.event {
                Event::PostBegin {
                    request,
                    sender,
                    alerts,
                    tenant,
                } => {
                    let (ended, outcome) = end_of(request);
                    let class = match outcome {
                        Some(Outcome::Status(400)) => Class::Must,
                        _ => Class::of(outcome),
                    };
                    self.requests.push((entry.at, class, alerts.len()));
                    for alert in alerts.iter().filter(|it| it.is_valid) {
                        let id = self.id(&alert.labels);
                        self.tenants[id].insert(tenant.clone());
                        self.is_repeated[id] |= sender.starts_with("again");
                        self.statements[id].push(Statement {
                            asked: entry.at,
                            ended,
                            class: Class::of_alert(outcome, alert),
                            status: alert.status,
                            expires: match alert.ends_at {
                                Wall(0) => At::NEVER,
                                wall => at_of(entry, wall),
                            },
                        });
                    }
                }
                Event::ExpireBegin { request, silence } => {
                    let (ended, outcome) = end_of(request);
                    let tries = expiries.entry(silence).or_default();
                    tries.push((entry.at, ended, Class::of(outcome)));
                }
                _ => {}
            }
        }
        for entry in entries {
            let Event::SilenceBegin {
                request,
                silence,
                matchers,
                starts_at,
                ends_at,
            } = &entry.event
            else {
                continue;
            };
            let (acked, outcome) = end_of(request);
            let class = Class::of(outcome);
            if class == Class::Never {
                continue;
            }
            let (from, to) = (at_of(entry, *starts_at), at_of(entry, *ends_at));
            let mut certain = Span::new(acked.max(from), to);
            let mut possible = Span::new(entry.at.max(from), to);
            for (asked, ended, class) in expiries.get(silence.as_str()).into_iter().flatten() {
                if *class != Class::Never {
                    certain.to = certain.to.min(*asked);
                }
                if *class == Class::Must {
                    possible.to = possible.to.min(*ended);
                }
            }
            if class != Class::Must {
                certain.to = certain.from;
            }
            self.silences.push(Silence {
                name: silence.clone(),
                matchers: matchers.clone(),
                certain,
                possible,
            });
        }
    }

    fn read_messages(&mut self, entries: &[Entry]) {
        let answered: HashMap<u64, At> = entries
            .iter()
            .filter_map(|entry| match entry.event {
                Event::SinkEnd { message } => Some((message, entry.at)),
                _ => None,
            })
            .collect();
        let names: HashMap<String, IntegrationId> = self
            .integrations()
            .map(|(id, _, integration)| (integration.name.clone(), id))
            .collect();
        for entry in entries {
            let Event::SinkRecv {
                message,
                integration,
                key,
                attempt,
                group,
                status,
                alerts,
                then,
                tenant,
            } = &entry.event
            else {
                continue;
            };
            let Some(integration) = names.get(integration) else {
                continue;
            };
            let alerts = alerts
                .iter()
                .map(|Told { labels, status, .. }| (self.id(labels), *status))
                .collect();
            self.messages.push(Message {
                at: entry.at,
                answered: answered.get(message).copied(),
                integration: *integration,
                key: key.clone(),
                attempt: *attempt,
                group: group.clone(),
                status: *status,
                alerts,
                then: *then,
                tenant: tenant.clone(),
            });
        }
    }

    fn read_lives(&mut self, entries: &[Entry]) {
        let mut held_from = None;
        for entry in entries {
            match &entry.event {
                Event::Boot { .. } => self.lives.push(Life {
                    boot: entry.at,
                    ready: None,
                    ended: At::NEVER,
                    is_killed: false,
                    fault: None,
                    is_excused: false,
                    is_random: false,
                }),
                Event::Ready => {
                    if let Some(life) = self.lives.last_mut() {
                        life.ready.get_or_insert(entry.at);
                    }
                }
                Event::Kill { .. } | Event::Exit { .. } => {
                    if let Some(life) = self.lives.last_mut()
                        && life.ended == At::NEVER
                    {
                        life.ended = entry.at;
                        life.is_killed = matches!(entry.event, Event::Kill { .. });
                        let is_fault = matches!(
                            entry.event,
                            Event::Exit {
                                is_expected: true,
                                ..
                            }
                        );
                        life.is_excused = life.is_killed || is_fault;
                        life.is_random = matches!(&entry.event,
                            Event::Kill { point, .. } if point == ANY_TIME);
                    }
                }
                Event::Held { is_held: true } => held_from = Some(entry.at),
                Event::Held { is_held: false } => {
                    let from = held_from.take();
                    self.held.extend(from.map(|from| Span::new(from, entry.at)));
                }
                Event::Stall { ms } => {
                    // What was held up comes after.
                    let from = entry.at.minus_ms(*ms);
                    self.held.push(Span::new(from, entry.at.plus_ms(SLACK_MS)));
                }
                Event::DiskFault { .. } => {
                    if let Some(life) = self.lives.last_mut() {
                        life.fault.get_or_insert(entry.at);
                    }
                }
                _ => {}
            }
        }
        let mut from = At::default();
        for life in &self.lives {
            let Some(ready) = life.ready else { continue };
            self.down.push(Span::new(from, ready));
            from = life.stopped();
        }
        self.down.push(Span::new(from, At::NEVER));
    }

    fn read_health(&mut self, entries: &[Entry]) {
        let count = self.integrations().count();
        let mut own: Vec<Vec<Span>> = vec![Vec::new(); count];
        let mut since: Vec<Option<At>> = vec![None; count];
        for entry in entries {
            let Event::SinkMode { integration, then } = &entry.event else {
                continue;
            };
            let found = self.integrations().find(|it| it.2.name == *integration);
            let Some((id, ..)) = found else { continue };
            match (since[id], then.is_well()) {
                (None, false) => since[id] = Some(entry.at),
                (Some(from), true) => {
                    own[id].push(Span::new(from, self.recovered_by(entry.at)));
                    since[id] = None;
                }
                _ => {}
            }
        }
        for (spans, since) in own.iter_mut().zip(since) {
            spans.extend(since.map(|from| Span::new(from, At::NEVER)));
        }
        let routes: Vec<usize> = self.integrations().map(|(_, route, _)| route).collect();
        self.unwell = routes
            .iter()
            .map(|route| {
                let same = routes.iter().zip(&own).filter(|(other, _)| *other == route);
                same.flat_map(|(_, spans)| spans.clone()).collect()
            })
            .collect();
    }

    /// When a receiver that is well again counts as such: the server may wait before it tries again. When
    /// all is healed, that wait is part of the bound.
    fn recovered_by(&self, well: At) -> At {
        let by = well.plus_ms(self.policy.bound_ms);
        match self.healed {
            Some(healed) if healed >= well => by.min(healed),
            _ => by,
        }
    }

    /// All of them, with their route.
    pub(super) fn integrations(
        &self,
    ) -> impl Iterator<Item = (IntegrationId, usize, &crate::history::Integration)> {
        let routes = self.policy.routes.iter().enumerate();
        routes
            .flat_map(|(route, it)| it.integrations.iter().map(move |it| (route, it)))
            .enumerate()
            .map(|(id, (route, integration))| (id, route, integration))
    }

    /// Those that are to be told of an alert, and whether of its end too.
    pub(super) fn integrations_of(&self, alert: AlertId) -> Vec<(IntegrationId, bool)> {
        self.integrations()
            .filter(|(_, route, _)| has(&self.labels[alert], &self.policy.routes[*route].when))
            .map(|(id, _, integration)| (id, integration.send_resolved))
            .collect()
    }

    /// The values of the labels by which an alert is grouped.
    pub(super) fn group_of(&self, alert: AlertId) -> Vec<&str> {
        let labels = &self.labels[alert];
        let value = |name: &String| labels.get(name).map_or("", String::as_str);
        self.policy.group_by.iter().map(value).collect()
    }

    /// When an alert may be silenced.
    pub(super) fn possibly_muted(&self, alert: AlertId) -> Vec<Span> {
        let silences = self.silences.iter();
        silences
            .filter(|it| has(&self.labels[alert], &it.matchers))
            .map(|it| it.possible)
            .collect()
    }

    /// An alert, as a text.
    pub(super) fn name(&self, alert: AlertId) -> String {
        let labels = self.labels[alert].iter();
        let pairs: Vec<String> = labels
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        format!("{{{}}}", pairs.join(","))
    }

    /// The name of an integration.
    pub(super) fn integration_name(&self, id: IntegrationId) -> &str {
        let found = self.integrations().find(|it| it.0 == id);
        found.map_or("", |it| it.2.name.as_str())
    }

    /// The earliest moment at which what a message says may have been decided.
    pub(super) fn decided_from(&self, message: &Message) -> At {
        let unwell = self.unwell[message.integration].iter();
        let held = self.held.iter();
        let before = unwell
            .chain(held)
            .filter(|span| span.from <= message.at && message.at < span.to.plus_ms(SLACK_MS))
            .map(|span| span.from)
            .min();
        let from = before.unwrap_or(message.at).min(message.at);
        from.minus_ms(self.policy.tolerance_ms)
    }

    /// Of what state a message may tell: what was due at a start is told as it was then, also if the
    /// process is killed before it is, and started once more.
    pub(super) fn frozen_since(&self, told: At) -> At {
        let mut lives = self.lives.iter().rev().filter(|life| life.boot <= told);
        let is_soon = |life: &Life, at: At, within_ms: u64| {
            life.ready
                .is_none_or(|ready| at <= ready.plus_ms(within_ms))
        };
        let Some(last) = lives.next() else {
            return told;
        };
        if !is_soon(last, told, self.policy.tolerance_ms) {
            return told;
        }
        let cut_off = lives.take_while(|life| is_soon(life, life.ended, CATCH_UP_MS));
        cut_off.last().map_or(last.boot, |life| life.boot)
    }

    /// Whether a start told this in the place of what a kill left in doubt: of the tick before that of `next`,
    /// for the ticks of the group keep their time. What it says is over stays in the group until that next
    /// tick, whose notification has the whole group.
    pub(super) fn is_in_place_of_doubt(&self, message: &Message, next: &Message) -> bool {
        let tick = next.at.minus_ms(self.policy.group_interval_ms);
        let is_of_tick = |kill: At| {
            tick <= kill.plus_ms(RESULT_MS) && kill <= tick.plus_ms(RESULT_MS) && kill <= message.at
        };
        self.frozen_since(message.at) < message.at && self.kills().any(is_of_tick)
    }

    /// When an alert ends of which nothing more is heard: downtime does not count, for its sender could not
    /// tell of it. (What a start adds is at most `resolve_timeout`, which is longer than any run.)
    pub(super) fn end_after_downtimes(&self, said: At, expires: At) -> At {
        self.lives.windows(2).fold(expires, |end, lives| {
            let (down, up) = (lives[0].ended, lives[1].boot);
            match said <= down && down < end && end != At::NEVER {
                true => At(end.0.saturating_add(up.0.saturating_sub(down.0))),
                false => end,
            }
        })
    }

    /// When the process was held, or the machine stood still, for longer than any step may take: what
    /// fires by itself for so long only may be over when it goes on.
    pub(super) fn held_long(&self) -> impl Iterator<Item = Span> {
        let tolerance_ms = self.policy.tolerance_ms;
        let held = self.held.iter().copied();
        held.filter(move |span| span.to.ms_since(span.from) >= tolerance_ms)
    }

    /// The kills, and ends by a fault, in order.
    pub(super) fn kills(&self) -> impl Iterator<Item = At> {
        let killed = self.lives.iter().filter(|life| life.is_excused);
        killed.map(|life| life.ended)
    }

    /// When the process has had so much time since then: while it is held, and while the machine or the disk
    /// stands still, it notes nothing.
    fn has_run_for(&self, since: At, ms: u64) -> At {
        has_passed_outside(self.held.clone(), since, ms)
    }

    /// As [`Self::has_run_for`], if need be in several processes, one after another.
    pub(super) fn have_run_for(&self, since: At, ms: u64) -> At {
        has_passed_outside([self.held.as_slice(), &self.down].concat(), since, ms)
    }

    /// The kills that may have left a send in doubt, the latest first: before the process could have noted
    /// the answer. What was on its way may arrive just after, and whenever it does: what arrives before
    /// another process was started is of the one that was killed.
    pub(super) fn doubts(&self, message: &Message) -> impl Iterator<Item = &Life> {
        let from = message.at.minus_ms(RESULT_MS);
        let until = message
            .answered
            .map_or(At::NEVER, |at| self.has_run_for(at, RESULT_MS));
        let at = message.at;
        let last = self.lives.iter().rposition(|life| life.boot <= at);
        let lives = self.lives.iter().enumerate().rev();
        let in_doubt = lives.filter(move |(index, life)| {
            let is_its_own = life.boot <= at;
            let is_of_the_dead = last == Some(*index) && life.ended <= at;
            let is_soon = (from <= life.ended || is_of_the_dead) && life.ended <= until;
            let is_after_fault = life
                .fault
                .is_some_and(|fault| from <= fault && fault <= until);
            let is_after_fault = is_after_fault
                || life
                    .fault
                    .is_some_and(|fault| fault <= at && at <= life.ended);
            life.is_excused && is_its_own && (is_soon || is_after_fault)
        });
        in_doubt.map(|(_, life)| life)
    }

    /// Whether there is such a kill.
    pub(super) fn is_in_doubt(&self, message: &Message) -> bool {
        self.doubts(message).next().is_some()
    }
}

/// How a kill is called that hits no particular moment.
pub(crate) const ANY_TIME: &str = "any time";

/// When so much time has passed since then, without these spans.
fn has_passed_outside(mut spans: Vec<Span>, since: At, ms: u64) -> At {
    spans.sort_unstable();
    let mut until = since.plus_ms(ms);
    let mut counted = since;
    for span in spans {
        let from = span.from.max(counted);
        if span.to > from && from < until {
            until = until.plus_ms(span.to.ms_since(from));
            counted = span.to;
        }
    }
    until
}

/// How long after its answer a send may still be in doubt, in time in which the process runs: the result has
/// to be read, written and synced, on a machine that has other things to do.
const RESULT_MS: u64 = 250;

/// How long after its start a server may still have to tell of some group what was due before: some dozens
/// of groups, five milliseconds apart, on a busy machine.
const CATCH_UP_MS: u64 = 250;

/// How long a process that goes on after it was held has for what it was about to do.
const SLACK_MS: u64 = 250;

/// Whether labels have all of those values.
pub(super) fn has(labels: &Labels, wanted: &Labels) -> bool {
    wanted
        .iter()
        .all(|(name, value)| labels.get(name) == Some(value))
}

/// When that time of day is, if nobody sets the clock.
fn at_of(entry: &Entry, wall: Wall) -> At {
    let ahead = i128::from(wall.0) - i128::from(entry.wall.0);
    let at = i128::from(entry.at.0) + ahead;
    At(u64::try_from(at.max(0)).unwrap_or(u64::MAX))
}
