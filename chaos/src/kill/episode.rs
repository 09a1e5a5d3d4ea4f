//! One run: a store, some dozens of kills, a heal, and what is then still owed.
//!
//! ```text
//!  senders ──► the server ──► sink          safety: until the last kill
//!  operator ──►    ▲            │           heal:   receivers are well, nobody kills
//!                nemesis ◄──────┘           liveness: for the bound, then a last look
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tocsin::sys::{Clock, Entropy};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::ground::Ground;
use super::nemesis::{Moment, Nemesis};
use super::operator;
use super::plan::{Plan, configuration, policy, stream};
use super::recorder::Recorder;
use super::sender::{LIFETIME, Sender, Signals, Surroundings};
use super::server::{Server, Started};
use super::sink::Sink;
use super::stalls::Stalls;
use crate::checker::ANY_TIME;
use crate::history::{Event, FORMAT, Labels, Policy, Then};

/// How long a trap waits for its moment.
const TRAP_PATIENCE: Duration = Duration::from_millis(1_500);

/// How long a ground that strikes at a start has for it.
const START_PATIENCE: Duration = Duration::from_millis(150);

/// Starts that end by themselves, one after the other, before the run is given up.
const STARTS_IN_VAIN_MAX: u32 = 3;

/// What is waited for beyond the bound, so that what is late is seen to be late.
const AFTER_THE_BOUND: Duration = Duration::from_millis(300);

/// After so much time a start has told of what was due before: what is acknowledged from then on is owed in
/// the usual way.
const CAUGHT_UP: Duration = Duration::from_millis(600);

/// Why the server stays down for longer than it takes to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outage {
    /// For any time.
    Any,
    /// What has just begun is due before the next start, and over before that can tell of it.
    OwedBeginning,
    /// Alerts that nobody could repeat would have ended.
    PastEnds,
}

impl Outage {
    /// The last one is rare, for it takes its time.
    const ALL: [Self; 7] = [
        Self::Any,
        Self::Any,
        Self::Any,
        Self::OwedBeginning,
        Self::OwedBeginning,
        Self::OwedBeginning,
        Self::PastEnds,
    ];

    fn lasts(self, entropy: &dyn Entropy) -> Duration {
        match self {
            Self::Any => Duration::from_millis(100 + entropy.below(1_000)),
            Self::OwedBeginning => Duration::from_millis(550 + entropy.below(300)),
            Self::PastEnds => LIFETIME + Duration::from_millis(entropy.below(500)),
        }
    }
}

/// Senders of a run, by their kind.
const SENDERS: [&str; 3] = ["once-1", "once-2", "again-1"];

/// Counters that are kept in the history.
const COUNTERS: [&str; 3] = [
    "alertmanager_alerts_received_total",
    "alertmanager_notification_requests_total",
    "alertmanager_notification_requests_failed_total",
];

/// Where a run leaves its history.
pub(crate) const HISTORY: &str = "history.jsonl";

/// Does it; the history is then in `dir`.
pub(crate) async fn run(
    program: &Path,
    dir: &Path,
    plan: Plan,
    clock: Arc<dyn Clock>,
    ground: Arc<dyn Ground>,
) -> Result<PathBuf> {
    let path = dir.join(HISTORY);
    let recorder = Arc::new(Recorder::create(&path, Arc::clone(&clock))?);
    let policy = policy();
    recorder.note(Event::Run {
        format: FORMAT,
        target: program.display().to_string(),
        seed: plan.seed,
        policy: policy.clone(),
    });
    let nemesis = Arc::new(Nemesis::new(Arc::clone(&recorder)));
    ground.begin(&recorder, &nemesis)?;
    let (sink, address) = Sink::start(Arc::clone(&recorder), Arc::clone(&nemesis), &policy).await?;
    let config = configuration(&policy, &address.to_string());
    let server = Arc::new(Server::new(program, dir, &config, Arc::clone(&recorder))?);
    let signals = Arc::new(Signals::default());
    let around = Surroundings {
        url: format!("http://{}", server.address),
        recorder: Arc::clone(&recorder),
        nemesis: Arc::clone(&nemesis),
        signals: Arc::clone(&signals),
    };
    let run = Run {
        plan,
        recorder: Arc::clone(&recorder),
        nemesis,
        server,
        ground,
    };
    let stalls = Stalls::watch(dir, Arc::clone(&recorder), clock)?;
    let result = run.drive(&sink, &policy, around, &signals).await;
    run.nemesis.end();
    drop(stalls);
    let ended = run.ground.end();
    recorder.finish()?;
    result?;
    ended?;
    Ok(path)
}

