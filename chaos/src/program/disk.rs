//! `disk`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use tocsin::sys::Clock;

use super::kill::{Format, absolute, block_on, ended, find_target, lanes, progress};
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
    let options = Options {
        target: find_target(args.target.as_deref())?,
        kills: args.losses,
        seed: args.seed,
        lanes: lanes(args.jobs),
        dir: absolute(&args.dir)?,
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
    ended(outcome.run.is_well(), args.format, &args.dir, out)
}
