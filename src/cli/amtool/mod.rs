//! `amtool`: Alertmanager's tool, with its output and its exit codes.
//!
//! Alertmanager 0.34: success is exit 0 and every failure is exit 1, with one line
//! `amtool: error: …` on standard error and, for errors that come out of a command, an empty line
//! after it.

use std::ffi::OsString;

use super::exit::Exit;
use super::{Context, Problem};

/// Runs `amtool` with these arguments, the program's own name first.
///
/// # Errors
/// What stands in [`Problem`].
pub(super) fn run(_args: &[OsString], _context: &mut Context<'_>) -> Result<Exit, Problem> {
    Err(Problem::NotBuilt("amtool"))
}
