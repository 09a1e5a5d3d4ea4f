//! A backend in memory, and requests to the service over it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use prometheus_client::registry::Registry;
use tocsin::api::backend::{
    Backend, Cluster, ListedAlert, ListedGroup, NewAlert, NewAlerts, NewSilence, Quiet, Receiver,
    Refusal, Settings, Silence, SilenceRefusal, Status, StoredAlert, Version,
};
use tocsin::api::metrics::Metrics;
use tocsin::api::service::NoPages;
use tocsin::api::{Api, Options};
use tocsin::model::{Fingerprint, LabelSet, Mode};
use tocsin::sys::{VirtualClock, WallTime};

/// The time at which tests begin: 2026-11-22T03:39:56.666Z.
pub const NOW: WallTime = WallTime(1_795_318_796_666_000_000);

/// An alert as it was submitted.
#[derive(Debug, Clone)]
pub struct Stored {
    pub alert: Arc<NewAlert>,
    pub updated_at: WallTime,
}

impl StoredAlert for Stored {
    fn labels(&self) -> &LabelSet {
        &self.alert.labels
    }
    fn annotations(&self) -> &LabelSet {
        &self.alert.annotations
    }
    fn generator_url(&self) -> &str {
        &self.alert.generator_url
    }
    fn fingerprint(&self) -> Fingerprint {
        self.alert.labels.fingerprint()
    }
    fn starts_at(&self) -> WallTime {
        self.alert.starts_at
    }
    fn ends_at(&self) -> WallTime {
        self.alert.ends_at
    }
    fn updated_at(&self) -> WallTime {
        self.updated_at
    }
}

/// A backend in memory. Tests fill it.
#[derive(Debug)]
pub struct Memory {
    pub submitted: Mutex<Vec<NewAlerts>>,
    pub refusal: Mutex<Option<Refusal>>,
    pub alerts: Mutex<Vec<ListedAlert<Stored>>>,
    pub groups: Mutex<Vec<ListedGroup<Stored>>>,
    pub silences: Mutex<Vec<Arc<Silence>>>,
    pub receivers: Mutex<Arc<[Receiver]>>,
    pub mode: Mutex<Mode>,
    pub cluster: Mutex<Cluster>,
    pub is_ready: AtomicBool,
    pub reload: Mutex<Result<(), String>>,
    /// Lists wait for a permit.
    pub gate: tokio::sync::Semaphore,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            submitted: Mutex::default(),
            refusal: Mutex::default(),
            alerts: Mutex::default(),
            groups: Mutex::default(),
            silences: Mutex::default(),
            receivers: Mutex::default(),
            mode: Mutex::default(),
            cluster: Mutex::new(Cluster::Disabled),
            is_ready: AtomicBool::new(true),
            reload: Mutex::new(Ok(())),
            gate: tokio::sync::Semaphore::new(tokio::sync::Semaphore::MAX_PERMITS),
        }
    }
}

fn get<T: Clone>(place: &Mutex<T>) -> T {
    place
        .lock()
        .expect("no test panics while it holds a lock")
        .clone()
}

pub fn set<T>(place: &Mutex<T>, value: T) {
    *place.lock().expect("no test panics while it holds a lock") = value;
}

impl Memory {
    fn refuse(&self) -> Result<(), Refusal> {
        get(&self.refusal).map_or(Ok(()), Err)
    }

    /// What was submitted, as labels, times and whether the end is a guess.
    pub fn stored(&self) -> Vec<String> {
        let batches = get(&self.submitted);
        let alerts = batches.iter().flat_map(|batch| &batch.alerts);
        let shown = alerts.map(|it| {
            let (labels, starts_at, ends_at) = (&it.labels, it.starts_at, it.ends_at);
            let guess = if it.is_timeout { " (guess)" } else { "" };
            format!("{labels} {starts_at} {ends_at}{guess}")
        });
        shown.collect()
    }
}

impl Backend for Memory {
    type Alert = Stored;

    fn settings(&self) -> Settings {
        Settings {
            resolve_timeout: Duration::from_secs(300),
            mode: get(&self.mode),
        }
    }

    async fn submit_alerts(&self, batch: NewAlerts) -> Result<(), Refusal> {
        self.refuse()?;
        self.submitted
            .lock()
            .expect("no test panics while it holds a lock")
            .push(batch);
        Ok(())
    }

    async fn alerts(&self) -> Result<Vec<ListedAlert<Stored>>, Refusal> {
        let _permit = self.gate.acquire().await;
        self.refuse()?;
        Ok(get(&self.alerts))
    }

    async fn groups(&self) -> Result<Vec<ListedGroup<Stored>>, Refusal> {
        self.refuse()?;
        Ok(get(&self.groups))
    }

    async fn silences(&self) -> Result<Vec<Arc<Silence>>, Refusal> {
        Ok(get(&self.silences))
    }

    async fn silence(&self, id: &str) -> Result<Arc<Silence>, SilenceRefusal> {
        let all = get(&self.silences);
        all.into_iter()
            .find(|it| it.id == id)
            .ok_or(SilenceRefusal::NotFound)
    }

