//! The server: the parts put together, from the first flag to the last byte.
//!
//! ```text
//!  configuration ─► listeners bound ─► log read, core rebuilt ─► ready ─► … ─► stop
//!                        └─► health is answered, everything else is 503 until ready
//!
//!  api ──► backend ──► journal ──► wal ──► engine (core) ──► dispatch ──► delivery ──► receivers
//!             └───────── reads ─────────────►┘                                └─► journal (results)
//! ```
//!
//! **Invariants**
//! * Nothing is acknowledged before it is durable, nothing is sent before its intent is durable.
//! * Overdue groups are decided on what was recovered, before the first request is taken in.
//! * When the log fails, or a thread panics without which there is no server, the process ends with code
//!   74, so that the next start recovers.
//!
//! **At a stop** (SIGTERM, SIGINT): no new connections, requests under way end; no new decisions;
//! notifications under way get [`DRAIN`] to end, the rest stays in doubt and is sent by the next start
//! with the same key; a checkpoint; the log is closed in order. Killed at any of these steps it is a
//! crash like any other.

mod arrivals;
mod backend;
mod checkpoints;
mod counts;
mod crashes;
mod dispatch;
mod engine;
mod history;
mod journal;
mod meters;
mod moved;
mod on_panic;
mod plan;
mod recovery;
mod reload;
mod shared;
pub mod stepped;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration as StdDuration;

use gotemplate::strconv::quote;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::api::metrics::{Metrics, ProcessMetrics};
use crate::api::serve::{Limits as HttpLimits, Web, log_listening, serve_with as serve_http};
use crate::api::service::{GETS_MAX, NoPages};
use crate::api::{Api, Options as ApiOptions};
use crate::cli::World;
use crate::cli::exit::{self, Exit};
use crate::cli::serve::flags::{ListenAddress, ServeArgs, ServeOptions, TornTail};
use crate::delivery::{Delivery, Intents, World as DeliveryWorld};
use crate::history::index::feed::Feed;
use crate::model::Duration;
use crate::node::logging;
use crate::wal::{LogOptions, OpenError, ThreadOptions};
use arrivals::Arrivals;
use backend::{Node, Running};
use checkpoints::Checkpoints;
use dispatch::{Dispatcher, ResultJournal};
use engine::Engine;
use journal::Journal;
use meters::{Meters, Source};
use on_panic::OnPanic;
use plan::Workshop;
use recovery::{Opening, Recovered, recover};
use reload::Reloader;
use shared::Shared;

/// The only tenant there is without `--tenancy`.
const TENANT: &str = "";

/// How long requests under way may take after a stop has begun. Alertmanager 0.34: 5 s.
const HTTP_GRACE: StdDuration = StdDuration::from_secs(5);

/// How long notifications under way may take after a stop has begun. What is cut off is sent again by
/// the next start.
const DRAIN: StdDuration = StdDuration::from_secs(5);

/// Why a server ended other than in order.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration cannot be used. Exit code 1.
    #[error("{0}")]
    Start(String),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The log has failed, or a part without which there is no server. Exit code 74.
    #[error("{0}")]
    Broken(String),
}

impl Failure {
    /// The exit code that goes with it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Start(_) => 1,
            Self::Store(error) => error.exit_code(),
            Self::Broken(_) => 74,
        }
    }
}

fn start(what: &str) -> impl FnOnce(io::Error) -> Failure {
    let what = what.to_owned();
    move |error| Failure::Start(format!("{what}: {error}"))
}

/// Runs the server as `tocsin` and `alertmanager` do: sets up the log lines, serves, and says how it
/// ended.
#[must_use]
pub fn run(args: &ServeArgs, world: &World) -> Exit {
    let logged = logging::Options {
        level: args.log_level,
        format: args.log_format,
    };
    // Without log lines the exit code has to do.
    let Ok(_logging) = logging::install(logged, Arc::clone(&world.clock)) else {
        return exit::INPUT_OUTPUT;
    };
    let options = match args.options() {
        Ok(options) => options,
        Err(mistake) => {
            mistake.log();
            return exit::FAULTY;
        }
    };
    for note in &options.notes {
        note.log();
    }
    info!(version = version(), "Starting Alertmanager");
    match serve(&options, world) {
        Ok(()) => exit::SOUND,
        Err(failure) => {
            error!(err = %failure, "alertmanager exited with error");
            Exit::of_code(failure.exit_code())
        }
    }
}

