//! What a notification is about, as the server and `amtool` know it.

use std::collections::BTreeMap;

use gotemplate::time::{Time, Zone, parse};
use gotemplate::{Key, Map, Slice, Struct, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::types::{ALERT, ALERTS, DATA, DATA_POINTER, KV};

/// Names and values of labels or annotations.
pub type Labels = BTreeMap<String, String>;

/// The data of a notification, in the JSON shape of Alertmanager's.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Data {
    /// The receiver's name, with its regular-expression characters quoted.
    #[serde(deserialize_with = "nullable")]
    pub receiver: String,
    /// `firing` if any alert fires, else `resolved`.
    #[serde(deserialize_with = "nullable")]
    pub status: String,
    /// The alerts.
    #[serde(deserialize_with = "nullable")]
    pub alerts: Vec<Alert>,
    /// Why the notification is sent.
    #[serde(deserialize_with = "nullable")]
    pub notification_reason: String,
    /// The labels the alerts are grouped by.
    #[serde(rename = "groupLabels", deserialize_with = "nullable")]
    pub group_labels: Labels,
    /// The labels all alerts share.
    #[serde(rename = "commonLabels", deserialize_with = "nullable")]
    pub common_labels: Labels,
    /// The annotations all alerts share.
    #[serde(rename = "commonAnnotations", deserialize_with = "nullable")]
    pub common_annotations: Labels,
    /// The labels of the route.
    #[serde(rename = "routeLabels", deserialize_with = "nullable")]
    pub route_labels: Labels,
    /// Where users reach the server.
    #[serde(rename = "externalURL", deserialize_with = "nullable")]
    pub external_url: String,
    /// Whether the route's labels are values, as opposed to templates.
    #[serde(skip)]
    pub route_labels_rendered: bool,
}

/// An alert of a notification.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default)]
pub struct Alert {
    /// `firing` or `resolved`.
    #[serde(deserialize_with = "nullable")]
    pub status: String,
    /// Its labels.
    #[serde(deserialize_with = "nullable")]
    pub labels: Labels,
    /// Its annotations.
    #[serde(deserialize_with = "nullable")]
    pub annotations: Labels,
    /// When it began.
    #[serde(
        rename = "startsAt",
        deserialize_with = "time",
        serialize_with = "rfc3339"
    )]
    pub starts_at: Time,
    /// When it ended; the zero time if it has not.
    #[serde(
        rename = "endsAt",
        deserialize_with = "time",
        serialize_with = "rfc3339"
    )]
    pub ends_at: Time,
    /// Where it came from.
    #[serde(rename = "generatorURL", deserialize_with = "nullable")]
    pub generator_url: String,
    /// The hash of its labels, in 16 hexadecimal digits.
    #[serde(deserialize_with = "nullable")]
    pub fingerprint: String,
}

impl Default for Alert {
    fn default() -> Self {
        Self {
            status: String::new(),
            labels: Labels::new(),
            annotations: Labels::new(),
            starts_at: Time::ZERO,
            ends_at: Time::ZERO,
            generator_url: String::new(),
            fingerprint: String::new(),
        }
    }
}

/// As Go reads JSON: `null` leaves a field as it is.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(Time::ZERO);
    };
    parse(b"2006-01-02T15:04:05Z07:00", text.as_bytes(), &Zone::utc())
        .map_err(serde::de::Error::custom)
}

/// A time as Go's JSON has it: no more digits of a second than there are.
fn rfc3339<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.format("2006-01-02T15:04:05.999999999Z07:00"))
}

fn kv(labels: &Labels) -> Value {
    let entries = labels
        .iter()
        .map(|(name, value)| (Key::from(name.as_str()), Value::from(value.as_str())));
    Map::new(&KV, entries).into()
}

impl Alert {
    fn to_value(&self) -> Value {
        let fields = vec![
            Value::from(self.status.as_str()),
            kv(&self.labels),
            kv(&self.annotations),
            self.starts_at.clone().into(),
            self.ends_at.clone().into(),
            Value::from(self.generator_url.as_str()),
            Value::from(self.fingerprint.as_str()),
        ];
        Struct::new(&ALERT, fields).into()
    }
}

impl Data {
    /// The data as a value of templates: `template.Data`, as `amtool` passes it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let alerts = self.alerts.iter().map(Alert::to_value).collect();
        let fields = vec![
            Value::from(self.receiver.as_str()),
            Value::from(self.status.as_str()),
            Slice::new(&ALERTS, alerts).into(),
            Value::from(self.notification_reason.as_str()),
            kv(&self.group_labels),
            kv(&self.common_labels),
            kv(&self.common_annotations),
            kv(&self.route_labels),
            Value::from(self.external_url.as_str()),
            Value::from(self.route_labels_rendered),
        ];
        Struct::new(&DATA, fields).into()
    }

    /// A pointer to the data, as notifiers pass it; error texts name it `*template.Data`.
    #[must_use]
    pub fn to_pointer(&self) -> Value {
        self.to_value().pointer_to(&DATA_POINTER)
    }
}
