//! What the flags mean: checked, in the types of those who use them.

use std::path::PathBuf;

use super::{AddressError, ExternalUrl, ExternalUrlError, FeatureError, Features, ListenAddress};
use super::{LogFormat, LogLevel, ServeArgs};
use crate::model::Duration;

/// What to do with a torn tail of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TornTail {
    /// Cut it off and go on.
    #[default]
    Cut,
    /// Do not start.
    Refuse,
}

/// When the log is synced to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WalSync {
    /// Before every answer.
    #[default]
    Always,
}

/// Where the index of history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistoryMode {
    /// On disk, in sled.
    #[default]
    Sled,
    /// In memory, and only as much as fits.
    Memory,
    /// Nowhere.
    Off,
}

/// How to run the server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServeOptions {
    /// The configuration file.
    pub config_file: PathBuf,
    /// The data directory.
    pub data_dir: PathBuf,
    /// How long notification log entries and ended silences are kept; more than 0.
    pub retention: Duration,
    /// How often they are collected; more than 0.
    pub maintenance_interval: Duration,
    /// Silences, expired ones included.
    pub silences_max: Option<u32>,
    /// Bytes of one silence as a protobuf message.
    pub silence_bytes_max: Option<u32>,
    /// Whether silences are logged when they are made, changed or ended.
    pub logs_silences: bool,
    /// How often alerts that are over are dropped; more than 0.
    pub alerts_gc_interval: Duration,
    /// Firing alerts with the same name.
    pub alerts_per_name_max: Option<u32>,
    /// How often groups that are empty are dropped; more than 0.
    pub dispatch_maintenance_interval: Duration,
    /// How long after the start nobody is notified.
    pub dispatch_start_delay: Duration,
    /// How long downtime may keep an alert firing; `None` for the resolve timeout of its tenant.
    pub recovery_grace: Option<Duration>,
    /// What to do with a torn tail of the log.
    pub torn_tail: TornTail,
    /// When the log is synced.
    pub wal_sync: WalSync,
    /// Bytes of a segment of the log.
    pub wal_segment_bytes: u64,
    /// Where the index of history is kept.
    pub history: HistoryMode,
    /// How long history is kept; more than 0.
    pub history_retention: Duration,
    /// Bytes that the index of history may take.
    pub history_bytes_max: u64,
    /// The web server.
    pub web: WebOptions,
    /// What is enabled.
    pub features: Features,
    /// Least severity that is logged.
    pub log_level: LogLevel,
    /// Shape of log lines.
    pub log_format: LogFormat,
    /// What an operator should be told before anything else, in this order.
    pub notes: Vec<Note>,
}

/// How to serve HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOptions {
    /// Where to listen; at least one.
    pub listen: Vec<ListenAddress>,
    /// TLS, users and headers.
    pub config_file: Option<PathBuf>,
    /// The external URL, if it was given; else it is made when the port is known, see
    /// [`Self::external_url`].
    pub given_url: Option<ExternalUrl>,
    /// The flag as it was written; may be empty.
    route_prefix: String,
    /// GETs at once; `None` for 8, or one for each processor if there are more.
    pub gets_max: Option<usize>,
    /// How long a request may take.
    pub timeout: Option<Duration>,
}

/// Intervals at which Alertmanager tidies up, by default, and what is said of another one: the core
/// drops what is over at times of its own, which the log makes the same in every run.
const DATA_MAINTENANCE: (Duration, &str) = (
    Duration::from_secs(15 * 60),
    "--data.maintenance-interval has no effect: what has expired is dropped at times of its own",
);
const ALERTS_GC: (Duration, &str) = (
    Duration::from_secs(30 * 60),
    "--alerts.gc-interval has no effect: alerts that are over are dropped at times of their own",
);
const DISPATCH_MAINTENANCE: (Duration, &str) = (
    Duration::from_secs(30),
    "--dispatch.maintenance-interval has no effect: empty groups are dropped at times of their own",
);

/// A line for the log, of severity `WARN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note(pub &'static str);