/// In the layout of Alertmanager's log line.
fn version() -> String {
    let version = backend::VERSION;
    format!("(version={version}, branch=unknown, revision=unknown)")
}

/// Serves until a signal says stop.
///
/// # Errors
/// Why it could not start, or go on.
pub fn serve(options: &ServeOptions, world: &World) -> Result<(), Failure> {
    let started_at = world.clock.wall();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("tocsin")
        .enable_all()
        .build()
        .map_err(start("start the threads of the server"))?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::new().map_err(start("listen to signals"))?
    };
    let options = Arc::new(options.clone());
    make_data_dir(&options.data_dir)?;
    let workshop = Workshop::new(&options, world);
    let plan = workshop
        .plan()
        .map_err(|fault| Failure::Start(format!("error loading configuration file: {fault}")))?;
    let bound = Bound::new(&runtime, &options.web.listen)?;
    let port = bound.addresses.first().map_or(0, SocketAddr::port);
    let external_url = options
        .web
        .external_url(&super::host_name(), port)
        .map_err(|fault| Failure::Start(fault.to_string()))?;
    let node = Arc::new(Node::new(
        Arc::clone(&options),
        external_url.url.as_str().into(),
        started_at,
    ));
    let http = Http::start(
        &runtime,
        bound,
        &options,
        external_url.route_prefix,
        &node,
        world,
    )?;
    let result_journal = Arc::new(ResultJournal(OnceLock::new()));
    let delivery = Delivery::new(DeliveryWorld {
        runtime: runtime.handle().clone(),
        journal: Arc::clone(&result_journal) as _,
        clock: Arc::clone(&world.clock),
        entropy: Arc::clone(&world.entropy),
        intents: Intents::Off,
    });
    let environment = world.environment(&options.data_dir);
    let probing = history::begin(&options, world);
    let opening = Opening {
        environment: &environment,
        options: LogOptions {
            drops_torn_tail: options.torn_tail == TornTail::Cut,
            segment_bytes: options.wal_segment_bytes,
            ..LogOptions::default()
        },
        threads: Some(ThreadOptions::default()),
        policy: Arc::clone(&plan.policy),
        start_delay: options.dispatch_start_delay.to_std(),
    };
    // It takes nothing in before there is an index.
    let feed = Arc::new(Feed::default());
    let fed = Arc::clone(&feed);
    let recovered = recover(opening, Box::new(move |batch| fed.offer(&batch)))?;
    let Recovered {
        core,
        log,
        applied,
        crashes,
        report,
    } = recovered;
    report.log();
    let arrivals = Arc::new(Arrivals::default());
    let journal = Arc::new(Journal::new(log, Arc::clone(&arrivals), applied));
    delivery.install(plan.installations.clone());
    let shared = Arc::new(Shared::new(
        core,
        journal,
        Arc::clone(&world.clock),
        Arc::clone(&world.entropy),
        Arc::new(plan),
        applied,
    ));
    // Nothing was sent before this, so nothing was refused.
    let _ = result_journal.0.set(Arc::clone(&shared));
    let dispatcher = Dispatcher {
        shared: Arc::clone(&shared),
        delivery: delivery.clone(),
        runtime: runtime.handle().clone(),
        external_url: external_url.url.as_str().into(),
        crashes: Arc::new(crashes),
    };
    let checkpoints = Arc::new(Checkpoints::default());
    let reloader = Arc::new(Reloader {
        shared: Arc::clone(&shared),
        workshop,
        delivery: delivery.clone(),
        checkpoints: Arc::clone(&checkpoints),
        gate: Mutex::default(),
        is_last_successful: AtomicBool::new(true),
        last_success_at: AtomicI64::new(started_at.0),
    });
    if report.has_other_configuration() {
        // What routed the alerts anew told nobody where they are now.
        let placements = shared.core().placements();
        shared.happened(shared.clock.wall(), placements);
    }
    let threads = Threads::start(
        &shared,
        &arrivals,
        dispatcher,
        &checkpoints,
        report.log_bytes(),
    )
    .map_err(start("start the threads of the server"))?;
    let history = Arc::new(history::start(&options, world, &shared, &feed, probing)?);
    http.meters.begin(Source {
        shared: Arc::clone(&shared),
        history: Arc::clone(&history),
        reloader: Arc::clone(&reloader),
        delivery: delivery.clone(),
    });
    if report.wants_checkpoint() {
        checkpoints.ask();
    }
    node.begin(Running {
        shared: Arc::clone(&shared),
        reloader: Arc::clone(&reloader),
        recovery: report.json(),
        history: Arc::clone(&history),
    });
    for address in &http.addresses {
        log_listening(&address.to_string(), http.web.as_deref());
    }
    runtime.block_on(signals.wait(&shared, &reloader));
    info!("Shutting down gracefully");
    info!("Received shutdown signal, exiting gracefully...");
    runtime.block_on(http.stop());
    shared.is_stopping.store(true, Ordering::Release);
    runtime.block_on(delivery.shut_down(DRAIN));
    let ended = threads.end(&shared, &checkpoints);
    if let Some(keeper) = &*history {
        keeper.stop();
    }
    runtime.shutdown_background();
    match shared.failure() {
        Some(cause) => Err(Failure::Broken(cause)),
        None => ended,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the disk handle is of a directory, which has to be there"
)]
fn make_data_dir(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    std::fs::create_dir_all(path)
        .map_err(start(&format!("unable to create data directory {shown}")))
}

