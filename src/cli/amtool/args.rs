//! The command line of `amtool`.
//!
//! Alertmanager 0.34 reads its command line with kingpin; what an operator can see of that is kept:
//! flags of the program stand anywhere, `--[no-]flag` for booleans, `@file` for arguments out of a
//! file, groups with a default command, and the texts of the errors.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::sys::Files;

/// An `@file` with arguments is not longer than this: far more than a command line may be.
const ARGUMENT_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// The columns that matter.
    Simple,
    /// All columns.
    Extended,
    /// What the server said.
    Json,
}

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "amtool",
    about = "View and modify the current Alertmanager state",
    disable_version_flag = true,
    args_override_self = false,
    arg_required_else_help = false
)]
pub(super) struct Amtool {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// The flags of the program.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Format of dates, as Go writes it
    #[arg(
        long = "date.format",
        global = true,
        value_name = "FORMAT",
        default_value = "2006-01-02 15:04:05 MST"
    )]
    pub(super) date_format: String,
    /// Say more about how matchers are parsed
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// Alertmanager to talk to
    #[arg(long = "alertmanager.url", global = true, value_name = "URL")]
    pub(super) alertmanager_url: Option<String>,
    /// Output formatter (simple, extended, json)
    #[arg(short, long, global = true, value_enum, default_value = "simple")]
    pub(super) output: Output,
    /// Timeout for the executed command
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s")]
    pub(super) timeout: String,
    /// HTTP client configuration file
    #[arg(long = "http.config.file", global = true, value_name = "FILE")]
    pub(super) http_config_file: Option<PathBuf>,
    /// Compare versions with the server's before each command (the default)
    #[arg(
        long = "version-check",
        global = true,
        overrides_with = "no_version_check"
    )]
    pub(super) version_check: bool,
    /// Do not compare versions
    #[arg(long = "no-version-check", global = true)]
    pub(super) no_version_check: bool,
    /// Features to enable, separated by commas
    #[arg(
        long = "enable-feature",
        global = true,
        value_name = "NAMES",
        default_value = ""
    )]
    pub(super) enable_feature: String,
    /// Show the version
    #[arg(long, global = true, action = ArgAction::SetTrue)]
    pub(super) version: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add and query alerts
    Alert(super::alert::AlertArgs),
    /// Add, expire or view silences
    Silence(super::silence::SilenceArgs),
    /// Validate alertmanager config files
    CheckConfig(super::check_config::CheckConfigArgs),
    /// View cluster status and peers
    Cluster(super::cluster::ClusterArgs),
    /// View the running config, and how alerts are routed
    Config(ConfigArgs),
    /// Render template files
    Template(TemplateArgs),
}

/// `amtool config`: `show` unless something else is named.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    pub(super) command: Option<ConfigCommand>,
}

/// What to do with a configuration.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Show the running config (the default)
    Show,
    /// Print the routing tree, or try it
    Routes(super::routes::RoutesArgs),
}

/// `amtool template`, which has no default.
#[derive(Debug, Args)]
pub(super) struct TemplateArgs {
    #[command(subcommand)]
    pub(super) command: Option<TemplateCommand>,
}

/// What to do with templates.
#[derive(Debug, Subcommand)]
pub(super) enum TemplateCommand {
    /// Render a given template, with sample data unless others are given
    Render(super::template::RenderArgs),
}

/// What the words on the command line came to.
#[derive(Debug)]
pub(super) enum Parsed {
    /// Something to do.
    Run(Box<Amtool>),
    /// A text to be printed.
    Help(String),
    /// Not a command line, in kingpin's words.
    Mistake(String),
}

/// Reads the command line, the program's own name first.
///
/// Flags of the user's files stand in where the line has none.
pub(super) fn parse(
    args: &[OsString],
    flags: &BTreeMap<String, String>,
    files: &dyn Files,
) -> Parsed {
    let args = match with_files(args, files) {
        Ok(args) => super::defaults::added_to(&args, flags),
        Err(mistake) => return Parsed::Mistake(mistake),
    };
    if let Some(name) = repeated(&args) {
        return Parsed::Mistake(format!("flag '{name}' cannot be repeated"));
    }
    match Amtool::try_parse_from(&args) {
        Ok(amtool) => Parsed::Run(Box::new(amtool)),
        Err(help) if !help.use_stderr() => Parsed::Help(help.render().to_string()),
        Err(mistake) if mistake.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Parsed::Help(mistake.render().to_string())
        }
        Err(mistake) => Parsed::Mistake(in_words_of_kingpin(&mistake)),
    }
}

