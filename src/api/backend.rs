//! What the API asks of the rest of the program, and nothing more.
//!
//! `node` answers over log and core, tests answer over memory. Views hold shared parts (`Arc`s, label
//! sets), so that a snapshot of a hundred thousand alerts is a few megabytes and the core is left alone
//! while it is written to a slow client.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use crate::core::NewAlert;
use crate::history::ask::{Parameters, Route, Said};
use crate::model::{Fingerprint, LabelSet, Matcher, Matchers, Mode};
use crate::record::AlertBatchV1;
use crate::sys::WallTime;

/// The rest of the program, as the API sees it.
pub trait Backend: Send + Sync + 'static {
    /// A stored alert. Cheap to hold: an `Arc` as a rule.
    type Alert: StoredAlert;

    /// What the configuration in force says about requests.
    fn settings(&self) -> Settings;

    /// Makes alerts durable. They are valid, and there is at least one. What is longer than a record
    /// may be is several records; the answer comes after the last of them.
    ///
    /// # Errors
    /// That they are not durable, and will not be.
    fn submit_alerts(&self, batch: NewAlerts) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// All alerts in the store, in any order, also ended ones, with what keeps them quiet now.
    ///
    /// # Errors
    /// That it cannot be told now.
    fn alerts(&self)
    -> impl Future<Output = Result<Vec<ListedAlert<Self::Alert>>, Refusal>> + Send;

    /// All aggregation groups, in any order, with all of their alerts.
    ///
    /// # Errors
    /// That it cannot be told now.
    fn groups(&self)
    -> impl Future<Output = Result<Vec<ListedGroup<Self::Alert>>, Refusal>> + Send;

    /// All silences that are retained, in any order.
    ///
    /// # Errors
    /// That it cannot be told now.
    fn silences(&self) -> impl Future<Output = Result<Vec<Arc<Silence>>, Refusal>> + Send;

    /// The silence of that id.
    ///
    /// # Errors
    /// That there is none, or that it cannot be told now.
    fn silence(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Arc<Silence>, SilenceRefusal>> + Send;

    /// Creates a silence, or changes the one whose id is given; makes that durable; gives the id of
    /// what is in force now.
    ///
    /// # Errors
    /// That it was refused.
    fn set_silence(
        &self,
        silence: NewSilence,
    ) -> impl Future<Output = Result<String, SilenceRefusal>> + Send;

    /// Ends a silence and makes that durable. One that has ended stays as it is.
    ///
    /// # Errors
    /// That there is none, or that it was refused.
    fn expire_silence(&self, id: &str) -> impl Future<Output = Result<(), SilenceRefusal>> + Send;

    /// All configured receivers, in their order.
    fn receivers(&self) -> Arc<[Receiver]>;

    /// What the status page says.
    fn status(&self) -> Status;

    /// Whether recovery is done and alerts are taken.
    fn is_ready(&self) -> bool;

    /// The report of the last recovery, as JSON; `None` until it is done.
    fn recovery(&self) -> Option<serde_json::Value>;

    /// Answers a question about the past.
    ///
    /// # Errors
    /// That the question is wrong, or that there is no history.
    fn ask(
        &self,
        _route: Route,
        _parameters: Parameters,
    ) -> impl Future<Output = Result<Said, Refusal>> + Send {
        std::future::ready(Err(super::tocsin::off()))
    }

    /// Loads the configuration anew.
    ///
    /// # Errors
    /// Why the old one stays in force.
    fn reload(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// What the configuration in force says about requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// After which time an alert without an end is over.
    pub resolve_timeout: Duration,
    /// How matchers are read and labels named.
    pub mode: Mode,
}

/// An alert in the store.
pub trait StoredAlert: Send + 'static {
    /// Its labels.
    fn labels(&self) -> &LabelSet;
    /// Its annotations.
    fn annotations(&self) -> &LabelSet;
    /// The link back to its sender; empty for none.
    fn generator_url(&self) -> &str;
    /// The fingerprint of its labels.
    fn fingerprint(&self) -> Fingerprint;
    /// When it began.
    fn starts_at(&self) -> WallTime;
    /// When it ended, or will be taken as ended.
    fn ends_at(&self) -> WallTime;
    /// When it was last received.
    fn updated_at(&self) -> WallTime;
}