/// Where connections will come from.
struct Bound {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

impl Bound {
    /// Binds all addresses.
    fn new(runtime: &Runtime, listen: &[ListenAddress]) -> Result<Self, Failure> {
        let mut bound = Self {
            listeners: Vec::new(),
            addresses: Vec::new(),
        };
        for address in listen {
            let text = quote(address.to_string().as_bytes());
            let failed = format!("alertmanager/app: listen {text}");
            let listener = runtime.block_on(bind(address)).map_err(start(&failed))?;
            bound
                .addresses
                .push(listener.local_addr().map_err(start(&failed))?);
            bound.listeners.push(listener);
        }
        Ok(bound)
    }
}

/// Without a host all addresses are meant, of both families where there are two.
async fn bind(address: &ListenAddress) -> io::Result<TcpListener> {
    if !address.host.is_empty() {
        return TcpListener::bind((address.host.as_str(), address.port)).await;
    }
    let both = TcpListener::bind((Ipv6Addr::UNSPECIFIED, address.port)).await;
    match both {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port)).await
        }
        bound => bound,
    }
}

/// The web configuration file. Alertmanager 0.34: a file that is wrong ends the start here.
fn open_web(path: &Path, world: &World) -> Result<Web, Failure> {
    let (files, clock) = (Arc::clone(&world.files), Arc::clone(&world.clock));
    Web::open(path, files, clock, world.entropy.as_ref())
        .map_err(|fault| Failure::Start(format!("alertmanager: HTTP listener failed: {fault}")))
}

/// Connections.
struct Http {
    meters: Arc<Meters>,
    web: Option<Arc<Web>>,
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    serving: JoinSet<()>,
}

