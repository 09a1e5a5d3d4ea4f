//! `tocsin test-routes`: tests of a configuration: which receivers an alert reaches, how it is grouped,
//! whether it is inhibited or muted.
//!
//! The format of the file is told in `docs/testing-routes.md`.

mod file;
mod outcome;

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::check_config::{Format, MatcherMode, load, print_json};
use super::exit::{self, Exit};
use super::{Context, Problem};
use outcome::{Bench, Difference};

/// A file of tests is not longer: some 100,000 tests.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

const AFTER_HELP: &str = "Exit codes:
  0   every test passed
  1   a test failed
  2   the command line, the file of tests or the configuration is not understood
  74  the output cannot be written

Example:
  config: alertmanager.yml
  tests:
  - name: critical database alerts page the on-call
    labels: {alertname: DiskFull, service: mysql, severity: critical}
    expect:
      receivers: [db-pager]";

/// `tocsin test-routes FILE`
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct TestRoutesArgs {
    /// The file with the tests
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The configuration, instead of the one that the file names
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// How results are shown
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// How matchers are read
    #[arg(long, value_enum, default_value = "fallback")]
    matchers: MatcherMode,
}

/// How a test went.
#[derive(Debug, Serialize)]
struct TestResult {
    name: String,
    line: usize,
    passed: bool,
    differences: Vec<Difference>,
}

/// How all went.
#[derive(Debug, Serialize)]
struct Results {
    file: String,
    config: String,
    passed: usize,
    failed: usize,
    tests: Vec<TestResult>,
}

/// Runs the command.
///
/// # Errors
/// If a file cannot be read or understood, or the output not be written.
pub(super) fn run(args: &TestRoutesArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    let shown = args.file.display();
    let refused = |error: &dyn std::fmt::Display| Problem::Usage(format!("{shown}: {error}"));
    let text = context
        .world
        .files
        .read(&args.file, FILE_BYTES_MAX)
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => refused(&"there is no such file"),
            _ => refused(&error),
        })?;
    let (file, places) = file::read(&text).map_err(|error| refused(&at_line(&error)))?;
    let config = match &args.config_file {
        Some(path) => path.clone(),
        None if file.config.is_empty() => {
            let error = "it names no configuration: write `config: FILE`, or use --config.file";
            return Err(refused(&error));
        }
        None => beside(&args.file, &file.config),
    };
    let loaded = load(&config, args.matchers.into(), context)
        .map_err(|error| Problem::Usage(format!("{}: {error}", config.display())))?;
    let bench = Bench::new(&loaded.config);
    let tests = file.tests.iter().zip(places).map(|(test, place)| {
        let differences = bench.differences(test);
        TestResult {
            name: test.name.clone(),
            line: place.map_or(0, |place| place.line),
            passed: differences.is_empty(),
            differences,
        }
    });
    let tests: Vec<TestResult> = tests.collect();
    let failed = tests.iter().filter(|test| !test.passed).count();
    let results = Results {
        file: shown.to_string(),
        config: config.display().to_string(),
        passed: tests.len() - failed,
        failed,
        tests,
    };
    match args.format {
        Format::Text => print(&results, context)?,
        Format::Json => print_json(&results, context)?,
    }
    Ok(if failed > 0 {
        exit::FAULTY
    } else {
        exit::SOUND
    })
}

/// The error with the line where it is, if the text does not say so itself.
fn at_line(error: &crate::config::yaml::Error) -> String {
    let place = match error.problems() {
        [problem] if !problem.text.contains("line ") => problem.place,
        _ => None,
    };
    match place {
        Some(place) => format!("line {}: {error}", place.line),
        None => error.to_string(),
    }
}

/// A path seen from the directory of a file.
fn beside(file: &Path, path: &str) -> PathBuf {
    let path = Path::new(path);
    match file.parent() {
        Some(dir) if path.is_relative() => dir.join(path),
        _ => path.to_owned(),
    }
}

fn print(results: &Results, context: &mut Context<'_>) -> Result<(), Problem> {
    for test in results.tests.iter().filter(|test| !test.passed) {
        writeln!(
            context.out,
            "{}:{}: FAILED: {}",
            results.file, test.line, test.name
        )?;
        for Difference {
            what,
            expected,
            got,
        } in &test.differences
        {
            writeln!(
                context.out,
                "    {what}\n      expected  {expected}\n      got       {got}"
            )?;
        }
    }
    let (passed, failed) = (results.passed, results.failed);
    writeln!(
        context.out,
        "{}: {passed} passed, {failed} failed",
        results.file
    )?;
    Ok(())
}
