//! `POST /api/v2/alerts`: from bytes to alerts that may be stored (`http-api.md` §5.4).
//!
//! What the framework of upstream checks refuses the whole body. What its handler checks refuses an
//! alert: the others are stored, and only then is the refusal answered.

use gotemplate::strconv::quote;

use super::decode::{BodyError, PostedAlert, PostedAlerts, decode_alerts, is_request_uri};
use super::fault::Fault;
use crate::api::backend::{NewAlert, NewAlerts, Settings};
use crate::model::{LabelSet, NameRule};
use crate::sys::WallTime;

/// The texts of one alert together. A record of the log holds four times as much.
pub const ALERT_BYTES_MAX: usize = 1 << 20;

/// What became of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The valid alerts.
    pub valid: NewAlerts,
    /// What is wrong with the others, each in a line.
    pub errors: Vec<String>,
    /// Alerts that fire, valid or not.
    pub firing: u64,
    /// Alerts that have ended, valid or not.
    pub resolved: u64,
}

/// Reads a body, received at this time.
///
/// # Errors
/// That it is refused as a whole.
pub fn receive(body: &[u8], settings: Settings, now: WallTime) -> Result<Received, Fault> {
    let posted = decode_alerts(body).map_err(|error| match error {
        BodyError::Empty => Fault::required("alerts in body"),
        BodyError::Malformed(text) => Fault::unread("alerts", &text),
    })?;
    for (index, alert) in posted.alerts.iter().enumerate() {
        check_shape(&posted, index, alert.as_ref())?;
    }
    let mut received = Received {
        valid: NewAlerts {
            received_at: now,
            sender: None,
            alerts: Vec::with_capacity(posted.alerts.len()),
        },
        errors: Vec::new(),
        firing: 0,
        resolved: 0,
    };
    for alert in posted.alerts.iter().flatten() {
        let (starts_at, ends_at, is_timeout) = times(alert, settings, now);
        match ends_at > now {
            true => received.firing += 1,
            false => received.resolved += 1,
        }
        let new = NewAlert {
            labels: without_empty(LabelSet::new(borrowed(
                posted.labels(alert).unwrap_or_default(),
            ))),
            annotations: LabelSet::new(borrowed(posted.annotations(alert))),
            starts_at,
            ends_at,
            is_timeout,
            generator_url: alert.generator_url.as_ref().into(),
        };
        match fault(&new, settings.mode.name_rule()) {
            Some(text) => received.errors.push(text),
            None => received.valid.alerts.push(new),
        }
    }
    Ok(received)
}

/// What the framework checks. (Of an alert that is `null` it makes a panic.)
fn check_shape(
    posted: &PostedAlerts<'_>,
    index: usize,
    alert: Option<&PostedAlert<'_>>,
) -> Result<(), Fault> {
    let Some(alert) = alert else {
        return Err(Fault::required(&format!("{index} in body")));
    };
    let url = alert.generator_url.as_ref();
    if !url.is_empty() && !is_request_uri(url) {
        let url = quote(url.as_bytes());
        let message = format!("{index}.generatorURL in body must be of type uri: {url}");
        return Err(Fault::Refused { code: 601, message });
    }
    match posted.labels(alert) {
        Some(_) => Ok(()),
        None => Err(Fault::required(&format!("{index}.labels in body"))),
    }
}

/// When an alert began and when it ends, and whether that is a guess.
fn times(alert: &PostedAlert<'_>, settings: Settings, now: WallTime) -> (WallTime, WallTime, bool) {
    let starts_at = alert.starts_at.map(super::decode::DateTime::to_wall);
    let ends_at = alert.ends_at.map(super::decode::DateTime::to_wall);
    let starts_at = starts_at.or(ends_at).unwrap_or(now);
    if let Some(ends_at) = ends_at {
        return (starts_at, ends_at, false);
    }
    let timeout_ns = i64::try_from(settings.resolve_timeout.as_nanos()).unwrap_or(i64::MAX);
    (starts_at, WallTime(now.0.saturating_add(timeout_ns)), true)
}

fn borrowed<T: AsRef<str>>(pairs: &[(T, T)]) -> impl Iterator<Item = (&str, &str)> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()))
}

fn without_empty(labels: LabelSet) -> LabelSet {
    if labels.iter().all(|(_, value)| !value.is_empty()) {
        return labels;
    }
    labels.filter(|name| !labels.value(name).is_empty())
}

/// What is wrong with an alert, in the order in which upstream looks.
fn fault(alert: &NewAlert, names: NameRule) -> Option<String> {
    let bad_name = |labels: &LabelSet| {
        let name = labels
            .iter()
            .map(|(name, _)| name)
            .find(|name| !names.allows(name));
        name.map(|name| quote(name.as_bytes()))
    };
    if alert.ends_at < alert.starts_at {
        return Some("start time must be before end time".to_owned());
    }
    if alert.labels.is_empty() {
        return Some("at least one label pair required".to_owned());
    }
    if let Some(name) = bad_name(&alert.labels) {
        return Some(format!("invalid label set: invalid name {name}"));
    }
    if let Some(name) = bad_name(&alert.annotations) {
        return Some(format!("invalid annotations: invalid name {name}"));
    }
    let texts = alert.labels.iter().chain(alert.annotations.iter());
    let bytes: usize = texts.map(|(name, value)| name.len() + value.len()).sum();
    let bytes = bytes + alert.generator_url.len();
    (bytes > ALERT_BYTES_MAX)
        .then(|| format!("alert too large: {bytes} bytes (limit: {ALERT_BYTES_MAX} bytes)"))
}