/// Why a server cannot be run with these flags. The exit code is 1.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// A list of features that is none.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// A share of the memory that is none.
    #[error("--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1.")]
    MemoryRatio,
    /// A flag that is empty and must not be.
    #[error("alertmanager/app: Options.{0} is required")]
    Missing(&'static str),
    /// A duration of 0 or less.
    #[error("alertmanager/app: Options.{0} must be positive")]
    NotPositive(&'static str),
    /// Nothing can listen there.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// No external URL.
    #[error(transparent)]
    ExternalUrl(#[from] ExternalUrlError),
    /// A flag of something that is not there.
    #[error("--{flag} is not part of this version: {way_out}")]
    Unsupported {
        /// Its name.
        flag: &'static str,
        /// What to do instead.
        way_out: &'static str,
    },
}

impl OptionsError {
    /// Logs it, with Alertmanager's message.
    pub fn log(&self) {
        match self {
            Self::Features(error) => {
                tracing::error!(err = %error, "error parsing the feature flag list");
            }
            Self::MemoryRatio => tracing::error!("{self}"),
            _ => tracing::error!(err = %self, "alertmanager exited with error"),
        }
    }
}

impl Note {
    /// Logs it.
    pub fn log(self) {
        tracing::warn!("{}", self.0);
    }
}

impl ServeArgs {
    /// Checks what the flags say together.
    ///
    /// # Errors
    /// The first thing that is wrong, in the order in which Alertmanager 0.34 looks.
    pub fn options(&self) -> Result<ServeOptions, OptionsError> {
        let features = Features::parse(&self.enable_feature)?;
        let is_share = self.auto_gomemlimit_ratio > 0.0 && self.auto_gomemlimit_ratio <= 1.0;
        if features.auto_gomemlimit && !is_share {
            return Err(OptionsError::MemoryRatio);
        }
        self.check_required()?;
        self.check_supported(&features)?;
        Ok(ServeOptions {
            config_file: PathBuf::from(&self.config_file),
            data_dir: PathBuf::from(&self.storage_path),
            retention: self.data_retention,
            maintenance_interval: self.data_maintenance_interval,
            silences_max: bound(self.silences_max),
            silence_bytes_max: bound(self.silence_bytes_max),
            logs_silences: self.log_silences,
            alerts_gc_interval: self.alerts_gc_interval,
            alerts_per_name_max: bound(self.alerts_per_name_max),
            dispatch_maintenance_interval: self.dispatch_maintenance_interval,
            dispatch_start_delay: self.dispatch_start_delay,
            recovery_grace: self.recovery_grace,
            torn_tail: self.wal_repair,
            wal_sync: self.wal_sync,
            wal_segment_bytes: self.wal_segment_bytes,
            history: self.history,
            history_retention: self.history_retention.time,
            history_bytes_max: self.history_retention.bytes,
            web: self.web_options()?,
            features,
            log_level: self.log_level,
            log_format: self.log_format,
            notes: self.notes(&features),
        })
    }

    fn check_required(&self) -> Result<(), OptionsError> {
        if self.config_file.is_empty() {
            return Err(OptionsError::Missing("ConfigFile"));
        }
        if self.storage_path.is_empty() {
            return Err(OptionsError::Missing("DataDir"));
        }
        let positive = [
            ("Retention", self.data_retention),
            ("MaintenanceInterval", self.data_maintenance_interval),
            ("AlertGCInterval", self.alerts_gc_interval),
            (
                "DispatchMaintenanceInterval",
                self.dispatch_maintenance_interval,
            ),
        ];
        match positive
            .into_iter()
            .find(|(_, value)| *value <= Duration::ZERO)
        {
            Some((name, _)) => Err(OptionsError::NotPositive(name)),
            None => Ok(()),
        }
    }

    fn check_supported(&self, features: &Features) -> Result<(), OptionsError> {
        let unsupported = |flag, way_out| Err(OptionsError::Unsupported { flag, way_out });
        if self.web.systemd_socket {
            return unsupported("web.systemd-socket", "use --web.listen-address");
        }
        if features.event_recorder {
            return unsupported("enable-feature=event-recorder", "leave it out");
        }
        match self.cluster.asked_for() {
            Some(flag) => unsupported(
                flag,
                "there is no cluster yet; switch it off with --cluster.listen-address=",
            ),
            None => Ok(()),
        }
    }

    fn web_options(&self) -> Result<WebOptions, OptionsError> {
        let web = &self.web;
        let addresses = web.listen_addresses.iter();
        let listen: Vec<_> = addresses
            .map(|text| ListenAddress::parse(text))
            .collect::<Result<_, _>>()?;
        let given_url = match web.external_url.as_str() {
            "" => None,
            url => Some(ExternalUrl::parse(url, &web.route_prefix)?),
        };
        Ok(WebOptions {
            listen,
            config_file: (!web.config_file.is_empty()).then(|| PathBuf::from(&web.config_file)),
            given_url,
            route_prefix: web.route_prefix.clone(),
            gets_max: usize::try_from(web.get_concurrency)
                .ok()
                .filter(|max| *max > 0),
            timeout: Some(web.timeout).filter(|timeout| *timeout > Duration::ZERO),
        })
    }

    fn notes(&self, features: &Features) -> Vec<Note> {
        let mut notes: Vec<Note> = Features::warnings(&self.enable_feature)
            .into_iter()
            .map(Note)
            .collect();
        if features.auto_gomemlimit {
            notes.push(Note(
                "There is no Go here whose memory could be limited: auto-gomemlimit has no effect",
            ));
        }
        if self.cluster.is_on() {
            notes.push(Note(
                "Clustering is not part of this version: running alone, as with --cluster.listen-address=",
            ));
        }
        let intervals = [
            (self.data_maintenance_interval, DATA_MAINTENANCE),
            (self.alerts_gc_interval, ALERTS_GC),
            (self.dispatch_maintenance_interval, DISPATCH_MAINTENANCE),
        ];
        let changed = intervals
            .into_iter()
            .filter(|(value, (default, _))| value != default);
        notes.extend(changed.map(|(_, (_, note))| Note(note)));
        notes
    }
}

impl WebOptions {
    /// The external URL of a server on that host, which listens on that port (the first one, if there
    /// are several).
    ///
    /// # Errors
    /// That the host's name makes no URL.
    pub fn external_url(&self, hostname: &str, port: u16) -> Result<ExternalUrl, ExternalUrlError> {
        match &self.given_url {
            Some(url) => Ok(url.clone()),
            None => ExternalUrl::of_host(hostname, port, &self.route_prefix),
        }
    }
}

/// A bound; 0 and less mean that there is none. More than fits is as good as none, but stays one.
fn bound(value: i64) -> Option<u32> {
    (value > 0).then(|| u32::try_from(value).unwrap_or(u32::MAX))
}
