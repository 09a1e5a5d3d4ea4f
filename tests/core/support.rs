//! A server without a server: a core, a log in memory, receivers that are up, down, or never answer.
//!
//! Times are seconds since the beginning of the test. Every crash compares the state hash of the core that
//! was killed with that of the one which replayed its log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tocsin::core::explain::Explanations;
use tocsin::core::{
    Action, Alert, Core, Decision, Event, Integration, NewAlert, Notification, Policy, Restore,
    Section, Verdict,
};
use tocsin::model::route::GroupBy;
use tocsin::model::route::RouteSpec;
use tocsin::model::{Duration, LabelSet, Matchers, Mode, RouteTree};
use tocsin::record::{AlertV1, AttemptV1, AttemptsV1, CodecError, Lsn, Record};
use tocsin::sys::WallTime;

/// 2026-11-22T03:00:00Z, a Sunday.
pub(crate) const START_NS: i64 = 1_795_316_400_000_000_000;
pub(crate) const SECOND_NS: i64 = 1_000_000_000;
pub(crate) const STORE: [u8; 16] = *b"a store of tests";

pub(crate) fn at(seconds: i64) -> WallTime {
    WallTime(START_NS + seconds * SECOND_NS)
}

/// The labels of `A job=node`: the first word is the alert's name.
pub(crate) fn labels(text: &str) -> LabelSet {
    let mut words = text.split(' ');
    let name = words.next().unwrap();
    let others = words.map(|word| word.split_once('=').unwrap());
    LabelSet::new([("alertname", name)].into_iter().chain(others))
}

pub(crate) fn matchers(text: &str) -> Matchers {
    Mode::default().parse_matchers(text).unwrap().value.sorted()
}

/// An alert as the API hands it on.
pub(crate) fn alert(text: &str, starts: i64, ends: i64) -> AlertV1 {
    AlertV1 {
        labels: labels(text)
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        annotations: vec![],
        starts_at_ns: at(starts).0,
        ends_at_ns: at(ends).0,
        is_timeout: false,
        generator_url: String::new(),
    }
}

pub(crate) fn integration(name: &str, index: u32) -> Integration {
    Integration {
        name: name.into(),
        index,
        send_resolved: true,
        on_in_doubt: tocsin::core::OnInDoubt::Resend,
    }
}

/// A route with a group for each value of these labels, and Alertmanager's times.
pub(crate) fn route(receiver: &str, group_by: &[&str]) -> RouteSpec {
    RouteSpec {
        receiver: Some(receiver.to_owned()),
        group_by: Some(GroupBy::Labels(
            group_by.iter().map(|it| (*it).to_owned()).collect(),
        )),
        ..RouteSpec::default()
    }
}

/// A policy in which each of these receivers has one webhook.
pub(crate) fn policy(root: RouteSpec, receivers: &[&str]) -> Policy {
    let receivers = receivers
        .iter()
        .map(|name| (Arc::from(*name), vec![integration("webhook", 0)]));
    Policy::new(RouteTree::new(root), receivers.collect())
}

/// One receiver `r`, one group for all alerts.
pub(crate) fn simple() -> Policy {
    policy(route("r", &[]), &["r"])
}

/// A world in whose log stands what explains it.
pub(crate) fn explaining(policy: Policy) -> World {
    World {
        explains: true,
        ..World::new(policy)
    }
}

/// What a receiver does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Up,
    Down,
    /// It takes the notification, and no answer comes before the next crash.
    Silent,
    /// Nothing is sent before the next crash.
    Stuck,
}

/// The state as a checkpoint holds it.
pub(crate) fn sections(core: &Core) -> Vec<Section> {
    let mut all = vec![];
    core.snapshot(|section| {
        all.push(section);
        Ok::<(), CodecError>(())
    })
    .unwrap();
    all
}

/// A core out of a checkpoint.
pub(crate) fn restored(sections: &[Section], policy: &Arc<Policy>, now: i64) -> Core {
    let core = Core::new(STORE, Arc::clone(policy));
    let mut restore = Restore::new(core, at(now));
    for section in sections {
        restore.section(section.kind, &section.bytes).unwrap();
    }
    restore.finish().0
}

pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) policy: Arc<Policy>,
    pub(crate) now: i64,
    pub(crate) log: Vec<(Lsn, Record)>,
    /// Receivers, or `receiver/integration`.
    pub(crate) health: BTreeMap<String, Health>,
    /// What receivers got, a line each.
    pub(crate) sent: Vec<String>,
    /// The same as values.
    pub(crate) got: Vec<Notification>,
    pub(crate) events: Vec<Event>,
    pub(crate) decisions: Vec<Decision>,
    /// Notifications without an answer.
    pub(crate) open: Vec<Notification>,
    /// Whether what explains the decisions is in the log, too, as in the server.
    pub(crate) explains: bool,
    explanations: Explanations,
    last_alive: i64,
    has_reloaded: bool,
    /// Sections, and how many records are in them.
    checkpoint: Option<(Vec<Section>, usize)>,
}

impl World {
    pub(crate) fn new(policy: Policy) -> Self {
        let policy = Arc::new(policy);
        Self {
            core: Core::new(STORE, Arc::clone(&policy)),
            policy,
            now: 0,
            log: vec![],
            health: BTreeMap::new(),
            sent: vec![],
            got: vec![],
            events: vec![],
            decisions: vec![],
            open: vec![],
            explains: false,
            explanations: Explanations::default(),
            last_alive: 0,
            has_reloaded: false,
            checkpoint: None,
        }
    }

    pub(crate) fn append(&mut self, record: Record) {
        let lsn = Lsn(self.log.len() as u64 + 1);
        self.log.push((lsn, record.clone()));
        self.last_alive = self.now;
        let events = self.core.apply(lsn, record);
        self.happened(events);
    }

    fn happened(&mut self, events: Vec<Event>) {
        for event in &events {
            self.explanations.happened("", at(self.now), event);
        }
        self.events.extend(events);
    }

    /// What explains rides with what was decided.
    fn explain(&mut self) {
        let (records, dropped) = self.explanations.take();
        assert_eq!(dropped, 0, "there is room for all of it");
        if self.explains {
            records.into_iter().for_each(|record| self.append(record));
        }
    }

    /// Alerts arrive in one request. `A job=node` fires until told otherwise, `-A` has ended now.
    pub(crate) fn post(&mut self, alerts: &[&str]) {
        let now = self.now;
        let read = |text: &&str| match text.strip_prefix('-') {
            Some(text) => alert(text, now.min(0), now),
            None => alert(text, now, 1_000_000),
        };
        let alerts = alerts.iter().map(read).collect();
        self.post_alerts(alerts);
    }

    pub(crate) fn post_alerts(&mut self, alerts: Vec<AlertV1>) -> Vec<usize> {
        let tenant = self.core.tenant_entry("");
        let alerts: Vec<NewAlert> = alerts.into_iter().map(NewAlert::from).collect();
        let admission = tenant.admit(at(self.now), &alerts);
        for record in admission.records {
            self.append(record);
        }
        admission.limited
    }

    /// Everything that is due up to then happens.
    pub(crate) fn run(&mut self, until: i64) {
        self.step();
        while let Some(wake) = self.core.next_wake()
            && wake <= at(until)
        {
            self.now = self
                .now
                .max((wake.0.saturating_sub(START_NS)).div_euclid(SECOND_NS));
            if at(self.now) < wake {
                self.now += 1;
            }
            self.step();
        }
        self.now = until;
    }

    /// Decides once, appends, sends.
    pub(crate) fn step(&mut self) {
        let actions = self.core.decide(at(self.now));
        let mut notifications = vec![];
        for action in actions {
            match action {
                Action::Append(record) => self.append(record),
                Action::Notify(notification) => notifications.push(*notification),
                Action::Explain(decision) => {
                    self.explanations.decided(&decision);
                    self.decisions.push(decision);
                }
            }
        }
        self.explain();
        for notification in notifications {
            self.send(notification);
        }
    }

    fn health_of(&self, notification: &Notification) -> Health {
        let key = &notification.key;
        let one = format!("{}/{}", key.receiver, key.integration);
        let health = self.health.get(&one).or(self.health.get(&key.receiver));
        health.copied().unwrap_or(Health::Up)
    }

