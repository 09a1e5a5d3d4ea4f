//! What an integration is handed.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::outcome::ReceiverData;
use crate::template::{Alert, Data, Labels};

/// Which of a receiver's integrations: `slack[0]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IntegrationId {
    /// Its kind.
    pub kind: String,
    /// Its place among the receiver's integrations of that kind.
    pub index: u32,
}

impl fmt::Display for IntegrationId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}[{}]", self.kind, self.index)
    }
}

/// The state of an alert, or of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It fires.
    Firing,
    /// It has ended.
    Resolved,
}

impl Status {
    /// As templates and JSON have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }

    /// That of an alert.
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        match alert.status == Self::Resolved.as_str() {
            true => Self::Resolved,
            false => Self::Firing,
        }
    }
}

/// What there is to tell, the same for all integrations of a receiver.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// The labels the alerts are grouped by.
    pub group_labels: Labels,
    /// The labels of the route, rendered.
    pub route_labels: Labels,
    /// The alerts, sorted as they are to be shown. Those that fire have no end.
    pub alerts: Vec<Alert>,
    /// Why this is sent: `first notification`, `new alerts added`, …
    pub reason: String,
    /// Where users reach this server.
    pub external_url: String,
}

impl Content {
    /// What is left for an integration that does not tell of resolved alerts.
    #[must_use]
    pub fn only_firing(&self) -> Self {
        let mut content = self.clone();
        content
            .alerts
            .retain(|alert| Status::of(alert) == Status::Firing);
        content
    }

    /// Whether any alert fires.
    #[must_use]
    pub fn has_firing(&self) -> bool {
        self.alerts
            .iter()
            .any(|alert| Status::of(alert) == Status::Firing)
    }
}

/// A notification, as it is given to an integration for one attempt.
#[derive(Debug, Clone)]
pub struct Notification {
    /// The receiver's name.
    pub receiver: String,
    /// Which integration of it.
    pub integration: IntegrationId,
    /// `<route key>:<group labels>`.
    pub group_key: String,
    /// What there is to tell.
    pub content: Arc<Content>,
    /// What the integration kept at the last notification; empty if that was the end of an
    /// incident.
    pub receiver_data: ReceiverData,
    /// Ties the attempts of one flush together, and to the records of it.
    pub flush_id: u64,
    /// Counts from 1, over restarts.
    pub attempt: u32,
    /// Whether an earlier life of this process may have sent it.
    pub is_recovered: bool,
    /// Same key, same content.
    pub idempotency_key: [u8; 32],
    /// When the attempt has to have ended.
    pub deadline: Instant,
}

impl Notification {
    /// The key as receivers are shown it: 64 hexadecimal digits.
    #[must_use]
    pub fn idempotency_key_hex(&self) -> String {
        self.idempotency_key
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The data of templates.
    #[must_use]
    pub fn data(&self) -> Data {
        self.data_of_first(usize::MAX)
    }

    /// The data of templates if there were only the first so many alerts. Status and common labels
    /// are those of what is left, as in Alertmanager 0.34.
    #[must_use]
    pub fn data_of_first(&self, alerts_max: usize) -> Data {
        let content = &*self.content;
        let kept = content.alerts.len().min(alerts_max);
        let alerts = &content.alerts[..kept];
        let is_firing = alerts
            .iter()
            .any(|alert| Status::of(alert) == Status::Firing);
        let status = if is_firing {
            Status::Firing
        } else {
            Status::Resolved
        };
        Data {
            receiver: quote_meta(&self.receiver),
            status: status.as_str().to_owned(),
            alerts: alerts.to_vec(),
            notification_reason: content.reason.clone(),
            group_labels: content.group_labels.clone(),
            common_labels: common(alerts, |alert| &alert.labels),
            common_annotations: common(alerts, |alert| &alert.annotations),
            route_labels: content.route_labels.clone(),
            external_url: content.external_url.clone(),
            route_labels_rendered: true,
        }
    }
}

/// What all alerts have in common. A name that an alert lacks counts as one with an empty value.
fn common(alerts: &[Alert], of: impl Fn(&Alert) -> &Labels) -> Labels {
    let Some((first, others)) = alerts.split_first() else {
        return Labels::new();
    };
    let mut common = of(first).clone();
    for alert in others {
        if common.is_empty() {
            break;
        }
        let labels = of(alert);
        common.retain(|name, value| labels.get(name).map_or("", String::as_str) == value);
    }
    common
}

/// The receiver's name as templates see it: with a `\` before what means something in a regular
/// expression.
fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let owned = pairs
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        owned.collect()
    }

    fn alert(status: Status, own: &[(&str, &str)]) -> Alert {
        Alert {
            status: status.as_str().to_owned(),
            labels: labels(own),
            annotations: labels(own),
            ..Alert::default()
        }
    }

    fn notification(alerts: Vec<Alert>) -> Notification {
        Notification {
            receiver: r"a.b\c[1]".to_owned(),
            integration: IntegrationId {
                kind: "webhook".to_owned(),
                index: 0,
            },
            group_key: String::new(),
            content: Arc::new(Content {
                alerts,
                ..Content::default()
            }),
            receiver_data: ReceiverData::new(),
            flush_id: 1,
            attempt: 1,
            is_recovered: false,
            idempotency_key: [0xab; 32],
            deadline: Instant::now(),
        }
    }

    #[test]
    fn what_is_common_is_that_of_the_alerts_that_are_left() {
        let told = notification(vec![
            alert(Status::Resolved, &[("a", "1"), ("b", "2"), ("e", "")]),
            alert(Status::Resolved, &[("a", "1"), ("b", "2")]),
            alert(Status::Firing, &[("a", "1"), ("b", "3")]),
        ]);
        let seen = [0, 1, 2, 3].map(|count| {
            let data = told.data_of_first(count);
            (
                data.status,
                data.common_labels,
                data.common_annotations.len(),
                data.alerts.len(),
            )
        });
        let common: [&[(&str, &str)]; 4] = [
            &[],
            &[("a", "1"), ("b", "2"), ("e", "")],
            &[("a", "1"), ("b", "2"), ("e", "")],
            &[("a", "1"), ("e", "")],
        ];
        let expected = [
            ("resolved".to_owned(), labels(common[0]), 0, 0),
            ("resolved".to_owned(), labels(common[1]), 3, 1),
            ("resolved".to_owned(), labels(common[2]), 3, 2),
            ("firing".to_owned(), labels(common[3]), 2, 3),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn templates_see_the_receiver_with_its_special_characters_quoted() {
        assert_eq!(notification(Vec::new()).data().receiver, r"a\.b\\c\[1\]");
    }

    #[test]
    fn the_key_is_shown_in_hexadecimal() {
        assert_eq!(
            notification(Vec::new()).idempotency_key_hex(),
            "ab".repeat(32)
        );
    }
}