/// What keeps an alert quiet now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quiet {
    /// The ids of the silences.
    pub silenced_by: Arc<[Arc<str>]>,
    /// The alert that inhibits it.
    pub inhibited_by: Option<Fingerprint>,
}

impl Quiet {
    /// Whether anything does.
    #[must_use]
    pub fn is_suppressed(&self) -> bool {
        self.inhibited_by.is_some() || !self.silenced_by.is_empty()
    }
}

/// An alert in the list of alerts.
#[derive(Debug, Clone)]
pub struct ListedAlert<A> {
    /// The alert.
    pub alert: A,
    /// What keeps it quiet.
    pub quiet: Quiet,
    /// The receivers of its routes, in the order of the tree. Shared: many alerts have the same.
    pub receivers: Arc<[Receiver]>,
}

/// An aggregation group.
#[derive(Debug, Clone)]
pub struct ListedGroup<A> {
    /// By which labels it is grouped.
    pub labels: LabelSet,
    /// Whom it tells.
    pub receiver: Receiver,
    /// The labels of its route.
    pub route_labels: LabelSet,
    /// The time intervals that muted it at its last flush.
    pub muted_by: Arc<[Arc<str>]>,
    /// Its alerts.
    pub alerts: Vec<(A, Quiet)>,
}

/// A receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Its name.
    pub name: Arc<str>,
    /// Its labels.
    pub labels: LabelSet,
}

/// A silence in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// A UUID.
    pub id: String,
    /// An alert that all matchers of one set match is silenced. One set, unless it came from a peer.
    pub matcher_sets: Vec<Matchers>,
    /// When it begins.
    pub starts_at: WallTime,
    /// When it ends.
    pub ends_at: WallTime,
    /// When it was last changed.
    pub updated_at: WallTime,
    /// Its author.
    pub created_by: String,
    /// What the author says about it.
    pub comment: String,
    /// Its annotations.
    pub annotations: LabelSet,
}

/// Alerts to store, all valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlerts {
    /// When they were received.
    pub received_at: WallTime,
    /// Who sent them: an address, and what it says of itself.
    pub sender: Option<Arc<str>>,
    /// The alerts.
    pub alerts: Vec<NewAlert>,
}

impl NewAlerts {
    /// As a record of the log.
    #[must_use]
    pub fn to_record(&self, tenant: &str) -> AlertBatchV1 {
        AlertBatchV1 {
            tenant: tenant.to_owned(),
            received_at_ns: self.received_at.0,
            alerts: self.alerts.iter().map(NewAlert::in_record).collect(),
        }
    }
}

/// A silence to store. What can be checked without the store has been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSilence {
    /// Which silence it replaces; empty for none.
    pub id: String,
    /// Its only set of matchers.
    pub matchers: Vec<Matcher>,
    /// When it begins.
    pub starts_at: WallTime,
    /// When it ends.
    pub ends_at: WallTime,
    /// Its author.
    pub created_by: String,
    /// What the author says about it.
    pub comment: String,
    /// Its annotations.
    pub annotations: LabelSet,
    /// When it was received.
    pub received_at: WallTime,
}

/// Why something was not done, with the status to answer. The text reaches the client: no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: hyper::StatusCode,
    /// Why.
    pub message: String,
}

/// Why a silence was not found or not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SilenceRefusal {
    /// There is none of that id.
    #[error("silence not found")]
    NotFound,
    /// Anything else.
    #[error(transparent)]
    Other(#[from] Refusal),
}

/// What the status page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The cluster.
    pub cluster: Cluster,
    /// The configuration in force, with its defaults and without its secrets.
    pub config: Arc<str>,
    /// When the API was made.
    pub started_at: WallTime,
    /// What was built.
    pub version: Version,
}

/// The state of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cluster {
    /// There is none.
    Disabled,
    /// This process is a member.
    Member {
        /// Its own name.
        name: String,
        /// Whether it still waits for the others' state.
        is_settling: bool,
        /// Names and addresses of all members, sorted by name, also its own.
        peers: Vec<(String, String)>,
    },
}

/// What was built, when, by whom, out of what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Version {
    /// The branch it was built from.
    pub branch: String,
    /// The date of the build.
    pub build_date: String,
    /// Who built it.
    pub build_user: String,
    /// The compiler; Alertmanager's name of the field is `goVersion`.
    pub compiler: String,
    /// The commit.
    pub revision: String,
    /// The version.
    pub version: String,
}
