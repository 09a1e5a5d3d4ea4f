//! Records as they are read where they are, without a copy of each text: for what reads every record of a busy
//! log. The layouts are those of the records, field by field.

use bincode::Options;
use serde::Deserialize;

use super::{AlertV1, options};
use crate::wal::RecordType;

/// [`super::Pairs`], borrowed.
pub type PairsView<'a> = Vec<(&'a str, &'a str)>;

/// [`AlertV1`], borrowed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertView<'a> {
    /// Its labels, sorted by name.
    #[serde(borrow)]
    pub labels: PairsView<'a>,
    /// Its annotations, sorted by name.
    pub annotations: PairsView<'a>,
    /// When it began to fire.
    pub starts_at_ns: i64,
    /// When it ended or will be taken as ended.
    pub ends_at_ns: i64,
    /// Whether `ends_at_ns` is a guess.
    pub is_timeout: bool,
    /// The link back to its sender; empty for none.
    pub generator_url: &'a str,
}

impl<'a> From<&'a AlertV1> for AlertView<'a> {
    fn from(alert: &'a AlertV1) -> Self {
        let view = |pairs: &'a super::Pairs| -> PairsView<'a> {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect()
        };
        Self {
            labels: view(&alert.labels),
            annotations: view(&alert.annotations),
            starts_at_ns: alert.starts_at_ns,
            ends_at_ns: alert.ends_at_ns,
            is_timeout: alert.is_timeout,
            generator_url: &alert.generator_url,
        }
    }
}

/// [`super::AlertBatchV1`], borrowed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertBatchView<'a> {
    /// Whose.
    pub tenant: &'a str,
    /// When.
    pub received_at_ns: i64,
    /// The alerts.
    #[serde(borrow)]
    pub alerts: Vec<AlertView<'a>>,
}

impl<'a> AlertBatchView<'a> {
    /// Reads a record, if it is one of alerts whose labels are in their order; every other one is for
    /// [`super::Record::decode`].
    #[must_use]
    pub fn read(record_type: RecordType, schema: u8, payload: &'a [u8]) -> Option<Self> {
        if (record_type, schema) != (super::ALERT_BATCH, 1) {
            return None;
        }
        let batch: Self = options().deserialize(payload).ok()?;
        let is_sorted = |alert: &AlertView<'_>| alert.labels.is_sorted_by(|one, two| one.0 < two.0);
        batch.alerts.iter().all(is_sorted).then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{AlertBatchV1, Record};

    fn batch(labels: &[(&str, &str)]) -> Record {
        let owned = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            pairs.map(|(a, b)| ((*a).into(), (*b).into())).collect()
        };
        Record::AlertBatch(AlertBatchV1 {
            tenant: "one".to_owned(),
            received_at_ns: 7,
            alerts: vec![AlertV1 {
                labels: owned(labels),
                annotations: owned(&[("summary", "ä")]),
                starts_at_ns: -1,
                ends_at_ns: i64::MAX,
                is_timeout: true,
                generator_url: "http://here".to_owned(),
            }],
        })
    }

    #[test]
    fn a_view_says_what_the_record_says_and_leaves_alone_what_is_out_of_order() {
        let record = batch(&[("alertname", "A"), ("job", "node")]);
        let payload = record.encode().unwrap();
        let seen = AlertBatchView::read(record.record_type(), 1, &payload);
        let Record::AlertBatch(body) = &record else {
            unreachable!("it is one")
        };
        let expected = AlertBatchView {
            tenant: &body.tenant,
            received_at_ns: body.received_at_ns,
            alerts: body.alerts.iter().map(AlertView::from).collect(),
        };
        let unsorted = batch(&[("job", "node"), ("alertname", "A")]);
        let unsorted = unsorted.encode().unwrap();
        assert_eq!(
            (
                seen,
                AlertBatchView::read(super::super::ALERT_BATCH, 1, &unsorted),
                AlertBatchView::read(super::super::ALERT_BATCH, 2, &payload),
                AlertBatchView::read(RecordType(2), 1, &payload),
            ),
            (Some(expected), None, None, None)
        );
    }
}
