//! `amtool`: Alertmanager's tool, with its output and its exit codes.
//!
//! ```text
//! args ─► run ─┬─► check_config   whether files can be loaded
//!              ├─► show           the running configuration
//!              └─► …              one file for each further command: an arm in `run`, a variant in `args`
//! ```
//!
//! Alertmanager 0.34: success is exit 0 and every failure is exit 1, with one line
//! `amtool: error: …` on standard error and, for errors that come out of a command, an empty line
//! after it.

mod alert;
mod args;
mod check_config;
mod client;
mod cluster;
mod defaults;
mod failure;
mod features;
mod format;
mod log;
mod object;
mod operation;
mod routes;
mod show;
mod silence;
mod template;
mod words;

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::CommandFactory;

use super::exit::{self, Exit};
use super::{Context, Problem};
use args::{Amtool, Command, ConfigCommand, Parsed, TemplateCommand};
use failure::Failure;

/// Runs `amtool` with these arguments, the program's own name first.
///
/// # Errors
/// What stands in [`Problem`].
pub(super) fn run(args: &[OsString], context: &mut Context<'_>) -> Result<Exit, Problem> {
    let result = if args.iter().any(|word| args::asks_for_help(word)) {
        help(context)
    } else {
        defaults::read(context.world).and_then(|flags| {
            match args::parse(args, &flags, context.world.files.as_ref()) {
                Parsed::Run(amtool) => command(&amtool, &flags, context),
                Parsed::Help(text) => write!(context.out, "{text}").map_err(Failure::from),
                Parsed::Mistake(text) => Err(Failure::Command(text)),
            }
        })
    };
    match result {
        Ok(()) => Ok(exit::SOUND),
        Err(Failure::Output(error)) => Err(Problem::Output(error)),
        Err(failure) => {
            context.out.flush()?;
            failure.print(context.err)?;
            Ok(exit::AMTOOL_FAILED)
        }
    }
}

/// What each command runs; `flags` are those of the user's files.
fn command(
    amtool: &Amtool,
    flags: &BTreeMap<String, String>,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    if amtool.global.version {
        return version(context);
    }
    match &amtool.command {
        None => help(context),
        Some(Command::Alert(args)) => alert::run(args, &amtool.global, context),
        Some(Command::Silence(args)) => silence::run(args, &amtool.global, flags, context),
        Some(Command::Cluster(args)) => cluster::run(args, &amtool.global, context),
        Some(Command::CheckConfig(args)) => check_config::run(args, &amtool.global, context),
        Some(Command::Config(args)) => match &args.command {
            None | Some(ConfigCommand::Show) => show::run(&amtool.global, context),
            Some(ConfigCommand::Routes(args)) => routes::run(args, &amtool.global, context),
        },
        Some(Command::Template(args)) => match &args.command {
            None => Err(Failure::Command(
                "must select a subcommand of 'template'".to_owned(),
            )),
            Some(TemplateCommand::Render(args)) => template::render(args, context),
        },
    }
}

fn help(context: &mut Context<'_>) -> Result<(), Failure> {
    write!(context.out, "{}", Amtool::command().render_help())?;
    Ok(())
}

fn version(context: &mut Context<'_>) -> Result<(), Failure> {
    write!(context.out, "{}", super::program::version_text("amtool"))?;
    Ok(())
}
