//! `amtool silence`: look at the silences of a server, make, change and end them.

mod add;
mod expire;
mod import;
mod query;
mod table;
mod update;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};

use super::args::Global;
use super::failure::Failure;
use crate::cli::Context;

/// `amtool silence`: `query` unless something else is named.
#[derive(Debug, Args)]
pub(super) struct SilenceArgs {
    #[command(subcommand)]
    command: Option<SilenceCommand>,
    #[command(flatten)]
    query: query::QueryArgs,
}

/// What to do with silences.
#[derive(Debug, Subcommand)]
enum SilenceCommand {
    /// Query Alertmanager silences (the default)
    Query(query::QueryArgs),
    /// Add a new alertmanager silence
    Add(add::AddArgs),
    /// Expire an alertmanager silence
    Expire(expire::ExpireArgs),
    /// Update silences
    Update(update::UpdateArgs),
    /// Import silences
    Import(import::ImportArgs),
}

/// Runs the command; `flags` are those of the user's files.
///
/// # Errors
/// What Alertmanager's tool says.
pub(super) fn run(
    args: &SilenceArgs,
    global: &Global,
    flags: &BTreeMap<String, String>,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    match &args.command {
        None => query::run(&args.query, global, context),
        Some(SilenceCommand::Query(args)) => query::run(args, global, context),
        Some(SilenceCommand::Add(args)) => add::run(args, global, flags, context),
        Some(SilenceCommand::Expire(args)) => expire::run(args, global, context),
        Some(SilenceCommand::Update(args)) => update::run(args, global, flags, context),
        Some(SilenceCommand::Import(args)) => import::run(args, global, context),
    }
}
