//! `--enable-feature`, of which only the parser of matchers matters here.

use super::failure::Failure;
use crate::cli::serve::flags::Features;
use crate::model::Mode;

/// How matchers are read with these features.
pub(super) fn mode(features: &str) -> Result<Mode, Failure> {
    let features = Features::parse(features)
        .map_err(|error| Failure::Fatal(format!("error parsing the feature flag list: {error}")))?;
    Ok(features.mode)
}
