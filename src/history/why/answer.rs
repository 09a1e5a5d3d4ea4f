//! What is answered, as JSON and as text.

use std::fmt;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::history::shown;
use crate::model::{Fingerprint, LabelSet};
use crate::sys::WallTime;

/// The kind of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// It was told, and the receiver has it.
    Delivered,
    /// It was tried, and failed.
    Failed,
    /// It is being sent.
    UnderWay,
    /// The receiver knows all of it already.
    NothingChanged,
    /// Silences kept it back.
    Silenced,
    /// Another alert kept it back.
    Inhibited,
    /// Mute time intervals kept its group back.
    MuteInterval,
    /// No active time interval was on.
    OutsideActiveInterval,
    /// The route names an interval that there is not.
    UnknownInterval,
    /// The route names a receiver that there is not.
    ReceiverMissing,
    /// There are too many groups.
    Limited,
    /// The process was not ready.
    NotReady,
    /// What was in doubt was another notification by then.
    Superseded,
    /// What did harm is not sent.
    Quarantined,
    /// What was in doubt was taken as sent.
    AssumedDelivered,
    /// The integration is not told of resolved alerts, and there were no others.
    NothingToSend,
    /// Its group is not due yet.
    NotDue,
    /// It fired and ended before its group was due.
    ResolvedBeforeFlush,
    /// It was told that it ended, and forgotten.
    ToldAndForgotten,
    /// Only the default route matched, which goes to another receiver.
    OnlyDefaultRoute,
    /// Its routes go to other receivers.
    RoutedElsewhere,
    /// It was received a moment ago, and where it is routed is not written yet.
    NotDecided,
    /// Nothing is known of its routing.
    RoutingUnknown,
    /// No such alert was received.
    NotReceived,
    /// History begins later than the time asked.
    BeforeHistory,
}

/// An alert in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownAlert {
    /// Its fingerprint.
    #[serde(serialize_with = "text")]
    pub fingerprint: Fingerprint,
    /// Its labels.
    #[serde(serialize_with = "labels")]
    pub labels: LabelSet,
}

/// What a sentence rests on: names and texts in an order that reads well. An object in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence(pub Vec<(&'static str, String)>);

impl Evidence {
    /// Adds a piece.
    pub(super) fn add(&mut self, name: &'static str, value: impl fmt::Display) {
        self.0.push((name, value.to_string()));
    }
}

impl Serialize for Evidence {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When.
    #[serde(with = "shown::time")]
    pub at: WallTime,
    /// The record that says so.
    pub lsn: u64,
    /// What, as a sentence without a full stop.
    pub text: String,
}

/// Why somebody was told, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The answer.
    pub sentence: String,
    /// Its kind.
    pub because: Because,
    /// The time asked.
    #[serde(with = "shown::time")]
    pub at: WallTime,
    /// The alert; `None` if there is none.
    pub alert: Option<ShownAlert>,
    /// Other alerts that match.
    pub others: Vec<ShownAlert>,
    /// The receiver, if it is known.
    pub receiver: Option<String>,
    /// What the sentence rests on.
    pub evidence: Evidence,
    /// What happened, the newest last.
    pub timeline: Vec<Line>,
    /// From when on history is complete.
    #[serde(serialize_with = "optional_time")]
    pub history_from: Option<WallTime>,
}

impl fmt::Display for Answer {
    /// As a person reads it: the sentence, a blank line, the evidence, a blank line, the timeline.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.sentence)?;
        if !self.evidence.0.is_empty() {
            writeln!(out)?;
        }
        let names = self.evidence.0.iter().map(|(name, _)| name.len());
        let width = names.max().unwrap_or_default();
        for (name, value) in &self.evidence.0 {
            writeln!(out, "  {name:width$}  {value}")?;
        }
        if !self.timeline.is_empty() {
            writeln!(out)?;
        }
        for line in &self.timeline {
            writeln!(out, "  {}  {}", moment(line.at), line.text)?;
        }
        Ok(())
    }
}

/// A time as people read it: to the second, in UTC.
pub(super) fn moment(at: WallTime) -> String {
    let seconds = WallTime(at.0.div_euclid(1_000_000_000).saturating_mul(1_000_000_000));
    let text = seconds.to_string();
    text.trim_end_matches('Z').replace('T', " ")
}

/// The same, without the date if that is the one of another time.
pub(super) fn clock(at: WallTime, beside: WallTime) -> String {
    let (text, other) = (moment(at), moment(beside));
    match (text.split_once(' '), other.split_once(' ')) {
        (Some((day, time)), Some((other, _))) if day == other => time.to_owned(),
        _ => text,
    }
}

/// The same, to the minute if it is a whole one.
pub(super) fn minutes(at: WallTime, beside: WallTime) -> String {
    let text = clock(at, beside);
    match text.strip_suffix(":00") {
        Some(short) => short.to_owned(),
        None => text,
    }
}

fn text<T: fmt::Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

fn labels<S: Serializer>(labels: &LabelSet, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(labels.iter())
}

fn optional_time<S: Serializer>(at: &Option<WallTime>, to: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.to_string()).serialize(to)
}
