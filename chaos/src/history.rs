//! What happened in a run, as JSON lines: all that a checker is told.
//!
//! Generator, sink and nemesis, or a simulator in their place, write; the checker reads, and knows neither
//! a server nor a clock. A history ends where its last whole line ends, so that one of a run that was cut
//! off can be judged too.
//!
//! ```text
//! {"at":12000000,"wall":1763800000012000000,"event":"post_begin","request":7,"sender":"once-1","alerts":[…]}
//! {"at":12900000,"wall":1763800000012900000,"event":"post_end","request":7,"outcome":{"status":200}}
//! ```
//!
//! **Rules**
//! * The first line is `run`; `at` never goes back. `at` is monotonic time of whoever writes, `wall` the
//!   time of day that the server sees at that moment.
//! * An event is written before what it announces can have an effect (`post_begin`, `kill`), or after what
//!   it reports is certain (`post_end`, `ready`). `sink_recv` is written before the sink answers.
//! * Times in alerts are nanoseconds since 1970, as far as they can be told; `ends_at` of 0 is none.
//! * Of one alert, at most one request is under way at a time: its sender waits for an end.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// The version of the format. A checker refuses another.
pub const FORMAT: u32 = 1;

/// Labels of an alert, or equality matchers of a silence or a route.
pub type Labels = BTreeMap<String, String>;

/// Nanoseconds since the run began.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct At(pub u64);

impl At {
    /// The end of time.
    pub const NEVER: Self = Self(u64::MAX);

    /// That much later.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000_000)))
    }

    /// That much earlier.
    #[must_use]
    pub fn minus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms.saturating_mul(1_000_000)))
    }

    /// Milliseconds from then until this; 0 if it is not later.
    #[must_use]
    pub fn ms_since(self, then: Self) -> u64 {
        self.0.saturating_sub(then.0) / 1_000_000
    }
}

impl From<Duration> for At {
    fn from(since: Duration) -> Self {
        Self(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = self.0 / 1_000_000;
        write!(out, "{}.{:03} s", ms / 1000, ms % 1000)
    }
}

/// Nanoseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Wall(pub i64);

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, by the clock of whoever writes.
    pub at: At,
    /// When, by the clock of the server.
    pub wall: Wall,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What the configuration promises, as far as the checker has to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Labels by which alerts are grouped, on every route.
    pub group_by: Vec<String>,
    /// `group_wait`.
    pub group_wait_ms: u64,
    /// `group_interval`.
    pub group_interval_ms: u64,
    /// `repeat_interval`; a run should be shorter.
    pub repeat_interval_ms: u64,
    /// The bound *B*: what is owed comes after so much time at most in which the server was up and the
    /// receiver was well.
    pub bound_ms: u64,
    /// What a busy machine may add to the time of any single step. Far below the bound.
    pub tolerance_ms: u64,
    /// Every alert goes to each of these routes that it matches.
    pub routes: Vec<Route>,
}

/// A route, with one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Labels that an alert must have; empty for every alert.
    pub when: Labels,
    /// Who is told, each on its own.
    pub integrations: Vec<Integration>,
}

/// A configured receiver of notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// Its name, unique in the policy.
    pub name: String,
    /// Whether it is told of ends.
    pub send_resolved: bool,
}

/// What an alert is said to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It fires.
    Firing,
    /// It is over.
    Resolved,
}

impl Status {
    /// As it stands in a notification.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// An alert as it was posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// Its labels.
    pub labels: Labels,
    /// What it is said to do: resolved if its end is not in the future.
    pub status: Status,
    /// When it ends, unless something else is heard; 0 if the sender did not say.
    #[serde(default)]
    pub ends_at: Wall,
    /// Whether it keeps the rules; of a batch answered with 400 only these are acknowledged.
    #[serde(default = "yes")]
    pub is_valid: bool,
}

fn yes() -> bool {
    true
}

/// An alert as the sink was told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its labels.
    pub labels: Labels,
    /// What it is said to do.
    pub status: Status,
    /// When it ended, if it is over.
    #[serde(default)]
    pub ends_at: Wall,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With a status.
    Status(u16),
    /// Nobody was listening: it certainly had no effect.
    NotConnected,
    /// No answer, or none that could be read: nobody knows.
    Broken,
}

/// What the sink does with a message it has received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Takes it, and answers 200.
    Ok,
    /// Takes it, and answers 200 a byte at a time.
    Trickle,
    /// Takes it, and answers with a status of the class 4xx.
    ClientError,
    /// Takes it, and answers with a status of the class 5xx.
    ServerError,
    /// Takes it, and says nothing for long.
    Hang,
    /// Takes it, and cuts the connection.
    Reset,
    /// Loses it, and cuts the connection.
    Lose,
}

impl Then {
    /// Whether the receiver does what a receiver should.
    #[must_use]
    pub fn is_well(self) -> bool {
        self == Self::Ok
    }
}

/// How a process was ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// SIGKILL.
    Kill,
    /// SIGTERM.
    Stop,
    /// Power was lost: what was not synced may be gone.
    PowerLoss,
}

