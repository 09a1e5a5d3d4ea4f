//! `webhook`: the notification as JSON, to any URL.
//!
//! Alertmanager 0.34: `POST` of the document of version 4, or of the configured `payload`. The URL is
//! a template. 2xx is success, 5xx is tried again, anything else is final; what the receiver answers
//! is part of the error.
//!
//! Three headers are ours, so that a receiver can tell a repetition from news. They are left out with
//! [`OwnHeaders::None`]:
//!
//! ```text
//!   Idempotency-Key      same key, same content
//!   X-Tocsin-Attempt     counts from 1, over restarts
//!   X-Tocsin-Recovered   true, if an earlier life of the server may have sent it already
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use tokio::time::Instant;

use super::deep_template;
use super::http_client::{BuildError, Call, Client, World, read_secret};
use super::json::{AnyJson, encode};
use super::outcome::{Failure, Outcome};
use super::{Attempt, Integration, Notification, judge};
use crate::config::block::Block;
use crate::config::http::HttpConfig;
use crate::config::receivers::Webhook as Config;
use crate::config::yaml::Any;
use crate::sys::Files;
use crate::template::{Data, Templates};

/// The version of the document.
const VERSION: &str = "4";

/// Whether requests have headers that Alertmanager's do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnHeaders {
    /// Those that tell repetitions from news.
    Sent,
    /// None (`--compat.strict-headers`).
    None,
}

/// A webhook.
pub struct Webhook {
    config: Config,
    client: Client,
    templates: Arc<Templates>,
    files: Arc<dyn Files>,
    own_headers: OwnHeaders,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Webhook")
    }
}

/// What is posted.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    data: &'a Data,
    version: &'static str,
    #[serde(rename = "groupKey")]
    group_key: &'a str,
    #[serde(rename = "truncatedAlerts")]
    truncated_alerts: usize,
}

impl Webhook {
    /// A webhook as it is configured.
    ///
    /// # Errors
    /// What of its `http_config` cannot be used.
    pub fn new(
        config: &Config,
        templates: Arc<Templates>,
        world: &World,
        own_headers: OwnHeaders,
    ) -> Result<Self, BuildError> {
        let http = config
            .http_config
            .clone()
            .unwrap_or_else(HttpConfig::with_defaults);
        Ok(Self {
            config: config.clone(),
            client: Client::new(&http, world)?,
            templates,
            files: world.files.clone(),
            own_headers,
        })
    }

    async fn notify(&self, notification: &Notification) -> Result<Outcome, Outcome> {
        let alerts_max = match usize::try_from(self.config.max_alerts) {
            Ok(0) | Err(_) => usize::MAX,
            Ok(alerts_max) => alerts_max,
        };
        let data = notification.data_of_first(alerts_max);
        let body = self.body(notification, &data)?;
        let url = self.url(&data).await?;
        let call = Call {
            method: Method::POST,
            url: &url,
            headers: self.headers(notification),
            body: Bytes::from(body),
        };
        let timeout = self.timeout();
        let own_deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let is_own = own_deadline.is_some_and(|own| own < notification.deadline);
        let deadline = own_deadline
            .filter(|_| is_own)
            .unwrap_or(notification.deadline);
        match self.client.send(call, deadline).await {
            Ok(answer) => Ok(judge(answer.status, &answer.text(), &[])),
            Err(error) if error.is_deadline() && is_own => {
                let timeout = self.config.timeout.0.go();
                let text = format!("{error}: configured webhook timeout reached ({timeout})");
                Err(Outcome::Retryable(Failure::other(text)))
            }
            Err(error) => Err(Outcome::Retryable(Failure::other(error.to_string()))),
        }
    }

    fn body(&self, notification: &Notification, data: &Data) -> Result<Vec<u8>, Outcome> {
        let permanent = |text: String| Outcome::Permanent(Failure::other(text));
        if self.config.payload == Any::Null {
            let document = Document {
                data,
                version: VERSION,
                group_key: &notification.group_key,
                truncated_alerts: notification.content.alerts.len() - data.alerts.len(),
            };
            return encode(&document).map_err(|error| permanent(error.to_string()));
        }
        let failed = |error: &dyn fmt::Display| {
            permanent(format!("failed to render custom payload: {error}"))
        };
        let payload = deep_template::render(&self.config.payload, &self.templates, data)
            .map_err(|error| failed(&error))?;
        encode(&AnyJson(payload)).map_err(|error| failed(&error))
    }

    async fn url(&self, data: &Data) -> Result<String, Outcome> {
        let permanent = |text: String| Outcome::Permanent(Failure::other(text));
        let template = match self.config.url_file.as_str() {
            "" => self.config.url.0.expose().to_owned(),
            path => read_secret(&self.files, path)
                .await
                .map_err(|error| permanent(format!("read url_file: {error}")))?,
        };
        let url = self
            .templates
            .render_text(&template, data)
            .map_err(|error| permanent(format!("failed to template webhook URL: {error}")))?;
        match url.is_empty() {
            true => Err(permanent(
                "webhook URL is empty after templating".to_owned(),
            )),
            false => Ok(String::from_utf8_lossy(&url).into_owned()),
        }
    }

    fn headers(&self, notification: &Notification) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.own_headers == OwnHeaders::None {
            return headers;
        }
        if let Ok(key) = HeaderValue::try_from(notification.idempotency_key_hex()) {
            headers.insert(HeaderName::from_static("idempotency-key"), key);
        }
        let attempt = HeaderValue::from(notification.attempt);
        headers.insert(HeaderName::from_static("x-tocsin-attempt"), attempt);
        if notification.is_recovered {
            let is_recovered = HeaderValue::from_static("true");
            headers.insert(HeaderName::from_static("x-tocsin-recovered"), is_recovered);
        }
        headers
    }

    /// How long an attempt may take, if that is configured.
    fn timeout(&self) -> Option<Duration> {
        let timeout = self.config.timeout.0.to_std();
        (!timeout.is_zero()).then_some(timeout)
    }
}

impl Integration for Webhook {
    fn attempt<'a>(&'a self, notification: &'a Notification) -> Attempt<'a> {
        Box::pin(async move {
            match self.notify(notification).await {
                Ok(outcome) | Err(outcome) => outcome,
            }
        })
    }
}
