//! `amtool silence query`: all silences of a server that match, chosen here and not there.

use clap::Args;

use super::table::{print, print_ids};
use super::update::now;
use crate::cli::Context;
use crate::cli::amtool::args::Global;
use crate::cli::amtool::client::Client;
use crate::cli::amtool::failure::Failure;
use crate::cli::amtool::features;
use crate::cli::amtool::format::time;
use crate::cli::amtool::object::Silence;
use crate::cli::amtool::operation::GET_SILENCES;
use crate::cli::amtool::words::{filters, with_alert_name, with_query};
use crate::model::Duration;

/// `amtool silence query`
#[derive(Debug, Args)]
pub(super) struct QueryArgs {
    /// Show expired silences instead of active
    #[arg(long)]
    expired: bool,
    /// Only show silence ids
    #[arg(short, long)]
    quiet: bool,
    /// Show silences that belong to this creator
    #[arg(long = "created-by", value_name = "NAME")]
    created_by: Option<String>,
    /// Get silence by its id
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Show silences that will expire or have expired within a duration
    #[arg(long, value_name = "DURATION")]
    within: Option<String>,
    /// Query filter
    #[arg(value_name = "matcher")]
    matchers: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// What Alertmanager's tool says.
pub(super) fn run(
    args: &QueryArgs,
    global: &Global,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let mode = features::mode(&global.enable_feature)?;
    let within = match &args.within {
        None => None,
        Some(text) => {
            let within = Duration::parse_go(text);
            Some(within.map_err(|error| Failure::Command(error.to_string()))?)
        }
    };
    let client = Client::new(global, context)?;
    let query = filters(&with_alert_name(&args.matchers, mode));
    let path = with_query(GET_SILENCES.path, &query);
    let silences: Vec<Silence> = client.get(&GET_SILENCES, &path)?;
    let now = now(context.world);
    let mut shown = Vec::with_capacity(silences.len());
    for silence in silences {
        let ends_at = time(&silence.content.ends_at)?;
        // Positive as long as it has not ended.
        let left = ends_at.since(&now);
        let is_expired = left <= 0;
        let is_near = within.is_none_or(|within| left.saturating_abs() <= within.as_nanos());
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == value)
        };
        if is_expired == args.expired
            && is_near
            && is(&args.created_by, &silence.content.created_by)
            && is(&args.id, &silence.id)
        {
            shown.push(silence);
        }
    }
    if args.quiet {
        print_ids(shown.iter().map(|silence| silence.id.as_str()), context)?;
        return Ok(());
    }
    print(shown, global, context)
}
