//! The configuration in force, made ready: what the core, delivery and the API need of it.
//!
//! Everything that can fail about a configuration fails here, before anything is replaced: a reload
//! either has a whole plan or changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use gotemplate::strconv::quote;
use gotemplate::time::{Time, Zone};
use rustls::RootCertStore;
use tracing::{info, warn};

use crate::api::backend;
use crate::cli::serve::flags::ServeOptions;
use crate::config::yaml::MatcherWarning;
use crate::config::{self, Config};
use crate::core::{self, InhibitRule, Limits, OnInDoubt, Policy};
use crate::delivery::{Installation, LaneId};
use crate::model::matcher::Warning;
use crate::model::{Duration, LabelSet, RouteTree, TimeInterval};
use crate::receivers::http_client;
use crate::receivers::webhook::OwnHeaders;
use crate::receivers::{Integration, Kit, build};
use crate::sys::{Clock, Entropy, Files};
use crate::template::{self, Templates};

/// Gives the integration of a lane.
pub(super) type StandIn = fn(&LaneId) -> Arc<dyn Integration>;

/// What a plan is made with.
#[derive(Debug, Clone)]
pub(super) struct Workshop {
    pub(super) files: Arc<dyn Files>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    /// Whom to trust; read when the first integration is made.
    pub(super) roots: Arc<OnceLock<Arc<RootCertStore>>>,
    pub(super) file: PathBuf,
    pub(super) mode: crate::model::Mode,
    pub(super) limits: Limits,
    pub(super) retention: Duration,
    pub(super) recovery_grace: Option<Duration>,
    pub(super) own_headers: OwnHeaders,
    /// Takes the place of integrations; for simulations.
    pub(super) stand_in: Option<StandIn>,
}

/// A configuration, ready for use.
#[derive(Debug)]
pub(super) struct Plan {
    /// `alertmanager_config_hash`.
    pub(super) hash: u64,
    /// As the status page shows it.
    pub(super) rendered: Arc<str>,
    /// What the core goes by.
    pub(super) policy: Arc<Policy>,
    /// All receivers, in their order.
    pub(super) receivers: Arc<[backend::Receiver]>,
    /// The same with their integrations, to see what another configuration changes.
    pub(super) configured: Vec<config::Receiver>,
    /// The integrations of the receivers that routes name.
    pub(super) installations: Vec<Installation>,
    /// The templates.
    pub(super) templates: Arc<Templates>,
    /// When an alert without an end is over.
    pub(super) resolve_timeout: Duration,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlanError {
    /// It cannot be read, or is wrong.
    #[error(transparent)]
    Load(#[from] config::LoadError),
    /// A template is wrong.
    #[error("{entry}: {source}")]
    Template {
        /// The entry of `templates`, or the file.
        entry: String,
        /// What is wrong.
        source: template::load::LoadError,
    },
    /// A receiver cannot be made.
    #[error("receiver {name}: {source}")]
    Receiver {
        /// Its name, quoted.
        name: String,
        /// Why.
        source: http_client::BuildError,
    },
}

impl Workshop {
    /// Reads the configuration file and makes everything that it asks for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn plan(&self) -> Result<Plan, PlanError> {
        let options = config::Options {
            mode: self.mode,
            local_zone: self.clock.local_zone(),
        };
        let loaded = config::load_file(self.files.as_ref(), &self.file, &options)?;
        for MatcherWarning { input, warning, .. } in &loaded.warnings {
            match warning {
                Warning::Incompatible { error, suggestion } => warn!(
                    input, origin = "config", err = %error, suggestion, "{}", warning.message()
                ),
                Warning::Disagreement => warn!(input, origin = "config", "{}", warning.message()),
            }
        }
        let config = loaded.config;
        let templates = Arc::new(self.templates(&config)?);
        let routes = config.route_tree();
        let in_use: BTreeSet<&str> = routes.routes().iter().map(|it| &*it.receiver).collect();
        let mut integrations = BTreeMap::new();
        let mut installations = Vec::new();
        let has_integrations = config
            .receivers()
            .iter()
            .any(|it| in_use.contains(it.name.as_str()) && it.integration_count() > 0);
        let kit = Kit {
            templates: Arc::clone(&templates),
            world: self.http(has_integrations),
            own_headers: self.own_headers,
        };
        for receiver in config.receivers() {
            if !in_use.contains(receiver.name.as_str()) {
                info!(
                    component = "configuration",
                    receiver = receiver.name,
                    "skipping creation of receiver not referenced by any route"
                );
                continue;
            }
            let built = build(receiver, &kit).map_err(|source| PlanError::Receiver {
                name: quote(receiver.name.as_bytes()),
                source,
            })?;
            let of_core = built.iter().map(|it| core::Integration {
                name: it.id.kind.as_str().into(),
                index: it.id.index,
                send_resolved: it.send_resolved,
                on_in_doubt: OnInDoubt::Resend,
            });
            integrations.insert(Arc::from(receiver.name.as_str()), of_core.collect());
            installations.extend(built.into_iter().map(|it| {
                let lane = LaneId {
                    tenant: super::TENANT.to_owned(),
                    receiver: receiver.name.clone(),
                    integration: it.id,
                };
                Installation {
                    integration: self.stand_in.map_or(it.integration, |make| make(&lane)),
                    lane,
                    send_resolved: it.send_resolved,
                }
            }));
        }
        warn_of_times(&routes, self.retention);
        let resolve_timeout = config.global().resolve_timeout;
        let receivers = config.receivers().iter().map(|it| backend::Receiver {
            name: it.name.as_str().into(),
            labels: LabelSet::new(&it.labels),
        });
        Ok(Plan {
            hash: config.hash(),
            rendered: config.rendered().into(),
            receivers: receivers.collect(),
            configured: config.receivers().to_vec(),
            policy: Arc::new(self.policy(&config, routes, integrations)),
            installations,
            templates,
            resolve_timeout,
        })
    }

    fn templates(&self, config: &Config) -> Result<Templates, PlanError> {
        let clock = Arc::clone(&self.clock);
        let local = Zone::with_rules("Local", clock.local_zone());
        let zone = local.clone();
        let options = template::Options {
            now: Arc::new(move || time_of(clock.wall().0, &zone)),
            local_zone: local,
            ..template::Options::default()
        };
        // The patterns are resolved already.
        let loaded = Templates::load(&options, self.files.as_ref(), "", config.templates());
        loaded.map_err(|source| PlanError::Template {
            entry: source.entry.clone(),
            source,
        })
    }

    fn policy(
        &self,
        config: &Config,
        routes: RouteTree,
        receivers: BTreeMap<Arc<str>, Vec<core::Integration>>,
    ) -> Policy {
        let rules = config.inhibit_rules().iter().map(|rule| InhibitRule {
            name: rule.name.clone(),
            source: rule.sources(),
            target: rule.targets(),
            equal: rule.equal.clone(),
        });
        let mut intervals: BTreeMap<String, Vec<TimeInterval>> = BTreeMap::new();
        for named in config.mute_time_intervals() {
            let values = named.time_intervals.iter().map(config::Interval::value);
            intervals.insert(named.name.clone(), values.collect());
        }
        for named in config.time_intervals() {
            let values = named.time_intervals.iter().map(config::Interval::value);
            intervals.insert(named.name.clone(), values.collect());
        }
        let resolve_timeout = config.global().resolve_timeout;
        let mut policy = Policy::new(routes, receivers);
        policy.hash = config.hash();
        policy.inhibit_rules = rules.collect();
        policy.time_intervals = intervals;
        policy.resolve_timeout = resolve_timeout;
        policy.recovery_grace = self.recovery_grace.unwrap_or(resolve_timeout);
        policy.retention = self.retention;
        policy.limits = self.limits;
        policy
    }
}

impl Workshop {
    /// What the flags say, and the world.
    pub(super) fn new(options: &ServeOptions, world: &crate::cli::World) -> Self {
        Self {
            files: Arc::clone(&world.files),
            clock: Arc::clone(&world.clock),
            entropy: Arc::clone(&world.entropy),
            roots: Arc::default(),
            file: options.config_file.clone(),
            mode: options.features.mode,
            limits: Limits {
                alerts_per_name: options.alerts_per_name_max,
                silences: options.silences_max,
                silence_bytes: options.silence_bytes_max,
                groups: None,
            },
            retention: options.retention,
            recovery_grace: options.recovery_grace,
            own_headers: OwnHeaders::Sent,
            stand_in: None,
        }
    }

