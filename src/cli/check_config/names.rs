//! Receivers and time intervals: is each used, and can each do something.

use std::collections::BTreeSet;

use super::finding::{Finding, Severity};
use crate::config::Loaded;
use crate::config::yaml::Step;
use crate::model::time_interval::TimeInterval;
use crate::model::{Duration, RouteTree};
use crate::sys::WallTime;

/// A flush is given at least this. Alertmanager 0.34: `dispatch/dispatch.go`.
const FLUSH_MIN: Duration = Duration::from_secs(10);

/// Whether routes use the receivers, and whether these have anything to send with.
pub(super) fn receivers(loaded: &Loaded, tree: &RouteTree, findings: &mut Vec<Finding>) {
    let used: BTreeSet<&str> = tree.routes().iter().map(|route| &*route.receiver).collect();
    for (index, receiver) in loaded.config.receivers().iter().enumerate() {
        let place = loaded.place(&[Step::Key("receivers"), Step::Index(index)]);
        let subject = format!("receiver {}", receiver.name);
        if !used.contains(receiver.name.as_str()) {
            let text = "no route uses it, so it is not even built";
            let finding = Finding::new(Severity::Warning, "receiver-unused", text);
            let finding = finding.suggest("use it in a route, or remove it");
            findings.push(finding.about(subject.as_str()).at(place));
        } else if receiver.integration_count() == 0 {
            let text = "it has no integrations: alerts that are routed to it are told nobody";
            let finding = Finding::new(Severity::Note, "receiver-empty", text);
            findings.push(finding.about(subject.as_str()).at(place));
        }
    }
}

/// Routes that give their receiver less time than it may take (hazard H11).
pub(super) fn timeouts(
    loaded: &Loaded,
    tree: &RouteTree,
    timeout_of: impl Fn(&str) -> Option<Duration>,
    findings: &mut Vec<Finding>,
) {
    for route in tree.routes() {
        let Some(timeout) = timeout_of(&route.receiver) else {
            continue;
        };
        let given = route.group_interval.max(FLUSH_MIN);
        if timeout <= given {
            continue;
        }
        let text = format!(
            "group_interval {} ends an attempt that receiver {} may take {} for (its timeout): if it is slow, it is never told",
            route.group_interval, route.receiver, timeout
        );
        let finding = Finding::new(Severity::Warning, "timeout-beyond-group-interval", text)
            .suggest(format!(
                "set group_interval to more than {timeout}, or the timeout to less than {given}"
            ))
            .about(format!("route {}", tree.key(route.index)))
            .at(super::routes::place(loaded, tree, route.index));
        findings.push(finding);
    }
}

/// Whether routes use the time intervals, and whether there is or will be such a time.
pub(super) fn intervals(
    loaded: &Loaded,
    tree: &RouteTree,
    now: WallTime,
    findings: &mut Vec<Finding>,
) {
    let used: BTreeSet<&str> = tree
        .routes()
        .iter()
        .flat_map(|route| {
            route
                .mute_time_intervals
                .iter()
                .chain(&route.active_time_intervals)
        })
        .map(String::as_str)
        .collect();
    for named in super::intervals_of(&loaded.config) {
        let place = loaded.place(&[Step::Key(named.section), Step::Index(named.index)]);
        let mut tell = |severity, check, text: String| {
            let finding = Finding::new(severity, check, text);
            findings.push(
                finding
                    .about(format!("time interval {}", named.name))
                    .at(place),
            );
        };
        if !used.contains(named.name) {
            let text = "no route uses it".to_owned();
            tell(Severity::Warning, "interval-unused", text);
        }
        if named.specs.is_empty() {
            let text = "it names no times, so it never applies".to_owned();
            tell(Severity::Warning, "interval-never", text);
        }
        for (index, spec) in named.specs.iter().enumerate() {
            if let Some(why) = never(spec, now) {
                let text = format!("its part {} never applies: {why}", index + 1);
                tell(Severity::Warning, "interval-never", text);
            }
        }
    }
}

/// Why there is no such time, now or later.
fn never(spec: &TimeInterval, now: WallTime) -> Option<String> {
    let empty = [
        ("times", spec.times.as_ref().is_some_and(Vec::is_empty)),
        (
            "weekdays",
            spec.weekdays.as_ref().is_some_and(Vec::is_empty),
        ),
        (
            "days_of_month",
            spec.days_of_month.as_ref().is_some_and(Vec::is_empty),
        ),
        ("months", spec.months.as_ref().is_some_and(Vec::is_empty)),
        ("years", spec.years.as_ref().is_some_and(Vec::is_empty)),
    ];
    if let Some((field, _)) = empty.into_iter().find(|(_, is_empty)| *is_empty) {
        return Some(format!("its list of {field} is empty"));
    }
    let months = spec.months.as_deref().unwrap_or_default();
    if !months.is_empty() && months.iter().all(|range| range.end < 1 || 12 < range.begin) {
        return Some("there are no such months".to_owned());
    }
    let year = jiff::Timestamp::from_nanosecond(i128::from(now.0)).ok()?;
    let year = i64::from(year.to_zoned(jiff::tz::TimeZone::UTC).year());
    let years = spec.years.as_deref().unwrap_or_default();
    let last = years.iter().map(|range| range.end).max()?;
    // Somewhere it may still be last year.
    (last < year - 1).then(|| format!("the year {last} is over"))
}