struct Run {
    plan: Plan,
    recorder: Arc<Recorder>,
    nemesis: Arc<Nemesis>,
    server: Arc<Server>,
    ground: Arc<dyn Ground>,
}

impl Run {
    async fn drive(
        &self,
        sink: &Sink,
        policy: &Policy,
        around: Surroundings,
        signals: &Signals,
    ) -> Result<()> {
        self.start().await?;
        // They end with the set at the latest, also when something fails.
        let mut tasks: JoinSet<Result<()>> = JoinSet::new();
        for name in SENDERS {
            tasks.spawn(Sender::new(name, self.plan, around.clone()).run());
        }
        if self.plan.silences {
            tasks.spawn(operator::silence(self.plan, around.clone()));
        }
        if self.plan.reloads {
            tasks.spawn(operator::reload(self.plan, around.clone()));
        }
        let mut sickness: JoinSet<()> = JoinSet::new();
        if self.plan.sick_receivers {
            for route in &policy.routes {
                for integration in &route.integrations {
                    let name = integration.name.clone();
                    sickness.spawn(sicken(self.plan, name, sink.clone()));
                }
            }
        }
        self.kill_again_and_again().await?;

        sickness.shutdown().await;
        for integration in policy.routes.iter().flat_map(|it| &it.integrations) {
            sink.set(&integration.name, Then::Ok);
        }
        signals.is_healed.store(true, Ordering::SeqCst);
        self.recorder.note(Event::Heal);
        sleep(Duration::from_millis(policy.bound_ms) + AFTER_THE_BOUND).await;
        signals.is_over.store(true, Ordering::SeqCst);
        while let Some(ended) = tasks.join_next().await {
            ended.context("a part of the harness panicked")??;
        }
        if let Some(code) = self.nemesis.ended() {
            self.recorder.note(Event::Exit {
                code,
                is_expected: false,
            });
            bail!(
                "the server ended by itself when all was healed\n{}",
                self.server.log_tail()
            );
        }
        self.look().await?;
        for text in self.server.panics() {
            self.recorder.note(Event::Panic { text });
        }
        self.recorder.note(Event::End);
        Ok(())
    }

    /// Starts the server, and waits until it is ready; tries again if it ends by itself.
    async fn start(&self) -> Result<()> {
        for _ in 0..STARTS_IN_VAIN_MAX {
            self.nemesis.bury().await?;
            let began = Instant::now();
            self.nemesis.put(self.server.spawn()?);
            if self.server.ready(|| self.nemesis.ended(), false).await? == Started::Ready {
                let pid = self.nemesis.pid();
                let resources = pid.and_then(|pid| self.server.resources(pid, began.elapsed()));
                if let Some(resources) = resources {
                    self.recorder.note(resources);
                }
                return Ok(());
            }
        }
        bail!(
            "the server ended by itself {STARTS_IN_VAIN_MAX} times, one after the other\n{}",
            self.server.log_tail()
        )
    }

