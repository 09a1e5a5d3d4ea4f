//! A history that is all in memory: what the entries of a log say, no more and no less.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use tocsin::history::{
    Entry, GroupFacts, GroupHash, Order, Span, Subject, Timeline, TimelineError, read,
};
use tocsin::model::{Fingerprint, LabelSet, Matchers};
use tocsin::record::{Lsn, Record, decode_part, encode_part};
use tocsin::sys::WallTime;

#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) entries: BTreeMap<Subject, Vec<Entry>>,
    alerts: BTreeMap<Fingerprint, LabelSet>,
    groups: BTreeMap<GroupHash, GroupFacts>,
    from: Option<WallTime>,
    to: Option<WallTime>,
}

impl Memory {
    pub(crate) fn of(log: &[(Lsn, Record)]) -> Self {
        let mut memory = Self::default();
        for (lsn, record) in log {
            // As it comes out of a log.
            let payload = record.encode().unwrap();
            let record = Record::decode(record.record_type(), record.schema(), &payload).unwrap();
            memory.take(*lsn, &record);
        }
        memory
    }

    fn take(&mut self, lsn: Lsn, record: &Record) {
        let mut facts = read(lsn, record);
        if record.at().is_none() {
            // As the index does with records that do not say when they were written.
            let before = self.to.unwrap_or_default();
            for noted in &mut facts.entries {
                noted.entry.position.at = before;
                noted.entry.until = before;
            }
        }
        if let Some(at) = record.at() {
            self.from.get_or_insert(at);
            self.to = self.to.max(Some(at));
        }
        self.alerts.extend(facts.alerts);
        for (group, facts) in facts.groups {
            let known = self.groups.remove(&group);
            let facts = match known {
                Some(known) => facts.or(&known),
                None => facts,
            };
            self.groups.insert(group, facts);
        }
        for noted in facts.entries {
            // As it comes out of an index.
            let encoded = encode_part(&noted.entry).unwrap();
            let entry: Entry = decode_part("entry", &encoded).unwrap();
            for subject in noted.subjects {
                let entries = self.entries.entry(subject).or_default();
                let is_taken_in = entries.last_mut().is_some_and(|last| last.absorb(&entry));
                if !is_taken_in {
                    let place = entries.partition_point(|it| it.position < entry.position);
                    entries.insert(place, entry.clone());
                }
            }
        }
    }
}

impl Timeline for Memory {
    fn scan(
        &self,
        subject: &Subject,
        span: Span,
        order: Order,
        visit: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), TimelineError> {
        let entries = self.entries.get(subject).into_iter().flatten();
        let mut found: Vec<Entry> = entries
            .filter(|entry| span.contains(entry.position))
            .cloned()
            .collect();
        if order == Order::NewestFirst {
            found.reverse();
        }
        for entry in found {
            if visit(entry).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn alert(&self, alert: Fingerprint) -> Result<Option<LabelSet>, TimelineError> {
        Ok(self.alerts.get(&alert).cloned())
    }

    fn group(&self, group: GroupHash) -> Result<Option<GroupFacts>, TimelineError> {
        Ok(self.groups.get(&group).cloned())
    }

    fn find(
        &self,
        matchers: &Matchers,
        most: usize,
    ) -> Result<Vec<(Fingerprint, LabelSet)>, TimelineError> {
        let found = self
            .alerts
            .iter()
            .filter(|(_, labels)| matchers.matches(labels));
        Ok(found
            .take(most)
            .map(|(alert, labels)| (*alert, labels.clone()))
            .collect())
    }

    fn horizon(&self) -> Option<WallTime> {
        self.from
    }

    fn known_until(&self) -> Option<WallTime> {
        self.to
    }
}
