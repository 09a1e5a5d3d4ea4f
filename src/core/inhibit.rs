//! Inhibition: alerts that keep others quiet.
//!
//! Each rule files its sources by the values of its `equal` labels, a missing label counting as empty.
//! In each slot one source is the *indexed* one, as in Alertmanager 0.34 (`inhibit/`): the first that
//! came; another takes its place when it is received and the indexed one will have ended by the
//! newcomer's end. An alert is inhibited by the first rule whose targets it is among and whose slot has
//! a firing source, unless it is itself a source of the rule and that source a target.
//!
//! Unlike Alertmanager, the slot knows its other sources too: when the indexed one ends or is collected,
//! another that still fires inhibits at once, and not only after it was received again (hazard H15).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{Fingerprint, LabelSet};
use crate::sys::WallTime;

use super::alert::Alert;
use super::policy::InhibitRule;

/// The sources of one rule that have equal labels in common.
#[derive(Debug, Clone)]
struct Slot {
    indexed: Fingerprint,
    sources: BTreeSet<Fingerprint>,
}

/// The sources of all rules.
#[derive(Debug, Clone, Default)]
pub(super) struct Inhibitor {
    /// By the rule's place, then by the fingerprint of the equal labels.
    rules: Vec<HashMap<Fingerprint, Slot>>,
}

impl Inhibitor {
    pub(super) fn new(rules: &[InhibitRule]) -> Self {
        Self {
            rules: vec![HashMap::new(); rules.len()],
        }
    }

    /// Files an alert that was received; whether it is a source at all. `known` looks alerts up as they
    /// were before.
    pub(super) fn received<'a>(
        &mut self,
        rules: &[InhibitRule],
        fingerprint: Fingerprint,
        alert: &Alert,
        known: impl Fn(Fingerprint) -> Option<&'a Arc<Alert>>,
    ) -> bool {
        let mut is_source = false;
        for (rule, slots) in rules.iter().zip(&mut self.rules) {
            if !rule.source.matches(&alert.labels) {
                continue;
            }
            is_source = true;
            let slot = slots
                .entry(slot_of(rule, &alert.labels))
                .or_insert_with(|| Slot {
                    indexed: fingerprint,
                    sources: BTreeSet::new(),
                });
            slot.sources.insert(fingerprint);
            let is_over = |indexed: &Arc<Alert>| indexed.is_resolved_at(alert.ends_at);
            if slot.indexed != fingerprint && known(slot.indexed).is_none_or(is_over) {
                slot.indexed = fingerprint;
            }
        }
        is_source
    }

    /// Takes an alert out that was collected.
    pub(super) fn removed(
        &mut self,
        rules: &[InhibitRule],
        fingerprint: Fingerprint,
        labels: &LabelSet,
    ) {
        for (rule, slots) in rules.iter().zip(&mut self.rules) {
            let place = slot_of(rule, labels);
            let Some(slot) = slots.get_mut(&place) else {
                continue;
            };
            slot.sources.remove(&fingerprint);
            match slot.sources.first() {
                None => {
                    slots.remove(&place);
                }
                Some(first) if slot.indexed == fingerprint => slot.indexed = *first,
                Some(_) => {}
            }
        }
    }

    /// The alert that inhibits alerts of these labels, and the place of the rule.
    pub(super) fn source_of<'a>(
        &self,
        rules: &[InhibitRule],
        labels: &LabelSet,
        now: WallTime,
        known: impl Fn(Fingerprint) -> Option<&'a Arc<Alert>>,
    ) -> Option<(Fingerprint, usize)> {
        let rules = rules.iter().zip(&self.rules).enumerate();
        rules.into_iter().find_map(|(place, (rule, slots))| {
            if slots.is_empty() || !rule.target.matches(labels) {
                return None;
            }
            let slot = slots.get(&slot_of(rule, labels))?;
            let order = std::iter::once(&slot.indexed).chain(&slot.sources);
            let (source, alert) = order
                .filter_map(|source| Some((*source, known(*source)?)))
                .find(|(_, alert)| !alert.is_resolved_at(now))?;
            let is_excluded = rule.source.matches(labels) && rule.target.matches(&alert.labels);
            (!is_excluded).then_some((source, place))
        })
    }

    /// Which source is indexed where: the rule's place, the slot, the source; in their order.
    pub(super) fn indexed(&self) -> Vec<(u32, u64, u64)> {
        let mut all: Vec<_> = (0u32..)
            .zip(&self.rules)
            .flat_map(|(rule, slots)| {
                slots
                    .iter()
                    .map(move |(place, slot)| (rule, place.0, slot.indexed.0))
            })
            .collect();
        all.sort_unstable();
        all
    }

    /// Restores what [`Self::indexed`] told, as far as the sources are there.
    pub(super) fn restore_indexed(&mut self, indexed: &[(u32, u64, u64)]) {
        for (rule, place, source) in indexed {
            let slots = self.rules.get_mut(*rule as usize);
            let Some(slot) = slots.and_then(|slots| slots.get_mut(&Fingerprint(*place))) else {
                continue;
            };
            if slot.sources.contains(&Fingerprint(*source)) {
                slot.indexed = Fingerprint(*source);
            }
        }
    }
}

/// Where a rule files an alert.
fn slot_of(rule: &InhibitRule, labels: &LabelSet) -> Fingerprint {
    let equal = rule.equal.iter().map(|name| (name, labels.value(name)));
    LabelSet::new(equal).fingerprint()
}
