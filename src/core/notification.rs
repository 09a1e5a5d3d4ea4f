//! What is told to one integration, and the records that say what became of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prost::Message;

use crate::model::{Duration, LabelSet, RouteIndex};
use crate::record::{FlushIntentV1, NotificationKeyV1, NotifyResultV1, Record};
use crate::sys::WallTime;

use super::alert::Alert;
use super::dedup::Reason;
use super::proto::{Entry, MeshEntry, Receiver, ReceiverData};
use super::time::after;

/// An alert of a flush, as it was at the tick: one that fired cannot turn resolved while it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TellAlert {
    /// The alert.
    pub alert: Arc<Alert>,
    /// Whether it had ended.
    pub is_resolved: bool,
    /// Its hash in the notification log.
    pub hash: u64,
}

impl TellAlert {
    /// When it ended, if it has.
    #[must_use]
    pub fn ends_at(&self) -> Option<WallTime> {
        self.is_resolved.then_some(self.alert.ends_at)
    }
}

/// What became of a notification, as records name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// It does not; the next tick tries again.
    Failed,
    /// Whether it does is not known, and it would now be another notification.
    Superseded,
    /// Whether it does is not known, and the configuration says to leave it at that.
    AssumedDelivered,
    /// It does harm, and is not tried again until it is another notification.
    Quarantined,
    /// There was nothing in it that this integration is told of.
    NothingToSend,
}

impl Outcome {
    const ALL: [Self; 6] = [
        Self::Delivered,
        Self::Failed,
        Self::Superseded,
        Self::AssumedDelivered,
        Self::Quarantined,
        Self::NothingToSend,
    ];

    /// As records spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
            Self::AssumedDelivered => "assumed_delivered",
            Self::Quarantined => "quarantined",
            Self::NothingToSend => "nothing_to_send",
        }
    }

    /// The outcome that a record spells.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What one integration is to be told. It may be sent once the records decided with it are durable.
#[derive(Debug, Clone)]
pub struct Notification {
    /// Whom, of which group.
    pub key: NotificationKeyV1,
    /// Ties the result to the intent.
    pub flush_id: u64,
    /// Counts from 1; more if a crash or a failure left unknown whether the receiver has it.
    pub attempt: u32,
    /// Whether a crash did.
    pub is_recovered: bool,
    /// Same key, same content.
    pub idempotency_key: [u8; 32],
    /// Why.
    pub reason: Reason,
    /// The route of the group in the policy that decided.
    pub route: RouteIndex,
    /// The labels that the alerts are grouped by.
    pub group_labels: LabelSet,
    /// All alerts that were not muted, in the order in which they are told.
    pub alerts: Arc<[TellAlert]>,
    /// Whether the integration is told of the resolved ones.
    pub send_resolved: bool,
    /// The hashes of what fires, sorted.
    pub firing: Arc<[u64]>,
    /// The hashes of what is resolved, sorted.
    pub resolved: Arc<[u64]>,
    /// The tick.
    pub decided_at: WallTime,
    /// When retrying ends.
    pub deadline: WallTime,
    /// How long its entry in the notification log lives.
    pub entry_lifetime: Duration,
    /// What the integration kept from the last time; empty at a first notification.
    pub receiver_data: BTreeMap<String, ReceiverData>,
}

impl Notification {
    /// The alerts that are sent.
    pub fn sent(&self) -> impl Iterator<Item = &TellAlert> {
        let all = self.send_resolved;
        self.alerts.iter().filter(move |it| all || !it.is_resolved)
    }

    /// The record of the intent, which is durable before anything is sent.
    #[must_use]
    pub fn intent(&self) -> FlushIntentV1 {
        FlushIntentV1 {
            flush_id: self.flush_id,
            key: self.key.clone(),
            attempt: self.attempt,
            reason: self.reason.as_str().to_owned(),
            firing: self.firing.to_vec(),
            resolved: self.resolved.to_vec(),
            idempotency_key: self.idempotency_key,
            decided_at_ns: self.decided_at.0,
        }
    }

    /// The record of a delivery.
    #[must_use]
    pub fn delivered(&self, at: WallTime, data: BTreeMap<String, ReceiverData>) -> Record {
        let entry = self.entry(at, data);
        self.result(at, Outcome::Delivered, String::new(), entry)
    }

    /// The record of a failure. `detail` must hold no secret.
    #[must_use]
    pub fn failed(&self, at: WallTime, detail: String) -> Record {
        self.result(at, Outcome::Failed, detail, Vec::new())
    }

    /// The record of a notification that does harm to the process that sends it.
    #[must_use]
    pub fn quarantined(&self, at: WallTime, detail: String) -> Record {
        self.result(at, Outcome::Quarantined, detail, Vec::new())
    }

    pub(super) fn result(
        &self,
        at: WallTime,
        outcome: Outcome,
        detail: String,
        entry: Vec<u8>,
    ) -> Record {
        Record::NotifyResult(NotifyResultV1 {
            flush_id: self.flush_id,
            key: self.key.clone(),
            outcome: outcome.as_str().to_owned(),
            detail,
            entry,
            finished_at_ns: at.0,
        })
    }

    /// The entry of the notification log once it was delivered: Alertmanager's `MeshEntry`.
    #[must_use]
    pub fn entry(&self, at: WallTime, data: BTreeMap<String, ReceiverData>) -> Vec<u8> {
        let mesh = MeshEntry {
            entry: Some(Entry {
                group_key: self.key.group_key.clone().into_bytes(),
                receiver: Some(Receiver {
                    group_name: self.key.receiver.clone(),
                    integration: self.key.integration.clone(),
                    idx: self.key.index,
                }),
                timestamp: Some(at.into()),
                firing_alerts: self.firing.to_vec(),
                resolved_alerts: self.resolved.to_vec(),
                receiver_data: data,
            }),
            expires_at: Some(after(at, self.entry_lifetime).into()),
        };
        mesh.encode_to_vec()
    }
}
