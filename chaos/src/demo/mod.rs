//! The server, killed again and again while a real Prometheus sends to it.
//!
//! ```text
//!  Prometheus ──► recorder ──► the server ──► sink
//!                    │            ▲             │
//!                    │         nemesis          │
//!                    └──────────► ledger ◄──────┘
//! ```
//!
//! * **Sender** ([`sender`]): Prometheus with rules that fire always, and rules that come and go.
//! * **Recorder** ([`recorder`]): passes requests on as they are, and notes what was said and answered.
//!   That is how it is known what was acknowledged: neither Prometheus nor the server is asked.
//! * **Nemesis** ([`nemesis`]): sends SIGKILL at a chosen moment, and starts the server anew on the same
//!   port and data directory.
//! * **Sink** ([`sink`]): a webhook that notes what it was told.
//! * **Ledger** ([`ledger`]): compares the two notes. It knows no server and no clock.
//!
//! **Claims**
//! * A change that was answered with 200 is told, unless it was over again before it could be.
//! * No end is told that the sender never sent.
//! * What was told is not told again, but for notifications that a kill left in doubt; those come again
//!   with the same `Idempotency-Key` and the same content.
//! * Prometheus loses only what it sent while the server was down, and counts exactly that.
//!
//! Everything is on the loopback. Every process is ended by its own id when its handle is dropped, also
//! when a run fails.

#![expect(
    clippy::disallowed_methods,
    reason = "the harness starts real processes on real files"
)]

mod book;
pub mod ledger;
mod message;
pub mod nemesis;
mod recorder;
pub mod report;
mod sender;
mod sink;
mod target;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tocsin::sys::Clock;

use crate::harness::wait::until;
use book::Book;
use nemesis::{Moment, Nemesis};
use recorder::Recorder;
use report::Report;
use sender::Sender;
use sink::Sink;
use target::Target;

/// How long each step may take on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long Prometheus' counters may be behind what it was answered.
const BALANCE_PATIENCE: Duration = Duration::from_secs(5);

/// How long the server has for what it owes when Prometheus has stopped. Eight seconds after that alerts
/// begin to end by themselves, and to tell so is no fault.
const TELLING_PATIENCE: Duration = Duration::from_secs(6);

/// Changes that are acknowledged before the next kill, so that there is something to forget.
const CHANGES_BETWEEN_KILLS: usize = 3;

/// What to do.
#[derive(Debug)]
pub struct Options<'a> {
    /// The server's program.
    pub target: &'a Path,
    /// Prometheus' program.
    pub prometheus: &'a Path,
    /// Where files are made. It must be there.
    pub dir: &'a Path,
    /// The kills, one after the other.
    pub kills: &'a [Kill],
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// One kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    /// When.
    pub moment: Moment,
    /// The server stays down until so many requests were refused.
    pub refused_min: usize,
}

/// Time since the run began, and the wall clock.
#[derive(Debug, Clone)]
struct RunClock {
    clock: Arc<dyn Clock>,
    began: Duration,
}

impl RunClock {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let began = clock.monotonic();
        Self { clock, began }
    }

    fn elapsed(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.began)
    }
}

