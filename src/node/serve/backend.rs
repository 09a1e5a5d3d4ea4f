//! What the API asks, answered over log and core.
//!
//! **Invariants**
//! * Input is admitted and handed to the log under the lock of the core, so that the log has it in the
//!   order in which the core judged it.
//! * A success is answered when the records are durable. Whoever asks afterwards finds their effect:
//!   every reading waits until the core has applied what was durable when it was asked.
//! * Changes of silences come one after the other: each is judged by what the one before has made.
//! * The core is left alone while a large answer is put together: it gives shared parts, and what keeps
//!   an alert quiet is asked in pieces.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use hyper::StatusCode;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::{error, info};

use super::TENANT;
use super::dispatch::{pairs, rendered};
use super::journal::NotDurable;
use super::plan::Plan;
use super::reload::Reloader;
use super::shared::Shared;
use crate::api::Backend;
use crate::api::backend::{
    Cluster, ListedAlert, ListedGroup, NewAlerts, NewSilence, Quiet, Receiver, Refusal,
    Settings as ApiSettings, Silence, SilenceRefusal, Status, StoredAlert, Version,
};
use crate::cli::serve::flags::ServeOptions;
use crate::core::{Alert, Core, SilenceChange, SilenceDraft, SilenceError, TellAlert};
use crate::history::ask::{Parameters, Route, Said};
use crate::history::index::keeper::{HANG, Keeper};
use crate::model::{Fingerprint, LabelSet, RouteIndex};
use crate::receivers::Content;
use crate::record::Record;
use crate::sys::WallTime;
use crate::wal::{AppendError, Lane};

/// Alerts of which it is asked at once what keeps them quiet: some hundred microseconds of the core.
const PREDICTED_AT_ONCE_MAX: usize = 256;

/// Records that are handed in together. More are handed in one by one, as each may be as long as a
/// request to the log may be.
const RECORDS_TOGETHER_MAX: usize = 2;

/// The version of Alertmanager whose behaviour this is, and our own.
pub(super) const VERSION: &str = concat!("0.34.0+tocsin.", env!("CARGO_PKG_VERSION"));

/// The backend. While the log is being read it is there and not ready.
#[derive(Debug)]
pub(super) struct Node {
    options: Arc<ServeOptions>,
    external_url: Arc<str>,
    started_at: WallTime,
    running: OnceLock<Running>,
    /// Changes of silences come one after the other.
    silence_gate: tokio::sync::Mutex<()>,
}

/// What is there once recovery is done.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) shared: Arc<Shared>,
    pub(super) reloader: Arc<Reloader>,
    pub(super) recovery: Value,
    pub(super) history: Arc<Option<Keeper>>,
}

impl StoredAlert for Arc<Alert> {
    fn labels(&self) -> &LabelSet {
        &self.labels
    }

    fn annotations(&self) -> &LabelSet {
        &self.annotations
    }

    fn generator_url(&self) -> &str {
        &self.generator_url
    }

    fn fingerprint(&self) -> Fingerprint {
        Alert::fingerprint(self)
    }

    fn starts_at(&self) -> WallTime {
        self.starts_at
    }

    fn ends_at(&self) -> WallTime {
        self.ends_at
    }

    fn updated_at(&self) -> WallTime {
        self.updated_at
    }
}

fn unavailable(message: &str) -> Refusal {
    Refusal {
        status: StatusCode::SERVICE_UNAVAILABLE,
        message: message.to_owned(),
    }
}

/// Records that were handed in and have no answer yet. If nobody waits for it any more, because the
/// client has gone, what a refusal asks for is done all the same.
struct Waiting {
    shared: Arc<Shared>,
    answer: Option<oneshot::Receiver<Result<(), NotDurable>>>,
}

fn hand_in(shared: &Arc<Shared>, records: Vec<Record>, from: Option<Arc<str>>) -> Waiting {
    let (sender, receiver) = oneshot::channel();
    shared
        .journal
        .submit_from(Lane::Normal, records, from, |result| {
            // The process may be at its end; what was sent stays.
            let _ = sender.send(result);
        });
    Waiting {
        shared: Arc::clone(shared),
        answer: Some(receiver),
    }
}

