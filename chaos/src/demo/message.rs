//! What Prometheus posts, and what a webhook is told.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::Deserialize;

use super::ledger::{AlertName, State};

/// An alert as Prometheus posts it.
#[derive(Debug, Deserialize)]
struct Posted {
    labels: BTreeMap<String, String>,
    #[serde(rename = "endsAt")]
    ends_at: String,
}

/// A notification, as far as it matters.
#[derive(Debug, Deserialize)]
pub(super) struct Notification {
    #[serde(rename = "groupKey")]
    pub(super) group_key: String,
    alerts: Vec<Notified>,
}

#[derive(Debug, Deserialize)]
struct Notified {
    status: String,
    labels: BTreeMap<String, String>,
    #[serde(rename = "endsAt")]
    ends_at: String,
}

/// `AlwaysFiring{series="a"}`.
fn name(labels: &BTreeMap<String, String>) -> AlertName {
    let mut labels = labels.clone();
    let name = labels.remove("alertname").unwrap_or_default();
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{name}{{{}}}", labels.join(","))
}

fn time(text: &str) -> Result<Timestamp> {
    let time = text.parse();
    time.with_context(|| format!("{text} is not a time"))
}

/// What a request of Prometheus says. An alert is over if its end is not in the future.
pub(super) fn statements(body: &[u8], now: Timestamp) -> Result<Vec<(AlertName, State)>> {
    let posted: Vec<Posted> =
        serde_json::from_slice(body).context("Prometheus posted what is not a list of alerts")?;
    let alerts = posted.into_iter().map(|alert| {
        let ends_at = time(&alert.ends_at)?;
        let state = match ends_at <= now {
            true => State::Over(ends_at),
            false => State::Firing,
        };
        Ok((name(&alert.labels), state))
    });
    alerts.collect()
}

impl Notification {
    pub(super) fn parse(body: &[u8]) -> Result<Self> {
        serde_json::from_slice(body).context("the webhook was told what is not a notification")
    }

    pub(super) fn alerts(&self) -> Result<BTreeMap<AlertName, State>> {
        let alerts = self.alerts.iter().map(|alert| {
            let state = match alert.status.as_str() {
                "firing" => State::Firing,
                _ => State::Over(time(&alert.ends_at)?),
            };
            Ok((name(&alert.labels), state))
        });
        alerts.collect()
    }
}