    /// What clients need. The certificates of the system are some fifty milliseconds' work, so that they
    /// are not read where there is nobody to talk to.
    fn http(&self, has_integrations: bool) -> http_client::World {
        let roots = match has_integrations {
            false => Arc::new(RootCertStore::empty()),
            true => Arc::clone(self.roots.get_or_init(|| {
                let (roots, problems) = crate::node::system_roots();
                for problem in problems {
                    warn!(err = problem, "A certificate of the system cannot be used.");
                }
                Arc::new(roots)
            })),
        };
        http_client::World {
            files: Arc::clone(&self.files),
            roots,
            proxies: crate::node::proxy_environment(),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
        }
    }

    /// The configuration file, for log lines.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }
}

/// Alertmanager 0.34 warns of repeat intervals that cannot be kept, once for each route.
fn warn_of_times(routes: &RouteTree, retention: Duration) {
    for route in routes.routes() {
        let key = routes.key(route.index);
        if route.repeat_interval > retention {
            warn!(
                component = "configuration",
                repeat_interval = %route.repeat_interval.go(),
                retention = %retention.go(),
                route = key,
                "repeat_interval is greater than the data retention period. It can lead to notifications being repeated more often than expected."
            );
        }
        if route.repeat_interval < route.group_interval {
            warn!(
                component = "configuration",
                repeat_interval = %route.repeat_interval.go(),
                group_interval = %route.group_interval.go(),
                route = key,
                "repeat_interval is less than group_interval. Notifications will not repeat until the next group_interval."
            );
        }
    }
}

/// A time of the clock as templates have it.
pub(super) fn time_of(wall_ns: i64, zone: &Zone) -> Time {
    let seconds = wall_ns.div_euclid(1_000_000_000);
    let nanos = u32::try_from(wall_ns.rem_euclid(1_000_000_000)).unwrap_or(0);
    Time::from_unix(seconds, nanos, zone.clone())
}
