//! The server in steps: the same parts, without threads, sockets, or a clock of its own.
//!
//! ```text
//!   backend().submit_alerts(…) ─► journal ─► commit() ─► work() ─► delivery's tasks ─► journal …
//! ```
//!
//! A simulator calls what threads do otherwise, in an order that it draws, on a disk and a clock that it
//! owns: one seed decides everything. It can stop between any two steps and drop all of it, which is what
//! a kill leaves. What is not here: HTTP, signals, the real receivers, and that two threads do something
//! at the same time.
//!
//! **Invariant:** nothing in here decides anything; what is decided, is decided by the parts.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration as StdDuration;

use rustls::RootCertStore;
use tokio::runtime::Handle;

use super::arrivals::Arrivals;
use super::backend::{Node, Running};
use super::checkpoints::{self, Checkpoints};
use super::dispatch::{Dispatcher, ResultJournal};
use super::engine::{self, Engine};
use super::journal::Journal;
use super::plan::{Plan, Workshop};
use super::recovery::{self, Opening, recover};
use super::reload::Reloader;
use super::shared::Shared;
use super::{DRAIN, Failure};
use crate::api::Backend;
use crate::cli::serve::flags::{Parsed, ServeOptions, parse};
use crate::core::{Core, Limits};
use crate::delivery::{Delivery, Intents, LaneId, World as DeliveryWorld};
use crate::model::Duration;
use crate::receivers::Integration;
use crate::receivers::webhook::OwnHeaders;
use crate::record::Record;
use crate::sys::{Clock, Entropy, MemoryFiles};
use crate::wal::{Environment, LogOptions, Lsn, OpenError};

/// Where the configuration seems to stand.
const CONFIG_FILE: &str = "/alertmanager.yml";

/// Arrivals of one [`Server::work`], as the engine's thread takes them.
const ARRIVALS_AT_ONCE_MAX: usize = 64;

/// A configuration with other integrations in the place of its own.
#[derive(Debug, Clone)]
pub struct Blueprint {
    plan: Arc<Plan>,
    workshop: Workshop,
    options: Arc<ServeOptions>,
}

impl Blueprint {
    /// Reads a configuration. Each of its integrations is replaced by what `stand_in` gives.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(
        config: &str,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        stand_in: fn(&LaneId) -> Arc<dyn Integration>,
    ) -> Result<Self, String> {
        let workshop = Workshop {
            files: Arc::new(MemoryFiles::new([(CONFIG_FILE, config)])),
            clock,
            entropy,
            // Nobody is called.
            roots: Arc::new(OnceLock::from(Arc::new(RootCertStore::empty()))),
            file: PathBuf::from(CONFIG_FILE),
            mode: crate::model::Mode::default(),
            limits: Limits::default(),
            retention: Duration::from_secs(120 * 60 * 60),
            recovery_grace: None,
            own_headers: OwnHeaders::Sent,
            stand_in: Some(stand_in),
        };
        let plan = workshop.plan().map_err(|fault| fault.to_string())?;
        Ok(Self {
            plan: Arc::new(plan),
            workshop,
            options: Arc::new(default_options()?),
        })
    }
}

/// What a server is opened with.
#[derive(Debug)]
pub struct Start<'a> {
    /// Disk, clock and randomness.
    pub environment: &'a Environment,
    /// The settings of the log.
    pub log: LogOptions,
    /// Its configuration.
    pub blueprint: &'a Blueprint,
    /// Where its tasks run.
    pub runtime: Handle,
}

/// The server.
pub struct Server {
    shared: Arc<Shared>,
    arrivals: Arc<Arrivals>,
    engine: Engine,
    node: Arc<Node>,
    delivery: Delivery,
    reloader: Reloader,
    checkpoints: Arc<Checkpoints>,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Server").finish_non_exhaustive()
    }
}

/// The flags as they are by default.
fn default_options() -> Result<ServeOptions, String> {
    match parse("tocsin", &[], &MemoryFiles::default()) {
        Parsed::Run(args) => args.options().map_err(|fault| fault.to_string()),
        Parsed::Text(text) | Parsed::Mistake(text) => Err(text),
    }
}

impl Server {
    /// Opens the store, recovers, and is ready.
    ///
    /// # Errors
    /// Why it cannot start.
    pub fn open(start: Start<'_>) -> Result<Self, Failure> {
        let environment = start.environment;
        let (clock, entropy) = (&environment.clock, &environment.entropy);
        let plan = Arc::clone(&start.blueprint.plan);
        let result_journal = Arc::new(ResultJournal(OnceLock::new()));
        let delivery = Delivery::new(DeliveryWorld {
            runtime: start.runtime.clone(),
            journal: Arc::clone(&result_journal) as _,
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
            intents: Intents::Off,
        });
        let recovered = recover(
            Opening {
                environment,
                options: start.log,
                threads: None,
                policy: Arc::clone(&plan.policy),
                start_delay: StdDuration::ZERO,
            },
            Box::new(|_| {}),
        )?;
        let arrivals = Arc::new(Arrivals::default());
        let journal = Journal::new(recovered.log, Arc::clone(&arrivals), recovered.applied);
        delivery.install(plan.installations.clone());
        let shared = Arc::new(Shared::new(
            recovered.core,
            Arc::new(journal),
            Arc::clone(clock),
            Arc::clone(entropy),
            plan,
            recovered.applied,
        ));
        // Nothing was sent before this.
        let _ = result_journal.0.set(Arc::clone(&shared));
        let dispatcher = Dispatcher {
            shared: Arc::clone(&shared),
            delivery: delivery.clone(),
            runtime: start.runtime,
            external_url: "http://localhost:9093".into(),
            crashes: Arc::new(recovered.crashes),
        };
        let checkpoints = Arc::new(Checkpoints::default());
        if recovered.report.wants_checkpoint() {
            checkpoints.ask();
        }
        let reloader = |gate| Reloader {
            shared: Arc::clone(&shared),
            workshop: start.blueprint.workshop.clone(),
            delivery: delivery.clone(),
            checkpoints: Arc::clone(&checkpoints),
            gate,
            is_last_successful: AtomicBool::new(true),
            last_success_at: AtomicI64::new(0),
        };
        let options = Arc::clone(&start.blueprint.options);
        let node = Arc::new(Node::new(options, "http://localhost".into(), clock.wall()));
        node.begin(Running {
            shared: Arc::clone(&shared),
            reloader: Arc::new(reloader(Mutex::default())),
            recovery: recovered.report.json(),
            history: Arc::new(None),
        });
        Ok(Self {
            engine: Engine::new(Arc::clone(&shared), Arc::clone(&arrivals), dispatcher),
            reloader: reloader(Mutex::default()),
            shared,
            arrivals,
            node,
            delivery,
            checkpoints,
        })
    }

