//! The command line.
//!
//! **Invariants**
//! * A command writes through the handles it is given and returns an [`exit::Exit`]: it can be called
//!   from a test, with any disk and any clock.
//! * Results go to standard output, everything else to standard error; an error is one line that
//!   begins with `tocsin: error:` and names the thing and the way out.
//! * A reader that goes away (`| head`) ends a command quietly.
//! * No colour: everything can be read without.

pub mod amtool;
mod check_config;
pub mod exit;
pub mod http;
mod past;
mod probe;
mod problem;
mod program;
pub mod serve;
mod table;
pub mod template;
mod test_routes;
pub mod wal;
mod world;

pub use problem::Problem;
pub use world::{OpenDisk, ReadStdin, Serve, World};

use std::ffi::OsString;
use std::io::{self, Write};

use clap::{CommandFactory, Parser, Subcommand};

use exit::Exit;
use program::Program;

/// What a command has to work with.
pub struct Context<'a> {
    /// Disk, clock, randomness.
    pub world: &'a World,
    /// Results.
    pub out: &'a mut dyn Write,
    /// Everything else.
    pub err: &'a mut dyn Write,
}

#[derive(Debug, Parser)]
#[command(
    name = "tocsin",
    version,
    about = "An alertmanager that does not forget",
    subcommand_required = false,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look into the log of a data directory, and repair it
    Wal(wal::WalArgs),
    /// Look for what is wrong, or cannot be meant, in a configuration file
    CheckConfig(check_config::CheckConfigArgs),
    /// Test which receivers alerts reach, how they are grouped, whether they are inhibited or muted
    TestRoutes(test_routes::TestRoutesArgs),
    /// Try templates: preview notifications, find faults
    Template(template::TemplateArgs),
    /// Say why somebody was told of an alert, or was not
    Why(past::WhyArgs),
    /// List what happened: alerts received, groups flushed, silences, notifications
    History(past::HistoryArgs),
    /// List what was sent to whom, why, and how it went
    Notifications(past::NotificationsArgs),
    /// Open the index of history and read all of it
    #[command(hide = true)]
    HistoryProbe(probe::ProbeArgs),
}

/// Runs the program that `args` asks for, the program's own name first, and says how it ended.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let mut context = Context { world, out, err };
    let args: Vec<OsString> = args.into_iter().collect();
    let result = dispatch(&args, &mut context).and_then(|exit| {
        context.out.flush()?;
        Ok(exit)
    });
    match result {
        Ok(exit) => exit,
        Err(Problem::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => exit::SOUND,
        Err(problem) => {
            // What was printed before belongs before the error. If either handle is closed, the exit
            // code has to do.
            let _ = context.out.flush();
            let _ = writeln!(context.err, "tocsin: error: {problem}");
            problem.exit()
        }
    }
}

fn dispatch(args: &[OsString], context: &mut Context<'_>) -> Result<Exit, Problem> {
    let program = Program::of(args.first());
    if program == Program::Amtool {
        return amtool::run(args, context);
    }
    // Whatever is not a command is the server's.
    let words = args.get(1..).unwrap_or_default();
    if program != Program::Tocsin || !is_command(words.first()) {
        return serve::run(args.first(), words, context);
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(help) if !help.use_stderr() => {
            write!(context.out, "{}", help.render())?;
            return Ok(exit::SOUND);
        }
        Err(mistake) => {
            write!(context.err, "{}", mistake.render())?;
            return Ok(exit::USAGE);
        }
    };
    match cli.command {
        Some(Command::Wal(args)) => wal::run(&args, context),
        Some(Command::CheckConfig(args)) => check_config::run(&args, context),
        Some(Command::TestRoutes(args)) => test_routes::run(&args, context),
        Some(Command::Template(args)) => template::run(&args, context),
        Some(Command::Why(args)) => past::why(&args, context),
        Some(Command::History(args)) => past::history(&args, context),
        Some(Command::Notifications(args)) => past::notifications(&args, context),
        Some(Command::HistoryProbe(args)) => probe::run(&args, context),
        None => serve::run(args.first(), words, context),
    }
}

/// Whether the first word names one of tocsin's commands, or asks for their list.
fn is_command(first: Option<&OsString>) -> bool {
    let Some(first) = first.and_then(|word| word.to_str()) else {
        return false;
    };
    first == "help" || Cli::command().find_subcommand(first).is_some()
}
