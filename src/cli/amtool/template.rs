//! `amtool template render`: a template with sample data or those of a file.
//!
//! Alertmanager 0.34: the data are passed by value, so that type names in error texts lack the `*`;
//! the output is printed as it is, without a newline behind it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use gotemplate::time::{Time, Zone};

use super::failure::Failure;
use crate::cli::Context;
use crate::template::load::MAX_FILE_BYTES;
use crate::template::{Data, Mode, Options, Templates};

/// `amtool template render`
#[derive(Debug, Args)]
pub(in crate::cli) struct RenderArgs {
    /// Glob of the path that will be expanded and used for rendering.
    #[arg(long = "template.glob", value_name = "GLOB", required = true)]
    pub(super) glob: Vec<String>,
    /// The template that will be rendered.
    #[arg(
        long = "template.text",
        value_name = "TEMPLATE",
        required = true,
        allow_hyphen_values = true
    )]
    pub(super) text: String,
    /// The type of the template. Can be either text (default) or html.
    #[arg(
        long = "template.type",
        value_name = "TYPE",
        value_enum,
        default_value = "text"
    )]
    pub(super) kind: RenderType,
    /// Full path to a file which contains the data of the alert(-s) with which the
    /// --template.text will be rendered. Must be in JSON.
    #[arg(long = "template.data", value_name = "FILE")]
    pub(super) data: Option<PathBuf>,
}

/// For what the template is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RenderType {
    /// Plain text.
    Text,
    /// HTML, escaped.
    Html,
}

/// Runs the command.
///
/// # Errors
/// What Alertmanager's tool says.
pub(super) fn render(args: &RenderArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Command(error.to_string());
    let files = context.world.files.as_ref();
    let wall = context.world.clock.wall().0;
    let local = Zone::with_rules("Local", context.world.clock.local_zone());
    let seconds = wall.div_euclid(1_000_000_000);
    let nanos = u32::try_from(wall.rem_euclid(1_000_000_000)).unwrap_or_default();
    let now = Time::from_unix(seconds, nanos, local.clone());
    let data = match &args.data {
        None => Data::sample_of_amtool(&now),
        Some(path) => {
            let json = files
                .read(path, MAX_FILE_BYTES)
                .map_err(|error| Failure::Command(opening(path, &error)))?;
            serde_json::from_slice(&json).map_err(|error| failed(&error))?
        }
    };
    let clock = Arc::clone(&context.world.clock);
    let start = clock.monotonic();
    let options = Options {
        now: Arc::new(move || {
            let elapsed = clock.monotonic().saturating_sub(start);
            now.clone()
                .with_monotonic(i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX))
        }),
        local_zone: local,
        ..Options::default()
    };
    let templates =
        Templates::load(&options, files, "", &args.glob).map_err(|error| failed(&error))?;
    let mode = match args.kind {
        RenderType::Text => Mode::Text,
        RenderType::Html => Mode::Html,
    };
    let rendered = templates
        .render(mode, &args.text, &data.to_value(), &data)
        .map_err(|error| failed(&error))?;
    context.out.write_all(&rendered)?;
    Ok(())
}

/// Why a file cannot be opened, in Go's words.
fn opening(path: &Path, error: &std::io::Error) -> String {
    let path = path.display();
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("open {path}: no such file or directory"),
        std::io::ErrorKind::PermissionDenied => format!("open {path}: permission denied"),
        std::io::ErrorKind::IsADirectory => format!("read {path}: is a directory"),
        _ => format!("open {path}: {error}"),
    }
}
