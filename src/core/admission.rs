//! What of the alerts in a request is written to the log, and how.
//!
//! An alert that is known and unchanged but for its end is written as a *touch*. One that a limit refuses
//! is not written at all, and whoever sent it is told (Alertmanager answers 200 and drops it: hazard H8).
//!
//! **Rules**
//! * A touch names an alert by its fingerprint, so the alert must still be there when the record is
//!   applied: alerts that could be collected meanwhile are written in full.
//! * While an alert is on its way in full, it is not touched: the touch would be of what it was before.

use std::collections::HashMap;

use crate::model::{Duration, Fingerprint, LabelSet};
use crate::record::{AlertBatchV1, AlertTouchV1, AlertV1, Record, TouchV1};
use crate::sys::WallTime;

use super::alert::pairs;
use super::alerts::{KEPT_RESOLVED, NAME_LABEL};
use super::tenant::Tenant;
use super::time::after;

/// A record waits for the disk at most some ten seconds; this is far beyond it.
const TOUCH_MARGIN: Duration = Duration::from_secs(5 * 60);

/// Alerts of one record: such a record is some hundred kilobytes, and is applied in well under a
/// millisecond.
const ALERTS_PER_RECORD_MAX: usize = 1_024;

/// Bytes of texts of one record, unless a single alert has more. A record may have 16 MiB.
const RECORD_TEXT_BYTES_MAX: usize = 1 << 20;

/// An alert as it was received: valid and normalised, not merged with what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlert {
    /// Its labels: at least one, none with an empty value.
    pub labels: LabelSet,
    /// Its annotations.
    pub annotations: LabelSet,
    /// When it began.
    pub starts_at: WallTime,
    /// When it ended or will be taken as ended; not before it began.
    pub ends_at: WallTime,
    /// Whether that end is a guess and not the sender's word.
    pub is_timeout: bool,
    /// The link back to its sender; empty for none.
    pub generator_url: Box<str>,
}

impl NewAlert {
    /// As records hold it.
    #[must_use]
    pub fn in_record(&self) -> AlertV1 {
        AlertV1 {
            labels: pairs(&self.labels),
            annotations: pairs(&self.annotations),
            starts_at_ns: self.starts_at.0,
            ends_at_ns: self.ends_at.0,
            is_timeout: self.is_timeout,
            generator_url: self.generator_url.to_string(),
        }
    }
}

impl From<AlertV1> for NewAlert {
    fn from(alert: AlertV1) -> Self {
        Self {
            labels: LabelSet::new(alert.labels),
            annotations: LabelSet::new(alert.annotations),
            starts_at: WallTime(alert.starts_at_ns),
            ends_at: WallTime(alert.ends_at_ns),
            is_timeout: alert.is_timeout,
            generator_url: alert.generator_url.into(),
        }
    }
}

/// What is to be appended, and what was refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Admission {
    /// The records, in this order, in one batch.
    pub records: Vec<Record>,
    /// The alerts over the limit of their name, by their places in the request. Alertmanager's words:
    /// `alert limited`.
    pub limited: Vec<usize>,
}

impl Tenant {
    /// Decides what is written of alerts that were validated and normalised. Whoever does not append the
    /// records calls [`Self::withdraw`].
    pub fn admit(&mut self, received_at: WallTime, alerts: &[NewAlert]) -> Admission {
        let mut admission = Admission::default();
        let mut touches = Vec::new();
        let mut full = Vec::new();
        let mut admitted: HashMap<String, usize> = HashMap::new();
        for (place, alert) in alerts.iter().enumerate() {
            let fingerprint = alert.labels.fingerprint();
            if self.is_over_limit(fingerprint, alert, received_at, &mut admitted) {
                admission.limited.push(place);
                continue;
            }
            if self.can_touch(fingerprint, alert, received_at) {
                touches.push(TouchV1 {
                    fingerprint: fingerprint.0,
                    ends_at_ns: alert.ends_at.0,
                    is_timeout: alert.is_timeout,
                });
                continue;
            }
            *self.coming.entry(fingerprint).or_default() += 1;
            full.push(alert.in_record());
        }
        // Touches first: an alert that comes twice is touched only before it comes in full.
        for touches in touches.chunks(ALERTS_PER_RECORD_MAX) {
            admission.records.push(Record::AlertTouch(AlertTouchV1 {
                tenant: self.name.to_string(),
                received_at_ns: received_at.0,
                touches: touches.to_vec(),
            }));
        }
        for alerts in in_pieces(full) {
            admission.records.push(Record::AlertBatch(AlertBatchV1 {
                tenant: self.name.to_string(),
                received_at_ns: received_at.0,
                alerts,
            }));
        }
        admission
    }

