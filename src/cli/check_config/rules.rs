//! Inhibition rules: can they ever inhibit, and what.

use super::finding::{Finding, Severity};
use super::logic::Known;
use crate::config::yaml::Step;
use crate::config::{InhibitRule, Loaded};
use crate::model::Matcher;

/// All checks of inhibition rules.
pub(super) fn check(loaded: &Loaded, findings: &mut Vec<Finding>) {
    for (index, rule) in loaded.config.inhibit_rules().iter().enumerate() {
        let place = loaded.place(&[Step::Key("inhibit_rules"), Step::Index(index)]);
        let name = match rule.name.is_empty() {
            true => format!("inhibition rule {}", index + 1),
            false => format!("inhibition rule {}", rule.name),
        };
        let found = of_rule(rule).into_iter();
        findings.extend(found.map(|finding| finding.about(name.as_str()).at(place)));
    }
}

fn of_rule(rule: &InhibitRule) -> Vec<Finding> {
    let (sources, targets) = (rule.sources(), rule.targets());
    let (source, target) = (Known::new(&sources), Known::new(&targets));
    let mut found = Vec::new();
    for (side, known) in [("source", &source), ("target", &target)] {
        if let Some(matchers) = known.contradiction() {
            let texts: Vec<_> = matchers.into_iter().map(ToString::to_string).collect();
            let text = format!("no alert can be a {side}: it needs {}", texts.join(" and "));
            found.push(Finding::new(Severity::Error, "rule-never-matches", text));
        }
    }
    if !found.is_empty() {
        return found;
    }
    // An alert that is on both sides is not inhibited by another that is on both sides.
    if target.implies_all(&sources) && source.implies_all(&targets) {
        let text =
            "its sources and its targets are the same alerts, which inhibit each other never";
        found.push(
            Finding::new(Severity::Error, "rule-inhibits-itself", text)
                .suggest("make targets of the alerts that are less severe than the sources"),
        );
        return found;
    }
    if let Some((name, values)) = never_equal(rule, &source, &target) {
        let text = format!("sources and targets never have an equal {name}: {values}");
        found.push(
            Finding::new(Severity::Error, "rule-never-equal", text)
                .suggest(format!("remove {name} from `equal`, or from one side")),
        );
        return found;
    }
    if target.implies_all(&sources) {
        let text = "every target is a source, too: alerts of the rule inhibit others of the rule";
        found.push(Finding::new(
            Severity::Note,
            "rule-targets-are-sources",
            text,
        ));
    }
    if rule.equal.is_empty() {
        let text = "it has no `equal`: one source inhibits targets everywhere";
        found.push(
            Finding::new(Severity::Note, "rule-without-equal", text)
                .suggest("name the labels that sources and targets share, such as `cluster`"),
        );
    }
    if let Some(matcher) = sources.iter().find(|matcher| matches_missing_only(matcher)) {
        let text = format!("sources are alerts without a label: {matcher}");
        found.push(Finding::new(
            Severity::Note,
            "rule-source-without-label",
            text,
        ));
    }
    found
}

/// A label that must be equal on both sides and cannot be.
fn never_equal(
    rule: &InhibitRule,
    source: &Known<'_>,
    target: &Known<'_>,
) -> Option<(String, String)> {
    rule.equal.iter().find_map(|name| {
        let (sources, targets) = (source.values(name)?, target.values(name)?);
        let is_shared = sources.iter().any(|value| targets.contains(value));
        let values = format!("{} and {}", sources.join(", "), targets.join(", "));
        (!is_shared).then(|| (name.clone(), values))
    })
}

fn matches_missing_only(matcher: &Matcher) -> bool {
    matcher.only_values().is_some_and(|values| values == [""])
}
