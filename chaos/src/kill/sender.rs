//! A sender of alerts: a fixed number of series, each of which lives by a script.
//!
//! ```text
//!  pause ──► fires ──► is over ──► pause ──► fires, as the same or as the next generation
//! ```
//!
//! * Each change is posted until it is acknowledged; of one series, one request is under way at a time.
//! * One kind of sender says what it has to say *once*: its alerts end when it says so, and an
//!   acknowledged change that is forgotten is never heard again. The other says it *again* all the time,
//!   as Prometheus does, and its alerts end soon if nothing more is heard.
//! * Times to live are drawn so that some are shorter than the server waits, and some last to the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use jiff::Timestamp;
use serde::Serialize;
use tocsin::sys::{Entropy, SeededEntropy};
use tokio::time::{Instant, sleep};

use super::nemesis::{Moment, Nemesis};
use super::plan::{Plan, labels, stream};
use super::recorder::Recorder;
use crate::harness::http::{NoAnswer, exchange};
use crate::history::{Event, Labels, Outcome, Posted, Status, Wall};

/// Series of one sender.
const SERIES: u64 = 10;

/// Names of alerts of one sender; each is a group on each route.
const NAMES: u64 = 3;

/// Most alerts in a request.
const BATCH: usize = 8;

/// How often the other kind of sender says what fires.
const RESEND_EVERY: Duration = Duration::from_millis(1_000);

/// How long its alerts last if nothing more is heard: until four times have been missed.
pub(crate) const LIFETIME: Duration = RESEND_EVERY.saturating_mul(4);

/// When an alert is over at whose beginning the server was killed: while it is down.
const ENDS_AFTER_A_KILL: Duration = Duration::from_millis(100);

/// How often it says that an alert is over.
const ENDS_SENT: u32 = 3;

/// Pause before a request that failed is made again.
const RETRY_AFTER: Duration = Duration::from_millis(10);

/// What tells senders what to do.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// No new changes from here on; what fires is still said again.
    pub(crate) is_healed: AtomicBool,
    /// The end.
    pub(crate) is_over: AtomicBool,
}

/// Where a sender sends, and who is to know.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) url: String,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) nemesis: Arc<Nemesis>,
    pub(crate) signals: Arc<Signals>,
}

impl Surroundings {
    /// Makes a request and notes how it ended. `begin` is noted before.
    pub(crate) async fn ask(
        &self,
        request: u64,
        begin: Event,
        made: Request<Full<Bytes>>,
    ) -> (Outcome, Bytes) {
        self.recorder.note(begin);
        let answer = exchange(made).await;
        let (outcome, body) = match answer {
            Ok(answer) => (
                Outcome::Status(answer.status().as_u16()),
                answer.into_body(),
            ),
            Err(NoAnswer::NotConnected) => (Outcome::NotConnected, Bytes::new()),
            Err(NoAnswer::Broken) => (Outcome::Broken, Bytes::new()),
        };
        self.recorder.note(Event::PostEnd { request, outcome });
        (outcome, body)
    }
}

/// What a series does.
#[derive(Debug)]
struct Series {
    labels: Labels,
    generation: u32,
    status: Option<Status>,
    /// When it began, of the request that was acknowledged.
    starts_at: Wall,
    is_acknowledged: bool,
    ends_at: Wall,
    /// When it changes; never, if it lives to the end.
    changes_at: Option<Instant>,
    /// When it is said again.
    again_at: Option<Instant>,
    ends_left: u32,
}

/// An alert, as it is posted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    labels: &'a Labels,
    starts_at: String,
    ends_at: String,
}

#[derive(Debug)]
pub(crate) struct Sender {
    name: String,
    is_repeating: bool,
    plan: Plan,
    entropy: SeededEntropy,
    around: Surroundings,
    series: Vec<Series>,
}

impl Sender {
    pub(crate) fn new(name: &str, plan: Plan, around: Surroundings) -> Self {
        let entropy = stream(plan.seed, name);
        let now = Instant::now();
        let series = (0..SERIES).map(|seq| Series {
            labels: labels(&[
                ("alertname", &format!("Alert{}", seq % NAMES)),
                ("run", &plan.seed.to_string()),
                ("sender", name),
                ("seq", &seq.to_string()),
                (
                    "severity",
                    ["page", "note", "info"][(seq / NAMES % 3) as usize],
                ),
                ("gen", "0"),
            ]),
            generation: 0,
            status: None,
            starts_at: Wall(0),
            is_acknowledged: false,
            ends_at: Wall(0),
            changes_at: Some(now + Duration::from_millis(entropy.below(1_500))),
            again_at: None,
            ends_left: 0,
        });
        Self {
            name: name.to_owned(),
            is_repeating: name.starts_with("again"),
            plan,
            series: series.collect(),
            entropy,
            around,
        }
    }

    /// Sends until it is over.
    pub(crate) async fn run(mut self) -> Result<()> {
        let is = |signal: &AtomicBool| signal.load(Ordering::SeqCst);
        while !is(&self.around.signals.is_over) {
            let is_healed = is(&self.around.signals.is_healed);
            let due = self.due(is_healed);
            if !due.is_empty() {
                self.say(&due).await?;
            }
            let pause_ms = 1 + self.entropy.below(self.plan.pause_ms_max);
            sleep(Duration::from_millis(pause_ms)).await;
        }
        Ok(())
    }