impl Http {
    /// Serves what is bound.
    fn start(
        runtime: &Runtime,
        bound: Bound,
        options: &ServeOptions,
        route_prefix: String,
        node: &Arc<Node>,
        world: &World,
    ) -> Result<Self, Failure> {
        let web = match &options.web.config_file {
            None => None,
            Some(path) => Some(Arc::new(open_web(path, world)?)),
        };
        let mut registry = Registry::default();
        let metrics = Arc::new(Metrics::register(&mut registry));
        let meters = Arc::new(Meters::register(&mut registry, options));
        let filled = Arc::clone(&meters);
        metrics.before_scrape(move || filled.fill());
        let process = ProcessMetrics::register(&mut registry, Arc::clone(&world.files));
        metrics.before_scrape(move || process.read());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let api = Api::new(
            Arc::clone(node),
            Arc::clone(&world.clock),
            metrics,
            Arc::new(registry),
            ApiOptions {
                route_prefix,
                gets_max: options.web.gets_max.unwrap_or(GETS_MAX.max(processors)),
                processors,
                timeout: options.web.timeout.map(Duration::to_std),
            },
            Box::new(NoPages),
        );
        let api = Arc::new(api.map_err(|error| Failure::Start(error.to_string()))?);
        let (stop, stopped) = watch::channel(false);
        let mut serving = JoinSet::new();
        for listener in bound.listeners {
            let limits = HttpLimits {
                grace: HTTP_GRACE,
                ..HttpLimits::default()
            };
            let mut stopped = stopped.clone();
            let (api, web) = (Arc::clone(&api), web.clone());
            let serve = async move {
                let stop = async {
                    // That the sender is gone means that the process ends.
                    let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
                };
                serve_http(listener, api, limits, web, stop).await;
            };
            serving.spawn_on(serve, runtime.handle());
        }
        Ok(Self {
            web,
            addresses: bound.addresses,
            meters,
            stop,
            serving,
        })
    }

    /// Takes no connection any more, and waits for the requests under way.
    async fn stop(mut self) {
        // Nobody listens only if all have ended.
        let _ = self.stop.send(true);
        while self.serving.join_next().await.is_some() {}
    }
}

/// Signals that mean something.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a reason to stop, and reloads meanwhile when asked to.
    async fn wait(&mut self, shared: &Shared, reloader: &Arc<Reloader>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                () = shared.failed.notified() => return,
                _ = self.hang_up.recv() => {
                    let reloader = Arc::clone(reloader);
                    let reloaded = tokio::task::spawn_blocking(move || reloader.reload()).await;
                    let fault = match reloaded {
                        Ok(Ok(())) => continue,
                        Ok(Err(fault)) => fault,
                        Err(fault) => fault.to_string(),
                    };
                    error!(err = fault, "configuration reload failed");
                }
            }
        }
    }
}

/// The threads of core and checkpoints.
struct Threads {
    engine: std::thread::JoinHandle<()>,
    arrivals: Arc<Arrivals>,
    checkpoints: std::thread::JoinHandle<()>,
}

impl Threads {
    fn start(
        shared: &Arc<Shared>,
        arrivals: &Arc<Arrivals>,
        dispatcher: Dispatcher,
        checkpoints: &Arc<Checkpoints>,
        log_bytes: u64,
    ) -> io::Result<Self> {
        let engine = Engine::new(Arc::clone(shared), Arc::clone(arrivals), dispatcher);
        let watch = OnPanic({
            let (shared, arrivals) = (Arc::clone(shared), Arc::clone(arrivals));
            move || {
                shared.fail_because("the thread of the core panicked".to_owned());
                // The log must not wait for it.
                arrivals.end();
            }
        });
        let engine = std::thread::Builder::new()
            .name("core".to_owned())
            .spawn(move || {
                let _watch = watch;
                engine.run();
            })?;
        let watch = OnPanic({
            let shared = Arc::clone(shared);
            move || shared.fail_because("the thread of the checkpoints panicked".to_owned())
        });
        let (shared, handle) = (Arc::clone(shared), Arc::clone(checkpoints));
        let checkpoints = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || {
                let _watch = watch;
                handle.run(&shared, log_bytes);
            })?;
        Ok(Self {
            engine,
            arrivals: Arc::clone(arrivals),
            checkpoints,
        })
    }

    /// Takes a last checkpoint, closes the log, and ends both.
    fn end(self, shared: &Arc<Shared>, checkpoints: &Checkpoints) -> Result<(), Failure> {
        checkpoints.end();
        if self.checkpoints.join().is_err() {
            error!("The thread of the checkpoints panicked.");
        }
        if shared.failure().is_none()
            && let Err(fault) = checkpoints::take(shared)
        {
            warn!(component = "wal", err = %fault, "The last checkpoint could not be taken; the next start reads the log.");
        }
        let closed = shared.journal.close();
        self.arrivals.end();
        if self.engine.join().is_err() {
            error!("The thread of the core panicked.");
        }
        closed.map_err(|fault| Failure::Broken(format!("the log has failed: {fault}")))
    }
}
