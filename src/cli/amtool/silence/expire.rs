//! `amtool silence expire`: end silences, one after the other, up to the first that cannot be.

use clap::Args;

use crate::cli::Context;
use crate::cli::amtool::args::Global;
use crate::cli::amtool::client::{Client, silence_path};
use crate::cli::amtool::failure::Failure;
use crate::cli::amtool::operation::DELETE_SILENCE;

/// `amtool silence expire`
#[derive(Debug, Args)]
pub(super) struct ExpireArgs {
    /// Ids of silences to expire
    #[arg(value_name = "silence-ids")]
    ids: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// What Alertmanager's tool says.
pub(super) fn run(
    args: &ExpireArgs,
    global: &Global,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    if args.ids.is_empty() {
        return Err(Failure::Command("no silence IDs specified".to_owned()));
    }
    let client = Client::new(global, context)?;
    for id in &args.ids {
        client.call(&DELETE_SILENCE, &silence_path(id), None)?;
    }
    Ok(())
}