    /// The series that have something to say, after they have changed if it is time.
    fn due(&mut self, is_healed: bool) -> Vec<usize> {
        let now = Instant::now();
        let mut due = Vec::new();
        for index in 0..self.series.len() {
            if due.len() == BATCH {
                break;
            }
            let series = &self.series[index];
            let is_time = |at: Option<Instant>| at.is_some_and(|at| at <= now);
            if !is_healed && is_time(series.changes_at) {
                self.change(index, now);
                due.push(index);
            } else if is_time(series.again_at) {
                due.push(index);
            }
        }
        due
    }

    fn change(&mut self, index: usize, now: Instant) {
        let ms = |from: u64, to: u64| Duration::from_millis(from + self.entropy.below(to - from));
        let kind = self.entropy.below(10);
        let is_new = self.entropy.below(3) > 0;
        let wall = self.around.recorder.wall();
        let series = &mut self.series[index];
        match series.status {
            Some(Status::Firing) => {
                series.status = Some(Status::Resolved);
                series.ends_at = wall;
                series.changes_at = Some(now + ms(300, 3_000));
                series.ends_left = ENDS_SENT;
            }
            None | Some(Status::Resolved) => {
                if series.status.is_some() && is_new {
                    series.generation += 1;
                    let generation = series.generation.to_string();
                    series.labels.insert("gen".to_owned(), generation);
                }
                series.status = Some(Status::Firing);
                series.is_acknowledged = false;
                series.changes_at = match kind {
                    0..=1 => Some(now + ms(20, 600)),
                    2..=8 => Some(now + ms(1_200, 6_000)),
                    _ => None,
                };
            }
        }
    }

    /// Says it until it is acknowledged.
    async fn say(&mut self, due: &[usize]) -> Result<()> {
        loop {
            let outcome = self.post(due).await?;
            if matches!(outcome, Outcome::Status(200 | 400)) {
                break;
            }
            if self.around.signals.is_over.load(Ordering::SeqCst) {
                return Ok(());
            }
            sleep(RETRY_AFTER).await;
        }
        let has_begun = |index: &usize| {
            let series = &self.series[*index];
            series.status == Some(Status::Firing) && !series.is_acknowledged
        };
        let begun: Vec<usize> = due.iter().copied().filter(has_begun).collect();
        if !begun.is_empty() && self.around.nemesis.sees(Moment::Began) {
            // They are over before the next start, which hears of it as soon as it listens.
            let soon = Instant::now() + ENDS_AFTER_A_KILL;
            for index in begun {
                self.series[index].changes_at = Some(soon);
            }
        }
        let again_at = Instant::now() + RESEND_EVERY;
        for index in due {
            let series = &mut self.series[*index];
            series.is_acknowledged = true;
            let goes_on = match series.status {
                Some(Status::Firing) => true,
                _ => {
                    series.ends_left = series.ends_left.saturating_sub(1);
                    series.ends_left > 0
                }
            };
            series.again_at = (self.is_repeating && goes_on).then_some(again_at);
        }
        Ok(())
    }

    async fn post(&mut self, due: &[usize]) -> Result<Outcome> {
        let now = self.around.recorder.wall();
        let expires = Wall(now.0 + self.lifetime_ns());
        let mut alerts = Vec::new();
        let mut starts = Vec::new();
        for index in due {
            let series = &mut self.series[*index];
            let status = series.status.context("a series that has nothing to say")?;
            if status == Status::Firing {
                series.ends_at = expires;
                if !series.is_acknowledged {
                    // An alert that began before is told without a wait.
                    series.starts_at = now;
                }
            }
            let series = &self.series[*index];
            starts.push(series.starts_at);
            alerts.push(Posted {
                labels: series.labels.clone(),
                status,
                ends_at: series.ends_at,
                is_valid: true,
            });
        }
        if self.plan.bad_alerts && self.entropy.below(12) == 0 {
            // Labels without a value are none, and an alert without labels is no alert.
            starts.push(now);
            alerts.push(Posted {
                labels: labels(&[("bad", "")]),
                status: Status::Firing,
                ends_at: expires,
                is_valid: false,
            });
        }
        let wire: Result<Vec<Wire<'_>>> = alerts
            .iter()
            .zip(&starts)
            .map(|(alert, starts_at)| {
                Ok(Wire {
                    labels: &alert.labels,
                    starts_at: text(*starts_at)?,
                    ends_at: text(alert.ends_at)?,
                })
            })
            .collect();
        let made = Request::post(format!("{}/api/v2/alerts", self.around.url))
            .header("Content-Type", "application/json")
            .body(Full::from(serde_json::to_vec(&wire?)?))?;
        let request = self.around.recorder.number();
        let begin = Event::PostBegin {
            request,
            sender: self.name.clone(),
            alerts,
            tenant: String::new(),
        };
        let nemesis = Arc::clone(&self.around.nemesis);
        let pause = Duration::from_micros(self.entropy.below(2_000));
        let asked = async {
            sleep(pause).await;
            nemesis.sees(Moment::Asked);
        };
        let ((outcome, _), ()) = tokio::join!(self.around.ask(request, begin, made), asked);
        if matches!(outcome, Outcome::Status(200 | 400)) {
            self.around.nemesis.sees(Moment::Answered);
        }
        Ok(outcome)
    }

    fn lifetime_ns(&self) -> i64 {
        let lifetime = match self.is_repeating {
            true => LIFETIME,
            false => Duration::from_secs(3_600),
        };
        i64::try_from(lifetime.as_nanos()).unwrap_or(i64::MAX)
    }
}

/// A time of day, as it stands in requests.
pub(crate) fn text(wall: Wall) -> Result<String> {
    let time = Timestamp::from_nanosecond(i128::from(wall.0)).context("a time of day")?;
    Ok(time.to_string())
}
