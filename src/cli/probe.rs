//! `tocsin history-probe`: what the server starts to see whether the index of history can be used. It may
//! die of it, or never end: that is the point.

use std::path::PathBuf;

use clap::Args;
use uuid::Uuid;

use super::exit::{self, Exit};
use super::{Context, Problem};
use crate::history::index::probe::probe;

/// See the module header.
#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// The data directory
    data_dir: PathBuf,
    /// The identity of its store
    store: Uuid,
}

/// Runs the command.
///
/// # Errors
/// That the output cannot be written.
pub(super) fn run(args: &ProbeArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    // Nobody waits for the answer any more when the server is gone. Where it cannot be said, it is as well.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let said = probe(&args.data_dir, args.store.into_bytes());
    writeln!(context.out, "{said}")?;
    Ok(exit::SOUND)
}
