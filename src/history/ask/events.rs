//! Entries as events, a JSON value each, for whoever reads them into something else.
//!
//! Alertmanager 0.34: the event recorder writes `@timestamp`, `instance` and `data`, in which one field says
//! what happened. Where it has an event for what an entry says, its names are used, as its JSON has them
//! (times in RFC 3339, numbers of 64 bits as texts, what is empty left out). Everything else is in a field
//! of ours, `tocsin…`, with the names of `GET /api/tocsin/v1/history`.

use serde_json::{Map, Value, json};

use super::notifications::{Row, row};
use crate::history::index::Past;
use crate::history::{
    Entry, GroupHash, Order, Position, Span, Subject, Timeline, TimelineError, What,
};
use crate::model::{Fingerprint, LabelSet};
use crate::record::group_hash;
use crate::sys::WallTime;
use std::ops::ControlFlow;

/// Makes events of entries.
pub(super) struct Exporter<'a> {
    past: &'a Past,
    instance: &'a str,
}

impl<'a> Exporter<'a> {
    pub(super) fn new(past: &'a Past, instance: &'a str) -> Self {
        Self { past, instance }
    }

    /// The events that an entry stands for: mostly one.
    pub(super) fn events(&mut self, entry: &Entry) -> Result<Vec<Value>, TimelineError> {
        let at = entry.position.at;
        let own = |this: &Self| {
            let (kind, body) = super::list::kind_and_body(&entry.what);
            let mut body = body;
            if let (Value::Object(body), true) = (&mut body, entry.times > 1) {
                body.insert("until".to_owned(), json!(entry.until.to_string()));
                body.insert("times".to_owned(), json!(entry.times));
            }
            this.event(at, &format!("tocsin{}", capitalised(&kind)), body)
        };
        let events = match &entry.what {
            What::Received {
                alert,
                starts_at,
                ends_at,
                ..
            } if self.is_new(*alert, entry.position)? => {
                let mut shown = self.alert(*alert)?;
                shown.insert("startsAt".to_owned(), json!(starts_at.to_string()));
                shown.insert("endsAt".to_owned(), json!(ends_at.to_string()));
                if *ends_at <= at {
                    shown.insert("resolved".to_owned(), json!(true));
                }
                vec![self.event(at, "alertCreated", json!({ "alert": shown }))]
            }
            What::Placed { alert, group } => {
                let body =
                    json!({ "alert": self.grouped(*alert)?, "groupInfo": self.group(*group)? });
                vec![self.event(at, "alertGrouped", body)]
            }
            What::Forgotten { alert, group } => {
                let body =
                    json!({ "alert": self.grouped(*alert)?, "groupInfo": self.group(*group)? });
                vec![self.event(at, "alertResolved", body)]
            }
            What::Intended { .. } => match row(self.past, entry)? {
                Some(row) => vec![self.notification(at, &row)?],
                None => Vec::new(),
            },
            // They are part of the notification.
            What::Attempted { .. } | What::Ended { .. } => Vec::new(),
            What::SilenceSet {
                id,
                created_by,
                comment,
                starts_at,
                ends_at,
                matchers,
            } => {
                let silence = json!({
                    "id": id,
                    "matcherSets": matchers,
                    "startsAt": starts_at.to_string(),
                    "endsAt": ends_at.to_string(),
                    "createdBy": created_by,
                    "comment": comment,
                });
                let field = match self.is_known_silence(id, entry.position)? {
                    true => "silenceUpdated",
                    false => "silenceCreated",
                };
                vec![self.event(at, field, json!({ "silence": silence }))]
            }
            What::Flushed(flush) => {
                let mut events = Vec::new();
                for silenced in &flush.silenced {
                    for id in &silenced.silences {
                        let muted = self.alert(silenced.alert)?;
                        let body = json!({ "silence": { "id": id }, "mutedAlert": muted });
                        events.push(self.event(at, "silenceMutedAlert", body));
                    }
                }
                for inhibited in &flush.inhibited {
                    let body = json!({
                        "inhibitRules": [{ "name": inhibited.rule_name }],
                        "mutedAlert": self.alert(inhibited.alert)?,
                        "inhibitingFingerprints": [format!("{:016x}", inhibited.source)],
                    });
                    events.push(self.event(at, "inhibitionMutedAlert", body));
                }
                events.push(own(self));
                events
            }
            _ => vec![own(self)],
        };
        Ok(events)
    }

