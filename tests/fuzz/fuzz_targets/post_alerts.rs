//! The bodies of the two POSTs: no bytes make the decoders panic, and what is valid stays valid.
//!
//! Whatever is taken in has the properties on which the core relies. Whatever serde_json reads as a
//! list of alerts, and is read here, has the same labels here.
#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tocsin::api::backend::Settings;
use tocsin::api::v2::decode::decode_alerts;
use tocsin::api::v2::{post_alerts, post_silence};
use tocsin::model::Mode;
use tocsin::sys::WallTime;

const NOW: WallTime = WallTime(1_795_318_796_666_000_000);

/// An alert of which another reader of JSON cannot think differently: Go also takes fields in another
/// case for the same, so there are none but these.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labelled {
    labels: BTreeMap<String, String>,
    #[serde(default, rename = "annotations")]
    _annotations: IgnoredAny,
    #[serde(default, rename = "startsAt")]
    _starts_at: IgnoredAny,
    #[serde(default, rename = "endsAt")]
    _ends_at: IgnoredAny,
    #[serde(default, rename = "generatorURL")]
    _generator_url: IgnoredAny,
}

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    for mode in [Mode::Fallback, Mode::Classic] {
        let settings = Settings { resolve_timeout: Duration::from_secs(300), mode };
        if let Ok(received) = post_alerts::receive(body, settings, NOW) {
            for alert in &received.valid.alerts {
                assert!(!alert.labels.is_empty() && alert.starts_at <= alert.ends_at);
                let names_and_values = alert.labels.iter();
                for (name, value) in names_and_values {
                    assert!(mode.name_rule().allows(name) && !value.is_empty());
                }
            }
            let valid = received.valid.alerts.len() as u64;
            let invalid = received.errors.len() as u64;
            assert_eq!(valid + invalid, received.firing + received.resolved);
        }
        if let Ok(silence) = post_silence::receive(body, mode, NOW) {
            assert!(silence.starts_at <= silence.ends_at && silence.ends_at >= NOW);
            assert!(!silence.matchers.is_empty());
        }
    }
    let Ok(theirs) = serde_json::from_slice::<Vec<Labelled>>(body) else { return };
    let Ok(ours) = decode_alerts(body) else { return };
    for (theirs, ours_alert) in theirs.iter().zip(&ours.alerts) {
        let labels = ours_alert.as_ref().and_then(|alert| ours.labels(alert));
        let labels = labels.unwrap_or_default().iter();
        let labels: BTreeMap<String, String> =
            labels.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        assert_eq!(theirs.labels, labels);
    }
});