impl Waiting {
    async fn answered(mut self) -> Result<(), Refusal> {
        let Some(answer) = &mut self.answer else {
            return Ok(());
        };
        let result = answer.await;
        self.answer = None;
        settle(&self.shared, result)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(answer) = self.answer.take() else {
            return;
        };
        // Without a runtime the process is at its end, and with it what would be taken back.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let shared = Arc::clone(&self.shared);
        runtime.spawn(async move {
            // There is nobody to be told.
            let _ = settle(&shared, answer.await);
        });
    }
}

/// Takes back what was refused, and tells why.
fn settle(
    shared: &Shared,
    answer: Result<Result<(), NotDurable>, oneshot::error::RecvError>,
) -> Result<(), Refusal> {
    let closed = |_| NotDurable {
        error: AppendError::Closed,
        records: Vec::new(),
    };
    let Err(refused) = answer.map_err(closed).and_then(|result| result) else {
        return Ok(());
    };
    shared
        .core()
        .tenant_entry(TENANT)
        .withdraw(&refused.records);
    if let AppendError::Poisoned { .. } = &refused.error {
        shared.fail(&refused.error);
    }
    Err(refusal(&refused.error))
}

/// What a sender is told. It is asked to try again where that can help.
fn refusal(error: &AppendError) -> Refusal {
    let status = match error {
        AppendError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        AppendError::Empty => StatusCode::INTERNAL_SERVER_ERROR,
        AppendError::Poisoned { .. }
        | AppendError::Full { .. }
        | AppendError::Overloaded { .. }
        | AppendError::Closed => StatusCode::SERVICE_UNAVAILABLE,
    };
    Refusal {
        status,
        message: error.to_string(),
    }
}

impl Node {
    pub(super) fn new(
        options: Arc<ServeOptions>,
        external_url: Arc<str>,
        started_at: WallTime,
    ) -> Self {
        Self {
            options,
            external_url,
            started_at,
            running: OnceLock::new(),
            silence_gate: tokio::sync::Mutex::default(),
        }
    }

    /// Recovery is done: from here on it is ready.
    pub(super) fn begin(&self, running: Running) {
        // It is called once.
        let _ = self.running.set(running);
    }

    fn shared(&self) -> Result<&Arc<Shared>, Refusal> {
        let running = self.running.get().ok_or_else(|| Refusal {
            status: StatusCode::SERVICE_UNAVAILABLE,
            message: "not ready: recovery is not done yet".to_owned(),
        })?;
        Ok(&running.shared)
    }

    /// Waits until what was handed in is durable.
    async fn make_durable(waiting: Vec<Waiting>) -> Result<(), Refusal> {
        let mut first = None;
        for one in waiting {
            if let Err(refusal) = one.answered().await {
                first.get_or_insert(refusal);
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Asks the core something away from the threads that serve connections.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Shared, WallTime) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let shared = Arc::clone(self.shared()?);
        shared.caught_up().await;
        let now = shared.clock.wall();
        let answer = tokio::task::spawn_blocking(move || question(&shared, now)).await;
        answer.map_err(|fault| {
            error!(component = "api", err = %fault, "A question could not be answered.");
            Refusal {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                message: "the answer could not be made; the server's log says why".to_owned(),
            }
        })
    }

    fn log_silence(&self, shared: &Shared, change: &str, id: &str) {
        if !self.options.logs_silences {
            return;
        }
        let core = shared.core();
        let Some(silence) = core.tenant(TENANT).and_then(|it| it.silences().get(id)) else {
            return;
        };
        let matchers: Vec<String> = silence
            .matcher_sets
            .iter()
            .flat_map(|set| set.iter())
            .map(|it| format!("{}{}{}", it.name(), it.operator().as_str(), it.value()))
            .collect();
        info!(
            component = "silences",
            Id = id,
            CreatedBy = silence.created_by,
            Comment = silence.comment,
            StartsAt = %silence.starts_at,
            EndsAt = %silence.ends_at,
            Matchers = matchers.join(","),
            "{change} silence"
        );
    }
}

impl Backend for Node {
    type Alert = Arc<Alert>;

    fn settings(&self) -> ApiSettings {
        ApiSettings {
            resolve_timeout: self
                .running
                .get()
                .map(|running| running.shared.plan().resolve_timeout.to_std())
                .unwrap_or_default(),
            mode: self.options.features.mode,
        }
    }

