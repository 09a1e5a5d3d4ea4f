//! Integrations: what a notification looks like to Slack, to a webhook, to a mail server.
//!
//! ```text
//!   delivery ──Notification──► Integration::attempt ──► one exchange over the network
//!      ▲                              │
//!      └──────────Outcome─────────────┘
//! ```
//!
//! An [`Integration`] makes one attempt and says what came of it. When to try again, what to write
//! to the log and when to give up is the business of `delivery`.
//!
//! **Invariants**
//! * An integration cannot reach the core, the log or another integration: it is given a value and
//!   returns one.
//! * It ends by the deadline of the notification. One that does not is taken for broken.
//! * No text of an [`Outcome`] holds a secret or the URL of a request. [`Failure::new`] bounds it.
//! * Files named in the configuration are read anew for every attempt, as Alertmanager does.

mod build;
mod deep_template;
pub mod http_client;
pub mod json;
mod notification;
mod outcome;
mod retrier;
pub mod webhook;

use std::fmt;
use std::pin::Pin;

pub use build::{Built, Kit, build};
pub use notification::{Content, IntegrationId, Notification, Status};
pub use outcome::{DETAIL_BYTES_MAX, Failure, Outcome, Reason, ReceiverData, ReceiverValue};
pub use retrier::{is_success, judge};

/// How integrations call themselves in requests. Receivers have rules for Alertmanager's name, so
/// it stays that of the version whose behaviour this is.
pub const USER_AGENT: &str = "Alertmanager/0.34.0";

/// What an attempt is while it runs.
pub type Attempt<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// A way to notify.
pub trait Integration: Send + Sync + fmt::Debug {
    /// Tries once to tell of the notification.
    ///
    /// Dropping the future cancels the attempt.
    fn attempt<'a>(&'a self, notification: &'a Notification) -> Attempt<'a>;
}
