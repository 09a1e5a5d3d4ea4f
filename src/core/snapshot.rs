//! The state as a list of sections, for checkpoints; and the state hash.
//!
//! ```text
//!  1 tenant         name, hash of the policy, counters; every section up to the next one is of it
//!  2 groups         [group]: key, ordinal, labels, timer; numbered in their order
//!  3 alerts         [alert]: as in records, and times, version, numbers of its groups
//!  4 silences       [bytes]: MeshSilence
//!  5 notifications  [bytes]: MeshEntry
//!  6 intents        [intent]
//!  7 inhibition     [(rule, slot, source)]: the indexed sources
//!  8 owed           [(key, hashes)]: what integrations are owed beyond their entries
//!  9 frozen         [(number of a group, alert, whether it had ended)]: what is told of groups that were
//!                   due when the process came up
//! ```
//!
//! Payloads are encoded like those of records (`wal-format.md`). Everything is in a fixed order, so equal
//! states give equal bytes, and the state hash is XXH64 over kinds and payloads.
//!
//! A section holds [`SECTION_BYTES_TARGET`] and the item that goes beyond it; an item is an alert or a
//! message that came in a record, so no section is longer than a record and that.
//!
//! Under another policy than that of the snapshot, all alerts are routed anew (see [`super::regroup`]).

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use crate::model::{Fingerprint, LabelSet};
use crate::record::{AlertV1, CodecError, Lsn, NotificationKeyV1, Pairs, decode_part, encode_part};
use crate::sys::WallTime;

use super::Core;
use super::alert::{Alert, notification_hash, pairs};
use super::event::Event;
use super::groups::{Group, GroupId, GroupName};
use super::intents::{Intent, IntentState};
use super::notification::TellAlert;
use super::notification_log::{LogEntry, LogKey};
use super::proto::ProtoError;
use super::silence::Silence;
use super::tenant::Tenant;

/// Where a section ends: far below what a checkpoint allows, and large enough that the headers of
/// sections do not count.
pub const SECTION_BYTES_TARGET: usize = 1 << 20;

const TENANT: u32 = 1;
const GROUPS: u32 = 2;
const ALERTS: u32 = 3;
const SILENCES: u32 = 4;
const NOTIFICATIONS: u32 = 5;
const INTENTS: u32 = 6;
const INHIBITION: u32 = 7;
const OWED: u32 = 8;
const FROZEN: u32 = 9;

