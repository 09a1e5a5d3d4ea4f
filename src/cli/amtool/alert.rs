//! `amtool alert`: look at the alerts of a server, and send some.

use clap::{Args, Subcommand};

use super::args::{Global, Output};
use super::client::Client;
use super::failure::Failure;
use super::features;
use super::format::{columns, date, in_order, json_line, pairs, sent, time};
use super::object::{Alert, Labels, NewAlert};
use super::operation::{GET_ALERTS, POST_ALERTS};
use super::words::{filters, labels, with_alert_name, with_query};
use crate::cli::Context;

/// Year 1, which the server takes for no time at all.
const NO_TIME: &str = "0001-01-01T00:00:00.000Z";

/// `amtool alert`: `query` unless something else is named.
#[derive(Debug, Args)]
pub(super) struct AlertArgs {
    #[command(subcommand)]
    command: Option<AlertCommand>,
    #[command(flatten)]
    query: QueryArgs,
}

/// What to do with alerts.
#[derive(Debug, Subcommand)]
enum AlertCommand {
    /// View and search through current alerts (the default)
    Query(QueryArgs),
    /// Add a new alert
    Add(AddArgs),
}

/// `amtool alert query`
#[derive(Debug, Args)]
struct QueryArgs {
    /// Show inhibited alerts
    #[arg(short, long)]
    inhibited: bool,
    /// Show silenced alerts
    #[arg(short, long)]
    silenced: bool,
    /// Show active alerts
    #[arg(short, long)]
    active: bool,
    /// Show unprocessed alerts
    #[arg(short, long)]
    unprocessed: bool,
    /// Show alerts matching receiver (Supports regex syntax)
    #[arg(short, long, value_name = "RECEIVER", default_value = "")]
    receiver: String,
    /// Query filter
    #[arg(value_name = "matcher")]
    matchers: Vec<String>,
}

/// `amtool alert add`
#[derive(Debug, Args)]
struct AddArgs {
    /// Set the URL of the source that generated the alert
    #[arg(long = "generator-url", value_name = "URL", default_value = "")]
    generator_url: String,
    /// Set when the alert should start, RFC 3339
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Set when the alert should end, RFC 3339
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    /// Set an annotation to be included with the alert: name=value
    #[arg(long, value_name = "ANNOTATION")]
    annotation: Vec<String>,
    /// Labels of the alert: name=value
    #[arg(value_name = "labels")]
    labels: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// What Alertmanager's tool says.
pub(super) fn run(
    args: &AlertArgs,
    global: &Global,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    match &args.command {
        None => query(&args.query, global, context),
        Some(AlertCommand::Query(args)) => query(args, global, context),
        Some(AlertCommand::Add(args)) => add(args, global, context),
    }
}

fn query(args: &QueryArgs, global: &Global, context: &mut Context<'_>) -> Result<(), Failure> {
    let mode = features::mode(&global.enable_feature)?;
    let is_any = args.inhibited || args.silenced || args.active || args.unprocessed;
    let mut query = vec![
        ("active", (args.active || !is_any).to_string()),
        ("inhibited", args.inhibited.to_string()),
        ("silenced", args.silenced.to_string()),
        ("unprocessed", args.unprocessed.to_string()),
    ];
    if !args.receiver.is_empty() {
        query.push(("receiver", args.receiver.clone()));
    }
    query.extend(filters(&with_alert_name(&args.matchers, mode)));
    let client = Client::new(global, context)?;
    let path = with_query(GET_ALERTS.path, &query);
    let alerts: Vec<Alert> = client.get(&GET_ALERTS, &path)?;
    if global.output == Output::Json {
        writeln!(context.out, "{}", json_line(&alerts)?)?;
        return Ok(());
    }
    let alerts = in_order(alerts, |alert| &alert.starts_at)?;
    let text = table(&alerts, global)?;
    write!(context.out, "{text}")?;
    Ok(())
}

fn table(alerts: &[Alert], global: &Global) -> Result<String, Failure> {
    let layout = &global.date_format;
    let mut text = match global.output {
        Output::Extended => {
            "Labels\tAnnotations\tStarts At\tEnds At\tGenerator URL\tState\t\n".to_owned()
        }
        Output::Simple | Output::Json => "Alertname\tStarts At\tSummary\tState\t\n".to_owned(),
    };
    for alert in alerts {
        let starts_at = date(&alert.starts_at, layout)?;
        let state = &alert.status.state;
        let of = |labels: &Labels, name: &str| labels.get(name).cloned().unwrap_or_default();
        let cells = match global.output {
            Output::Extended => vec![
                pairs(&alert.labels),
                pairs(&alert.annotations),
                starts_at,
                date(&alert.ends_at, layout)?,
                alert.generator_url.clone(),
                state.clone(),
            ],
            Output::Simple | Output::Json => vec![
                of(&alert.labels, "alertname"),
                starts_at,
                of(&alert.annotations, "summary"),
                state.clone(),
            ],
        };
        text.push_str(&cells.join("\t"));
        text.push_str("\t\n");
    }
    Ok(columns(&text))
}

fn add(args: &AddArgs, global: &Global, context: &mut Context<'_>) -> Result<(), Failure> {
    let mode = features::mode(&global.enable_feature)?;
    let words = with_alert_name(&args.labels, mode);
    let read = |given: &Option<String>| -> Result<String, Failure> {
        match given {
            Some(text) => Ok(sent(&time(text)?)),
            None => Ok(NO_TIME.to_owned()),
        }
    };
    let alert = NewAlert {
        labels: labels(&words, "labels", mode)?,
        annotations: labels(&args.annotation, "annotations", mode)?,
        starts_at: read(&args.start)?,
        ends_at: read(&args.end)?,
        generator_url: args.generator_url.clone(),
    };
    let client = Client::new(global, context)?;
    client
        .post(&POST_ALERTS, &[alert])
        .map_err(|refused| refused.failure)?;
    Ok(())
}
