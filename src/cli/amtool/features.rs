//! `--enable-feature`: names separated by commas.

use super::failure::Failure;
use crate::model::Mode;

/// Names that Alertmanager 0.34 knows. Only those of the parser of matchers matter here.
const KNOWN: [&str; 7] = [
    "alert-names-in-metrics",
    "receiver-name-in-metrics",
    "group-key-in-metrics",
    "classic-mode",
    "utf8-strict-mode",
    "auto-gomemlimit",
    "event-recorder",
];

/// How matchers are read with these features.
pub(super) fn mode(features: &str) -> Result<Mode, Failure> {
    let refused =
        |text: String| Failure::Fatal(format!("error parsing the feature flag list: {text}"));
    let names: Vec<&str> = match features {
        "" => Vec::new(),
        features => features.split(',').collect(),
    };
    if let Some(unknown) = names.iter().find(|name| !KNOWN.contains(name)) {
        return Err(refused(format!(
            "unknown option '{unknown}' for --enable-feature"
        )));
    }
    match (
        names.contains(&"classic-mode"),
        names.contains(&"utf8-strict-mode"),
    ) {
        (true, true) => Err(refused(
            "cannot have both classic and UTF-8 modes enabled".to_owned(),
        )),
        (true, false) => Ok(Mode::Classic),
        (false, true) => Ok(Mode::Utf8Strict),
        (false, false) => Ok(Mode::Fallback),
    }
}
