//! What happened, in order: a hash of it always, lines of JSON when they are wanted.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use super::setting::Ms;

/// An alert in a message: its series, when it began, whether it had ended.
pub(super) type Told = (usize, Ms, bool);

/// Something that happened.
#[derive(Debug, Clone, Hash, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// The server is ready.
    Ready { life: u32, state: u64 },
    /// It is gone.
    Down { how: String, power: bool },
    /// Alerts are sent: series, whether it fires, when it began, until when.
    Post {
        request: u64,
        alerts: Vec<(usize, bool, Ms, Ms)>,
    },
    /// A request is answered.
    Answer { request: u64, ok: bool },
    /// A silence of one series (or of a group of them) is asked for.
    Silence {
        request: u64,
        number: usize,
        series: Vec<usize>,
        ends: Ms,
    },
    /// It is to end.
    Expire { request: u64, number: usize },
    /// A receiver has a message.
    Message {
        target: usize,
        group: usize,
        flush: u64,
        attempt: u32,
        recovered: bool,
        key: u64,
        reason: String,
        alerts: Vec<Told>,
        then: String,
    },
    /// It has answered that it took it.
    Taken { target: usize, flush: u64 },
    /// A record is applied.
    Record { lsn: u64, kind: u16 },
    /// A receiver changes.
    Receiver { target: usize, health: String },
    /// The disk is full, or not any more; a sync will fail.
    Disk { what: String },
    /// The clock was set.
    Clock { by: Ms },
    /// Another configuration.
    Reload { variant: usize },
    /// A checkpoint was taken, or not.
    Checkpoint { ok: bool },
    /// The faults end.
    Healed,
}

/// All that happened.
#[derive(Debug)]
pub(super) struct EventLog {
    hash: DefaultHasher,
    count: u64,
    lines: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Line<'a> {
    at_ms: Ms,
    #[serde(flatten)]
    event: &'a Event,
}

impl EventLog {
    pub(super) fn new(keeps_lines: bool) -> Self {
        Self {
            // Its keys are always the same.
            hash: DefaultHasher::new(),
            count: 0,
            lines: keeps_lines.then(Vec::new),
        }
    }

    pub(super) fn push(&mut self, at_ms: Ms, event: &Event) {
        self.count += 1;
        (at_ms, event).hash(&mut self.hash);
        if let Some(lines) = &mut self.lines {
            // It is made of numbers and plain texts.
            lines.extend(serde_json::to_string(&Line { at_ms, event }));
        }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash.finish()
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
