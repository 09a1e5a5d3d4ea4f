//! Records about alerts that have a name and nothing else.

use tocsin::model::Fingerprint;
use tocsin::record::{AlertBatchV1, AlertTouchV1, AlertV1, Record, TouchV1};

/// A minute in nanoseconds.
pub const MINUTE_NS: i64 = 60_000_000_000;
/// A day in nanoseconds.
pub const DAY_NS: i64 = 24 * 60 * MINUTE_NS;

/// Labels of an alert of that name.
fn labels(name: &str) -> Vec<(String, String)> {
    vec![("alertname".to_owned(), name.to_owned())]
}

/// The fingerprint of an alert of that name.
pub fn fingerprint(name: &str) -> Fingerprint {
    let labels: tocsin::model::LabelSet = [("alertname", name)].into_iter().collect();
    labels.fingerprint()
}

/// That it was received, and fires for five minutes from then on.
pub fn received(name: &str, at_ns: i64) -> Record {
    Record::AlertBatch(AlertBatchV1 {
        tenant: String::new(),
        received_at_ns: at_ns,
        alerts: vec![AlertV1 {
            labels: labels(name),
            annotations: Vec::new(),
            starts_at_ns: at_ns,
            ends_at_ns: at_ns + 5 * MINUTE_NS,
            is_timeout: true,
            generator_url: String::new(),
        }],
    })
}

/// That it still fires.
pub fn touched(name: &str, at_ns: i64) -> Record {
    Record::AlertTouch(AlertTouchV1 {
        tenant: String::new(),
        received_at_ns: at_ns,
        touches: vec![TouchV1 {
            fingerprint: fingerprint(name).0,
            ends_at_ns: at_ns + 5 * MINUTE_NS,
            is_timeout: true,
        }],
    })
}
