//! `route`: which receiver an alert goes to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use gotemplate::strconv::quote;

use super::block::{Checked, Refusal, Show, block};
use super::matchers::{MatchRegexps, MatcherList, check_names, combined};
use super::values::Labels;
use super::yaml::{Decode, Decoded, Decoder, Item, NodeId, Problem, Resolved};
use crate::model::route::{GroupBy, RouteSpec};
use crate::model::{Duration, NameRule};

/// The sign of all labels.
const ALL: &str = "...";

block! {
    /// A route and those below it.
    Route "config.plain" of "config.Route" {
        receiver: String;
        group_by: ListOrNone<String>;
        match_labels as "match": BTreeMap<String, String>;
        match_re: MatchRegexps;
        matchers: MatcherList;
        mute_time_intervals: Vec<String>;
        active_time_intervals: Vec<String>;
        continues as "continue": bool = false, always;
        routes: Routes;
        group_wait: Option<Duration>;
        group_interval: Option<Duration>;
        repeat_interval: Option<Duration>;
        labels: Labels;
    }
}

/// Routes in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Routes(pub Vec<Route>);

impl Decode for Routes {
    fn go_type() -> Cow<'static, str> {
        "[]*config.Route".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        // Alertmanager 0.34 crashes.
        for element in decoder.elements(at).unwrap_or_default() {
            if decoder.is_null(*element) {
                let problem = Problem::new("missing route in routes");
                return Err(Box::new(problem.at(decoder.place(*element))));
            }
        }
        if decoder.elements(at).is_none()
            && !matches!(decoder.scalar(at)?, Some((Resolved::Null, _)))
        {
            return decoder.wrong_kind(at, "[]*config.Route");
        }
        self.0.decode(at, decoder)
    }
}

impl Show for Routes {
    fn item(&self) -> Item {
        self.0.item()
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

/// A list that may be empty or not be there, which differ.
#[derive(Debug, Clone, PartialEq)]
pub struct ListOrNone<T>(pub Option<Vec<T>>);

impl<T> Default for ListOrNone<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Decode> Decode for ListOrNone<T> {
    fn go_type() -> Cow<'static, str> {
        <Vec<T>>::go_type()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        if matches!(decoder.scalar(at)?, Some((Resolved::Null, _))) {
            self.0 = None;
            return Ok(true);
        }
        self.0.get_or_insert_default().decode(at, decoder)
    }
}

impl<T: Show> Show for ListOrNone<T> {
    fn item(&self) -> Item {
        Item::List(self.0.iter().flatten().map(Show::item).collect())
    }

    fn is_zero(&self) -> bool {
        self.0.as_ref().is_none_or(Vec::is_empty)
    }
}

impl Checked for Route {
    fn check(&mut self, decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        check_names("match", &self.match_labels)?;
        let rule = decoder.mode.name_rule();
        if let Some(name) = self.labels.0.keys().find(|name| !rule.allows(name)) {
            let name = quote(name.as_bytes());
            return Err(Refusal::at(
                "labels",
                format!("invalid label name {name} in route labels"),
            ));
        }
        self.check_group_by(rule)?;
        if self.group_interval.is_some_and(Duration::is_zero) {
            return Err(Refusal::at(
                "group_interval",
                "group_interval cannot be zero",
            ));
        }
        if self.repeat_interval.is_some_and(Duration::is_zero) {
            return Err(Refusal::at(
                "repeat_interval",
                "repeat_interval cannot be zero",
            ));
        }
        Ok(())
    }
}

impl Route {
    fn check_group_by(&self, rule: NameRule) -> Result<(), Refusal> {
        let refused = |text: String| Err(Refusal::at("group_by", text));
        let names = self.group_by.0.as_deref().unwrap_or_default();
        let labels: Vec<&String> = names.iter().filter(|name| *name != ALL).collect();
        if let Some(name) = labels.iter().find(|name| !rule.allows(name)) {
            let name = quote(name.as_bytes());
            return refused(format!("invalid label name {name} in group_by list"));
        }
        if !labels.is_empty() && labels.len() < names.len() {
            return refused(
                "cannot have wildcard group_by (`...`) and other labels at the same time"
                    .to_owned(),
            );
        }
        let mut seen = BTreeSet::new();
        match labels.into_iter().find(|name| !seen.insert(*name)) {
            None => Ok(()),
            Some(name) => {
                let name = quote(name.as_bytes());
                refused(format!("duplicated label {name} in group_by"))
            }
        }
    }

    /// The route as the tree of routes wants it, with all below it.
    #[must_use]
    pub fn spec(&self) -> RouteSpec {
        let group_by =
            self.group_by
                .0
                .as_ref()
                .map(|names| match names.iter().any(|name| name == ALL) {
                    true => GroupBy::All,
                    false => GroupBy::Labels(names.iter().cloned().collect()),
                });
        RouteSpec {
            receiver: Some(self.receiver.clone()).filter(|name| !name.is_empty()),
            group_by,
            matchers: combined(&self.match_labels, &self.match_re, &self.matchers).sorted(),
            continues: self.continues,
            group_wait: self.group_wait,
            group_interval: self.group_interval,
            repeat_interval: self.repeat_interval,
            mute_time_intervals: self.mute_time_intervals.clone(),
            active_time_intervals: self.active_time_intervals.clone(),
            labels: self.labels.0.clone(),
            routes: self.routes.0.iter().map(Self::spec).collect(),
        }
    }
}