    fn send(&mut self, notification: Notification) {
        match self.health_of(&notification) {
            Health::Up => {
                self.take(&notification);
                self.tried(&notification, 1, 0);
                self.append(notification.delivered(at(self.now), BTreeMap::new()));
            }
            Health::Down => {
                self.tried(&notification, 7, 503);
                self.append(notification.failed(at(self.now), "down".to_owned()));
            }
            Health::Silent => {
                self.take(&notification);
                self.open.push(notification);
            }
            Health::Stuck => self.open.push(notification),
        }
    }

    /// That many attempts, a second each, which all ended so.
    fn tried(&mut self, notification: &Notification, count: u32, status: u32) {
        if self.explains {
            let attempts = self.attempts(notification, count, status);
            self.append(Record::Attempts(attempts));
        }
    }

    /// That many attempts as a record tells them.
    pub(crate) fn attempts(
        &self,
        notification: &Notification,
        count: u32,
        status: u32,
    ) -> AttemptsV1 {
        let (error, detail) = match status {
            0 => (String::new(), String::new()),
            status => (
                "serverError".to_owned(),
                format!("unexpected status code {status}"),
            ),
        };
        let attempts = (1..=count).map(|number| AttemptV1 {
            number,
            after_ms: u64::from(number - 1) * 1_000,
            duration_us: 120_000,
            status,
            error: error.clone(),
            detail: detail.clone(),
        });
        AttemptsV1 {
            flush_id: notification.flush_id,
            key: notification.key.clone(),
            idempotency_key: notification.idempotency_key,
            started_at_ns: at(self.now).0,
            count,
            attempts: attempts.collect(),
        }
    }

    fn take(&mut self, notification: &Notification) {
        self.sent.push(line(self.now, notification));
        self.got.push(notification.clone());
    }

    /// The process is killed, and its log replayed. It is up again then. Both cores are the same, but for
    /// what a new policy did, which is no record.
    pub(crate) fn crash(&mut self, up_again: i64) {
        self.kill();
        if let Some((sections, from)) = &self.checkpoint {
            let mut core = restored(sections, &self.policy, up_again);
            for (lsn, record) in &self.log[*from..] {
                core.apply(*lsn, record.clone());
            }
            let (one, other) = (self.core.state_hash().unwrap(), core.state_hash().unwrap());
            assert!(self.has_reloaded || one == other, "checkpoint differs");
            self.core = core;
        }
        self.restart(up_again);
    }

    /// From now on the log is replayed from here.
    pub(crate) fn checkpoint(&mut self) {
        self.checkpoint = Some((sections(&self.core), self.log.len()));
    }

    /// As [`Self::crash`], and the configuration is another one when it comes up.
    pub(crate) fn crash_into(&mut self, policy: Policy, up_again: i64) {
        self.has_reloaded = true;
        self.policy = Arc::new(policy);
        self.crash(up_again);
    }

    pub(crate) fn kill(&mut self) {
        let before = self.core.state_hash().unwrap();
        let replayed = self.replayed();
        let after = replayed.state_hash().unwrap();
        assert!(self.has_reloaded || before == after, "replay differs");
        self.core = replayed;
        self.open.clear();
    }

    pub(crate) fn restart(&mut self, up_again: i64) {
        let last_alive = at(self.last_alive);
        self.now = up_again;
        for record in self.core.plan_recovery(last_alive, at(up_again)) {
            self.append(record);
        }
        self.core.resume(at(up_again), at(up_again));
    }

    /// The log up to now was synced by a heartbeat.
    pub(crate) fn heartbeat(&mut self) {
        self.last_alive = self.now;
    }

    pub(crate) fn replayed(&self) -> Core {
        let mut core = Core::new(STORE, Arc::clone(&self.policy));
        for (lsn, record) in &self.log {
            core.apply(*lsn, record.clone());
        }
        core
    }

    pub(crate) fn reload(&mut self, policy: Policy) {
        self.has_reloaded = true;
        self.policy = Arc::new(policy);
        let policy = Arc::clone(&self.policy);
        let events = self.core.set_policy(None, policy, at(self.now));
        self.happened(events);
    }

    /// The state hash of the core, which is that of a replay of its log.
    pub(crate) fn checked_hash(&self) -> u64 {
        let hash = self.core.state_hash().unwrap();
        assert_eq!(
            hash,
            self.replayed().state_hash().unwrap(),
            "replay differs"
        );
        hash
    }

