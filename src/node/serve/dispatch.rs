//! From what the core decided to what delivery sends.
//!
//! The intents are durable when a notification gets here: the core writes them in one batch with the
//! timer of the group, so delivery writes none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gotemplate::time::{Time, Zone};
use tokio::runtime::Handle;
use tracing::error;

use super::crashes::Crashes;
use super::journal::Journal;
use super::plan::{Plan, time_of};
use super::shared::Shared;
use crate::core::proto::{ReceiverData as KeptMessage, ReceiverDataValue};
use crate::core::{Notification, TellAlert};
use crate::delivery::{Delivery, Durable, Entry, JournalError, Order, Refusal};
use crate::model::LabelSet;
use crate::receivers::{Content, ReceiverData, ReceiverValue, Status};
use crate::record::Record;
use crate::sys::WallTime;
use crate::template::{Alert, Data, Labels, Mode};
use crate::wal::{AppendError, Lane};

/// How long a result waits before it is handed in again, if the log has no room or time for it.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_millis(100);

/// Hands notifications to delivery.
#[derive(Debug, Clone)]
pub(super) struct Dispatcher {
    pub(super) shared: Arc<Shared>,
    pub(super) delivery: Delivery,
    pub(super) runtime: Handle,
    /// Where users reach this server.
    pub(super) external_url: Arc<str>,
    /// What was under way when the process was killed.
    pub(super) crashes: Arc<Crashes>,
}

impl Dispatcher {
    /// Sends these, whose intents are durable. Their texts are made elsewhere: the core's thread has
    /// other things to do.
    pub(super) fn send(&self, notifications: Vec<Notification>) {
        let this = self.clone();
        self.runtime.spawn(async move {
            let plan = this.shared.plan();
            let mut contents = Contents::default();
            for notification in notifications {
                let content = contents.of(&notification, &plan, &this.external_url);
                this.submit(notification, content);
            }
        });
    }

