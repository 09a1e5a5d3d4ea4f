//! What `GET` shows of alerts, groups and silences: which, and in which order (`http-api.md` §5).

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::encode::{ShownGroup, SilenceState};
use super::fault::Fault;
use super::query::{Query, matches};
use crate::api::backend::{ListedAlert, ListedGroup, Quiet, Receiver, Silence, StoredAlert};
use crate::model::regex::AnchoredRegex;
use crate::model::{Fingerprint, LabelSet, Matchers, Mode};
use crate::sys::WallTime;

/// Which alerts and receivers a request asks for.
#[derive(Debug)]
pub struct AlertFilter {
    matchers: Matchers,
    receiver: Option<AnchoredRegex>,
    receiver_matchers: Matchers,
    shows_active: bool,
    shows_silenced: bool,
    shows_inhibited: bool,
    /// Whether groups are shown that a time interval mutes.
    pub shows_muted: bool,
    now: WallTime,
}

impl AlertFilter {
    /// What the query asks for, at this time.
    ///
    /// # Errors
    /// About the first parameter that cannot be read.
    pub fn new(query: &Query, mode: Mode, now: WallTime) -> Result<Self, Fault> {
        let matchers = query.matchers("filter", mode);
        let matchers = matchers.map_err(|error| Fault::bad(error.to_string()))?;
        let receiver = query.last("receiver").map(AnchoredRegex::new).transpose();
        let receiver = receiver
            .map_err(|error| Fault::bad(format!("failed to parse receiver param: {error}")))?;
        Ok(Self {
            matchers,
            receiver,
            receiver_matchers: receiver_matchers(query, mode)?,
            shows_active: query.flag("active"),
            shows_silenced: query.flag("silenced"),
            shows_inhibited: query.flag("inhibited"),
            shows_muted: query.flag("muted"),
            now,
        })
    }

    fn shows(&self, alert: &impl StoredAlert, quiet: &Quiet) -> bool {
        alert.ends_at() >= self.now
            && (self.shows_active || quiet.is_suppressed())
            && (self.shows_silenced || quiet.silenced_by.is_empty())
            && (self.shows_inhibited || quiet.inhibited_by.is_none())
            && matches(&self.matchers, alert.labels())
    }

    fn has_name(&self, receiver: &Receiver) -> bool {
        let receiver_regex = self.receiver.as_ref();
        receiver_regex.is_none_or(|regex| regex.is_match(&receiver.name))
    }

    fn has_labels(&self, receiver: &Receiver) -> bool {
        matches(&self.receiver_matchers, &receiver.labels)
    }

    /// The alerts asked for, by fingerprint.
    #[must_use]
    pub fn alerts<A: StoredAlert>(&self, mut all: Vec<ListedAlert<A>>) -> Vec<ListedAlert<A>> {
        all.retain(|listed| {
            let receivers = || listed.receivers.iter();
            self.shows(&listed.alert, &listed.quiet)
                && (self.receiver.is_none() || receivers().any(|it| self.has_name(it)))
                && (self.receiver_matchers.is_empty() || receivers().any(|it| self.has_labels(it)))
        });
        all.sort_by_cached_key(|listed| listed.alert.fingerprint());
        all
    }

    /// The groups asked for, by labels and receiver, with those of their alerts that are.
    #[must_use]
    pub fn groups<A: StoredAlert>(&self, all: Vec<ListedGroup<A>>) -> Vec<ShownGroup<A>> {
        let mut groups: Vec<ListedGroup<A>> = all
            .into_iter()
            .filter(|group| self.has_name(&group.receiver) && self.has_labels(&group.receiver))
            .filter_map(|mut group| {
                group
                    .alerts
                    .retain(|(alert, quiet)| self.shows(alert, quiet));
                (!group.alerts.is_empty()).then_some(group)
            })
            .collect();
        groups.sort_by(|one, other| {
            let by_labels = one.labels.cmp(&other.labels);
            by_labels.then_with(|| one.receiver.name.cmp(&other.receiver.name))
        });
        let holders = Holders::of(&groups);
        groups.retain(|group| self.shows_muted || group.muted_by.is_empty());
        groups
            .into_iter()
            .map(|group| shown(group, &holders))
            .collect()
    }
}

/// # Errors
/// About the first value that is no matcher.
fn receiver_matchers(query: &Query, mode: Mode) -> Result<Matchers, Fault> {
    let matchers = query.matchers("receiver_matchers", mode);
    let explain = |error| Fault::bad(format!("failed to parse receiver_matchers param: {error}"));
    matchers.map_err(explain)
}