    /// The names of the alerts in the groups, by group key.
    pub(crate) fn groups(&self) -> BTreeMap<String, Vec<String>> {
        let Some(tenant) = self.core.tenant("") else {
            return BTreeMap::new();
        };
        let of = |group: &tocsin::core::Group| {
            let alerts = tenant.alerts_of(group);
            alerts.iter().map(|alert| name(alert)).collect()
        };
        tenant
            .groups()
            .map(|group| (group.name.key.to_string(), of(group)))
            .collect()
    }

    pub(crate) fn ends(&self, text: &str) -> i64 {
        let tenant = self.core.tenant("").unwrap();
        let alert = tenant.alert(labels(text).fingerprint()).unwrap();
        (alert.ends_at.0 - START_NS) / SECOND_NS
    }

    /// Silences alerts that match, from now on.
    pub(crate) fn silence(&mut self, id: &str, text: &str, until: i64) {
        let draft = tocsin::core::SilenceDraft {
            matcher_sets: vec![
                matchers(text)
                    .iter()
                    .map(|it| (it.name().to_owned(), it.operator(), it.value().to_owned()))
                    .collect(),
            ],
            ends_at: Some(at(until)),
            ..tocsin::core::SilenceDraft::default()
        };
        let names = tocsin::model::NameRule::Utf8;
        let now = at(self.now);
        let change = self.core.set_silence("", &draft, names, id, now).unwrap();
        for record in change.records {
            self.append(record);
        }
    }

    pub(crate) fn expire(&mut self, id: &str) {
        let record = self.core.expire_silence("", id, at(self.now)).unwrap();
        if let Some(record) = record {
            self.append(record);
        }
    }

    /// What was decided, but for what was sent: a line each.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let said = self.decisions.iter().filter_map(|decision| {
            let at = (decision.at.0 - START_NS) / SECOND_NS;
            let text = match &decision.verdict {
                Verdict::Notify { .. } => return None,
                Verdict::Inhibited { alerts } => format!("inhibited {}", alerts.len()),
                Verdict::Silenced { alerts } => {
                    let ids: BTreeSet<_> = alerts.iter().flat_map(|(_, ids)| ids).collect();
                    format!("silenced {} by {ids:?}", alerts.len())
                }
                Verdict::OutsideActiveIntervals { names, alerts } => {
                    format!("outside {names:?} {alerts}")
                }
                Verdict::InMuteIntervals { names, alerts } => format!("inside {names:?} {alerts}"),
                Verdict::Deduplicated { to } => format!("deduplicated {}", to.integration),
                Verdict::NothingToSend { to, reason } => {
                    format!("nothing to send {}: {reason}", to.integration)
                }
                Verdict::Superseded { to, .. } => format!("superseded {}", to.integration),
                Verdict::AssumedDelivered { to, .. } => format!("assumed {}", to.integration),
                Verdict::Quarantined { to, .. } => format!("quarantined {}", to.integration),
                Verdict::UnknownInterval { name } => format!("unknown interval {name}"),
                Verdict::ReceiverMissing => "receiver missing".to_owned(),
                Verdict::NotReady => "not ready".to_owned(),
            };
            Some(format!("{at} {text}"))
        });
        said.collect()
    }
}

pub(crate) fn name(alert: &Alert) -> String {
    alert.labels.value("alertname").to_owned()
}

/// `30 r/webhook first notification: A B, resolved C`
fn line(now: i64, notification: &Notification) -> String {
    let names = |is_resolved: bool| {
        let sent = notification.sent();
        let names: Vec<String> = sent
            .filter(|it| it.is_resolved == is_resolved)
            .map(|it| name(&it.alert))
            .collect();
        names.join(" ")
    };
    let key = &notification.key;
    let mut text = format!(
        "{now} {}/{} {}: {}",
        key.receiver,
        key.integration,
        notification.reason,
        names(false)
    );
    let resolved = names(true);
    if !resolved.is_empty() {
        text = format!("{}, resolved {resolved}", text.trim_end());
    }
    if notification.attempt > 1 {
        text = format!("{text} (attempt {})", notification.attempt);
    }
    text
}

pub(crate) fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}
