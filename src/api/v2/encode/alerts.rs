//! Alerts and groups.

use std::sync::Arc;

use super::json::{Escape, comma, instant, labels, string};
use crate::api::backend::{ListedAlert, Quiet, Receiver, StoredAlert};
use crate::api::body::Source;
use crate::model::{Fingerprint, LabelSet};

/// A list of alerts, written as it is read.
#[derive(Debug)]
pub struct AlertList<A> {
    alerts: std::vec::IntoIter<ListedAlert<A>>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    First,
    More,
    Done,
}

impl<A> AlertList<A> {
    /// These alerts, in this order.
    #[must_use]
    pub fn new(alerts: Vec<ListedAlert<A>>) -> Self {
        Self {
            alerts: alerts.into_iter(),
            state: State::Start,
        }
    }
}

impl<A: StoredAlert> Source for AlertList<A> {
    fn write(&mut self, out: &mut Vec<u8>) -> bool {
        if self.state == State::Start {
            out.push(b'[');
            self.state = State::First;
        }
        let Some(listed) = self.alerts.next() else {
            if self.state != State::Done {
                out.extend_from_slice(b"]\n");
            }
            self.state = State::Done;
            return false;
        };
        if self.state == State::More {
            out.push(b',');
        }
        self.state = State::More;
        let receivers = listed.receivers.iter().map(|receiver| &receiver.name);
        alert(out, &listed.alert, &listed.quiet, &[], receivers);
        true
    }
}

/// A group as it is shown.
#[derive(Debug)]
pub struct ShownGroup<A> {
    /// By which labels it is grouped.
    pub labels: LabelSet,
    /// Whom it tells.
    pub receiver: Receiver,
    /// The labels of its route.
    pub route_labels: LabelSet,
    /// The time intervals that mute it.
    pub muted_by: Arc<[Arc<str>]>,
    /// Its alerts, each with the receivers of all shown groups that hold it.
    pub alerts: Vec<Member<A>>,
}

/// An alert of a group, what keeps it quiet, and the receivers that it names.
pub type Member<A> = (A, Quiet, Arc<[Arc<str>]>);

type Alerts<A> = std::vec::IntoIter<Member<A>>;

/// A list of groups, written as it is read.
#[derive(Debug)]
pub struct GroupList<A> {
    groups: std::vec::IntoIter<ShownGroup<A>>,
    /// The group that is being written.
    current: Option<(ShownGroup<A>, Alerts<A>, State)>,
    state: State,
}

impl<A> GroupList<A> {
    /// These groups, in this order.
    #[must_use]
    pub fn new(groups: Vec<ShownGroup<A>>) -> Self {
        Self {
            groups: groups.into_iter(),
            current: None,
            state: State::Start,
        }
    }

    fn next_group(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(mut group) = self.groups.next() else {
            if self.state != State::Done {
                out.extend_from_slice(b"]\n");
            }
            self.state = State::Done;
            return false;
        };
        if self.state == State::More {
            out.push(b',');
        }
        self.state = State::More;
        out.extend_from_slice(b"{\"alerts\":[");
        let alerts = std::mem::take(&mut group.alerts).into_iter();
        self.current = Some((group, alerts, State::First));
        true
    }
}

impl<A: StoredAlert> Source for GroupList<A> {
    fn write(&mut self, out: &mut Vec<u8>) -> bool {
        if self.state == State::Start {
            out.push(b'[');
            self.state = State::First;
        }
        let Some((group, alerts, state)) = &mut self.current else {
            return self.next_group(out);
        };
        if let Some((it, quiet, receivers)) = alerts.next() {
            if *state == State::More {
                out.push(b',');
            }
            *state = State::More;
            alert(out, &it, &quiet, &group.muted_by, receivers.iter());
            return true;
        }
        out.extend_from_slice(b"],\"labels\":");
        labels(out, &group.labels, Escape::Plain);
        out.extend_from_slice(b",\"receiver\":{\"name\":");
        string(out, &group.receiver.name, Escape::Plain);
        out.extend_from_slice(b"},\"routeLabels\":");
        labels(out, &group.route_labels, Escape::Plain);
        out.push(b'}');
        self.current = None;
        true
    }
}

fn alert<'a, A: StoredAlert>(
    out: &mut Vec<u8>,
    alert: &A,
    quiet: &Quiet,
    muted_by: &[Arc<str>],
    receivers: impl Iterator<Item = &'a Arc<str>>,
) {
    out.extend_from_slice(b"{\"annotations\":");
    labels(out, alert.annotations(), Escape::Html);
    out.extend_from_slice(b",\"endsAt\":");
    instant(out, alert.ends_at());
    out.extend_from_slice(b",\"fingerprint\":");
    fingerprint(out, alert.fingerprint());
    out.extend_from_slice(b",\"receivers\":[");
    for (index, name) in receivers.enumerate() {
        comma(out, index);
        out.extend_from_slice(b"{\"name\":");
        string(out, name, Escape::Html);
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"startsAt\":");
    instant(out, alert.starts_at());
    out.extend_from_slice(b",\"status\":{\"inhibitedBy\":[");
    if let Some(source) = quiet.inhibited_by {
        fingerprint(out, source);
    }
    out.extend_from_slice(b"],\"mutedBy\":");
    strings(out, muted_by);
    out.extend_from_slice(b",\"silencedBy\":");
    strings(out, &quiet.silenced_by);
    let is_suppressed = quiet.is_suppressed() || !muted_by.is_empty();
    out.extend_from_slice(match is_suppressed {
        true => b",\"state\":\"suppressed\"},\"updatedAt\":".as_slice(),
        false => b",\"state\":\"active\"},\"updatedAt\":",
    });
    instant(out, alert.updated_at());
    let url = alert.generator_url();
    if !url.is_empty() {
        out.extend_from_slice(b",\"generatorURL\":");
        string(out, url, Escape::Html);
    }
    out.extend_from_slice(b",\"labels\":");
    labels(out, alert.labels(), Escape::Html);
    out.push(b'}');
}

fn strings(out: &mut Vec<u8>, texts: &[Arc<str>]) {
    out.push(b'[');
    for (index, text) in texts.iter().enumerate() {
        comma(out, index);
        string(out, text, Escape::Html);
    }
    out.push(b']');
}

fn fingerprint(out: &mut Vec<u8>, fingerprint: Fingerprint) {
    out.extend_from_slice(format!("\"{fingerprint}\"").as_bytes());
}