/// A flag of the program that is given twice, wherever it stands; clap would let the later one win if
/// it stands behind a command.
fn repeated(args: &[OsString]) -> Option<&'static str> {
    let words = || {
        args.iter()
            .filter_map(|arg| arg.to_str())
            .take_while(|arg| *arg != "--")
    };
    let is_it = |word: &str, name: &str| {
        let long = word.strip_prefix("--").unwrap_or_default();
        long.split('=').next() == Some(name) || name == "output" && word.starts_with("-o")
    };
    let count = |name: &str| words().filter(|word| is_it(word, name)).count();
    super::defaults::FLAGS
        .into_iter()
        .find(|name| count(name) > 1)
}

/// Replaces `@file` by the lines of that file; a line that begins with `#` is none, and behind `--`
/// an `@` is nothing special.
fn with_files(args: &[OsString], files: &dyn Files) -> Result<Vec<OsString>, String> {
    let mut expanded = Vec::with_capacity(args.len());
    let mut is_plain = false;
    for (index, arg) in args.iter().enumerate() {
        is_plain |= arg == "--";
        let path = match arg.to_str().and_then(|arg| arg.strip_prefix('@')) {
            Some(path) if index > 0 && !is_plain => Path::new(path),
            _ => {
                expanded.push(arg.clone());
                continue;
            }
        };
        let contents = files
            .read(path, ARGUMENT_FILE_BYTES_MAX)
            .map_err(|error| format!("open {}: {error}", path.display()))?;
        let text = String::from_utf8_lossy(&contents);
        expanded.extend(
            text.lines()
                .filter(|line| !line.starts_with('#'))
                .map(OsString::from),
        );
    }
    Ok(expanded)
}

fn in_words_of_kingpin(mistake: &clap::Error) -> String {
    let of = |kind| match mistake.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.first().cloned().unwrap_or_default(),
        _ => String::new(),
    };
    let arg = of(ContextKind::InvalidArg);
    let name = long_name(&arg);
    match mistake.kind() {
        ErrorKind::InvalidSubcommand => {
            format!(
                "expected command but got {:?}",
                of(ContextKind::InvalidSubcommand)
            )
        }
        ErrorKind::UnknownArgument if arg.starts_with("--") => {
            format!("unknown long flag '{arg}'")
        }
        ErrorKind::UnknownArgument if arg.starts_with('-') => {
            format!("unknown short flag '{arg}'")
        }
        ErrorKind::UnknownArgument => format!("unexpected {arg}"),
        ErrorKind::ArgumentConflict => format!("flag '{name}' cannot be repeated"),
        ErrorKind::MissingRequiredArgument => format!("required flag --{name} not provided"),
        ErrorKind::InvalidValue if of(ContextKind::InvalidValue).is_empty() => {
            format!("expected argument for flag '--{name}'")
        }
        ErrorKind::InvalidValue => {
            let values = match mistake.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(values)) => values.join(","),
                _ => String::new(),
            };
            format!(
                "enum value must be one of {values}, got '{}'",
                of(ContextKind::InvalidValue)
            )
        }
        _ => mistake
            .to_string()
            .trim_start_matches("error: ")
            .trim_end()
            .to_owned(),
    }
}

/// `timeout` of `--timeout <DURATION>`.
fn long_name(arg: &str) -> &str {
    let name = arg.split([' ', '=']).next().unwrap_or_default();
    name.trim_start_matches('-')
}

/// Whether that word asks for help in a way that clap does not know: kingpin's longer variants.
pub(super) fn asks_for_help(word: &OsStr) -> bool {
    matches!(word.to_str(), Some("--help-long" | "--help-man"))
}
