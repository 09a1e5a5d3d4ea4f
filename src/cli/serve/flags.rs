//! The flags of the server: those of Alertmanager 0.34, and tocsin's own.
//!
//! ```text
//!   words ─► kingpin ─► words that clap reads alike ─► ServeArgs ─► ServeOptions
//!            grammar     (`--name=value`, no @file)      typed         validated, features parsed
//! ```
//!
//! **Rules**
//! * [`ServeArgs`] is the only list of flags: grammar, help, manual and completions come from it.
//! * What the command line means, which of its mistakes is told first, and in which words: kingpin's.
//! * A flag whose feature does not exist here is refused with the reason. What is taken and means
//!   nothing (a limit for Go's memory) is told in a note, for the log.

mod address;
mod completion;
mod external_url;
mod features;
mod kingpin;
mod options;
mod unsupported;
mod values;

use std::ffi::OsString;

use clap::{Args, CommandFactory, Parser};

pub use address::{AddressError, ListenAddress};
pub use external_url::{ExternalUrl, ExternalUrlError};
pub use features::{FeatureError, Features};
pub use options::{HistoryMode, Note, OptionsError, ServeOptions, TornTail, WalSync, WebOptions};
pub use values::{HistoryRetention, LogFormat, LogLevel};

use crate::model::Duration;
use crate::sys::Files;
use crate::wal::segment::SEGMENT_BYTES_DEFAULT;

/// The command line of the server, as it was written.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "tocsin",
    about = "An alertmanager that does not forget",
    after_help = "A boolean is switched off by --no-NAME. @FILE stands for the lines of that file.",
    disable_help_flag = true,
    disable_version_flag = true
)]
pub struct ServeArgs {
    /// Configuration file
    #[arg(
        long = "config.file",
        value_name = "FILE",
        default_value = "alertmanager.yml"
    )]
    pub config_file: String,
    /// Data directory: the log and its checkpoints; made if it is missing
    #[arg(long = "storage.path", value_name = "DIR", default_value = "data/")]
    pub storage_path: String,
    /// How long to keep what was notified, and silences that have ended
    #[arg(long = "data.retention", value_name = "DURATION", default_value = "120h", value_parser = values::duration)]
    pub data_retention: Duration,
    /// How often to drop what is not kept any longer
    #[arg(long = "data.maintenance-interval", value_name = "DURATION", default_value = "15m", value_parser = values::duration)]
    pub data_maintenance_interval: Duration,
    /// Most silences there may be, expired ones included; 0 for any number
    #[arg(long = "silences.max-silences", value_name = "N", default_value = "0", value_parser = values::int)]
    pub silences_max: i64,
    /// Most bytes of one silence; 0 for any number
    #[arg(long = "silences.max-silence-size-bytes", value_name = "N", default_value = "0", value_parser = values::int)]
    pub silence_bytes_max: i64,
    /// Log every silence that is made, changed or ended
    #[arg(long = "log.silences")]
    pub log_silences: bool,
    /// How often to drop alerts that are over
    #[arg(long = "alerts.gc-interval", value_name = "DURATION", default_value = "30m", value_parser = values::duration)]
    pub alerts_gc_interval: Duration,
    /// Most alerts with the same alertname; 0 for any number
    #[arg(long = "alerts.per-alertname-limit", value_name = "N", default_value = "0", value_parser = values::int)]
    pub alerts_per_name_max: i64,
    /// How often to drop groups that are empty
    #[arg(long = "dispatch.maintenance-interval", value_name = "DURATION", default_value = "30s", value_parser = values::duration)]
    pub dispatch_maintenance_interval: Duration,
    /// How long after the start to notify nobody yet
    #[arg(long = "dispatch.start-delay", value_name = "DURATION", default_value = "0s", value_parser = values::duration)]
    pub dispatch_start_delay: Duration,
    #[command(flatten)]
    web: WebArgs,
    /// Share of the memory that a Go program would take; checked, and otherwise without meaning here
    #[arg(long = "auto-gomemlimit.ratio", value_name = "RATIO", default_value = "0.9", value_parser = values::float)]
    pub auto_gomemlimit_ratio: f64,
    #[command(flatten)]
    cluster: unsupported::ClusterArgs,
    /// Features to enable, separated by commas
    #[arg(long = "enable-feature", value_name = "NAMES", default_value = "")]
    pub enable_feature: String,
    /// Least severity that is logged: debug, info, warn or error
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info", value_parser = values::log_level)]
    pub log_level: LogLevel,
    /// Shape of log lines: logfmt or json
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt", value_parser = values::log_format)]
    pub log_format: LogFormat,
    /// How long downtime may keep an alert firing beyond its end; by default the resolve timeout
    #[arg(long = "recovery.grace", value_name = "DURATION", value_parser = values::duration)]
    pub recovery_grace: Option<Duration>,
    /// What to do with a torn tail of the log, which held nothing acknowledged: tail (cut it off) or
    /// none (refuse to start)
    #[arg(long = "wal.repair", value_name = "HOW", default_value = "tail", value_parser = values::torn_tail)]
    pub wal_repair: TornTail,
    /// When the log is synced to disk: always (before every answer)
    #[arg(long = "wal.sync", value_name = "WHEN", default_value = "always", value_parser = values::wal_sync)]
    pub wal_sync: WalSync,
    /// Bytes of a segment of the log. For tests: what fills one should be little
    #[arg(long = "wal.segment-bytes", value_name = "BYTES", default_value_t = SEGMENT_BYTES_DEFAULT, value_parser = values::segment_bytes, hide = true)]
    pub wal_segment_bytes: u64,
    /// Where to keep the index that answers why somebody was told or not: sled (on disk), memory or off.
    /// Nothing else depends on it
    #[arg(long = "history", value_name = "WHERE", default_value = "sled", value_parser = values::history_mode)]
    pub history: HistoryMode,
    /// How long, and in how many bytes, history is kept; the older goes first
    #[arg(long = "history.retention", value_name = "DURATION,BYTES", default_value = "30d,1GB", value_parser = values::history_retention)]
    pub history_retention: HistoryRetention,
}

