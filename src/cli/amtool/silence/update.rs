//! `amtool silence update`: change when silences begin and end, and their comments.
//!
//! Alertmanager 0.34: what is not given stays; a duration counts from the beginning of the silence. With
//! `--quiet` Alertmanager's tool prints the address of the ID in its own memory; here the ID is printed.

use std::collections::BTreeMap;

use clap::Args;
use gotemplate::time::{Time, Zone};

use super::table::{print, print_ids};
use crate::cli::amtool::args::Global;
use crate::cli::amtool::client::{Client, decode, silence_path};
use crate::cli::amtool::failure::Failure;
use crate::cli::amtool::format::{sent, time};
use crate::cli::amtool::object::{NewSilence, Silence, SilenceId};
use crate::cli::amtool::operation::{GET_SILENCE, POST_SILENCES};
use crate::cli::{Context, World};
use crate::model::Duration;

/// `amtool silence update`
#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// Only show silence ids
    #[arg(short, long)]
    quiet: bool,
    /// Duration of silence
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
    /// Silence IDs to update
    #[arg(value_name = "update-ids")]
    ids: Vec<String>,
}

/// When a silence is in force.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) starts_at: Time,
    pub(super) ends_at: Time,
}

impl Span {
    /// What flags say of it; `start` is when it starts unless they say otherwise.
    pub(super) fn read(
        given_start: Option<&str>,
        given_end: Option<&str>,
        duration: Option<&str>,
        start: Time,
    ) -> Result<Self, Failure> {
        let starts_at = given_start.map_or(Ok(start), time)?;
        let ends_at = match (given_end, duration) {
            (Some(end), _) => time(end)?,
            (None, Some(duration)) => {
                let duration = Duration::parse(duration)
                    .map_err(|error| Failure::Command(error.to_string()))?;
                if duration.is_zero() {
                    let text = "silence duration must be greater than 0";
                    return Err(Failure::Command(text.to_owned()));
                }
                later(&starts_at, duration)
            }
            (None, None) => starts_at.clone(),
        };
        Ok(Self { starts_at, ends_at }).and_then(Self::checked)
    }

    fn checked(self) -> Result<Self, Failure> {
        match self.starts_at.compare(&self.ends_at).is_gt() {
            true => Err(Failure::Command(
                "silence cannot start after it ends".to_owned(),
            )),
            false => Ok(self),
        }
    }
}

fn later(time: &Time, duration: Duration) -> Time {
    let nanos = i64::from(time.nanos()).saturating_add(duration.as_nanos() % 1_000_000_000);
    let seconds = time
        .unix()
        .saturating_add(duration.as_nanos() / 1_000_000_000)
        .saturating_add(nanos.div_euclid(1_000_000_000));
    let nanos = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default();
    Time::from_unix(seconds, nanos, time.zone().clone())
}

/// The time, in UTC.
pub(super) fn now(world: &World) -> Time {
    let wall = world.clock.wall().0;
    let nanos = u32::try_from(wall.rem_euclid(1_000_000_000)).unwrap_or_default();
    Time::from_unix(wall.div_euclid(1_000_000_000), nanos, Zone::utc())
}

/// Runs the command; `flags` are those of the user's files.
///
/// # Errors
/// What Alertmanager's tool says.
pub(super) fn run(
    args: &UpdateArgs,
    global: &Global,
    flags: &BTreeMap<String, String>,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    if args.ids.is_empty() {
        return Err(Failure::Command("no silence IDs specified".to_owned()));
    }
    let filed =
        |given: &Option<String>, name: &str| given.clone().or_else(|| flags.get(name).cloned());
    let duration = filed(&args.duration, "duration");
    let comment = filed(&args.comment, "comment");
    let client = Client::new(global, context)?;
    let mut updated = Vec::with_capacity(args.ids.len());
    for id in &args.ids {
        let mut silence: Silence = client.get(&GET_SILENCE, &silence_path(id))?;
        let end = match (&args.end, &duration) {
            (Some(end), _) => Some(end.as_str()),
            (None, Some(_)) => None,
            (None, None) => Some(silence.content.ends_at.as_str()),
        };
        let start = time(&silence.content.starts_at)?;
        let span = Span::read(args.start.as_deref(), end, duration.as_deref(), start)?;
        silence.content.starts_at = sent(&span.starts_at);
        silence.content.ends_at = sent(&span.ends_at);
        if let Some(comment) = &comment {
            silence.content.comment.clone_from(comment);
        }
        let posted = NewSilence {
            id: &silence.id,
            content: &silence.content,
        };
        let answer = client
            .post(&POST_SILENCES, &posted)
            .map_err(|refused| refused.failure)?;
        SilenceId { id: silence.id } = decode(&answer)?;
        updated.push(silence);
    }
    if args.quiet {
        print_ids(updated.iter().map(|silence| silence.id.as_str()), context)?;
        return Ok(());
    }
    print(updated, global, context)
}