    /// What the API asks. A request is a future, which ends when the steps that it needs have been taken.
    /// Lists, which are made on other threads, and reloads are not to be asked for here.
    #[must_use]
    pub fn backend(&self) -> Arc<impl Backend + use<>> {
        Arc::clone(&self.node)
    }

    /// Calls this whenever something waits for [`Self::commit`].
    pub fn wake_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.shared.journal.with_log(|log| log.wake_with(wake));
    }

    /// The log makes one batch of what waits durable. Whether anything waited.
    #[must_use]
    pub fn commit(&self) -> bool {
        let committed = self.shared.journal.with_log(crate::wal::Log::step);
        committed == Some(true)
    }

    /// The log's sign of life.
    pub fn beat(&self) {
        self.shared.journal.with_log(crate::wal::Log::beat);
    }

    /// The core applies what is durable, each record of which is shown to `seen`, and decides. For how
    /// long there is nothing to do after it, if nothing happens; `None` for ever.
    pub fn work(&mut self, mut seen: impl FnMut(Lsn, &Record)) -> Option<StdDuration> {
        let arrived = match self.arrivals.is_awaited() {
            true => self.arrivals.take(ARRIVALS_AT_ONCE_MAX, StdDuration::ZERO),
            false => None,
        };
        let arrived = arrived.unwrap_or_default();
        for arrival in &arrived {
            let mut lsn = arrival.first;
            for record in &arrival.records {
                seen(lsn, record);
                lsn = lsn.next();
            }
        }
        let sleep = self.engine.work(arrived);
        if sleep < engine::SLEEP_MAX {
            return Some(sleep);
        }
        // It would look now and then, in case the clock is set; whoever sets it here lets it look.
        let wake = self.shared.core().next_wake()?;
        let left = wake.0.saturating_sub(self.shared.clock.wall().0);
        let left = StdDuration::from_nanos(u64::try_from(left).unwrap_or(0));
        Some(left.max(sleep))
    }

    /// Whether something waits for [`Self::work`].
    #[must_use]
    pub fn has_arrivals(&self) -> bool {
        self.arrivals.is_awaited()
    }

    /// Whether a checkpoint was asked for since this was called last.
    #[must_use]
    pub fn takes_checkpoint(&self) -> bool {
        self.checkpoints.take_asked()
    }

    /// Takes a checkpoint.
    ///
    /// # Errors
    /// Why it could not be taken.
    pub fn checkpoint(&self) -> Result<(), OpenError> {
        checkpoints::take(&self.shared)
    }

    /// Goes by another configuration from now on.
    pub fn reload(&self, blueprint: &Blueprint) {
        self.reloader.put_in_force(&blueprint.plan);
    }

    /// Reads the state.
    pub fn read<T>(&self, read: impl FnOnce(&Core) -> T) -> T {
        read(&self.shared.core())
    }

    /// Why the process would end now.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.shared.failure()
    }

    /// The first part of an orderly stop: no new decisions, and notifications under way come to an end.
    /// The steps go on meanwhile.
    pub fn drain(&self) -> impl Future<Output = ()> + Send + use<> {
        self.shared.is_stopping.store(true, Ordering::Release);
        let delivery = self.delivery.clone();
        async move { delivery.shut_down(DRAIN).await }
    }

    /// The second part: a checkpoint, and the log is closed in order.
    ///
    /// # Errors
    /// Why the log could not be closed.
    pub fn close(self) -> Result<(), Failure> {
        // The next start reads the log instead.
        let _ = checkpoints::take(&self.shared);
        let closed = self.shared.journal.close();
        closed.map_err(|fault| Failure::Broken(format!("the log has failed: {fault}")))
    }
}

impl Drop for Server {
    /// A kill: nothing is written any more, and nobody is told.
    fn drop(&mut self) {
        self.shared.journal.abandon();
    }
}

/// The state that a log holds, without what a start would change.
///
/// # Errors
/// Why the store cannot be opened.
pub fn replay(
    environment: &Environment,
    log: &LogOptions,
    blueprint: &Blueprint,
) -> Result<Core, OpenError> {
    recovery::replay(environment, log, Arc::clone(&blueprint.plan.policy))
}