/// The receivers asked for.
///
/// # Errors
/// About the first parameter that cannot be read.
pub fn receivers<'a>(
    all: &'a [Receiver],
    query: &Query,
    mode: Mode,
) -> Result<impl Iterator<Item = &'a Receiver>, Fault> {
    let wanted = receiver_matchers(query, mode)?;
    Ok(all
        .iter()
        .filter(move |receiver| matches(&wanted, &receiver.labels)))
}

/// The receivers of the groups that hold an alert, sorted, one for each group.
///
/// Most alerts are in one group, or have the same few receivers as others: equal lists are shared.
struct Holders {
    lists: Vec<Arc<[Arc<str>]>>,
    /// The place of an alert's list.
    places: HashMap<Fingerprint, u32>,
}

impl Holders {
    fn of<A: StoredAlert>(groups: &[ListedGroup<A>]) -> Self {
        let mut lists: Vec<Arc<[Arc<str>]>> = vec![Arc::default()];
        // From a list and the receiver that joins it to the longer list.
        let mut joined: HashMap<(u32, Arc<str>), u32> = HashMap::new();
        let mut places: HashMap<Fingerprint, u32> = HashMap::new();
        // By receiver, so that every list is sorted as it grows.
        let mut by_receiver: Vec<&ListedGroup<A>> = groups.iter().collect();
        by_receiver.sort_by(|one, other| one.receiver.name.cmp(&other.receiver.name));
        for group in by_receiver {
            let name = &group.receiver.name;
            for (alert, _) in &group.alerts {
                let place = places.entry(alert.fingerprint()).or_default();
                *place = *joined.entry((*place, Arc::clone(name))).or_insert_with(|| {
                    let earlier = lists.get(*place as usize).cloned().unwrap_or_default();
                    let names = earlier.iter().chain([name]).cloned();
                    lists.push(names.collect());
                    u32::try_from(lists.len() - 1).unwrap_or_default()
                });
            }
        }
        Self { lists, places }
    }

    fn get(&self, fingerprint: Fingerprint) -> Arc<[Arc<str>]> {
        let place = self.places.get(&fingerprint).copied().unwrap_or_default();
        self.lists.get(place as usize).cloned().unwrap_or_default()
    }
}

fn shown<A: StoredAlert>(group: ListedGroup<A>, holders: &Holders) -> ShownGroup<A> {
    let mut alerts: Vec<_> = group
        .alerts
        .into_iter()
        .map(|(alert, quiet)| {
            let receivers = holders.get(alert.fingerprint());
            (alert, quiet, receivers)
        })
        .collect();
    alerts.sort_by(|(one, ..), (other, ..)| by_labels(one.labels(), other.labels()));
    ShownGroup {
        labels: group.labels,
        receiver: group.receiver,
        route_labels: group.route_labels,
        muted_by: group.muted_by,
        alerts,
    }
}

/// Alerts of a group: by job, by instance, then by all labels. An alert that has the label comes before
/// one that has not.
fn by_labels(one: &LabelSet, other: &LabelSet) -> Ordering {
    let by = |name: &str| match (one.get(name), other.get(name)) {
        (Some(one), Some(other)) => one.cmp(other),
        (one, other) => other.is_some().cmp(&one.is_some()),
    };
    by("job")
        .then_with(|| by("instance"))
        .then_with(|| one.cmp(other))
}

/// The silences asked for: active ones by their end, pending ones by their beginning, expired ones by
/// their end, last first.
///
/// # Errors
/// About the first parameter that cannot be read.
pub fn silences(
    mut all: Vec<Arc<Silence>>,
    query: &Query,
    mode: Mode,
    now: WallTime,
) -> Result<Vec<Arc<Silence>>, Fault> {
    let wanted = query.matchers("filter", mode);
    let wanted = wanted.map_err(|error| Fault::bad(error.to_string()))?;
    let shows = |state| match state {
        SilenceState::Active => query.flag("active"),
        SilenceState::Pending => query.flag("pending"),
        SilenceState::Expired => query.flag("expired"),
    };
    all.retain(|silence| {
        let has_all = |set: &Matchers| wanted.iter().all(|matcher| set.contains(matcher));
        let sets = &silence.matcher_sets;
        (wanted.is_empty() || sets.iter().any(has_all)) && shows(SilenceState::of(silence, now))
    });
    all.sort_by_cached_key(|silence| {
        let state = SilenceState::of(silence, now);
        let time_ns = match state {
            SilenceState::Active => silence.ends_at.0,
            SilenceState::Pending => silence.starts_at.0,
            // Not the negative, which the earliest time does not have.
            SilenceState::Expired => !silence.ends_at.0,
        };
        (state, time_ns)
    });
    Ok(all)
}
