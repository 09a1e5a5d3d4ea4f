//! What `tocsin template` takes.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Try templates before a notification depends on them.
#[derive(Debug, Parser)]
#[command(after_help = EXITS)]
pub struct TemplateArgs {
    #[command(subcommand)]
    pub(super) command: TemplateCommand,
}

/// For the help texts.
const EXITS: &str = "Exit codes:
  0   all is well
  1   a template is faulty
  2   the command line is not understood, or a file cannot be read";

const PREVIEW_HELP: &str = r#"Examples:
  tocsin template preview slack.tmpl --alert 'alertname=HighLatency severity=critical'
  tocsin template preview slack.tmpl --alert 'alertname=A job=api' --alert 'alertname=A job=web' \
      --annotation 'summary=It is slow' --show 'my.slack.text'
  tocsin template preview mail.tmpl --data notification.json
  curl -s http://localhost:9093/api/v2/alerts | tocsin template preview slack.tmpl --data -

Exit codes:
  0   all templates could be rendered
  1   a template is faulty
  2   the command line is not understood, or a file cannot be read"#;

const LINT_HELP: &str = r#"Examples:
  tocsin template lint /etc/alertmanager/*.tmpl
  tocsin template lint slack.tmpl --config alertmanager.yml      also: what the configuration does not use
  tocsin template lint slack.tmpl --data notification.json       also: labels that the data have not
  tocsin template lint slack.tmpl --format json

Exit codes:
  0   nothing was found
  1   something was found
  2   the command line is not understood, or a file cannot be read"#;

#[derive(Debug, Subcommand)]
pub(super) enum TemplateCommand {
    /// Show what a notification would look like: subject, text and HTML
    #[command(after_help = PREVIEW_HELP)]
    Preview(PreviewArgs),
    /// Find faults: unknown functions, fields and templates, what is not closed or not used
    #[command(after_help = LINT_HELP)]
    Lint(LintArgs),
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

/// Alerts to try templates on.
#[derive(Debug, Args)]
pub(super) struct SampleArgs {
    /// An alert, by its labels; can be repeated
    #[arg(long = "alert", value_name = "NAME=VALUE …")]
    pub(super) alerts: Vec<String>,
    /// An annotation of all these alerts; can be repeated
    #[arg(long = "annotation", value_name = "NAME=VALUE", requires = "alerts")]
    pub(super) annotations: Vec<String>,
    /// The alerts are over
    #[arg(long, requires = "alerts")]
    pub(super) resolved: bool,
    /// Labels that the alerts are grouped by, separated by commas
    #[arg(
        long,
        value_name = "LABELS",
        value_delimiter = ',',
        default_value = "alertname"
    )]
    pub(super) group_by: Vec<String>,
    /// JSON instead: the data of a notification, a webhook's payload, or alerts as the API gives
    /// them; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "alerts")]
    pub(super) data: Option<PathBuf>,
}

/// What to preview.
#[derive(Debug, Args)]
pub(super) struct PreviewArgs {
    /// Template files, in the order in which they would be loaded
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) sample: SampleArgs,
    /// Show this template, as text or, if its name contains `html`, as HTML; can be repeated [default:
    /// all that the files define]
    #[arg(long, value_name = "NAME")]
    pub(super) show: Vec<String>,
    /// The template of the subject or title
    #[arg(
        long,
        value_name = "TEMPLATE",
        default_value = r#"{{ template "email.default.subject" . }}"#
    )]
    pub(super) subject: String,
    /// The template of the text
    #[arg(
        long,
        value_name = "TEMPLATE",
        default_value = r#"{{ template "pushover.default.message" . }}"#
    )]
    pub(super) text: String,
    /// The template of the HTML
    #[arg(
        long,
        value_name = "TEMPLATE",
        default_value = r#"{{ template "email.default.html" . }}"#
    )]
    pub(super) html: String,
    /// For people or for scripts
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: Format,
}

/// What to look at.
#[derive(Debug, Args)]
pub(super) struct LintArgs {
    /// Template files, in the order in which they would be loaded
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// The configuration that uses them
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Data such as the templates will get, as for `preview`; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(super) data: Option<PathBuf>,
    /// For people or for scripts
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: Format,
}
