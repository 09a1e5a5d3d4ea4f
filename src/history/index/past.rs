//! The history of one tenant, as `why` and the lists ask for it; and the way of a record into the index.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::hash;
use super::names::{ALERTS, GROUPS, Name, NameKey};
use super::open::decode;
use super::storage::Fault;
use super::store::{Addition, Index};
use crate::history::{
    Entry, Facts, GroupFacts, GroupHash, Order, Position, Span, Subject, Timeline, TimelineError,
    of_receipt, read, received, touches,
};
use crate::model::{Fingerprint, LabelSet, Matchers, Operator};
use crate::record::{
    AlertBatchView, CodecError, Pairs, Record, decode_part, encode_part, encode_part_into,
};
use crate::sys::WallTime;
use crate::wal::Lsn;

/// Adds a record to the index. Some records do not say when they were written; `before` is the time of the last
/// one that did.
///
/// # Errors
/// That something in it cannot be encoded, or that the storage failed.
pub fn add_record(index: &Index, lsn: Lsn, record: &Record, before: WallTime) -> Result<(), Fault> {
    if let Record::AlertTouch(touched) = record {
        let tenant = hash::of_tenant(&touched.tenant);
        let touches =
            touches(lsn, touched).map(|touch| (hash::of_alert(tenant, touch.alert), touch));
        return index.touch(lsn, record.at(), tenant, touches);
    }
    let mut facts = read(lsn, record);
    if record.at().is_none() {
        for noted in &mut facts.entries {
            noted.entry.position.at = before;
            noted.entry.until = before;
        }
    }
    let at = record.at().unwrap_or(before);
    index.add(lsn, record.at(), of_facts(record.tenant(), at, facts)?)
}

/// Adds alerts to the index, as [`add_record`] their record: labels go from there into the index without a copy.
///
/// # Errors
/// As [`add_record`].
pub fn add_alerts(index: &Index, lsn: Lsn, batch: &AlertBatchView<'_>) -> Result<(), Fault> {
    let tenant = hash::of_tenant(batch.tenant);
    let at = WallTime(batch.received_at_ns);
    let mut contents = Vec::new();
    let mut ends = Vec::with_capacity(batch.alerts.len());
    for alert in &batch.alerts {
        encode_part_into(&mut contents, &alert.labels).map_err(|error| encoding(&error))?;
        ends.push(contents.len());
    }
    let mut added = Addition::default();
    let mut begin = 0;
    for ((place, alert), end) in (0..).zip(&batch.alerts).zip(ends) {
        let fingerprint = Fingerprint::of(alert.labels.iter().copied());
        let position = Position { at, lsn, place };
        let subjects = of_receipt(fingerprint);
        let subjects = subjects.iter().map(|it| hash::of_subject(tenant, it));
        added.entries.push((
            subjects.chain([tenant]).collect(),
            Entry::new(position, received(fingerprint, alert)),
        ));
        let (kind, id) = (ALERTS, fingerprint.0);
        added.names.push(Name {
            key: NameKey { kind, tenant, id },
            content: contents.get(begin..end).unwrap_or_default().into(),
            at,
            is_whole: true,
        });
        begin = end;
    }
    index.add(lsn, Some(at), added)
}

fn encoding(error: &CodecError) -> Fault {
    Fault::Reported(error.to_string())
}

/// What facts add to the index.
///
/// # Errors
/// That something in it cannot be encoded.
pub fn of_facts(tenant: &str, at: WallTime, facts: Facts) -> Result<Addition<'static>, Fault> {
    let tenant = hash::of_tenant(tenant);
    let mut added = Addition::default();
    for noted in facts.entries {
        let of = |subject: &Subject| hash::of_subject(tenant, subject);
        let subjects = noted.subjects.iter().map(of);
        // Every entry is also found under its tenant.
        let subjects = subjects.chain([tenant]).collect();
        added.entries.push((subjects, noted.entry));
    }
    for (alert, labels) in facts.alerts {
        let pairs: Vec<(&str, &str)> = labels.iter().collect();
        let (kind, id) = (ALERTS, alert.0);
        added.names.push(Name {
            key: NameKey { kind, tenant, id },
            content: encode_part(&pairs)
                .map_err(|error| encoding(&error))?
                .into(),
            at,
            is_whole: true,
        });
    }
    for (group, facts) in facts.groups {
        let (kind, id) = (GROUPS, group.0);
        added.names.push(Name {
            key: NameKey { kind, tenant, id },
            is_whole: !facts.receiver.is_empty(),
            content: encode_part(&facts)
                .map_err(|error| encoding(&error))?
                .into(),
            at,
        });
    }
    Ok(added)
}

