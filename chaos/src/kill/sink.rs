//! Receivers of notifications, which note what they are told before they answer, and fail when told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::channel::Channel;
use http_body_util::combinators::BoxBody;
use hyper::{Request, Response, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::sleep;

use super::nemesis::{Moment, Nemesis};
use super::recorder::Recorder;
use crate::harness::http::{Answer, Handler, serve, whole};
use crate::history::{Event, Labels, Policy, Status, Then, Told, Wall};

/// A trickle: so many bytes, with so much time before each.
const TRICKLE_BYTES: usize = 20;
const TRICKLE_PAUSE: Duration = Duration::from_millis(20);

/// How often a receiver that hangs looks whether it should go on.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The receivers of a run.
#[derive(Debug, Clone)]
pub(crate) struct Sink {
    recorder: Arc<Recorder>,
    nemesis: Arc<Nemesis>,
    modes: Arc<Mutex<BTreeMap<String, Then>>>,
}

/// A notification, as far as it matters.
#[derive(Debug, Deserialize)]
struct Notification {
    #[serde(rename = "groupKey")]
    group: String,
    status: Status,
    alerts: Vec<Notified>,
}

#[derive(Debug, Deserialize)]
struct Notified {
    status: Status,
    labels: Labels,
    #[serde(rename = "endsAt")]
    ends_at: String,
}

impl Sink {
    pub(crate) async fn start(
        recorder: Arc<Recorder>,
        nemesis: Arc<Nemesis>,
        policy: &Policy,
    ) -> Result<(Self, SocketAddr)> {
        let names = policy.routes.iter().flat_map(|it| &it.integrations);
        let modes = names.map(|it| (it.name.clone(), Then::Ok)).collect();
        let sink = Self {
            recorder,
            nemesis,
            modes: Arc::new(Mutex::new(modes)),
        };
        let address = serve(sink.clone()).await?;
        Ok((sink, address))
    }

    fn modes(&self) -> MutexGuard<'_, BTreeMap<String, Then>> {
        self.modes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this receiver does that.
    pub(crate) fn set(&self, integration: &str, then: Then) {
        // Noted first when it begins to fail, and last when it is well again.
        let note = || {
            self.recorder.note(Event::SinkMode {
                integration: integration.to_owned(),
                then,
            });
        };
        if !then.is_well() {
            note();
        }
        self.modes().insert(integration.to_owned(), then);
        if then.is_well() {
            note();
        }
    }

    fn mode(&self, integration: &str) -> Result<Then> {
        let mode = self.modes().get(integration).copied();
        mode.with_context(|| format!("there is no receiver {integration:?}"))
    }

    fn note(&self, integration: &str, request: &Request<Bytes>, then: Then) -> Result<u64> {
        let header = |name: &str| {
            let value = request.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let notification: Notification = serde_json::from_slice(request.body())
            .context("the webhook was told what is not a notification")?;
        let message = self.recorder.number();
        let alerts = notification.alerts.into_iter().map(|alert| {
            let ends_at = match alert.status {
                Status::Firing => Wall(0),
                Status::Resolved => wall(&alert.ends_at)?,
            };
            Ok(Told {
                ends_at,
                labels: alert.labels,
                status: alert.status,
            })
        });
        let alerts = alerts.collect::<Result<_>>()?;
        self.recorder.note(Event::SinkRecv {
            message,
            integration: integration.to_owned(),
            key: header("Idempotency-Key"),
            attempt: header("X-Tocsin-Attempt").and_then(|text| text.parse().ok()),
            group: notification.group,
            status: notification.status,
            alerts,
            then,
            tenant: String::new(),
        });
        Ok(message)
    }

    fn answered(&self, message: u64) {
        self.recorder.note(Event::SinkEnd { message });
        self.nemesis.sees(Moment::Confirmed);
    }
}

/// A time of day in a notification.
fn wall(text: &str) -> Result<Wall> {
    let time: Timestamp = text
        .parse()
        .with_context(|| format!("{text} is not a time"))?;
    Ok(Wall(
        i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX),
    ))
}

impl Handler for Sink {
    async fn handle(self, request: Request<Bytes>) -> Result<Response<Answer>> {
        let integration = request.uri().path().trim_start_matches('/').to_owned();
        let then = self.mode(&integration)?;
        let message = self.note(&integration, &request, then)?;
        // From here on the receiver knows, and the server does not.
        self.nemesis.sees(Moment::Told);
        let status = |status: StatusCode| -> Result<Response<Answer>> {
            self.answered(message);
            Ok(Response::builder().status(status).body(whole("no"))?)
        };
        match then {
            Then::Ok => status(StatusCode::OK),
            Then::ClientError => status(StatusCode::FORBIDDEN),
            Then::ServerError => status(StatusCode::SERVICE_UNAVAILABLE),
            Then::Reset => bail!("cut off after it was noted"),
            Then::Lose => bail!("cut off, and forgotten"),
            Then::Trickle => {
                let (mut out, body) = Channel::new(1);
                tokio::spawn(async move {
                    for _ in 0..TRICKLE_BYTES {
                        sleep(TRICKLE_PAUSE).await;
                        if out.send_data(Bytes::from_static(b".")).await.is_err() {
                            return;
                        }
                    }
                    self.answered(message);
                });
                Ok(Response::new(BoxBody::new(body)))
            }
            Then::Hang => {
                while self.mode(&integration)? == Then::Hang {
                    sleep(LOOK_EVERY).await;
                }
                bail!("cut off after it had hung")
            }
        }
    }
}
