//! The file as a whole: its sections, and the checks that need more than one of them.

use std::collections::BTreeSet;

use gotemplate::strconv::quote;

use super::block::{Block, Checked, Refusal, block};
use super::event_recorder::EventRecorder;
use super::global::Global;
use super::inhibit::InhibitRule;
use super::interval::{NamedInterval, NamedMuteInterval};
use super::paths::Directory;
use super::receivers::Receiver;
use super::route::Route;
use super::tracing::Tracing;
use super::yaml::{Decoder, Step};

block! {
    /// The sections of a file.
    Sections "config.plain" of "config.Config" {
        global: Option<Box<Global>>;
        route: Option<Route>;
        inhibit_rules: Vec<InhibitRule>;
        receivers: Vec<Receiver>;
        templates: Vec<String> = Vec::new(), always;
        mute_time_intervals: Vec<NamedMuteInterval>;
        time_intervals: Vec<NamedInterval>;
        tracing: Tracing = Tracing::default();
        event_recorder: EventRecorder;
    }
}

impl Checked for Sections {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        let global = self
            .global
            .get_or_insert_with(|| Box::new(Global::with_defaults()));
        global.check_pairs()?;
        let receivers = fill_in(&mut self.receivers, global)?;
        let Some(route) = &self.route else {
            return Err("no routes provided".into());
        };
        check_root(route).map_err(|refusal| refusal.below(Step::Key("route")))?;
        check_routes(route, &|route| check_receiver(route, &receivers))
            .map_err(|refusal| refusal.below(Step::Key("route")))?;
        let intervals = self.interval_names()?;
        check_routes(route, &|route| check_intervals(route, &intervals))
            .map_err(|refusal| refusal.below(Step::Key("route")))
    }
}

impl Sections {
    fn interval_names(&self) -> Result<BTreeSet<&str>, Refusal> {
        let mut names = BTreeSet::new();
        let muted = self.mute_time_intervals.iter().map(|named| &named.name);
        let timed = self.time_intervals.iter().map(|named| &named.name);
        let lists = [
            (
                "mute_time_intervals",
                "mute time interval",
                muted.collect::<Vec<_>>(),
            ),
            ("time_intervals", "time interval", timed.collect()),
        ];
        for (key, what, list) in lists {
            for (index, name) in list.into_iter().enumerate() {
                if !names.insert(name.as_str()) {
                    let name = quote(name.as_bytes());
                    return Err(Refusal::on(
                        vec![Step::Key(key), Step::Index(index), Step::Key("name")],
                        format!("{what} {name} is not unique"),
                    ));
                }
            }
        }
        Ok(names)
    }

    /// Joins relative paths to the directory of the file, but for those of `global`.
    pub(super) fn resolve(&mut self, directory: &Directory) {
        for pattern in &mut self.templates {
            directory.join(pattern);
        }
        for receiver in &mut self.receivers {
            receiver.resolve(directory);
        }
        self.event_recorder.resolve(directory);
    }
}

/// Gives the receivers what they lack, and their names.
fn fill_in(receivers: &mut [Receiver], global: &mut Global) -> Result<BTreeSet<String>, Refusal> {
    let mut names = BTreeSet::new();
    for (index, receiver) in receivers.iter_mut().enumerate() {
        let path = |refusal: Refusal| {
            refusal
                .below(Step::Index(index))
                .below(Step::Key("receivers"))
        };
        if names.contains(&receiver.name) {
            let name = quote(receiver.name.as_bytes());
            let text = format!("notification config name {name} is not unique");
            return Err(path(Refusal::at("name", text)));
        }
        receiver.inherit(global).map_err(path)?;
        names.insert(receiver.name.clone());
    }
    Ok(names)
}

fn check_root(route: &Route) -> Result<(), Refusal> {
    if route.receiver.is_empty() {
        return Err("root route must specify a default receiver".into());
    }
    let matching = [
        ("match", !route.match_labels.is_empty()),
        ("match_re", !route.match_re.0.is_empty()),
        ("matchers", !route.matchers.0.is_empty()),
    ];
    if let Some((key, _)) = matching.into_iter().find(|(_, is_given)| *is_given) {
        return Err(Refusal::at(key, "root route must not have any matchers"));
    }
    if !route.mute_time_intervals.is_empty() {
        return Err(Refusal::at(
            "mute_time_intervals",
            "root route must not have any mute time intervals",
        ));
    }
    if !route.active_time_intervals.is_empty() {
        return Err(Refusal::at(
            "active_time_intervals",
            "root route must not have any active time intervals",
        ));
    }
    Ok(())
}

/// Looks at every route, the deepest first.
fn check_routes(
    route: &Route,
    check: &dyn Fn(&Route) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    for (index, child) in route.routes.0.iter().enumerate() {
        check_routes(child, check)
            .map_err(|refusal| refusal.below(Step::Index(index)).below(Step::Key("routes")))?;
    }
    check(route)
}

fn check_receiver(route: &Route, receivers: &BTreeSet<String>) -> Result<(), Refusal> {
    if route.receiver.is_empty() || receivers.contains(&route.receiver) {
        return Ok(());
    }
    let name = quote(route.receiver.as_bytes());
    Err(Refusal::at(
        "receiver",
        format!("undefined receiver {name} used in route"),
    ))
}

fn check_intervals(route: &Route, names: &BTreeSet<&str>) -> Result<(), Refusal> {
    let lists = [
        ("active_time_intervals", &route.active_time_intervals),
        ("mute_time_intervals", &route.mute_time_intervals),
    ];
    for (key, list) in lists {
        if let Some(name) = list.iter().find(|name| !names.contains(name.as_str())) {
            let name = quote(name.as_bytes());
            return Err(Refusal::at(
                key,
                format!("undefined time interval {name} used in route"),
            ));
        }
    }
    Ok(())
}