/// Does it all, and judges.
///
/// # Errors
/// That a program cannot be started, or does not do in time what has to happen before the next step.
pub async fn run(options: &Options<'_>, progress: &mut dyn Write) -> Result<Report> {
    let clock = RunClock::new(Arc::clone(&options.clock));
    let book = Arc::new(Book::default());
    let nemesis = Arc::new(Nemesis::new(clock.clone()));
    let sink = Sink::start(clock.clone(), Arc::clone(&book), Arc::clone(&nemesis)).await?;
    let target = Target::new(options.target, options.dir, sink.address)?;
    let upstream = target.address;
    let recorder = Recorder::start(clock.clone(), &book, &nemesis, upstream).await?;
    let mut say = |what: String| -> Result<()> {
        writeln!(progress, "{:>5.1} s  {what}", clock.elapsed().as_secs_f64())?;
        progress.flush()?;
        Ok(())
    };

    nemesis.put(target.spawn()?);
    target.ready(&nemesis).await?;
    say(format!("{} is ready", name(options.target)))?;
    let mut sender = Sender::start(options.prometheus, options.dir, recorder.address).await?;
    say("Prometheus is ready".to_owned())?;
    // Before it has found the server it drops what it cannot send to anybody.
    let unsent = until(
        "the first request of Prometheus",
        PATIENCE,
        async || match book.requests_in_all() {
            0 => None,
            _ => Some(sender.counted().await.ok()?.dropped),
        },
    );
    let unsent = unsent.await?;

    for kill in options.kills {
        let changes = book.changes_acknowledged() + CHANGES_BETWEEN_KILLS;
        until("changes to be acknowledged", PATIENCE, async || {
            (book.changes_acknowledged() >= changes).then_some(())
        })
        .await
        .with_context(|| target.log_tail())?;
        let refused = book.requests_not_acknowledged();
        nemesis.kill_at(kill.moment, PATIENCE).await?;
        say(format!("killed {}", kill.moment))?;
        until("Prometheus to be refused", PATIENCE, async || {
            let since = book.requests_not_acknowledged().saturating_sub(refused);
            (since >= kill.refused_min).then_some(())
        })
        .await?;
        nemesis.put(target.spawn()?);
        target.ready(&nemesis).await?;
        let outage = nemesis.ended();
        say(format!(
            "up again after {:.1} s; so far {} changes acknowledged, {} notifications",
            outage.down().as_secs_f64(),
            book.changes_acknowledged(),
            book.tellings()
        ))?;
    }

    let requests = book.requests_in_all();
    until(
        "every alert to be acknowledged again",
        PATIENCE,
        async || book.everything_acknowledged_since(requests).then_some(()),
    )
    .await?;
    let dropped = account(&sender, &book, unsent).await?;
    sender.end();
    say("Prometheus is stopped".to_owned())?;
    let outages = nemesis.outages();
    let settled = until("everything to be told", TELLING_PATIENCE, async || {
        let ledger = book.ledger(&outages);
        ledger.judged().faults.missing.is_empty().then_some(())
    })
    .await;
    if settled.is_err() {
        say("gave up waiting for what is missing".to_owned())?;
    }
    let judged = book.ledger(&outages).judged();
    nemesis.end();
    Ok(Report {
        kills: options.kills.iter().map(|kill| kill.moment).collect(),
        down: outages.iter().map(nemesis::Outage::down).sum(),
        took: clock.elapsed(),
        dropped,
        log: target.log,
        judged,
    })
}

/// What Prometheus says it lost, against what it was not acknowledged.
///
/// Both move as long as Prometheus sends: they are read until nothing happened in between. `unsent` are
/// those that it lost before it knew of the server.
async fn account(sender: &Sender, book: &Book, unsent: u64) -> Result<Dropped> {
    let read = async || {
        let before = book.requests_in_all();
        let counted = sender.counted().await.ok()?;
        let after = book.requests_in_all();
        let refused = book.alerts_not_acknowledged();
        (before == after && counted.queued == 0).then_some(Dropped {
            counted: counted.dropped.saturating_sub(unsent),
            refused,
        })
    };
    let balanced = until(
        "Prometheus' counters to balance",
        BALANCE_PATIENCE,
        async || read().await.filter(|it| it.counted == it.refused),
    );
    match balanced.await {
        Ok(dropped) => Ok(dropped),
        // They never did: the last reading tells how far they are apart.
        Err(_) => until("a quiet moment of Prometheus", PATIENCE, read).await,
    }
}

/// Alerts that Prometheus lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// By how much `prometheus_notifications_dropped_total` grew since the first request.
    pub counted: u64,
    /// Alerts in requests that were not acknowledged.
    pub refused: u64,
}

fn name(program: &Path) -> String {
    let name = program.file_name().unwrap_or(program.as_os_str());
    name.to_string_lossy().into_owned()
}

/// The kills of a demonstration: every moment, in turn.
#[must_use]
pub fn kills_in_turn(count: usize, refused_min: usize) -> Vec<Kill> {
    let moments = Moment::ALL.into_iter().cycle().take(count);
    moments
        .map(|moment| Kill {
            moment,
            refused_min,
        })
        .collect()
}

/// The program of Prometheus: on the `PATH`, or where `scripts/test-deps` puts it.
///
/// # Errors
/// That there is none, and how to get one.
pub fn find_prometheus(target_dir: &Path) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|dir| dir.join("prometheus"));
    let unpacked = target_dir.join("test-deps/prometheus");
    on_path
        .chain([unpacked])
        .find(|program| program.is_file())
        .context(
            "there is no prometheus on the PATH, and scripts/test-deps was not run: it fetches one",
        )
}