    async fn submit_alerts(&self, batch: NewAlerts) -> Result<(), Refusal> {
        let shared = self.shared()?;
        let count = batch.alerts.len();
        let (waiting, limited) = {
            let mut core = shared.core();
            let admission = core
                .tenant_entry(TENANT)
                .admit(batch.received_at, &batch.alerts);
            let records = admission.records;
            let waiting: Vec<Waiting> = match records.len() {
                0 => Vec::new(),
                1..=RECORDS_TOGETHER_MAX => vec![hand_in(shared, records, batch.sender)],
                _ => {
                    let one_by_one = records.into_iter();
                    one_by_one
                        .map(|record| hand_in(shared, vec![record], batch.sender.clone()))
                        .collect()
                }
            };
            (waiting, admission.limited.len())
        };
        Self::make_durable(waiting).await?;
        if limited == 0 {
            return Ok(());
        }
        let counter = &shared.counts.alerts_limited;
        counter.fetch_add(limited as u64, Ordering::Relaxed);
        Err(Refusal {
            status: StatusCode::TOO_MANY_REQUESTS,
            message: format!(
                "{limited} of {count} alerts were refused: alert limited (--alerts.per-alertname-limit)"
            ),
        })
    }

    async fn alerts(&self) -> Result<Vec<ListedAlert<Arc<Alert>>>, Refusal> {
        let plan = self.shared()?.plan();
        self.ask(move |shared, now| {
            let alerts: Vec<Arc<Alert>> = match shared.core().tenant(TENANT) {
                Some(tenant) => tenant.alerts().cloned().collect(),
                None => Vec::new(),
            };
            let mut quiet = Quieting::default();
            let mut receivers = RouteReceivers::default();
            let mut listed = Vec::with_capacity(alerts.len());
            for piece in alerts.chunks(PREDICTED_AT_ONCE_MAX) {
                let core = shared.core();
                let quiet = piece.iter().map(|alert| quiet.of(&core, alert, now));
                let quiet: Vec<Quiet> = quiet.collect();
                drop(core);
                listed.extend(piece.iter().zip(quiet).map(|(alert, quiet)| ListedAlert {
                    alert: Arc::clone(alert),
                    quiet,
                    receivers: receivers.of(&plan, &alert.labels),
                }));
            }
            listed
        })
        .await
    }

    async fn groups(&self) -> Result<Vec<ListedGroup<Arc<Alert>>>, Refusal> {
        let plan = self.shared()?.plan();
        let external_url = Arc::clone(&self.external_url);
        self.ask(move |shared, now| {
            let groups: Vec<Seen> = match shared.core().tenant(TENANT) {
                Some(tenant) => tenant
                    .groups()
                    .map(|group| Seen {
                        key: Arc::clone(&group.name.key),
                        labels: group.labels.clone(),
                        route: group.route,
                        muted_by: Arc::clone(&group.muted_by),
                        alerts: tenant.alerts_of(group),
                    })
                    .collect(),
                None => Vec::new(),
            };
            let mut quiet = Quieting::default();
            let mut receivers = RouteReceivers::default();
            let groups = groups.into_iter().filter_map(|group| {
                let route = plan.policy.routes.routes().get(group.route.0 as usize)?;
                let mut alerts = Vec::with_capacity(group.alerts.len());
                for piece in group.alerts.chunks(PREDICTED_AT_ONCE_MAX) {
                    let core = shared.core();
                    alerts.extend(
                        piece
                            .iter()
                            .map(|alert| (Arc::clone(alert), quiet.of(&core, alert, now))),
                    );
                }
                let raw = crate::template::Labels::clone(&route.labels);
                let route_labels = match raw.is_empty() {
                    true => LabelSet::default(),
                    false => LabelSet::new(route_labels(&plan, raw, &group, now, &external_url)),
                };
                Some(ListedGroup {
                    receiver: receivers.named(&plan, &route.receiver),
                    labels: group.labels,
                    route_labels,
                    muted_by: group
                        .muted_by
                        .iter()
                        .map(|name| name.as_str().into())
                        .collect(),
                    alerts,
                })
            });
            groups.collect()
        })
        .await
    }

    async fn silences(&self) -> Result<Vec<Arc<Silence>>, Refusal> {
        self.ask(|shared, _| {
            let core = shared.core();
            let silences = core.tenant(TENANT).map(|tenant| tenant.silences().iter());
            silences
                .into_iter()
                .flatten()
                .map(|it| Arc::new(shown(it)))
                .collect()
        })
        .await
    }