/// What a run consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first line.
    Run {
        /// [`FORMAT`].
        format: u32,
        /// What is tested.
        target: String,
        /// Decides everything that the harness decides.
        seed: u64,
        /// What is promised.
        policy: Policy,
    },
    /// Alerts are about to be posted.
    PostBegin {
        /// Its number, unique among requests of all kinds.
        request: u64,
        /// Who sends.
        sender: String,
        /// What.
        alerts: Vec<Posted>,
        /// The tenant to whom they belong; empty without tenants.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        tenant: String,
    },
    /// A silence is about to be made.
    SilenceBegin {
        /// Its number.
        request: u64,
        /// The harness' own name of the silence.
        silence: String,
        /// Equality matchers.
        matchers: Labels,
        /// From when on.
        starts_at: Wall,
        /// Until when.
        ends_at: Wall,
    },
    /// A silence is about to be ended.
    ExpireBegin {
        /// Its number.
        request: u64,
        /// The harness' own name of the silence.
        silence: String,
    },
    /// The configuration is about to be read again; it is the same.
    ReloadBegin {
        /// Its number.
        request: u64,
    },
    /// The end of any of these.
    PostEnd {
        /// Which.
        request: u64,
        /// How.
        outcome: Outcome,
    },
    /// A process was started.
    Boot {
        /// Its id.
        pid: u32,
    },
    /// It is ready.
    Ready,
    /// A process is about to be ended. Nobody hears of it from here on.
    Kill {
        /// How.
        how: How,
        /// At which moment, for the reader.
        point: String,
    },
    /// A process ended by itself.
    Exit {
        /// Its code; none if a signal ended it.
        code: Option<i32>,
        /// Whether a fault was injected that may end it, or refuse a start.
        is_expected: bool,
    },
    /// A process panicked.
    Panic {
        /// What it said.
        text: String,
    },
    /// The process is held (SIGSTOP), or goes on.
    Held {
        /// Which of both.
        is_held: bool,
    },
    /// The machine did nothing for so long until now: a thread that only sleeps and syncs did not get on.
    Stall {
        /// For how long.
        ms: u64,
    },
    /// From now on the sink treats messages like this.
    SinkMode {
        /// To whom they are.
        integration: String,
        /// How.
        then: Then,
    },
    /// The sink received a message.
    SinkRecv {
        /// Its number, unique in the run.
        message: u64,
        /// To whom it is.
        integration: String,
        /// `Idempotency-Key`.
        key: Option<String>,
        /// Which attempt the sender says it is.
        attempt: Option<u32>,
        /// The key of the group.
        group: String,
        /// The status of the whole message.
        status: Status,
        /// What it says.
        alerts: Vec<Told>,
        /// What the sink does with it.
        then: Then,
        /// The tenant whose receiver this is; empty without tenants.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        tenant: String,
    },
    /// The sink has sent its answer, as far as it could see.
    SinkEnd {
        /// To which message.
        message: u64,
    },
    /// A fault of the disk was injected.
    DiskFault {
        /// Which call.
        call: String,
        /// How it fails.
        error: String,
    },
    /// The wall clock was set.
    Clock {
        /// By how much.
        by_ms: i64,
    },
    /// From here on nobody does any harm.
    Heal,
    /// What the server shows.
    View {
        /// `GET /api/v2/alerts`, the labels of each.
        alerts: Vec<Labels>,
        /// `GET /api/v2/alerts/groups`, the labels of each alert in any group.
        grouped: Vec<Labels>,
        /// `GET /api/v2/silences`, the harness' own names of those that are active.
        silences: Vec<String>,
    },
    /// Counters of the process that runs, by name, each summed over its series.
    Metrics {
        /// The values.
        values: BTreeMap<String, f64>,
    },
    /// What the process takes up.
    Resources {
        /// Bytes of its data directory.
        disk_bytes: u64,
        /// Open files.
        open_files: u64,
        /// Resident memory.
        memory_bytes: u64,
        /// From the start to readiness.
        start_ms: u64,
    },
    /// A recovery of the store. Two of the same store, with nothing in between, must agree.
    Recovered {
        /// Which store, at which state: recoveries of equal ones are compared.
        store: String,
        /// The hash of the state.
        state_hash: u64,
    },
    /// The last line of a run that was not cut off.
    End,
}

/// Writes one line.
///
/// # Errors
/// That it cannot be written.
pub fn write_entry(out: &mut dyn Write, entry: &Entry) -> Result<()> {
    let mut line = serde_json::to_vec(entry).context("a line of the history")?;
    line.push(b'\n');
    out.write_all(&line).context("cannot write the history")
}

/// Reads a history. A last line that was cut off is left out.
///
/// # Errors
/// A line that is none of a history, with its number; another format; nothing at all.
pub fn read(from: impl BufRead) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut lines = from.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let line = line.context("cannot read the history")?;
        match serde_json::from_str::<Entry>(&line) {
            Ok(entry) => entries.push(entry),
            Err(_) if lines.peek().is_none() && !line.ends_with('}') => break,
            Err(error) => bail!("line {} is none of a history: {error}", index + 1),
        }
    }
    match entries.first().map(|entry| &entry.event) {
        Some(Event::Run { format: FORMAT, .. }) => Ok(entries),
        Some(Event::Run { format, .. }) => {
            bail!("this history has format {format}; this program reads format {FORMAT}")
        }
        _ => bail!("this is no history: it does not begin with a line `run`"),
    }
}