    /// A notification, whatever came of it: Alertmanager tells of those only that were delivered.
    pub(super) fn notification(&mut self, at: WallTime, row: &Row) -> Result<Value, TimelineError> {
        let hashes = |hashes: &[String]| -> Vec<Value> {
            hashes.iter().map(|hash| json!({ "hash": hash })).collect()
        };
        let group = self.group(GroupHash(group_hash(&row.group_key, 0)))?;
        let mut body = json!({
            "firingAlerts": hashes(&row.firing),
            "resolvedAlerts": hashes(&row.resolved),
            "groupInfo": group,
            "reason": reason(&row.reason),
            "flushId": row.flush_id.to_string(),
            "integration": { "name": row.integration, "index": row.index },
        });
        let field = match row.status.as_str() {
            "delivered" => "notification",
            _ => "tocsinNotification",
        };
        if let Value::Object(body) = &mut body {
            for name in ["firingAlerts", "resolvedAlerts"] {
                if body
                    .get(name)
                    .and_then(Value::as_array)
                    .is_some_and(Vec::is_empty)
                {
                    body.remove(name);
                }
            }
            if field != "notification" {
                body.insert("status".to_owned(), json!(row.status));
                body.insert("detail".to_owned(), json!(row.detail));
            }
        }
        Ok(self.event(at, field, body))
    }

    fn event(&self, at: WallTime, field: &str, body: Value) -> Value {
        let body = match body {
            Value::Null => json!({}),
            body => body,
        };
        let mut data = Map::new();
        data.insert(field.to_owned(), body);
        json!({
            "@timestamp": at.to_string(),
            "instance": self.instance,
            "data": data,
        })
    }

    fn alert(&self, alert: u64) -> Result<Map<String, Value>, TimelineError> {
        let labels = self.past.alert(Fingerprint(alert))?.unwrap_or_default();
        let mut shown = Map::new();
        shown.insert("fingerprint".to_owned(), json!(format!("{alert:016x}")));
        let name = labels.value("alertname");
        if !name.is_empty() {
            shown.insert("name".to_owned(), json!(name));
        }
        shown.insert("labels".to_owned(), label_set(&labels));
        Ok(shown)
    }

    fn grouped(&self, alert: u64) -> Result<Value, TimelineError> {
        let labels = self.past.alert(Fingerprint(alert))?.unwrap_or_default();
        let hash = crate::core::notification_hash(&labels);
        Ok(json!({ "hash": format!("{hash:016x}"), "details": self.alert(alert)? }))
    }

    fn group(&self, group: GroupHash) -> Result<Value, TimelineError> {
        let Some(facts) = self.past.group(group)? else {
            return Ok(json!({}));
        };
        let mut info = Map::new();
        info.insert("groupKey".to_owned(), json!(facts.key));
        if !facts.receiver.is_empty() {
            info.insert("receiverName".to_owned(), json!(facts.receiver));
        }
        Ok(Value::Object(info))
    }

    /// Whether nothing was received of an alert before.
    fn is_new(&self, alert: u64, position: Position) -> Result<bool, TimelineError> {
        self.is_first(&Subject::Alert(Fingerprint(alert)), position)
    }

    fn is_known_silence(&self, id: &str, position: Position) -> Result<bool, TimelineError> {
        let subject = Subject::Silence(id.into());
        Ok(!self.is_first(&subject, position)?)
    }

    fn is_first(&self, subject: &Subject, position: Position) -> Result<bool, TimelineError> {
        let before = Span {
            to: position,
            ..Span::ALL
        };
        let mut is_first = true;
        self.past
            .scan(subject, before, Order::OldestFirst, &mut |first| {
                is_first = first.position == position;
                ControlFlow::Break(())
            })?;
        Ok(is_first)
    }
}

fn label_set(labels: &LabelSet) -> Value {
    let labels = labels.iter();
    let labels: Vec<Value> = labels
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect();
    json!({ "labels": labels })
}

/// The name that Alertmanager's enumeration has.
fn reason(text: &str) -> &'static str {
    match text {
        "first notification" => "NOTIFY_REASON_FIRST_NOTIFICATION",
        "new alerts added" => "NOTIFY_REASON_NEW_ALERTS_IN_GROUP",
        "some alerts resolved" => "NOTIFY_REASON_NEW_RESOLVED_ALERTS",
        "all alerts resolved" => "NOTIFY_REASON_ALL_ALERTS_RESOLVED",
        "repeat interval elapsed" => "NOTIFY_REASON_REPEAT_INTERVAL_ELAPSED",
        _ => "NOTIFY_REASON_UNSPECIFIED",
    }
}

/// `silence_used` as `SilenceUsed`.
fn capitalised(kind: &str) -> String {
    let words = kind.split('_').filter_map(|word| {
        let mut letters = word.chars();
        let first = letters.next()?.to_ascii_uppercase();
        Some(std::iter::once(first).chain(letters).collect::<String>())
    });
    words.collect()
}