    fn submit(&self, notification: Notification, content: Arc<Content>) {
        if notification.is_recovered {
            let counter = &self.shared.counts.in_doubt_resent;
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let left = notification
            .deadline
            .0
            .saturating_sub(notification.decided_at.0);
        let notification = Arc::new(notification);
        let order = Order {
            intent: notification.intent(),
            content,
            receiver_data: kept(&notification.receiver_data),
            timeout: std::time::Duration::from_nanos(u64::try_from(left).unwrap_or(0)),
            is_recovered: notification.is_recovered,
            crashes: self.crashes.take(&notification.idempotency_key),
            entry: Arc::new(OfCore(Arc::clone(&notification))),
        };
        let Err(refused) = self.delivery.submit(order) else {
            return;
        };
        // At a stop there is no result: the next start finds the intent in doubt.
        if refused.refusal == Refusal::Stopping {
            return;
        }
        error!(
            receiver = notification.key.receiver,
            aggrGroup = notification.key.group_key,
            err = %refused,
            "Notify for alerts failed"
        );
        let result = notification.failed(self.shared.clock.wall(), refused.to_string());
        let appended = durable(Arc::clone(&self.shared), vec![result]);
        self.runtime.spawn(async move {
            // Why it failed has been logged, and the process ends.
            let _ = appended.await;
        });
    }
}

/// Contents that were made, so that the integrations of a receiver share one.
#[derive(Default)]
struct Contents {
    made: Vec<Made>,
}

struct Made {
    alerts: Arc<[TellAlert]>,
    reason: &'static str,
    content: Arc<Content>,
}

impl Contents {
    fn of(&mut self, notification: &Notification, plan: &Plan, external_url: &str) -> Arc<Content> {
        let reason = notification.reason.as_str();
        let made = self.made.iter().rev().take(CONTENTS_LOOKED_AT_MAX);
        let mut same = made.filter(|made| {
            Arc::ptr_eq(&made.alerts, &notification.alerts) && made.reason == reason
        });
        if let Some(made) = same.next() {
            return Arc::clone(&made.content);
        }
        let route = plan
            .policy
            .routes
            .routes()
            .get(notification.route.0 as usize);
        let raw = route.map(|route| Labels::clone(&route.labels));
        let alerts: Vec<Alert> = notification.alerts.iter().map(told).collect();
        let mut content = Content {
            group_labels: pairs(&notification.group_labels),
            route_labels: Labels::new(),
            alerts,
            reason: reason.to_owned(),
            external_url: external_url.to_owned(),
        };
        let group = &notification.key.group_key;
        content.route_labels = rendered(plan, raw.unwrap_or_default(), &content, group);
        let content = Arc::new(content);
        self.made.push(Made {
            alerts: Arc::clone(&notification.alerts),
            reason,
            content: Arc::clone(&content),
        });
        content
    }
}

/// The integrations of a group come one after the other.
const CONTENTS_LOOKED_AT_MAX: usize = 4;

/// The labels of a route, which are templates.
///
/// Alertmanager 0.34: one that cannot be rendered is left out, and logged.
pub(super) fn rendered(plan: &Plan, raw: Labels, content: &Content, group: &str) -> Labels {
    if raw.is_empty() {
        return raw;
    }
    let has_firing = content.has_firing();
    let status = if has_firing {
        Status::Firing
    } else {
        Status::Resolved
    };
    let data = Data {
        status: status.as_str().to_owned(),
        alerts: content.alerts.clone(),
        notification_reason: "unknown".to_owned(),
        group_labels: content.group_labels.clone(),
        route_labels: raw.clone(),
        external_url: content.external_url.clone(),
        ..Data::default()
    };
    let value = data.to_pointer();
    let mut labels = Labels::new();
    for (name, template) in raw {
        match plan.templates.render(Mode::Text, &template, &value, &data) {
            Ok(text) => {
                labels.insert(name, String::from_utf8_lossy(&text).into_owned());
            }
            Err(fault) => error!(
                component = "dispatcher",
                aggrGroup = group,
                label = name,
                value = template,
                err = %fault,
                "failed to render route label"
            ),
        }
    }
    labels
}

/// An alert as templates have it.
pub(super) fn told(it: &TellAlert) -> Alert {
    let status = match it.is_resolved {
        true => Status::Resolved,
        false => Status::Firing,
    };
    let at = |time: WallTime| time_of(time.0, &Zone::utc());
    Alert {
        status: status.as_str().to_owned(),
        labels: pairs(&it.alert.labels),
        annotations: pairs(&it.alert.annotations),
        starts_at: at(it.alert.starts_at),
        ends_at: it.ends_at().map_or(Time::ZERO, at),
        generator_url: it.alert.generator_url.to_string(),
        fingerprint: it.alert.fingerprint().to_string(),
    }
}

/// Labels as templates have them.
pub(super) fn pairs(labels: &LabelSet) -> Labels {
    labels
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn kept(messages: &BTreeMap<String, KeptMessage>) -> ReceiverData {
    let values = messages.iter().filter_map(|(name, message)| {
        let value = match message.value.clone()? {
            ReceiverDataValue::Text(text) => ReceiverValue::Text(text),
            ReceiverDataValue::Int(int) => ReceiverValue::Int(int),
            ReceiverDataValue::Double(double) => ReceiverValue::Double(double),
        };
        Some((name.clone(), value))
    });
    values.collect()
}

/// How the core remembers a notification.
#[derive(Debug)]
struct OfCore(Arc<Notification>);

impl Entry for OfCore {
    fn encoded(&self, kept: &ReceiverData, finished_at: WallTime) -> Vec<u8> {
        let messages = kept.iter().map(|(name, value)| {
            let value = match value.clone() {
                ReceiverValue::Text(text) => ReceiverDataValue::Text(text),
                ReceiverValue::Int(int) => ReceiverDataValue::Int(int),
                ReceiverValue::Double(double) => ReceiverDataValue::Double(double),
            };
            (name.clone(), KeptMessage { value: Some(value) })
        });
        self.0.entry(finished_at, messages.collect())
    }
}

/// The log, as delivery knows it.
#[derive(Debug)]
pub(super) struct ResultJournal(pub(super) std::sync::OnceLock<Arc<Shared>>);

impl crate::delivery::Journal for ResultJournal {
    fn append(&self, records: Vec<Record>) -> Durable {
        match self.0.get() {
            Some(shared) => durable(Arc::clone(shared), records),
            None => Box::pin(async { Err(JournalError("the server is starting".to_owned())) }),
        }
    }
}

/// Appends results, again and again while the log has no room or time: without its result a group
/// would wait for ever.
fn durable(shared: Arc<Shared>, mut records: Vec<Record>) -> Durable {
    Box::pin(async move {
        loop {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let journal: &Arc<Journal> = &shared.journal;
            journal.submit(Lane::Priority, records, |result| {
                // Whoever waited may have been cut off at the end of the process.
                let _ = sender.send(result);
            });
            let Ok(result) = receiver.await else {
                return Err(JournalError(AppendError::Closed.to_string()));
            };
            let Err(refused) = result else {
                return Ok(());
            };
            if !refused.error.is_retryable() {
                if refused.error != AppendError::Closed {
                    shared.fail(&refused.error);
                }
                return Err(JournalError(refused.error.to_string()));
            }
            records = refused.records;
            tokio::time::sleep(RETRY_AFTER).await;
        }
    })
}
