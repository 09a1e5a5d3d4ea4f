//! One order from its start to its result.
//!
//! Alertmanager 0.34, retry stage: the first attempt at once, the next as [`super::Backoff`] says,
//! until one succeeds, one fails for good, or the deadline is there. The error that is reported is
//! the last one that came before the deadline. A retryable error is logged when its text is not that
//! of the one before.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinError;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info, warn};

use super::backoff::Backoff;
use super::lane::{Installed, Lane};
use super::order::{Ending, Order, Report};
use super::statistics::Statistics;
use super::tries::{Tries, failure_of};
use super::{Intents, Shared};
use crate::receivers::{
    Content, Failure, IntegrationId, Notification, Outcome, Reason, ReceiverData,
};
use crate::record::{NotifyResultV1, Record};

/// How long after its deadline an attempt is taken for hung and abandoned. Integrations watch their
/// deadlines themselves and need this only to word what happened.
pub const HANG_GRACE: Duration = Duration::from_secs(5);

/// A notification that was under way at so many crashes may be what crashes the process. It is left out
/// until the group's next flush, so that there is a server in between.
pub const CRASHES_MAX: u32 = 3;

/// An order under way.
pub(super) struct Run {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    order: Order,
    installed: watch::Receiver<Option<Installed>>,
    attempts: u32,
    tries: Tries,
    last_failure: Option<Failure>,
    only_firing: Option<Arc<Content>>,
}

/// Whether an attempt may begin.
enum Admission {
    Go(Installed, OwnedSemaphorePermit),
    Late,
    Removed,
    Stopping,
}

/// How an attempt ended.
enum Tried {
    Ended(Outcome),
    Broken(Failure),
    Removed,
    Killed,
}

impl Run {
    pub(super) fn new(shared: Arc<Shared>, lane: Arc<Lane>, order: Order) -> Self {
        let installed = lane.installed();
        Self {
            shared,
            lane,
            order,
            installed,
            attempts: 0,
            tries: Tries::default(),
            last_failure: None,
            only_firing: None,
        }
    }

    pub(super) async fn run(mut self) -> Report {
        let started = Instant::now();
        let mut kept = self.order.receiver_data.clone();
        let ending = self.deliver(&mut kept).await;
        self.log(&ending, started.elapsed());
        let is_recorded = self.record(&ending, &kept).await;
        Report {
            flush_id: self.order.intent.flush_id,
            attempts: self.attempts,
            ending,
            is_recorded,
        }
    }

    async fn deliver(&mut self, kept: &mut ReceiverData) -> Ending {
        let first = self.admit(None).await;
        self.lane.count(Statistics::count_notification);
        let ending = match first {
            Admission::Go(installed, permit) => self.begin(installed, permit, kept).await,
            Admission::Removed | Admission::Late => self.given_up(canceled()),
            Admission::Stopping => Ending::Abandoned,
        };
        match &ending {
            Ending::Delivered | Ending::NothingToSend => {}
            Ending::Failed(failure) => self
                .lane
                .count(|counts| counts.count_failed(failure.reason)),
            Ending::Abandoned => {
                self.lane
                    .count(|counts| counts.count_failed(Reason::ContextCanceled));
            }
            Ending::Quarantined(_) => {
                self.lane.count(Statistics::count_quarantined);
                self.lane.count(|counts| counts.count_failed(Reason::Other));
            }
            Ending::NotRecorded(_) => self.lane.count(|counts| counts.count_failed(Reason::Other)),
        }
        ending
    }