    async fn silence(&self, id: &str) -> Result<Arc<Silence>, SilenceRefusal> {
        let shared = self.shared()?;
        shared.caught_up().await;
        let core = shared.core();
        let silence = core.tenant(TENANT).and_then(|it| it.silences().get(id));
        let silence = silence.ok_or(SilenceRefusal::NotFound)?;
        Ok(Arc::new(shown(silence)))
    }

    async fn set_silence(&self, silence: NewSilence) -> Result<String, SilenceRefusal> {
        let shared = self.shared()?;
        let _one_at_a_time = self.silence_gate.lock().await;
        shared.caught_up().await;
        let now = silence.received_at;
        let random = shared.entropy.next_16_bytes();
        let new_id = uuid::Builder::from_random_bytes(random)
            .into_uuid()
            .to_string();
        let draft = draft(silence);
        let (waiting, change) = {
            let mut core = shared.core();
            let names = self.options.features.mode.name_rule();
            let change = core
                .set_silence(TENANT, &draft, names, &new_id, now)
                .map_err(refused_silence)?;
            let SilenceChange {
                id,
                records,
                is_new,
            } = change;
            (hand_in(shared, records, None), (id, is_new))
        };
        Self::make_durable(vec![waiting]).await?;
        shared.caught_up().await;
        let (id, is_new) = change;
        self.log_silence(shared, if is_new { "create" } else { "update" }, &id);
        Ok(id)
    }

    async fn expire_silence(&self, id: &str) -> Result<(), SilenceRefusal> {
        let shared = self.shared()?;
        let _one_at_a_time = self.silence_gate.lock().await;
        shared.caught_up().await;
        let now = shared.clock.wall();
        let waiting = {
            let mut core = shared.core();
            let record = core
                .expire_silence(TENANT, id, now)
                .map_err(refused_silence)?;
            // One that has ended stays as it is.
            let Some(record) = record else {
                return Ok(());
            };
            hand_in(shared, vec![record], None)
        };
        Self::make_durable(vec![waiting]).await?;
        shared.caught_up().await;
        self.log_silence(shared, "expire", id);
        Ok(())
    }

    fn receivers(&self) -> Arc<[Receiver]> {
        match self.running.get() {
            Some(running) => Arc::clone(&running.shared.plan().receivers),
            None => Arc::default(),
        }
    }

    fn status(&self) -> Status {
        Status {
            cluster: Cluster::Disabled,
            config: match self.running.get() {
                Some(running) => Arc::clone(&running.shared.plan().rendered),
                None => Arc::default(),
            },
            started_at: self.started_at,
            version: Version {
                version: VERSION.to_owned(),
                compiler: "rustc".to_owned(),
                ..Version::default()
            },
        }
    }

    fn is_ready(&self) -> bool {
        let running = self.running.get();
        running.is_some_and(|running| running.shared.failure().is_none())
    }

    fn recovery(&self) -> Option<Value> {
        Some(self.running.get()?.recovery.clone())
    }

    async fn ask(&self, route: Route, parameters: Parameters) -> Result<Said, Refusal> {
        let off = || unavailable("there is no history: it is switched off (--history=off)");
        let running = self.running.get().ok_or_else(off)?;
        let (history, shared) = (Arc::clone(&running.history), Arc::clone(&running.shared));
        if history.is_none() {
            return Err(off());
        }
        let mode = self.settings().mode;
        let asked = tokio::task::spawn_blocking(move || {
            let keeper = history.as_ref().as_ref().ok_or_else(off)?;
            super::history::ask(keeper, &shared, route, &parameters, mode)
        });
        // A thread that is stuck in a broken index is left to the one that watches it.
        match tokio::time::timeout(HANG, asked).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) | Err(_) => Err(unavailable(
                "the index of history does not answer; it is being looked at",
            )),
        }
    }

    async fn reload(&self) -> Result<(), String> {
        let Some(running) = self.running.get() else {
            return Err("recovery is not done yet".to_owned());
        };
        let reloader = Arc::clone(&running.reloader);
        let reloaded = tokio::task::spawn_blocking(move || reloader.reload()).await;
        reloaded.map_err(|fault| fault.to_string())?
    }
}

/// A group as the core has it.
struct Seen {
    key: Arc<str>,
    labels: LabelSet,
    route: RouteIndex,
    muted_by: Arc<[String]>,
    alerts: Vec<Arc<Alert>>,
}

