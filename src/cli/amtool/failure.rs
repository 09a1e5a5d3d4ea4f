//! How a command of `amtool` fails, and how that is said.
//!
//! Alertmanager 0.34 prints `amtool: error: …` on standard error and ends with 1, whatever went
//! wrong. Errors of the command line and of a command are followed by an empty line; what ends the
//! program from within (a missing URL, a bad feature list) is not.

use std::io::{self, Write};

/// Why a command of `amtool` failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line, or the command's own result.
    Command(String),
    /// What the command cannot even begin without.
    Fatal(String),
    /// What the command has said itself.
    Told,
    /// What was to be printed cannot be.
    Output(io::Error),
}

impl Failure {
    /// What is said, without what stands around it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Command(text) | Self::Fatal(text) => text.clone(),
            Self::Told => String::new(),
            Self::Output(error) => error.to_string(),
        }
    }

    /// Prints it as Alertmanager's tool does.
    pub(super) fn print(&self, err: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Command(text) => writeln!(err, "amtool: error: {text}\n"),
            Self::Fatal(text) => writeln!(err, "amtool: error: {text}"),
            Self::Told => Ok(()),
            Self::Output(error) => writeln!(err, "amtool: error: {error}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