    async fn kill_again_and_again(&self) -> Result<()> {
        let entropy = stream(self.plan.seed, "nemesis");
        let one_in = |share: u64| entropy.below(share) == 0;
        for _ in 0..self.plan.kills {
            self.ground.up();
            let outage = match self.plan.downtimes && one_in(4) {
                true => Some(Outage::ALL[entropy.below(Outage::ALL.len() as u64) as usize]),
                false => None,
            };
            let up = match outage {
                Some(Outage::OwedBeginning) => CAUGHT_UP,
                _ => Duration::from_millis(entropy.below(self.plan.up_ms_max)),
            };
            sleep(up).await;
            if self.plan.holds && one_in(6) {
                let time = Duration::from_millis(20 + entropy.below(300));
                self.nemesis.hold(time).await?;
                sleep(Duration::from_millis(entropy.below(100))).await;
            }
            match one_in(3) {
                _ if outage == Some(Outage::OwedBeginning) => {
                    self.nemesis.kill_at(Moment::Began, TRAP_PATIENCE).await;
                }
                true => self.nemesis.kill(ANY_TIME),
                false => {
                    let moment = Moment::ALL[entropy.below(Moment::ALL.len() as u64) as usize];
                    let moment = match moment {
                        Moment::Silenced if !self.plan.silences => Moment::Told,
                        moment => moment,
                    };
                    self.nemesis.kill_at(moment, TRAP_PATIENCE).await;
                }
            }
            self.ground.between_lives()?;
            if let Some(outage) = outage {
                sleep(outage.lasts(&entropy)).await;
            }
            while self.plan.early_kills && one_in(5) {
                self.nemesis.bury().await?;
                self.nemesis.put(self.server.spawn()?);
                match self.ground.strikes_at_a_start() {
                    true => self.nemesis.kill_at(Moment::Starting, START_PATIENCE).await,
                    false => {
                        sleep(Duration::from_millis(entropy.below(100))).await;
                        self.nemesis.kill("during a start");
                    }
                }
                self.ground.between_lives()?;
            }
            self.start().await?;
        }
        Ok(())
    }

    /// The last look.
    async fn look(&self) -> Result<()> {
        let alerts: Vec<Shown> = serde_json::from_str(&self.server.get("/api/v2/alerts").await?)?;
        let groups: Vec<Group> =
            serde_json::from_str(&self.server.get("/api/v2/alerts/groups").await?)?;
        let silences: Vec<ShownSilence> =
            serde_json::from_str(&self.server.get("/api/v2/silences").await?)?;
        let labels = |shown: Vec<Shown>| -> Vec<Labels> {
            shown.into_iter().map(|alert| alert.labels).collect()
        };
        let grouped = groups.into_iter().flat_map(|group| group.alerts).collect();
        self.recorder.note(Event::View {
            alerts: labels(alerts),
            grouped: labels(grouped),
            silences: silences
                .into_iter()
                .filter(|silence| silence.status.state == "active")
                .map(|silence| silence.comment)
                .collect(),
        });
        let page = self.server.get("/metrics").await?;
        let values = COUNTERS
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), sum(&page, name)?)));
        self.recorder.note(Event::Metrics {
            values: values.collect(),
        });
        Ok(())
    }
}

#[derive(Deserialize)]
struct Shown {
    labels: Labels,
}

#[derive(Deserialize)]
struct Group {
    alerts: Vec<Shown>,
}

#[derive(Deserialize)]
struct ShownSilence {
    comment: String,
    status: ShownStatus,
}

#[derive(Deserialize)]
struct ShownStatus {
    state: String,
}

/// A counter, summed over its series.
fn sum(page: &str, name: &str) -> Option<f64> {
    let values = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let is_it = rest.starts_with(' ') || rest.starts_with('{');
        is_it.then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

/// Lets a receiver fail in some way for a while, again and again.
async fn sicken(plan: Plan, integration: String, sink: Sink) {
    const WAYS: [Then; 6] = [
        Then::ClientError,
        Then::ServerError,
        Then::Hang,
        Then::Trickle,
        Then::Reset,
        Then::Lose,
    ];
    let entropy = stream(plan.seed, &integration);
    loop {
        sleep(Duration::from_millis(2_000 + entropy.below(10_000))).await;
        sink.set(
            &integration,
            WAYS[entropy.below(WAYS.len() as u64) as usize],
        );
        sleep(Duration::from_millis(200 + entropy.below(1_500))).await;
        sink.set(&integration, Then::Ok);
    }
}
