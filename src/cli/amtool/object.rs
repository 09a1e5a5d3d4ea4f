//! What the API shows and takes, in the order of keys in which Alertmanager writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use crate::model::{Matcher, Operator};

/// Names and their values.
pub(super) type Labels = BTreeMap<String, String>;

/// An alert, as it is shown.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert {
    #[serde(default)]
    pub(super) annotations: Labels,
    pub(super) ends_at: String,
    pub(super) fingerprint: String,
    pub(super) receivers: Vec<Receiver>,
    pub(super) starts_at: String,
    pub(super) status: AlertStatus,
    pub(super) updated_at: String,
    #[serde(
        default,
        rename = "generatorURL",
        skip_serializing_if = "String::is_empty"
    )]
    pub(super) generator_url: String,
    pub(super) labels: Labels,
}

/// The name of a receiver.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Receiver {
    name: String,
}

/// What keeps an alert quiet.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlertStatus {
    inhibited_by: Vec<String>,
    #[serde(default)]
    muted_by: Vec<String>,
    silenced_by: Vec<String>,
    pub(super) state: String,
}

/// An alert, as it is sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewAlert {
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub(super) annotations: Labels,
    pub(super) ends_at: String,
    pub(super) starts_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "String::is_empty")]
    pub(super) generator_url: String,
    pub(super) labels: Labels,
}

/// A silence, as it is shown; what is only shown may be missing when it is read from a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Silence {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) status: SilenceStatus,
    #[serde(default)]
    pub(super) updated_at: String,
    #[serde(flatten)]
    pub(super) content: SilenceContent,
}

/// Whether a silence is in force.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SilenceStatus {
    state: String,
}

/// What of a silence is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SilenceContent {
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub(super) annotations: Labels,
    pub(super) comment: String,
    pub(super) created_by: String,
    pub(super) ends_at: String,
    pub(super) matchers: Vec<ShownMatcher>,
    pub(super) starts_at: String,
}

/// A silence, as it is sent.
#[derive(Debug, Serialize)]
pub(super) struct NewSilence<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) id: &'a str,
    #[serde(flatten)]
    pub(super) content: &'a SilenceContent,
}

/// What is answered to a silence.
#[derive(Debug, Deserialize)]
pub(super) struct SilenceId {
    #[serde(rename = "silenceID")]
    pub(super) id: String,
}

/// A matcher.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownMatcher {
    #[serde(default = "yes")]
    is_equal: bool,
    is_regex: bool,
    name: String,
    value: String,
}

fn yes() -> bool {
    true
}

impl ShownMatcher {
    /// As it is written on command lines.
    ///
    /// # Errors
    /// If the server shows a pattern that is none.
    pub(super) fn read(&self) -> Result<Matcher, Failure> {
        let operator = Operator::from_flags(self.is_regex, self.is_equal);
        Matcher::new(self.name.as_str(), operator, self.value.as_str())
            .map_err(|error| Failure::Command(error.to_string()))
    }
}

impl From<&Matcher> for ShownMatcher {
    fn from(matcher: &Matcher) -> Self {
        Self {
            is_equal: matcher.operator().is_equal(),
            is_regex: matcher.operator().is_regex(),
            name: matcher.name().to_owned(),
            value: matcher.value().to_owned(),
        }
    }
}

/// The members of a cluster.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Cluster {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) peers: Vec<Peer>,
    pub(super) status: String,
}

/// A member.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Peer {
    pub(super) address: String,
    pub(super) name: String,
}