    /// From the first permit on.
    async fn begin(
        &mut self,
        installed: Installed,
        permit: OwnedSemaphorePermit,
        kept: &mut ReceiverData,
    ) -> Ending {
        if self.content(installed.send_resolved).is_none() {
            return Ending::NothingToSend;
        }
        let intent = &self.order.intent;
        let crashes = self.order.crashes;
        if crashes >= CRASHES_MAX {
            return Ending::Quarantined(format!(
                "{}: the process ended {crashes} times while this was being sent, it is left out until the next flush",
                self.label()
            ));
        }
        if self.shared.world.intents == Intents::Durable {
            let record = Record::FlushIntent(intent.clone());
            if let Err(error) = self.shared.world.journal.append(vec![record]).await {
                return Ending::NotRecorded(error.to_string());
            }
        }
        if self.order.is_recovered {
            self.lane.count(Statistics::count_recovered);
        }
        self.try_until_deadline(installed, permit, kept).await
    }

    async fn try_until_deadline(
        &mut self,
        mut installed: Installed,
        mut permit: OwnedSemaphorePermit,
        kept: &mut ReceiverData,
    ) -> Ending {
        let deadline = Instant::now() + self.order.timeout;
        let mut backoff = Backoff::new();
        loop {
            let Some(content) = self.content(installed.send_resolved) else {
                return Ending::NothingToSend;
            };
            let started = Instant::now();
            if !self.lane.quarantine.may_try(started) {
                return self.quarantined();
            }
            let due = started + backoff.next(&*self.shared.world.entropy);
            self.attempts = self.attempts.saturating_add(1);
            let started_at = self.shared.now();
            let tried = self.attempt(&installed, content, deadline).await;
            drop(permit);
            let is_delivered = matches!(tried, Tried::Ended(Outcome::Delivered(_)));
            let took = started.elapsed();
            match &tried {
                Tried::Ended(outcome) => self.tries.push(started_at, took, failure_of(outcome)),
                Tried::Broken(failure) => self.tries.push(started_at, took, Some(failure)),
                Tried::Removed => self.tries.push(started_at, took, Some(&canceled())),
                Tried::Killed => {}
            }
            self.lane
                .count(|counts| counts.count_request(took, !is_delivered));
            match tried {
                Tried::Ended(Outcome::Delivered(data)) => {
                    *kept = data;
                    return Ending::Delivered;
                }
                Tried::Ended(Outcome::Permanent(failure)) => return self.unrecoverable(&failure),
                Tried::Ended(Outcome::Retryable(failure)) | Tried::Broken(failure) => {
                    self.note(failure, deadline);
                }
                Tried::Removed => return self.given_up(canceled()),
                Tried::Killed => return Ending::Abandoned,
            }
            match self.wait(due, deadline).await {
                Admission::Go(next, next_permit) => (installed, permit) = (next, next_permit),
                Admission::Late => {
                    return self.given_up(Failure::new(
                        Reason::ContextDeadlineExceeded,
                        "context deadline exceeded",
                    ));
                }
                Admission::Removed => return self.given_up(canceled()),
                Admission::Stopping => return Ending::Abandoned,
            }
        }
    }

    /// Waits until the next attempt may begin: it is due, or there is a new integration to try.
    async fn wait(&mut self, due: Instant, deadline: Instant) -> Admission {
        tokio::select! {
            biased;
            () = self.shared.draining.cancelled() => return Admission::Stopping,
            () = sleep_until(deadline) => return Admission::Late,
            _ = self.installed.changed() => {}
            () = sleep_until(due) => {}
        }
        self.admit(Some(deadline)).await
    }

    /// Waits for a permit.
    async fn admit(&mut self, deadline: Option<Instant>) -> Admission {
        loop {
            let Some(installed) = self.installed.borrow_and_update().clone() else {
                return Admission::Removed;
            };
            let permits = installed.permits.clone();
            tokio::select! {
                biased;
                () = self.shared.draining.cancelled() => return Admission::Stopping,
                () = at(deadline) => return Admission::Late,
                _ = self.installed.changed() => {}
                permit = permits.acquire_owned() => {
                    if let Ok(permit) = permit {
                        return Admission::Go(installed, permit);
                    }
                }
            }
        }
    }