    /// Takes back an admission whose records were refused by the log.
    pub fn withdraw(&mut self, records: &[Record]) {
        for record in records {
            let Record::AlertBatch(batch) = record else {
                continue;
            };
            for alert in &batch.alerts {
                let labels = alert.labels.iter().map(|(name, value)| (name, value));
                self.arrived(LabelSet::new(labels).fingerprint());
            }
        }
    }

    /// An alert is no longer on its way.
    pub(super) fn arrived(&mut self, fingerprint: Fingerprint) {
        if let Some(times) = self.coming.get_mut(&fingerprint) {
            *times -= 1;
            if *times == 0 {
                self.coming.remove(&fingerprint);
            }
        }
    }

    fn can_touch(&self, fingerprint: Fingerprint, received: &NewAlert, now: WallTime) -> bool {
        if self.coming.contains_key(&fingerprint) {
            return false;
        }
        let Some(known) = self.alerts.alert(fingerprint) else {
            return false;
        };
        let collected_at = after(known.ends_at, KEPT_RESOLVED);
        after(now, TOUCH_MARGIN) < collected_at
            && known.starts_at == received.starts_at
            && *known.generator_url == *received.generator_url
            && known.labels == received.labels
            && known.annotations == received.annotations
    }

    /// Alertmanager 0.34, `limit/bucket.go`: a known alert is accepted, and so is a new one while fewer
    /// than the limit fire.
    fn is_over_limit(
        &self,
        fingerprint: Fingerprint,
        received: &NewAlert,
        now: WallTime,
        admitted: &mut HashMap<String, usize>,
    ) -> bool {
        let Some(limit) = self.policy.limits.alerts_per_name else {
            return false;
        };
        let known = self.alerts.alert(fingerprint);
        if known.is_some_and(|known| !known.is_resolved_at(now)) {
            return false;
        }
        let name = received.labels.value(NAME_LABEL);
        let here = admitted.entry(name.to_owned()).or_default();
        if self.alerts.firing_of_name(name, now) + *here >= limit as usize {
            return true;
        }
        *here += 1;
        false
    }
}

/// Alerts in pieces that fit into records.
fn in_pieces(alerts: Vec<AlertV1>) -> Vec<Vec<AlertV1>> {
    let mut pieces: Vec<Vec<AlertV1>> = Vec::new();
    let mut bytes = RECORD_TEXT_BYTES_MAX;
    for alert in alerts {
        let own = text_bytes(&alert);
        match pieces.last_mut() {
            Some(piece)
                if piece.len() < ALERTS_PER_RECORD_MAX && bytes + own <= RECORD_TEXT_BYTES_MAX =>
            {
                bytes += own;
                piece.push(alert);
            }
            _ => {
                bytes = own;
                pieces.push(vec![alert]);
            }
        }
    }
    pieces
}

fn text_bytes(alert: &AlertV1) -> usize {
    let texts = alert.labels.iter().chain(&alert.annotations);
    let texts: usize = texts.map(|(name, value)| name.len() + value.len()).sum();
    texts + alert.generator_url.len()
}

impl super::alert::Alert {
    /// As records hold it.
    #[must_use]
    pub fn in_record(&self) -> AlertV1 {
        AlertV1 {
            labels: pairs(&self.labels),
            annotations: pairs(&self.annotations),
            starts_at_ns: self.starts_at.0,
            ends_at_ns: self.ends_at.0,
            is_timeout: self.is_timeout,
            generator_url: self.generator_url.to_string(),
        }
    }
}
