//! Why a command failed, in words fit for an operator: the thing, what is wrong, the way out.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::exit::{self, Exit};
use crate::wal::OpenError;

/// Why a command failed.
#[derive(Debug)]
pub enum Problem {
    /// The store cannot be opened or read.
    Store(OpenError),
    /// Acknowledged records cannot be read, so the log cannot be continued.
    Damaged {
        /// The data directory.
        path: PathBuf,
        /// How many stretches of it.
        places: usize,
    },
    /// The store is being made by a running process, and is not one yet.
    BeingMade {
        /// The data directory.
        path: PathBuf,
        /// What that process wrote into the lock file.
        holder: String,
    },
    /// The command line asks for something that there is not.
    Usage(String),
    /// There is no such checkpoint.
    NoSuchCheckpoint {
        /// The data directory.
        path: PathBuf,
        /// The LSN that was asked for.
        lsn: u64,
    },
    /// Whoever was asked has no answer.
    Unanswered(String),
    /// What was to be printed cannot be.
    Output(io::Error),
}

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Problem {
    /// The exit code that goes with it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => Exit::of_error(error),
            Self::Damaged { .. } => exit::DAMAGED,
            Self::BeingMade { .. } => exit::IN_USE,
            Self::Usage(_) | Self::NoSuchCheckpoint { .. } => exit::USAGE,
            Self::Unanswered(_) => exit::FAULTY,
            Self::Output(_) => exit::INPUT_OUTPUT,
        }
    }
}

/// What to do about an error of the store, where the error does not say so itself.
fn way_out(error: &OpenError) -> Option<&'static str> {
    match error {
        OpenError::Io { source, .. } => match source.kind() {
            io::ErrorKind::PermissionDenied => {
                Some("run this as the user that the server runs as, or as root")
            }
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Some("name the data directory with --data")
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some("make room and try again")
            }
            io::ErrorKind::ReadOnlyFilesystem => Some("mount it for writing first"),
            _ => Some("the kernel's log (`dmesg`) may say more about the device"),
        },
        OpenError::InUse { .. } => Some("stop it first: a repair needs the store to itself"),
        OpenError::NotAStore { .. } => Some("name the data directory with --data"),
        _ => None,
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => {
                error.fmt(f)?;
                match way_out(error) {
                    Some(way_out) => write!(f, "; {way_out}"),
                    None => Ok(()),
                }
            }
            Self::Damaged { path, places } => write!(
                f,
                "{}: acknowledged records cannot be read, places: {places}; nothing was changed. `tocsin wal check` shows them; `tocsin wal repair salvage` keeps all that is readable",
                path.display()
            ),
            Self::BeingMade { path, holder } => write!(
                f,
                "{} is being made by another process ({holder}); try again in a moment",
                path.display()
            ),
            Self::Usage(text) | Self::Unanswered(text) => f.write_str(text),
            Self::NoSuchCheckpoint { path, lsn } => write!(
                f,
                "{} has no checkpoint {lsn}; `tocsin wal checkpoint show` lists all there are",
                path.display()
            ),
            Self::Output(error) => write!(f, "cannot write the output: {error}"),
        }
    }
}