    /// One attempt, in a task of its own: what it does to itself it does not do to us.
    async fn attempt(
        &mut self,
        installed: &Installed,
        content: Arc<Content>,
        deadline: Instant,
    ) -> Tried {
        let integration = installed.integration.clone();
        let notification = self.notification(content, deadline);
        let runtime = &self.shared.world.runtime;
        let mut task = runtime.spawn(async move { integration.attempt(&notification).await });
        let ended = tokio::select! {
            biased;
            ended = &mut task => Some(ended),
            () = self.shared.killed.cancelled() => {
                task.abort();
                return Tried::Killed;
            }
            () = removed(&mut self.installed) => {
                task.abort();
                return Tried::Removed;
            }
            () = sleep_until(deadline + HANG_GRACE) => {
                task.abort();
                None
            }
        };
        match ended {
            Some(Ok(outcome)) => {
                self.lane.quarantine.note_sound();
                Tried::Ended(outcome)
            }
            Some(Err(error)) => self.broken(Some(&error)),
            None => self.broken(None),
        }
    }

    /// The attempt panicked, or went on after its deadline.
    fn broken(&self, error: Option<&JoinError>) -> Tried {
        let text = match error {
            Some(_) => {
                self.lane.count(Statistics::count_panic);
                "the integration panicked"
            }
            None => {
                self.lane.count(Statistics::count_hang);
                "the integration did not end after its deadline"
            }
        };
        if self.lane.quarantine.note_broken(Instant::now()) {
            error!(
                receiver = self.order.intent.key.receiver,
                integration = %self.lane.id().integration,
                err = text,
                "Integration quarantined"
            );
        }
        Tried::Broken(Failure::other(text))
    }

    fn notification(&self, content: Arc<Content>, deadline: Instant) -> Notification {
        let intent = &self.order.intent;
        Notification {
            receiver: intent.key.receiver.clone(),
            integration: IntegrationId {
                kind: intent.key.integration.clone(),
                index: intent.key.index,
            },
            group_key: intent.key.group_key.clone(),
            content,
            receiver_data: self.order.receiver_data.clone(),
            flush_id: intent.flush_id,
            attempt: intent
                .attempt
                .saturating_add(self.attempts)
                .saturating_sub(1),
            is_recovered: self.order.is_recovered,
            idempotency_key: intent.idempotency_key,
            deadline,
        }
    }

    /// What is told: all, or what still fires; `None` if that is nothing.
    fn content(&mut self, send_resolved: bool) -> Option<Arc<Content>> {
        if send_resolved {
            return Some(self.order.content.clone());
        }
        if !self.order.content.has_firing() {
            return None;
        }
        let all = &self.order.content;
        Some(
            self.only_firing
                .get_or_insert_with(|| Arc::new(all.only_firing()))
                .clone(),
        )
    }

    /// An error after which there may be another attempt.
    fn note(&mut self, failure: Failure, deadline: Instant) {
        if Instant::now() >= deadline {
            return;
        }
        let is_new = self
            .last_failure
            .as_ref()
            .is_none_or(|last| last.text() != failure.text());
        if is_new {
            warn!(
                receiver = self.order.intent.key.receiver,
                integration = %self.lane.id().integration,
                aggrGroup = self.order.intent.key.group_key,
                attempts = self.attempts,
                err = failure.text(),
                "Notify attempt failed, will retry later"
            );
        }
        self.last_failure = Some(failure);
    }

    fn label(&self) -> String {
        format!(
            "{}/{}",
            self.order.intent.key.receiver,
            self.lane.id().integration
        )
    }

    fn unrecoverable(&self, failure: &Failure) -> Ending {
        let (label, attempts) = (self.label(), self.attempts);
        let text = format!(
            "{label}: notify retry canceled due to unrecoverable error after {attempts} attempts: {failure}"
        );
        Ending::Failed(Failure::new(failure.reason, text))
    }