/// See the module header.
#[derive(Debug, Clone)]
pub struct Past {
    index: Arc<Index>,
    tenant: u64,
}

impl Past {
    /// What an index knows of a tenant.
    #[must_use]
    pub fn new(index: Arc<Index>, tenant: &str) -> Self {
        Self {
            index,
            tenant: hash::of_tenant(tenant),
        }
    }

    fn failed(&self, fault: Fault) -> TimelineError {
        let text = format!("the index of history cannot be used: {fault}");
        self.index.report(fault);
        TimelineError(text)
    }

    /// Visits the entries of all subjects, as [`Timeline::scan`] does those of one.
    ///
    /// # Errors
    /// That they cannot be read.
    pub fn scan_all(
        &self,
        span: Span,
        order: Order,
        visit: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), TimelineError> {
        let visited = self.visit(self.tenant, span, order, visit);
        visited.map_err(|fault| self.failed(fault))
    }

    fn visit(
        &self,
        subject: u64,
        span: Span,
        order: Order,
        visit: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        self.index.visit(Some(subject), span, order, &mut |item| {
            Ok(visit(decode(&item.entry)?))
        })
    }

    fn labels(&self, alert: Fingerprint) -> Result<Option<LabelSet>, Fault> {
        let (kind, tenant, id) = (ALERTS, self.tenant, alert.0);
        let content = self.index.name(NameKey { kind, tenant, id })?;
        content.map(|content| labels(&content)).transpose()
    }

    fn facts(&self, group: GroupHash) -> Result<Option<GroupFacts>, Fault> {
        let (kind, tenant, id) = (GROUPS, self.tenant, group.0);
        let content = self.index.name(NameKey { kind, tenant, id })?;
        let read = content.map(|content| decode_part("group", &content));
        read.transpose()
            .map_err(|error| Fault::Lied(error.to_string()))
    }

    fn matching(
        &self,
        matchers: &Matchers,
        most: usize,
    ) -> Result<BTreeMap<Fingerprint, LabelSet>, Fault> {
        let mut found = BTreeMap::new();
        let needles = needles(matchers);
        self.index.names(ALERTS, self.tenant, &mut |key, content| {
            if needles.iter().any(|it| it.find(content).is_none()) {
                return Ok(());
            }
            let labels = labels(content)?;
            if matchers.matches(&labels) {
                found.insert(Fingerprint(key.id), labels);
                if found.len() > most {
                    found.pop_last();
                }
            }
            Ok(())
        })?;
        Ok(found)
    }
}

/// What the encoded labels of an alert have in them if it matches. Nearly none have, and looking for it is much
/// quicker than reading labels.
fn needles(matchers: &Matchers) -> Vec<Finder<'_>> {
    let needles = matchers.iter().map(|matcher| match matcher.operator() {
        Operator::Equal => matcher.value(),
        _ => matcher.only_prefix(),
    });
    let needles = needles.filter(|it| !it.is_empty());
    needles.map(Finder::new).collect()
}

fn labels(content: &[u8]) -> Result<LabelSet, Fault> {
    let pairs: Pairs = decode_part("labels of an alert", content)
        .map_err(|error| Fault::Lied(error.to_string()))?;
    Ok(label_set(&pairs))
}

/// Labels as records have them.
pub(super) fn label_set(pairs: &Pairs) -> LabelSet {
    pairs.iter().map(|(name, value)| (name, value)).collect()
}

impl Timeline for Past {
    fn scan(
        &self,
        subject: &Subject,
        span: Span,
        order: Order,
        visit: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), TimelineError> {
        let subject = hash::of_subject(self.tenant, subject);
        let visited = self.visit(subject, span, order, visit);
        visited.map_err(|fault| self.failed(fault))
    }

    fn alert(&self, alert: Fingerprint) -> Result<Option<LabelSet>, TimelineError> {
        self.labels(alert).map_err(|fault| self.failed(fault))
    }

    fn group(&self, group: GroupHash) -> Result<Option<GroupFacts>, TimelineError> {
        self.facts(group).map_err(|fault| self.failed(fault))
    }

    fn find(
        &self,
        matchers: &Matchers,
        most: usize,
    ) -> Result<Vec<(Fingerprint, LabelSet)>, TimelineError> {
        let found = self.matching(matchers, most);
        let found = found.map_err(|fault| self.failed(fault))?;
        Ok(found.into_iter().collect())
    }

    fn horizon(&self) -> Option<WallTime> {
        self.index.known_since()
    }

    fn known_until(&self) -> Option<WallTime> {
        self.index.known_until()
    }
}
