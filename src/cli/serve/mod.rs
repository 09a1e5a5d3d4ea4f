//! `tocsin` without a command, and `alertmanager`: the server.

pub mod flags;

use std::ffi::OsString;
use std::path::Path;

use super::exit::{self, Exit};
use super::{Context, Problem};
use flags::Parsed;

/// The names of all commands of `tocsin`, for the help of the server.
const COMMANDS: &str = "
Commands of tocsin (see `tocsin COMMAND --help`):
  wal           Look into the log of a data directory, and repair it
  check-config  Look for what is wrong, or cannot be meant, in a configuration file
  test-routes   Test which receivers alerts reach
  template      Try templates: preview notifications, find faults
  why           Say why somebody was told of an alert, or was not
  history       List what happened
  notifications List what was sent to whom, why, and how it went
Called as `amtool`, it is Alertmanager's tool.
";

/// Runs the server, or says why not.
///
/// # Errors
/// If the output cannot be written.
pub(super) fn run(
    called: Option<&OsString>,
    words: &[OsString],
    context: &mut Context<'_>,
) -> Result<Exit, Problem> {
    let name = called.and_then(|called| Path::new(called).file_name());
    let name = name.map_or_else(|| "tocsin".into(), |name| name.to_string_lossy());
    let args = match flags::parse(&name, words, context.world.files.as_ref()) {
        Parsed::Run(args) => args,
        Parsed::Text(text) => {
            write!(context.out, "{text}")?;
            let asks_for_help = words.iter().any(|word| word == "--help" || word == "-h");
            if asks_for_help && name != "alertmanager" {
                write!(context.out, "{COMMANDS}")?;
            }
            return Ok(exit::SOUND);
        }
        Parsed::Mistake(mistake) => {
            writeln!(context.err, "{}", flags::mistake_line(&name, &mistake))?;
            return Ok(exit::FAULTY);
        }
    };
    context.out.flush()?;
    Ok((context.world.serve)(&args, context.world))
}