    /// There is no more attempt. What is reported is the last error, if there was one.
    fn given_up(&mut self, why: Failure) -> Ending {
        let failure = self.last_failure.take().unwrap_or(why);
        let (label, attempts) = (self.label(), self.attempts);
        let text = format!("{label}: notify retry canceled after {attempts} attempts: {failure}");
        Ending::Failed(Failure::new(failure.reason, text))
    }

    fn quarantined(&self) -> Ending {
        let why = "the integration is quarantined because it panicked or hung";
        Ending::Quarantined(format!("{}: {why}", self.label()))
    }

    /// Writes the result; whether it is durable.
    async fn record(&mut self, ending: &Ending, kept: &ReceiverData) -> bool {
        let (outcome, detail) = match ending {
            Ending::Delivered | Ending::NothingToSend => ("delivered", ""),
            Ending::Failed(failure) => ("failed", failure.text()),
            // A failure like others: the next flush tries again. The core gives up for good what it is
            // told is quarantined.
            Ending::Quarantined(text) => ("failed", text.as_str()),
            Ending::Abandoned | Ending::NotRecorded(_) => return false,
        };
        let now = self.shared.now();
        let entry = match ending {
            Ending::Delivered | Ending::NothingToSend => self.order.entry.encoded(kept, now),
            _ => Vec::new(),
        };
        let result = Record::NotifyResult(NotifyResultV1 {
            flush_id: self.order.intent.flush_id,
            key: self.order.intent.key.clone(),
            outcome: outcome.to_owned(),
            detail: detail.to_owned(),
            entry,
            finished_at_ns: now.0,
        });
        let attempts = self.tries.record(&self.order.intent);
        let records = attempts.into_iter().chain([result]).collect();
        match self.shared.world.journal.append(records).await {
            Ok(()) => true,
            Err(error) => {
                error!(
                    aggrGroup = self.order.intent.key.group_key,
                    err = %error,
                    "The result of a notification could not be recorded"
                );
                false
            }
        }
    }

    fn log(&self, ending: &Ending, duration: Duration) {
        let key = &self.order.intent.key;
        let (receiver, group) = (&key.receiver, &key.group_key);
        let integration = &self.lane.id().integration;
        let count = self.order.content.alerts.len();
        let duration = format!("{duration:?}");
        let text = match ending {
            Ending::Delivered | Ending::NothingToSend if self.attempts > 1 => {
                info!(receiver, %integration, aggrGroup = group, attempts = self.attempts, duration,
                    numAlerts = count, "Notify success");
                return;
            }
            Ending::Delivered | Ending::NothingToSend => {
                debug!(receiver, %integration, aggrGroup = group, attempts = self.attempts, duration,
                    numAlerts = count, "Notify success");
                return;
            }
            Ending::Abandoned => {
                debug!(
                    aggrGroup = group,
                    num_alerts = count,
                    err = "context canceled",
                    "Notify for alerts failed"
                );
                return;
            }
            Ending::Failed(failure) if failure.reason == Reason::ContextCanceled => {
                debug!(
                    aggrGroup = group,
                    num_alerts = count,
                    err = failure.text(),
                    "Notify for alerts failed"
                );
                return;
            }
            Ending::Failed(failure) => failure.text(),
            Ending::Quarantined(text) | Ending::NotRecorded(text) => text,
        };
        error!(
            aggrGroup = group,
            num_alerts = count,
            err = text,
            "Notify for alerts failed"
        );
    }
}

fn canceled() -> Failure {
    Failure::new(Reason::ContextCanceled, "context canceled")
}

/// Waits until then, or for ever.
async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Waits until the integration is gone. A new one in its place is seen by whoever asks next.
async fn removed(installed: &mut watch::Receiver<Option<Installed>>) {
    let mut watched = installed.clone();
    // An error means that nobody can install any more: then nothing is removed either.
    if watched.wait_for(Option::is_none).await.is_err() {
        std::future::pending::<()>().await;
    }
}
