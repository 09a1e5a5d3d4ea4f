//! What `tocsin wal` takes.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use regex::Regex;

use super::line::{self, TypeName};
use super::matcher::Matcher;
use super::when::When;
use crate::cli::{Problem, exit};

/// Alertmanager's default, so that both find the same directory.
const DEFAULT_DATA: &str = "data/";

/// Look into the log of a data directory, and repair it.
#[derive(Debug, Parser)]
#[command(after_help = exit::TABLE)]
pub struct WalArgs {
    #[command(subcommand)]
    pub(super) command: WalCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum WalCommand {
    /// Say whether the log is sound, and if not: which file, which offset, which records
    #[command(after_help = exit::TABLE)]
    Check(LookArgs),
    /// Print records as JSON, one a line
    #[command(after_help = exit::TABLE)]
    Dump(DumpArgs),
    /// Print the records whose JSON text matches a regular expression
    #[command(after_help = exit::TABLE)]
    Grep(GrepArgs),
    /// Show what takes up the room: records by type, segments, checkpoints
    #[command(after_help = exit::TABLE)]
    Stats(LookArgs),
    /// Repair the log of a stopped server; damaged files are kept in quarantine/
    #[command(after_help = exit::TABLE)]
    Repair(RepairArgs),
    /// Look into checkpoints
    #[command(after_help = exit::TABLE)]
    Checkpoint(CheckpointArgs),
}

/// In which form results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
}

/// Which data directory.
#[derive(Debug, Args)]
pub(super) struct DataArgs {
    /// The data directory (also: --storage.path) [default: data/]
    #[arg(
        long,
        alias = "storage.path",
        value_name = "DIR",
        conflicts_with = "dir"
    )]
    data: Option<PathBuf>,
    /// The data directory, without the flag
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl DataArgs {
    pub(super) fn root(&self) -> &Path {
        root(self.data.as_deref(), self.dir.as_deref())
    }
}

fn root<'a>(flag: Option<&'a Path>, positional: Option<&'a Path>) -> &'a Path {
    flag.or(positional).unwrap_or(Path::new(DEFAULT_DATA))
}

#[derive(Debug, Args)]
pub(super) struct LookArgs {
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct DumpArgs {
    #[command(flatten)]
    pub(super) data: DataArgs,
    #[command(flatten)]
    pub(super) filter: FilterArgs,
}

#[derive(Debug, Args)]
pub(super) struct GrepArgs {
    /// A regular expression over each record's line as `dump` prints it
    #[arg(value_name = "PATTERN", value_parser = Regex::new)]
    pub(super) pattern: Regex,
    #[command(flatten)]
    pub(super) dump: DumpArgs,
}

/// Which records; all conditions must hold.
#[derive(Debug, Args)]
pub(super) struct FilterArgs {
    /// Only records of this tenant
    #[arg(long, value_name = "TENANT")]
    pub(super) tenant: Option<String>,
    /// Only records of this type; may be given several times
    #[arg(long = "type", value_name = "NAME", value_parser = line::parse_type)]
    pub(super) types: Vec<TypeName>,
    /// Only records with an alert whose labels match, such as 'severity=~"warn.*"'; operators = !=
    /// =~ !~, expressions match whole values; given several times, one alert must match all of them
    #[arg(long = "matcher", value_name = "MATCHER", value_parser = Matcher::parse)]
    pub(super) matchers: Vec<Matcher>,
    /// Only records from this LSN on
    #[arg(long, value_name = "LSN")]
    pub(super) from_lsn: Option<u64>,
    /// Only records up to this LSN
    #[arg(long, value_name = "LSN")]
    pub(super) to_lsn: Option<u64>,
    /// Only records written since then: 2026-11-22T03:00:00Z, 2026-11-22, or how long ago: 2h
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub(super) since: Option<When>,
    /// Only records written until then
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub(super) until: Option<When>,
    /// At most so many records
    #[arg(long, value_name = "COUNT")]
    pub(super) limit: Option<u64>,
    /// Leave out the records that the log writes for itself
    #[arg(long)]
    pub(super) no_control: bool,
}

#[derive(Debug, Args)]
pub(super) struct RepairArgs {
    #[command(subcommand)]
    pub(super) kind: RepairKind,
}

#[derive(Debug, Subcommand)]
pub(super) enum RepairKind {
    /// Drop a torn tail, as the next start would (class T)
    #[command(after_help = exit::TABLE)]
    Tail(RepairTargetArgs),
    /// Keep every record that can be read, and record which could not (class M)
    #[command(after_help = exit::TABLE)]
    Salvage(RepairTargetArgs),
}

#[derive(Debug, Args)]
pub(super) struct RepairTargetArgs {
    #[command(flatten)]
    pub(super) look: LookArgs,
    /// Say what would be done and lost, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct CheckpointArgs {
    #[command(subcommand)]
    pub(super) command: CheckpointCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum CheckpointCommand {
    /// Show every checkpoint, or the one at an LSN
    #[command(after_help = exit::TABLE)]
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Only the checkpoint at this LSN
    #[arg(value_name = "LSN")]
    first: Option<String>,
    /// The data directory, without the flag; may stand alone
    #[arg(value_name = "DIR")]
    second: Option<PathBuf>,
    /// The data directory (also: --storage.path) [default: data/]
    #[arg(
        long,
        alias = "storage.path",
        value_name = "DIR",
        conflicts_with = "second"
    )]
    data: Option<PathBuf>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

impl ShowArgs {
    /// Which checkpoint, and in which directory. A first word that is no number is the directory.
    pub(super) fn target(&self) -> Result<(Option<u64>, &Path), Problem> {
        let flag = self.data.as_deref();
        let Some(first) = &self.first else {
            return Ok((None, root(flag, None)));
        };
        match (first.parse(), &self.second) {
            (Ok(lsn), second) => Ok((Some(lsn), root(flag, second.as_deref()))),
            (Err(_), None) if flag.is_none() => Ok((None, Path::new(first))),
            (Err(_), _) => Err(Problem::Usage(format!("`{first}` is no LSN"))),
        }
    }
}
