//! `disk`.

#![expect(
    clippy::disallowed_methods,
    reason = "the harness runs in the real world"
)]

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use tocsin::sys::Clock;

use super::kill::{Format, block_on, find_target, progress};
use crate::disk::{campaign, report, try_it};
use crate::kill::Options;

/// The exit code where no disk can be mounted: neither passed nor failed.
const NOT_RUN: u8 = 3;

#[derive(Debug, Args)]
pub(super) struct DiskArgs {
    /// The program that loses power, by path or by name; tocsin beside this program unless another is named
    #[arg(long)]
    target: Option<PathBuf>,
    /// Losses of power
    #[arg(long, default_value_t = 200)]
    losses: u32,
    /// Decides what is sent, which faults there are, and what a loss of power leaves
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs at a time; two for each processor unless a number is given, as they mostly wait
    #[arg(long)]
    jobs: Option<usize>,
    /// Where each run has its folder, and a failing one leaves it
    #[arg(long, default_value = "chaos-losses")]
    dir: PathBuf,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// A file for the result, for `table`
    #[arg(long)]
    result: Option<PathBuf>,
}

pub(super) fn disk(
    args: &DiskArgs,
    clock: Arc<dyn Clock>,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let options = Options {
        target: find_target(args.target.as_deref())?,
        kills: args.losses,
        seed: args.seed,
        lanes: args.jobs.unwrap_or(2 * cores),
        dir: std::path::absolute(&args.dir).context("cannot tell where --dir is")?,
        clock,
    };
    if let Err(missing) = try_it() {
        if let Some(result) = &args.result {
            report::not_run(&missing).leave(result)?;
        }
        writeln!(out, "NOT RUN: {missing}")?;
        return Ok(ExitCode::from(NOT_RUN));
    }
    let outcome = block_on(campaign(&options, &mut *progress()))?;
    match args.format {
        Format::Text => report::print(out, &outcome)?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&outcome)?)?,
    }
    if let Some(result) = &args.result {
        report::part(&outcome).leave(result)?;
    }
    if outcome.run.is_well() {
        // Runs without a violation have left nothing.
        let _ = std::fs::remove_dir(&options.dir);
        return Ok(ExitCode::SUCCESS);
    }
    if args.format == Format::Text {
        let dir = args.dir.display();
        writeln!(
            out,
            "\nFailing runs are in {dir}; run one again with: tocsin-chaos replay {dir}/run-SEED"
        )?;
    }
    Ok(ExitCode::FAILURE)
}