/// The labels of a route, rendered against the alerts of a group.
fn route_labels(
    plan: &Plan,
    raw: crate::template::Labels,
    group: &Seen,
    now: WallTime,
    external_url: &str,
) -> crate::template::Labels {
    let alerts = group.alerts.iter().map(|alert| {
        super::dispatch::told(&TellAlert {
            alert: Arc::clone(alert),
            is_resolved: alert.is_resolved_at(now),
            hash: 0,
        })
    });
    let content = Content {
        group_labels: pairs(&group.labels),
        alerts: alerts.collect(),
        external_url: external_url.to_owned(),
        ..Content::default()
    };
    rendered(plan, raw, &content, &group.key)
}

/// What keeps alerts quiet; lists of the same silences are shared.
#[derive(Default)]
struct Quieting {
    known: HashMap<Vec<Arc<str>>, Arc<[Arc<str>]>>,
}

impl Quieting {
    fn of(&mut self, core: &Core, alert: &Alert, now: WallTime) -> Quiet {
        let Some(tenant) = core.tenant(TENANT) else {
            return Quiet::default();
        };
        let prediction = tenant.predict(&alert.labels, now);
        let silenced_by = match prediction.silenced_by.is_empty() {
            true => Arc::default(),
            false => {
                let ids = prediction.silenced_by;
                let shared = self
                    .known
                    .entry(ids)
                    .or_insert_with_key(|ids| ids.as_slice().into());
                Arc::clone(shared)
            }
        };
        Quiet {
            silenced_by,
            inhibited_by: prediction.inhibited_by,
        }
    }
}

/// The receivers of routes; lists of the same routes are shared.
#[derive(Default)]
struct RouteReceivers {
    of_routes: HashMap<Vec<RouteIndex>, Arc<[Receiver]>>,
    by_name: HashMap<Arc<str>, Receiver>,
}

impl RouteReceivers {
    fn of(&mut self, plan: &Plan, labels: &LabelSet) -> Arc<[Receiver]> {
        let routes = plan.policy.routes.matching(labels);
        if let Some(known) = self.of_routes.get(&routes) {
            return Arc::clone(known);
        }
        let receivers: Arc<[Receiver]> = routes
            .iter()
            .map(|route| {
                let name = &plan.policy.routes.route(*route).receiver;
                self.named(plan, name)
            })
            .collect();
        self.of_routes.insert(routes, Arc::clone(&receivers));
        receivers
    }

    fn named(&mut self, plan: &Plan, name: &Arc<str>) -> Receiver {
        if self.by_name.is_empty() {
            let all = plan.receivers.iter();
            self.by_name = all.map(|it| (Arc::clone(&it.name), it.clone())).collect();
        }
        let known = self.by_name.get(name).cloned();
        // The configuration is refused if a route names a receiver that there is not.
        known.unwrap_or_else(|| Receiver {
            name: Arc::clone(name),
            labels: LabelSet::default(),
        })
    }
}

fn draft(silence: NewSilence) -> SilenceDraft {
    let matchers = silence.matchers.iter().map(|it| {
        let (name, value) = (it.name().to_owned(), it.value().to_owned());
        (name, it.operator(), value)
    });
    SilenceDraft {
        id: silence.id,
        matcher_sets: vec![matchers.collect()],
        starts_at: Some(silence.starts_at),
        ends_at: Some(silence.ends_at),
        created_by: silence.created_by,
        comment: silence.comment,
        annotations: pairs(&silence.annotations),
    }
}

fn refused_silence(error: SilenceError) -> SilenceRefusal {
    match error {
        SilenceError::NotFound => SilenceRefusal::NotFound,
        other => SilenceRefusal::Other(Refusal {
            status: StatusCode::BAD_REQUEST,
            message: other.to_string(),
        }),
    }
}

/// A silence as the API has it.
fn shown(silence: &crate::core::Silence) -> Silence {
    Silence {
        id: silence.id.to_string(),
        matcher_sets: silence.matcher_sets.clone(),
        starts_at: silence.starts_at,
        ends_at: silence.ends_at,
        updated_at: silence.updated_at,
        created_by: silence.created_by.clone(),
        comment: silence.comment.clone(),
        annotations: LabelSet::new(&silence.annotations),
    }
}