    async fn set_silence(&self, new: NewSilence) -> Result<String, SilenceRefusal> {
        self.refuse()?;
        let all = get(&self.silences);
        if !new.id.is_empty() && !all.iter().any(|it| it.id == new.id) {
            return Err(SilenceRefusal::NotFound);
        }
        let id = format!("00000000-0000-4000-8000-{:012}", all.len());
        let silence = Silence {
            id: id.clone(),
            matcher_sets: vec![tocsin::model::Matchers::new(new.matchers)],
            starts_at: new.starts_at,
            ends_at: new.ends_at,
            updated_at: new.received_at,
            created_by: new.created_by,
            comment: new.comment,
            annotations: new.annotations,
        };
        let mut all = all;
        all.push(Arc::new(silence));
        set(&self.silences, all);
        Ok(id)
    }

    async fn expire_silence(&self, id: &str) -> Result<(), SilenceRefusal> {
        self.silence(id).await.map(drop)
    }

    fn receivers(&self) -> Arc<[Receiver]> {
        get(&self.receivers)
    }

    fn status(&self) -> Status {
        Status {
            cluster: get(&self.cluster),
            config: "route:\n  receiver: \"<x>\"\n".into(),
            started_at: NOW,
            version: Version {
                branch: "HEAD".to_owned(),
                build_date: "20260816-12:00:00".to_owned(),
                build_user: "root@host".to_owned(),
                compiler: "rust1.95".to_owned(),
                revision: "r".to_owned(),
                version: "0.34.0".to_owned(),
            },
        }
    }

    fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::SeqCst)
    }

    fn recovery(&self) -> Option<serde_json::Value> {
        self.is_ready().then(|| serde_json::json!({ "records": 3 }))
    }

    async fn reload(&self) -> Result<(), String> {
        get(&self.reload)
    }
}

/// A service over a backend, at [`NOW`].
pub fn service(backend: &Arc<Memory>, options: Options) -> Arc<Api<Memory>> {
    let mut registry = Registry::default();
    let metrics = Arc::new(Metrics::register(&mut registry));
    let clock = Arc::new(VirtualClock::at(NOW));
    let (backend, registry) = (Arc::clone(backend), Arc::new(registry));
    let api = Api::new(
        backend,
        clock,
        metrics,
        registry,
        options,
        Box::new(NoPages),
    );
    Arc::new(api.expect("the table of routes is right"))
}

/// An answer: status, some headers, body.
pub struct Told(pub String);

impl std::fmt::Debug for Told {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "\n{}", self.0)
    }
}

impl PartialEq<&str> for Told {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// Headers that matter to clients, in the order in which [`ask`] tells them.
const HEADERS: [&str; 12] = [
    "allow",
    "location",
    "content-type",
    "cache-control",
    "vary",
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "x-content-type-options",
    "connection",
    "pragma",
    "expires",
];

/// Sends a request: `METHOD path`, headers, body. Tells the answer as text: status, headers, body.
pub async fn ask(
    api: &Api<Memory>,
    line: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Told {
    let (method, uri) = line
        .split_once(' ')
        .expect("a request has a method and a path");
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body: Bytes = body.into();
    let request = request.body(Full::new(body)).expect("a request");
    let answer = api.answer(request).await;
    let (parts, body) = answer.into_parts();
    let mut told = parts.status.as_u16().to_string();
    for name in HEADERS {
        for value in parts.headers.get_all(name) {
            told += &format!("\n{name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
    }
    let body = body.collect().await.expect("bodies do not fail").to_bytes();
    told += &format!("\n\n{}", String::from_utf8_lossy(&body));
    Told(told)
}

/// Posts JSON.
pub async fn post(api: &Api<Memory>, path: &str, body: &str) -> Told {
    let headers = [("content-type", "application/json")];
    ask(api, &format!("POST {path}"), &headers, body.to_owned()).await
}

/// An alert that began at [`NOW`] and ends five minutes later.
pub fn alert(labels: &[(&str, &str)]) -> Stored {
    let alert = NewAlert {
        labels: LabelSet::new(labels.iter().copied()),
        annotations: LabelSet::default(),
        starts_at: NOW,
        ends_at: WallTime(NOW.0 + 300_000_000_000),
        is_timeout: true,
        generator_url: "".into(),
    };
    Stored {
        alert: Arc::new(alert),
        updated_at: NOW,
    }
}

pub fn receiver(name: &str, labels: &[(&str, &str)]) -> Receiver {
    Receiver {
        name: name.into(),
        labels: LabelSet::new(labels.iter().copied()),
    }
}

pub fn listed(alert: Stored, receivers: &[Receiver]) -> ListedAlert<Stored> {
    ListedAlert {
        alert,
        quiet: Quiet::default(),
        receivers: receivers.into(),
    }
}

pub fn silenced(ids: &[&str]) -> Quiet {
    Quiet {
        silenced_by: ids.iter().map(|id| Arc::from(*id)).collect(),
        inhibited_by: None,
    }
}

/// That the store does not take anything now.
pub fn unavailable() -> Refusal {
    Refusal {
        status: StatusCode::SERVICE_UNAVAILABLE,
        message: "the log is closed".to_owned(),
    }
}