#[derive(Debug, Clone, Args)]
struct WebArgs {
    /// Use sockets passed by systemd
    #[arg(long = "web.systemd-socket")]
    systemd_socket: bool,
    /// Address to listen on; may be given several times
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        default_value = ":9093"
    )]
    listen_addresses: Vec<String>,
    /// File with TLS, users and headers of the web server
    #[arg(
        id = "web.config.file",
        long = "web.config.file",
        value_name = "FILE",
        default_value = ""
    )]
    config_file: String,
    /// URL by which others reach this server; by default made of the host's name and the port
    #[arg(long = "web.external-url", value_name = "URL", default_value = "")]
    external_url: String,
    /// Path below which everything is served; by default the path of the external URL
    #[arg(long = "web.route-prefix", value_name = "PATH", default_value = "")]
    route_prefix: String,
    /// Most GETs at once; 0 for 8, or one for each processor if there are more
    #[arg(long = "web.get-concurrency", value_name = "N", default_value = "0", value_parser = values::int)]
    get_concurrency: i64,
    /// How long a request may take; 0 for any time
    #[arg(long = "web.timeout", value_name = "DURATION", default_value = "0", value_parser = values::duration)]
    timeout: Duration,
}

/// What the words on the command line came to.
#[derive(Debug)]
pub enum Parsed {
    /// A server to be run.
    Run(Box<ServeArgs>),
    /// A text for standard output; the exit code is 0.
    Text(String),
    /// Not a command line. [`mistake_line`] goes to standard error; the exit code is 1.
    Mistake(String),
}

/// The line about a mistake. Alertmanager 0.34: `alertmanager: error: …, try --help`.
#[must_use]
pub fn mistake_line(program: &str, mistake: &str) -> String {
    format!("{program}: error: {mistake}, try --help")
}

/// Reads the words behind the program's own name. `program` is the name by which it was called,
/// without its directory.
#[must_use]
pub fn parse(program: &str, words: &[OsString], files: &dyn Files) -> Parsed {
    let command = ServeArgs::command().name(program.to_owned());
    let lexed = match kingpin::lex(&command, words, files) {
        Ok(lexed) => lexed,
        Err(mistake) => return Parsed::Mistake(mistake),
    };
    let found = match lexed {
        kingpin::Lexed::Flags(found) => found,
        kingpin::Lexed::Help => return Parsed::Text(help(command)),
        kingpin::Lexed::Version => {
            return Parsed::Text(crate::cli::program::version_text(program));
        }
        kingpin::Lexed::Manual => return Parsed::Text(completion::manual(command)),
        kingpin::Lexed::Complete(words) => {
            return Parsed::Text(completion::candidates(&command, &words));
        }
        kingpin::Lexed::Script(shell) => return Parsed::Text(completion::script(program, shell)),
    };
    let canonical = std::iter::once(program.to_owned()).chain(found.flags);
    match (ServeArgs::try_parse_from(canonical), found.repeated) {
        (Err(mistake), _) => Parsed::Mistake(value_mistake(&mistake)),
        (Ok(_), Some(name)) => Parsed::Mistake(format!("flag '{name}' cannot be repeated")),
        (Ok(args), None) => Parsed::Run(Box::new(args)),
    }
}

fn help(mut command: clap::Command) -> String {
    command.render_help().to_string()
}

/// What a value is wrong with: the parser's own words, as kingpin shows them.
fn value_mistake(mistake: &clap::Error) -> String {
    match std::error::Error::source(mistake) {
        Some(why) => why.to_string(),
        None => mistake.to_string().trim_end().to_owned(),
    }
}
