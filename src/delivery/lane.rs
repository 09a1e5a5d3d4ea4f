//! What belongs to one integration of one receiver: who is it, how much it does at once, its counts.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ORDERS_MAX;
use super::quarantine::Quarantine;
use super::statistics::{Counts, Statistics};
use super::watched::{Watched, Watcher};
use crate::receivers::{Integration, IntegrationId};
use crate::record::NotificationKeyV1;

/// Which integration of which receiver of which tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneId {
    /// Whose.
    pub tenant: String,
    /// The receiver's name.
    pub receiver: String,
    /// Which of its integrations.
    pub integration: IntegrationId,
}

impl LaneId {
    /// The lane of a notification.
    #[must_use]
    pub fn of(key: &NotificationKeyV1) -> Self {
        Self {
            tenant: key.tenant.clone(),
            receiver: key.receiver.clone(),
            integration: IntegrationId {
                kind: key.integration.clone(),
                index: key.index,
            },
        }
    }
}

/// An integration to be used from now on.
#[derive(Debug, Clone)]
pub struct Installation {
    /// Where.
    pub lane: LaneId,
    /// What.
    pub integration: Arc<dyn Integration>,
    /// Whether it tells of resolved alerts.
    pub send_resolved: bool,
}

/// An integration in use.
#[derive(Debug, Clone)]
pub(super) struct Installed {
    pub(super) integration: Arc<dyn Integration>,
    pub(super) send_resolved: bool,
    /// Attempts at once. A new installation has new ones, and those under way return theirs to the
    /// old.
    pub(super) permits: Arc<Semaphore>,
}

/// One integration of one receiver.
#[derive(Debug)]
pub(super) struct Lane {
    id: LaneId,
    installed: Watched<Option<Installed>>,
    slots: Arc<Semaphore>,
    own: Statistics,
    kind: Arc<Statistics>,
    pub(super) quarantine: Quarantine,
}

impl Lane {
    pub(super) fn new(id: &LaneId, kind: Arc<Statistics>) -> Self {
        Self {
            id: id.clone(),
            installed: Watched::new(None),
            slots: Arc::new(Semaphore::new(ORDERS_MAX)),
            own: Statistics::default(),
            kind,
            quarantine: Quarantine::default(),
        }
    }

    pub(super) fn id(&self) -> &LaneId {
        &self.id
    }

    /// Uses this integration, for up to `width` attempts at once.
    pub(super) fn install(&self, installation: Installation, width: usize) {
        self.quarantine.note_sound();
        self.installed.set(Some(Installed {
            integration: installation.integration,
            send_resolved: installation.send_resolved,
            permits: Arc::new(Semaphore::new(width)),
        }));
    }

    /// The integration is gone.
    pub(super) fn remove(&self) {
        self.installed.set(None);
    }

    /// What is in use, and tells of changes.
    pub(super) fn installed(&self) -> Watcher<Option<Installed>> {
        self.installed.watch()
    }

    /// A place for an order, if there is one.
    pub(super) fn take_slot(&self) -> Option<OwnedSemaphorePermit> {
        self.slots.clone().try_acquire_owned().ok()
    }

    /// Counts here and for the kind of integration.
    pub(super) fn count(&self, count: impl Fn(&Statistics)) {
        count(&self.own);
        count(&self.kind);
    }

    pub(super) fn counts(&self) -> Counts {
        self.own.read()
    }
}
