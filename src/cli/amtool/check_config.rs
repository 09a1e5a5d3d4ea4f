//! `amtool check-config`: whether configuration files can be loaded.
//!
//! Alertmanager 0.34 prints for each file the words `Checking 'FILE'`, then what it found or what is
//! wrong, then an empty line. Below what is wrong there is a picture of the place here.

use std::io;
use std::path::PathBuf;

use clap::Args;

use super::args::Global;
use super::failure::Failure;
use super::{features, log};
use crate::cli::Context;
use crate::config::{self, Config, Options, picture, yaml};
use crate::template::{self, Templates};

/// What standard input is called.
const STDIN: &str = "/dev/stdin";

/// `amtool check-config [FILE…]`
#[derive(Debug, Args)]
pub(in crate::cli) struct CheckConfigArgs {
    /// Files to be validated; standard input if none is named
    #[arg(value_name = "check-files")]
    pub(super) files: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// That a file is wrong, or cannot be read.
pub(super) fn run(
    args: &CheckConfigArgs,
    global: &Global,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let texts = read_all(&args.files, context)?;
    let options = Options {
        mode: features::mode(&global.enable_feature)?,
        local_zone: jiff::tz::TimeZone::system(),
    };
    let mut failures = 0;
    for (file, text) in texts {
        failures += check(&file, text, &options, context)?;
        writeln!(context.out)?;
    }
    match failures {
        0 => Ok(()),
        count => Err(Failure::Command(format!(
            "failed to validate {count} file(s)"
        ))),
    }
}

/// What a file is called, and what is in it.
type NamedText = (String, io::Result<Vec<u8>>);

/// The texts to be checked. A file that does not exist is a mistake of the command line, and nothing
/// is checked at all.
fn read_all(files: &[PathBuf], context: &Context<'_>) -> Result<Vec<NamedText>, Failure> {
    if files.is_empty() {
        if context.world.stdin_is_terminal {
            return Err(Failure::Fatal(
                "Failed to read from standard input".to_owned(),
            ));
        }
        let text = (context.world.stdin)(yaml::TEXT_BYTES_MAX);
        return Ok(vec![(STDIN.to_owned(), text)]);
    }
    let mut texts = Vec::new();
    for file in files {
        let text = context.world.files.read(file, yaml::TEXT_BYTES_MAX);
        let shown = file.display().to_string();
        match &text {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Failure::Command(format!("path '{shown}' does not exist")));
            }
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                return Err(Failure::Command(format!("'{shown}' is a directory")));
            }
            _ => texts.push((shown, text)),
        }
    }
    Ok(texts)
}

/// Checks one file and tells how it went. Gives the number of failures.
fn check(
    file: &str,
    text: io::Result<Vec<u8>>,
    options: &Options,
    context: &mut Context<'_>,
) -> Result<usize, Failure> {
    write!(context.out, "Checking '{file}'")?;
    let text = match text {
        Ok(text) => text,
        Err(source) => {
            let path = PathBuf::from(file);
            let error = config::LoadError::Read { path, source };
            writeln!(context.out, "  FAILED: {error}")?;
            return Ok(1);
        }
    };
    let mut loaded = match config::load_with_document(&text, options) {
        Ok(loaded) => loaded,
        Err((error, document)) => {
            writeln!(context.out, "  FAILED: {error}")?;
            let picture = picture::draw(file, &text, &error, document.as_deref());
            write!(context.out, "{picture}")?;
            return Ok(1);
        }
    };
    for warning in &loaded.warnings {
        let line = log::matcher_warning(context.world.clock.wall(), warning);
        writeln!(context.out, "{line}")?;
    }
    loaded.config.resolve(file);
    tell(&loaded.config, context)
}

fn tell(config: &Config, context: &mut Context<'_>) -> Result<usize, Failure> {
    let templates = config.templates();
    writeln!(
        context.out,
        "  SUCCESS\nFound:\n - global config\n - route\n - {} inhibit rules\n - {} receivers\n - {} templates",
        config.inhibit_rules().len(),
        config.receivers().len(),
        templates.len()
    )?;
    if templates.is_empty() {
        return Ok(0);
    }
    let options = template::Options::default();
    // The patterns are resolved already.
    match Templates::load(&options, context.world.files.as_ref(), "", templates) {
        Ok(_) => {
            writeln!(context.out, "  SUCCESS")?;
            Ok(0)
        }
        Err(error) => {
            writeln!(context.out, "  FAILED: {error}")?;
            if !error.entry.is_empty() {
                writeln!(context.out, "   --> {}", error.entry)?;
            }
            Ok(1)
        }
    }
}
