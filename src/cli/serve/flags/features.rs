//! `--enable-feature`: names separated by commas, nothing trimmed.

use crate::model::Mode;

/// What is enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// How matchers are read: `classic-mode`, `utf8-strict-mode`.
    pub mode: Mode,
    /// Whether `alertmanager_alerts_limited_total` names the alert.
    pub alert_names_in_metrics: bool,
    /// Whether metrics of notifications name the receiver.
    pub receiver_name_in_metrics: bool,
    /// Whether `alertmanager_alerts` names the group.
    pub group_key_in_metrics: bool,
    /// Whether a Go program would bound its memory; without meaning here.
    pub auto_gomemlimit: bool,
    /// Whether events are recorded.
    pub event_recorder: bool,
    has_classic_mode: bool,
    has_strict_mode: bool,
}

/// Why the list is none. Alertmanager 0.34.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeatureError {
    /// There is no such feature.
    #[error("unknown option '{0}' for --enable-feature")]
    Unknown(String),
    /// Two that exclude each other.
    #[error("cannot have both classic and UTF-8 modes enabled")]
    BothModes,
}

/// Each feature and the warning about it. Alertmanager 0.34.
const WARNINGS: [(&str, &str); 7] = [
    ("alert-names-in-metrics", "Alert names in metrics enabled"),
    (
        "receiver-name-in-metrics",
        "Experimental receiver name in metrics enabled",
    ),
    (
        "group-key-in-metrics",
        "Experimental group key in metrics enabled",
    ),
    ("classic-mode", "Classic mode enabled"),
    ("utf8-strict-mode", "UTF-8 strict mode enabled"),
    (
        "auto-gomemlimit",
        "Automatically set GOMEMLIMIT to match the Linux container or system memory limit.",
    ),
    ("event-recorder", "Experimental event recorder enabled"),
];

impl Features {
    /// Reads the list.
    ///
    /// # Errors
    /// An unknown name, or both modes.
    pub fn parse(list: &str) -> Result<Self, FeatureError> {
        let mut features = Self::default();
        for name in names(list) {
            features.enable(name)?;
        }
        features.mode = match (features.has_classic_mode, features.has_strict_mode) {
            (true, true) => return Err(FeatureError::BothModes),
            (true, false) => Mode::Classic,
            (false, true) => Mode::Utf8Strict,
            (false, false) => Mode::Fallback,
        };
        Ok(features)
    }

    fn enable(&mut self, name: &str) -> Result<(), FeatureError> {
        let feature = match name {
            "alert-names-in-metrics" => &mut self.alert_names_in_metrics,
            "receiver-name-in-metrics" => &mut self.receiver_name_in_metrics,
            "group-key-in-metrics" => &mut self.group_key_in_metrics,
            "classic-mode" => &mut self.has_classic_mode,
            "utf8-strict-mode" => &mut self.has_strict_mode,
            "auto-gomemlimit" => &mut self.auto_gomemlimit,
            "event-recorder" => &mut self.event_recorder,
            unknown => return Err(FeatureError::Unknown(unknown.to_owned())),
        };
        *feature = true;
        Ok(())
    }

    /// The warnings about the features of a list, in its order.
    pub(super) fn warnings(list: &str) -> Vec<&'static str> {
        let warning = |name: &str| WARNINGS.iter().find(|(known, _)| *known == name);
        names(list)
            .filter_map(warning)
            .map(|(_, text)| *text)
            .collect()
    }
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').filter(move |_| !list.is_empty())
}
