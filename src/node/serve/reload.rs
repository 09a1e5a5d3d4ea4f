//! Another configuration takes effect, and nothing that was owed is lost.
//!
//! The whole plan is made first; then core and delivery take it over together. Groups whose route and
//! labels are there again keep timers and what is still to be told (see `core::regroup`). A checkpoint
//! follows, so that what was decided under the old configuration is never replayed under the new one
//! for long.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{error, info, warn};

use super::TENANT;
use super::checkpoints::Checkpoints;
use super::moved::{Moved, moved};
use super::plan::Workshop;
use super::shared::Shared;
use crate::delivery::Delivery;
use crate::record::{ConfigAppliedV1, Record};
use crate::wal::Lane;

/// Reloads the configuration.
#[derive(Debug)]
pub(super) struct Reloader {
    pub(super) shared: Arc<Shared>,
    pub(super) workshop: Workshop,
    pub(super) delivery: Delivery,
    pub(super) checkpoints: Arc<Checkpoints>,
    /// One at a time.
    pub(super) gate: Mutex<()>,
    pub(super) is_last_successful: AtomicBool,
    /// In nanoseconds since 1970.
    pub(super) last_success_at: AtomicI64,
}

impl Reloader {
    /// Loads the configuration anew.
    ///
    /// # Errors
    /// Why the old one stays in force.
    pub(super) fn reload(&self) -> Result<(), String> {
        let _one_at_a_time = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.workshop.file().display().to_string();
        info!(
            component = "configuration",
            file, "Loading configuration file"
        );
        let plan = match self.workshop.plan() {
            Ok(plan) => Arc::new(plan),
            Err(fault) => {
                self.is_last_successful.store(false, Ordering::Release);
                error!(component = "configuration", file, err = %fault, "Loading configuration file failed");
                return Err(fault.to_string());
            }
        };
        for Moved { receiver, from, to } in moved(&self.shared.plan().configured, &plan.configured)
        {
            warn!(
                component = "configuration",
                receiver,
                integration = from,
                now = to,
                "An integration has another place now. What was told is remembered by place: it may be told something again, or not told what only the other knows."
            );
        }
        let now = self.shared.clock.wall();
        {
            let mut core = self.shared.core();
            let events = core.set_policy(None, Arc::clone(&plan.policy), now);
            for event in &events {
                self.shared.counts.happened(event);
            }
            self.shared.happened(now, events);
            self.delivery.install(plan.installations.clone());
            self.shared.set_plan(Arc::clone(&plan));
            let record = Record::ConfigApplied(ConfigAppliedV1 {
                tenant: TENANT.to_owned(),
                applied_at_ns: now.0,
                hash: plan.hash,
                text: String::new(),
            });
            // That it could not be recorded changes nothing: the file is what counts.
            self.shared
                .journal
                .submit(Lane::Priority, vec![record], |_| {});
        }
        self.shared.look();
        self.checkpoints.ask();
        self.is_last_successful.store(true, Ordering::Release);
        self.last_success_at.store(now.0, Ordering::Release);
        info!(
            component = "configuration",
            file, "Completed loading of configuration file"
        );
        Ok(())
    }
}
