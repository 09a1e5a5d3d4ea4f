//! `inhibit_rules`: alerts that silence others.

use std::collections::BTreeMap;

use gotemplate::strconv::quote;

use super::block::{Checked, Refusal, block};
use super::matchers::{MatchRegexps, MatcherList, check_names, combined};
use super::yaml::Decoder;
use crate::model::Matchers;

block! {
    /// While an alert of one kind fires, those of another that share labels with it are not told.
    InhibitRule "common.plain" of "common.InhibitRule" {
        name: String;
        source_match: BTreeMap<String, String>;
        source_match_re: MatchRegexps;
        source_matchers: MatcherList;
        target_match: BTreeMap<String, String>;
        target_match_re: MatchRegexps;
        target_matchers: MatcherList;
        equal: Vec<String>;
    }
}

impl Checked for InhibitRule {
    fn check(&mut self, decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        check_names("source_match", &self.source_match)?;
        check_names("target_match", &self.target_match)?;
        let rule = decoder.mode.name_rule();
        match self.equal.iter().find(|name| !rule.allows(name)) {
            None => Ok(()),
            Some(name) => {
                let name = quote(name.as_bytes());
                Err(Refusal::at(
                    "equal",
                    format!("invalid label name {name} in equal list"),
                ))
            }
        }
    }
}

impl InhibitRule {
    /// What an alert must match to inhibit others.
    #[must_use]
    pub fn sources(&self) -> Matchers {
        combined(
            &self.source_match,
            &self.source_match_re,
            &self.source_matchers,
        )
    }

    /// What an alert must match to be inhibited.
    #[must_use]
    pub fn targets(&self) -> Matchers {
        combined(
            &self.target_match,
            &self.target_match_re,
            &self.target_matchers,
        )
    }
}