/// A part of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it holds.
    pub kind: u32,
    /// The encoded part.
    pub bytes: Vec<u8>,
}

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The bytes of a section are not of its layout.
    #[error("section {kind} of the checkpoint: {source}")]
    Section {
        /// Its kind.
        kind: u32,
        /// What is wrong.
        source: CodecError,
    },
    /// A message in a section is none.
    #[error("section {kind} of the checkpoint: {source}")]
    Message {
        /// Its kind.
        kind: u32,
        /// What is wrong.
        source: ProtoError,
    },
    /// A later version wrote it.
    #[error("section {kind} of the checkpoint is not known to this program")]
    Kind {
        /// The kind.
        kind: u32,
    },
    /// Sections are missing or out of order.
    #[error("section {kind} of the checkpoint comes before that of its tenant")]
    Order {
        /// The kind.
        kind: u32,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct TenantPartV1 {
    name: String,
    policy_hash: u64,
    next_flush_id: u64,
    extended_at_ns: i64,
    /// The earliest time for none.
    last_at_ns: i64,
    config_hash: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct GroupPartV1 {
    key: String,
    ordinal: u32,
    route_key: String,
    labels: Pairs,
    created_at_ns: i64,
    next_flush_at_ns: i64,
    flush_index: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct AlertPartV1 {
    alert: AlertV1,
    updated_at_ns: i64,
    version: u64,
    is_partial: bool,
    groups: Vec<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct IntentPartV1 {
    key: NotificationKeyV1,
    flush_id: u64,
    attempt: u32,
    reason: String,
    firing: Vec<u64>,
    resolved: Vec<u64>,
    idempotency_key: [u8; 32],
    decided_at_ns: i64,
    state: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct OwedPartV1 {
    key: NotificationKeyV1,
    hashes: Vec<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FrozenPartV1 {
    group: u32,
    is_resolved: bool,
    alert: AlertV1,
    updated_at_ns: i64,
    version: u64,
}

const STATES: [IntentState; 4] = [
    IntentState::InDoubt,
    IntentState::Failed,
    IntentState::Quarantined,
    IntentState::Resent,
];

impl Core {
    /// Gives all sections in order.
    ///
    /// # Errors
    /// That an item does not fit into a section, or what `take` reports.
    pub fn snapshot<E: From<CodecError>>(
        &self,
        mut take: impl FnMut(Section) -> Result<(), E>,
    ) -> Result<(), E> {
        for tenant in self.tenants() {
            tenant.snapshot(&mut take)?;
        }
        Ok(())
    }

    /// A hash of the whole state: equal states, equal hashes.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub fn state_hash(&self) -> Result<u64, CodecError> {
        let mut hash = XxHash64::with_seed(0);
        self.snapshot(|section| {
            use std::hash::Hasher as _;
            hash.write(&section.kind.to_le_bytes());
            hash.write(&(section.bytes.len() as u64).to_le_bytes());
            hash.write(&section.bytes);
            Ok::<(), CodecError>(())
        })?;
        Ok(std::hash::Hasher::finish(&hash))
    }
}

/// What a checkpoint remembers, for those who ask about the past.
#[derive(Debug)]
pub enum Remembered {
    /// What follows is of this tenant.
    Tenant {
        /// Its name.
        name: String,
    },
    /// A group.
    Group {
        /// `<route key>:<group labels>`.
        key: String,
        /// Which of the routes with the same key.
        ordinal: u32,
        /// When it came into being.
        at: WallTime,
    },
    /// An alert.
    Alert(RememberedAlert),
}

/// An alert in a checkpoint.
#[derive(Debug)]
pub struct RememberedAlert {
    /// As in records.
    pub alert: AlertV1,
    /// When it was last received.
    pub at: WallTime,
    /// The record that changed it last.
    pub lsn: Lsn,
    /// Its groups: their numbers in the order in which they come.
    pub groups: Vec<u32>,
}

/// What a section of a checkpoint remembers of alerts and groups; nothing in sections of other kinds.
///
/// # Errors
/// That its bytes are not of its layout.
pub fn remembered(kind: u32, bytes: &[u8]) -> Result<Vec<Remembered>, RestoreError> {
    let at = |source| RestoreError::Section { kind, source };
    Ok(match kind {
        TENANT => {
            let part: TenantPartV1 = decode_part("tenant", bytes).map_err(at)?;
            vec![Remembered::Tenant { name: part.name }]
        }
        GROUPS => {
            let parts: Vec<GroupPartV1> = decode_part("groups", bytes).map_err(at)?;
            let groups = parts.into_iter().map(|part| Remembered::Group {
                key: part.key,
                ordinal: part.ordinal,
                at: WallTime(part.created_at_ns),
            });
            groups.collect()
        }
        ALERTS => {
            let parts: Vec<AlertPartV1> = decode_part("alerts", bytes).map_err(at)?;
            let alerts = parts.into_iter().map(|part| {
                Remembered::Alert(RememberedAlert {
                    alert: part.alert,
                    at: WallTime(part.updated_at_ns),
                    lsn: Lsn(part.version),
                    groups: part.groups,
                })
            });
            alerts.collect()
        }
        _ => Vec::new(),
    })
}

/// Gathers items into sections.
struct Gather<'t, T> {
    kind: u32,
    take: &'t mut T,
    /// The encoded items, and how many.
    bytes: Vec<u8>,
    count: u64,
}

impl<E: From<CodecError>, T: FnMut(Section) -> Result<(), E>> Gather<'_, T> {
    fn add(&mut self, item: &impl Serialize) -> Result<(), E> {
        self.bytes.extend(encode_part(item)?);
        self.count += 1;
        match self.bytes.len() >= SECTION_BYTES_TARGET {
            true => self.end(),
            false => Ok(()),
        }
    }

    /// A list is encoded as its length and its items.
    fn end(&mut self) -> Result<(), E> {
        if self.count == 0 {
            return Ok(());
        }
        let mut bytes = encode_part(&self.count)?;
        bytes.append(&mut self.bytes);
        self.count = 0;
        let kind = self.kind;
        (self.take)(Section { kind, bytes })
    }
}

/// All items of one kind.
fn gather<E: From<CodecError>, I: Serialize>(
    kind: u32,
    items: impl Iterator<Item = I>,
    take: &mut impl FnMut(Section) -> Result<(), E>,
) -> Result<(), E> {
    let mut gather = Gather {
        kind,
        take,
        bytes: Vec::new(),
        count: 0,
    };
    for item in items {
        gather.add(&item)?;
    }
    gather.end()
}

impl Tenant {
    fn snapshot<E: From<CodecError>>(
        &self,
        take: &mut impl FnMut(Section) -> Result<(), E>,
    ) -> Result<(), E> {
        let part = TenantPartV1 {
            name: self.name.to_string(),
            policy_hash: self.policy.hash,
            next_flush_id: self.next_flush_id,
            extended_at_ns: self.extended_at.0,
            last_at_ns: self.last_at.map_or(i64::MIN, |at| at.0),
            config_hash: self.config_hash,
        };
        take(Section {
            kind: TENANT,
            bytes: encode_part(&part)?,
        })?;
        let groups = self.groups.sorted();
        let numbers: HashMap<GroupId, u32> = groups.iter().map(|(id, _)| *id).zip(0u32..).collect();
        gather(
            GROUPS,
            groups.iter().map(|(_, group)| self.group_part(group)),
            take,
        )?;
        let alerts = self.alerts.sorted().into_iter();
        let alerts = alerts.filter_map(|it| self.alert_part(it, &numbers));
        gather(ALERTS, alerts, take)?;
        gather(SILENCES, self.silences.iter().map(|it| it.encoded()), take)?;
        gather(
            NOTIFICATIONS,
            self.log.iter().map(|(_, it)| it.encoded()),
            take,
        )?;
        let intents = self.intents.iter();
        gather(
            INTENTS,
            intents.map(|(key, it)| self.intent_part(key, it)),
            take,
        )?;
        gather(INHIBITION, self.inhibitor.indexed().into_iter(), take)?;
        let owed = self.owed.iter().map(|(key, hashes)| OwedPartV1 {
            key: key.in_record(&self.name),
            hashes: hashes.iter().copied().collect(),
        });
        gather(OWED, owed, take)?;
        let frozen = (0u32..)
            .zip(&groups)
            .flat_map(|(group, (_, it))| it.frozen.iter().map(move |it| frozen_part(group, it)));
        gather(FROZEN, frozen, take)
    }

    fn group_part(&self, group: &Group) -> GroupPartV1 {
        GroupPartV1 {
            key: group.name.key.to_string(),
            ordinal: group.name.ordinal,
            route_key: self.policy.plan(group.route).key.to_string(),
            labels: pairs(&group.labels),
            created_at_ns: group.created_at.0,
            next_flush_at_ns: group.next_flush_at.0,
            flush_index: group.flush_index,
        }
    }

    fn alert_part(
        &self,
        fingerprint: Fingerprint,
        numbers: &HashMap<GroupId, u32>,
    ) -> Option<AlertPartV1> {
        let stored = self.alerts.get(fingerprint)?;
        let groups = stored.groups.as_slice().iter();
        let mut groups: Vec<u32> = groups.filter_map(|id| numbers.get(id).copied()).collect();
        groups.sort_unstable();
        Some(AlertPartV1 {
            alert: stored.alert.in_record(),
            updated_at_ns: stored.alert.updated_at.0,
            version: stored.alert.version.0,
            is_partial: stored.is_partial,
            groups,
        })
    }

    fn intent_part(&self, key: &LogKey, intent: &Intent) -> IntentPartV1 {
        let state = (0..).zip(STATES).find(|(_, state)| *state == intent.state);
        IntentPartV1 {
            key: key.in_record(&self.name),
            flush_id: intent.flush_id,
            attempt: intent.attempt,
            reason: intent.reason.clone(),
            firing: intent.firing.clone(),
            resolved: intent.resolved.clone(),
            idempotency_key: intent.idempotency_key,
            decided_at_ns: intent.decided_at.0,
            state: state.map_or(0, |(number, _)| number),
        }
    }
}

fn frozen_part(group: u32, frozen: &TellAlert) -> FrozenPartV1 {
    FrozenPartV1 {
        group,
        is_resolved: frozen.is_resolved,
        alert: frozen.alert.in_record(),
        updated_at_ns: frozen.alert.updated_at.0,
        version: frozen.alert.version.0,
    }
}

fn read_alert(part: AlertV1, url: Arc<str>, updated_at_ns: i64, version: u64) -> Alert {
    Alert {
        labels: LabelSet::new(part.labels),
        annotations: LabelSet::new(part.annotations),
        generator_url: url,
        starts_at: WallTime(part.starts_at_ns),
        ends_at: WallTime(part.ends_at_ns),
        updated_at: WallTime(updated_at_ns),
        version: Lsn(version),
        is_timeout: part.is_timeout,
    }
}

/// Reads the sections of a snapshot back, one after the other.
#[derive(Debug)]
pub struct Restore {
    core: Core,
    current: Option<Restoring>,
    now: WallTime,
    events: Vec<Event>,
}

/// The tenant whose sections are being read.
#[derive(Debug)]
struct Restoring {
    tenant: Tenant,
    policy_hash: u64,
    groups: Vec<GroupPartV1>,
    members: Vec<(Fingerprint, Vec<u32>, bool)>,
    indexed: Vec<(u32, u64, u64)>,
    frozen: Vec<FrozenPartV1>,
}

impl Restore {
    /// Begins with a core that knows its policies and nothing else. Where a policy is not that of the
    /// snapshot, alerts are routed anew as at the last record in it, because what fired then may look
    /// ended by now; `now` counts only if there was none.
    #[must_use]
    pub fn new(core: Core, now: WallTime) -> Self {
        Self {
            core,
            current: None,
            now,
            events: Vec::new(),
        }
    }

    /// Reads the next section.
    ///
    /// # Errors
    /// That it is not one of a snapshot, or not in its place.
    pub fn section(&mut self, kind: u32, bytes: &[u8]) -> Result<(), RestoreError> {
        let fault = |source| RestoreError::Section { kind, source };
        if kind == TENANT {
            let part: TenantPartV1 = decode_part("tenant", bytes).map_err(fault)?;
            self.end_tenant();
            let mut tenant = self.core.new_tenant(&part.name);
            tenant.next_flush_id = part.next_flush_id;
            tenant.allocated_flush_id = part.next_flush_id;
            tenant.extended_at = WallTime(part.extended_at_ns);
            tenant.last_at = Some(WallTime(part.last_at_ns)).filter(|at| at.0 != i64::MIN);
            tenant.config_hash = part.config_hash;
            self.current = Some(Restoring {
                tenant,
                policy_hash: part.policy_hash,
                groups: Vec::new(),
                members: Vec::new(),
                indexed: Vec::new(),
                frozen: Vec::new(),
            });
            return Ok(());
        }
        let Some(current) = &mut self.current else {
            return Err(RestoreError::Order { kind });
        };
        let message = |source| RestoreError::Message { kind, source };
        match kind {
            GROUPS => current
                .groups
                .append(&mut decode_part("list of groups", bytes).map_err(fault)?),
            ALERTS => {
                let parts: Vec<AlertPartV1> =
                    decode_part("list of alerts", bytes).map_err(fault)?;
                parts.into_iter().for_each(|part| current.alert(part));
            }
            SILENCES => {
                let parts: Vec<Vec<u8>> = decode_part("list of silences", bytes).map_err(fault)?;
                for part in parts {
                    let silence = Silence::read(&part).map_err(message)?;
                    current.tenant.silences.put(silence);
                }
            }
            NOTIFICATIONS => {
                let parts: Vec<Vec<u8>> = decode_part("list of entries", bytes).map_err(fault)?;
                for part in parts {
                    let (key, entry) = LogEntry::read(&part).map_err(message)?;
                    current.tenant.log.put(key, entry);
                }
            }
            INTENTS => {
                let parts: Vec<IntentPartV1> =
                    decode_part("list of intents", bytes).map_err(fault)?;
                parts.into_iter().for_each(|part| current.intent(part));
            }
            INHIBITION => current
                .indexed
                .append(&mut decode_part("list of sources", bytes).map_err(fault)?),
            OWED => {
                let parts: Vec<OwedPartV1> =
                    decode_part("list of what is owed", bytes).map_err(fault)?;
                for part in parts {
                    current
                        .tenant
                        .owed
                        .set(LogKey::of(&part.key), part.hashes.into_iter().collect());
                }
            }
            FROZEN => current
                .frozen
                .append(&mut decode_part("list of what is frozen", bytes).map_err(fault)?),
            _ => return Err(RestoreError::Kind { kind }),
        }
        Ok(())
    }

    /// The core with the state of the snapshot, and what its policy changed.
    #[must_use]
    pub fn finish(mut self) -> (Core, Vec<Event>) {
        self.end_tenant();
        (self.core, self.events)
    }

    fn end_tenant(&mut self) {
        let Some(current) = self.current.take() else {
            return;
        };
        let tenant = current.finish(self.now, &mut self.events);
        self.core.put_tenant(tenant);
    }
}

impl Restoring {
    fn alert(&mut self, part: AlertPartV1) {
        let url = self.tenant.alerts.url(&part.alert.generator_url);
        let alert = read_alert(part.alert, url, part.updated_at_ns, part.version);
        let fingerprint = alert.fingerprint();
        self.tenant.alerts.put(fingerprint, Arc::new(alert));
        self.members
            .push((fingerprint, part.groups, part.is_partial));
    }

    fn intent(&mut self, part: IntentPartV1) {
        let state = STATES.get(part.state as usize).copied();
        let intent = Intent {
            flush_id: part.flush_id,
            attempt: part.attempt,
            reason: part.reason,
            firing: part.firing,
            resolved: part.resolved,
            idempotency_key: part.idempotency_key,
            decided_at: WallTime(part.decided_at_ns),
            state: state.unwrap_or(IntentState::InDoubt),
        };
        self.tenant.intents.insert(LogKey::of(&part.key), intent);
    }

    fn finish(mut self, now: WallTime, events: &mut Vec<Event>) -> Tenant {
        let policy = Arc::clone(&self.tenant.policy);
        let is_same = policy.hash == self.policy_hash;
        let mut groups: Vec<Group> = self
            .groups
            .into_iter()
            .map(|part| {
                let route = policy.route_of(&part.route_key, part.ordinal);
                let name = GroupName {
                    key: part.key.into(),
                    ordinal: part.ordinal,
                };
                let labels = LabelSet::new(part.labels);
                let created_at = WallTime(part.created_at_ns);
                let due = WallTime(part.next_flush_at_ns);
                // A group without a route is dropped when the alerts are routed anew.
                let route = route.unwrap_or_else(|| policy.routes.root());
                let mut group = Group::new(name, route, labels, created_at, due);
                group.flush_index = part.flush_index;
                group
            })
            .collect();
        for part in self.frozen {
            let url = self.tenant.alerts.url(&part.alert.generator_url);
            let alert = read_alert(part.alert, url, part.updated_at_ns, part.version);
            if let Some(group) = groups.get_mut(part.group as usize) {
                group.frozen.push(TellAlert {
                    hash: notification_hash(&alert.labels),
                    is_resolved: part.is_resolved,
                    alert: Arc::new(alert),
                });
            }
        }
        for (fingerprint, members, _) in &self.members {
            for number in members {
                if let Some(group) = groups.get_mut(*number as usize) {
                    group.alerts.insert(*fingerprint);
                }
            }
        }
        if !is_same {
            let at = self.tenant.last_at.unwrap_or(now);
            self.tenant.regroup(policy, groups, at, events);
            return self.tenant;
        }
        let ids: Vec<GroupId> = groups
            .into_iter()
            .map(|group| self.tenant.groups.insert(group))
            .collect();
        for (fingerprint, members, is_partial) in self.members {
            let Some(stored) = self.tenant.alerts.get_mut(fingerprint) else {
                continue;
            };
            stored.is_partial = is_partial;
            let members = members.iter().filter_map(|it| ids.get(*it as usize));
            members.for_each(|id| stored.groups.add(*id));
        }
        self.tenant.index_sources_again();
        self.tenant.inhibitor.restore_indexed(&self.indexed);
        self.tenant
    }
}
