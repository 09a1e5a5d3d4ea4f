//! `tocsin check-config`: what is wrong, or cannot be meant, in a configuration that loads.
//!
//! ```text
//! load ─► routes   never matched, shadowed, told twice, timing
//!      ├► rules    inhibition that never inhibits
//!      ├► names    receivers and time intervals without use or effect, time-outs (hazard H11)
//!      └► values   templates, files, URLs
//! ```
//!
//! What is reported is certain: a route that is called shadowed is. What cannot be seen from the file
//! (a pattern inside of another pattern) is not reported.

mod finding;
mod logic;
mod names;
mod routes;
mod rules;
mod values;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::exit::{self, Exit};
use super::{Context, Problem};
use crate::config::{self, Config, LoadError, Loaded, Options};
use crate::model::{Mode, TimeInterval};
use crate::template::Templates;
use finding::{Finding, Report, Severity};

const AFTER_HELP: &str = "Exit codes:
  0   no errors (with --strict: no warnings either)
  1   errors, or the file cannot be loaded
  2   the command line is not understood
  74  the output cannot be written

Severities: an error keeps the server from starting or loses notifications, a warning cannot be
what was meant, a note may be.";

/// How matchers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum MatcherMode {
    /// By both parsers, as the server does by default
    Fallback,
    /// As with --enable-feature=utf8-strict-mode
    Utf8Strict,
    /// As with --enable-feature=classic-mode
    Classic,
}

impl From<MatcherMode> for Mode {
    fn from(mode: MatcherMode) -> Self {
        match mode {
            MatcherMode::Fallback => Self::Fallback,
            MatcherMode::Utf8Strict => Self::Utf8Strict,
            MatcherMode::Classic => Self::Classic,
        }
    }
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Lines for people and editors
    Text,
    /// One object for scripts
    Json,
}

/// `tocsin check-config FILE`
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct CheckConfigArgs {
    /// The configuration file
    #[arg(value_name = "FILE", default_value = "alertmanager.yml")]
    file: PathBuf,
    /// Fail on warnings, too
    #[arg(long)]
    strict: bool,
    /// How results are shown
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// How matchers are read
    #[arg(long, value_enum, default_value = "fallback")]
    matchers: MatcherMode,
}

/// Runs the command.
///
/// # Errors
/// If the output cannot be written.
pub(super) fn run(args: &CheckConfigArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    let findings = match load(&args.file, args.matchers.into(), context) {
        Ok(loaded) => check(&loaded, context),
        Err(error) => not_loaded(&error),
    };
    let report = Report::new(args.file.display().to_string(), findings);
    match args.format {
        Format::Text => report.print(context)?,
        Format::Json => print_json(&report, context)?,
    }
    let is_faulty = report.errors > 0 || (args.strict && report.warnings > 0);
    Ok(if is_faulty { exit::FAULTY } else { exit::SOUND })
}

/// Reads a configuration as the server would.
pub(super) fn load(file: &Path, mode: Mode, context: &Context<'_>) -> Result<Loaded, LoadError> {
    let options = Options {
        mode,
        local_zone: context.world.clock.local_zone(),
    };
    config::load_file(context.world.files.as_ref(), file, &options)
}

/// Prints a value as one line of JSON.
pub(super) fn print_json(
    value: &impl serde::Serialize,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let json = serde_json::to_string(value).map_err(std::io::Error::from)?;
    writeln!(context.out, "{json}")?;
    Ok(())
}

fn not_loaded(error: &LoadError) -> Vec<Finding> {
    let LoadError::Invalid(invalid) = error else {
        return vec![Finding::new(Severity::Error, "load", error.to_string())];
    };
    let problems = invalid.problems().iter();
    problems
        .map(|problem| {
            let finding = Finding::new(Severity::Error, "load", problem.text.as_str());
            let mut finding = finding.at(problem.place);
            finding.suggestion.clone_from(&problem.suggestion);
            finding
        })
        .collect()
}

fn check(loaded: &Loaded, context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for warning in &loaded.warnings {
        let mut finding = Finding::new(Severity::Warning, "matcher", warning.warning.message())
            .about(format!("matcher {}", warning.input))
            .at(Some(warning.place));
        if let crate::model::matcher::Warning::Incompatible { suggestion, .. } = &warning.warning {
            finding = finding.suggest(format!("write it as {suggestion}"));
        }
        findings.push(finding);
    }
    let tree = loaded.config.route_tree();
    let files = context.world.files.as_ref();
    routes::check(loaded, &tree, &mut findings);
    rules::check(loaded, &mut findings);
    names::receivers(loaded, &tree, &mut findings);
    names::intervals(loaded, &tree, context.world.clock.wall(), &mut findings);
    let timeouts = values::timeouts(loaded);
    let timeout_of = |receiver: &str| timeouts.get(receiver).copied();
    names::timeouts(loaded, &tree, timeout_of, &mut findings);
    // The patterns are resolved already.
    let options = crate::template::Options::default();
    let templates = match Templates::load(&options, files, "", loaded.config.templates()) {
        Ok(templates) => Some(templates),
        Err(error) => {
            let place = loaded.place(&[config::yaml::Step::Key("templates")]);
            let finding = Finding::new(Severity::Error, "template", error.to_string());
            findings.push(finding.about(error.entry).at(place));
            None
        }
    };
    values::check(loaded, templates.as_ref(), files, &mut findings);
    findings
}

/// A named time interval of either list.
pub(super) struct NamedTimes<'c> {
    /// The key of the list.
    pub(super) section: &'static str,
    pub(super) index: usize,
    pub(super) name: &'c str,
    pub(super) specs: Vec<TimeInterval>,
}

/// The named time intervals of both lists.
pub(super) fn intervals_of(config: &Config) -> Vec<NamedTimes<'_>> {
    let muted = config.mute_time_intervals().iter().enumerate();
    let muted = muted.map(|(index, named)| NamedTimes {
        section: "mute_time_intervals",
        index,
        name: &named.name,
        specs: named
            .time_intervals
            .iter()
            .map(config::Interval::value)
            .collect(),
    });
    let timed = config.time_intervals().iter().enumerate();
    let timed = timed.map(|(index, named)| NamedTimes {
        section: "time_intervals",
        index,
        name: &named.name,
        specs: named
            .time_intervals
            .iter()
            .map(config::Interval::value)
            .collect(),
    });
    muted.chain(timed).collect()
}
