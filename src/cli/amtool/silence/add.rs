//! `amtool silence add`: a new silence, whose ID is printed.

use std::collections::BTreeMap;

use clap::{ArgAction, Args};

use crate::cli::Context;
use crate::cli::amtool::args::Global;
use crate::cli::amtool::client::{Client, decode};
use crate::cli::amtool::failure::Failure;
use crate::cli::amtool::features;
use crate::cli::amtool::format::sent;
use crate::cli::amtool::object::{NewSilence, SilenceContent, SilenceId};
use crate::cli::amtool::operation::POST_SILENCES;
use crate::cli::amtool::silence::update::{Span, now};
use crate::cli::amtool::words::{labels, matchers, with_alert_name};

/// How long a silence lasts unless it is said.
const DEFAULT_DURATION: &str = "1h";

/// `amtool silence add`
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Username for CreatedBy field; the user's own unless it is given
    #[arg(short, long, value_name = "AUTHOR")]
    author: Option<String>,
    /// Require comment to be set (the default)
    #[arg(long = "require-comment", hide = true, action = ArgAction::SetTrue, overrides_with = "no_require_comment")]
    require_comment: bool,
    /// Do not require a comment
    #[arg(long = "no-require-comment", hide = true, action = ArgAction::SetTrue)]
    no_require_comment: bool,
    /// Duration of silence; 1h unless it is given
    #[arg(short, long, value_name = "DURATION")]
    duration: Option<String>,
    /// Set when the silence should start, RFC 3339
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Set when the silence should end, RFC 3339 (overwrites duration)
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    /// A comment to help describe the silence
    #[arg(short, long, value_name = "COMMENT")]
    comment: Option<String>,
    /// Set an annotation to be included with the silence: name=value
    #[arg(long, value_name = "ANNOTATION")]
    annotation: Vec<String>,
    /// Query filter
    #[arg(value_name = "matcher")]
    matchers: Vec<String>,
}

/// Runs the command; `flags` are those of the user's files.
///
/// # Errors
/// What Alertmanager's tool says.
pub(super) fn run(
    args: &AddArgs,
    global: &Global,
    flags: &BTreeMap<String, String>,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let mode = features::mode(&global.enable_feature)?;
    let filed =
        |given: &Option<String>, name: &str| given.clone().or_else(|| flags.get(name).cloned());
    let words = with_alert_name(&args.matchers, mode);
    let matchers = matchers(&words, mode)?;
    if matchers.is_empty() {
        return Err(Failure::Command("no matchers specified".to_owned()));
    }
    let comment = filed(&args.comment, "comment").unwrap_or_default();
    let is_required = match (args.require_comment, args.no_require_comment) {
        (true, _) => true,
        (_, true) => false,
        _ => flags.get("require-comment").is_none_or(|it| it != "false"),
    };
    let duration = filed(&args.duration, "duration").unwrap_or_else(|| DEFAULT_DURATION.to_owned());
    let span = Span::read(
        args.start.as_deref(),
        args.end.as_deref(),
        Some(&duration),
        now(context.world),
    )?;
    if comment.is_empty() && is_required {
        return Err(Failure::Command("comment required by config".to_owned()));
    }
    let content = SilenceContent {
        annotations: labels(&args.annotation, "annotations", mode)?,
        comment,
        created_by: filed(&args.author, "author")
            .or_else(|| context.world.user.clone())
            .unwrap_or_default(),
        ends_at: sent(&span.ends_at),
        matchers: matchers.iter().map(Into::into).collect(),
        starts_at: sent(&span.starts_at),
    };
    let client = Client::new(global, context)?;
    let silence = NewSilence {
        id: "",
        content: &content,
    };
    let answer = client
        .post(&POST_SILENCES, &silence)
        .map_err(|refused| refused.failure)?;
    let SilenceId { id } = decode(&answer)?;
    writeln!(context.out, "{id}")?;
    Ok(())
}
