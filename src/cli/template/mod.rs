//! `tocsin template`: trying templates before a notification depends on them.
//!
//! ```text
//! args ─┬─► preview   what a notification would look like
//!       └─► lint      what would fail, with its place
//! ```
//!
//! Both read files, and nothing else: no server, no configuration in force.

mod args;
mod lint;
mod preview;
mod sample;

pub use args::TemplateArgs;

use super::exit::Exit;
use super::{Context, Problem};
use args::TemplateCommand;

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub(super) fn run(args: &TemplateArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    match &args.command {
        TemplateCommand::Preview(args) => preview::run(args, context),
        TemplateCommand::Lint(args) => lint::run(args, context),
    }
}
