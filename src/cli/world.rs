//! What a command may touch.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exit::Exit;
use super::http::MakeRequest;
use super::serve::flags::ServeArgs;
use crate::sys::{Clock, Disk, Entropy, Files};
use crate::wal::Environment;

/// Gives the disk handle of a directory.
pub type OpenDisk = Box<dyn Fn(&Path) -> Arc<dyn Disk>>;

/// Reads standard input to its end.
pub type ReadStdin = Box<dyn Fn(u64) -> io::Result<Vec<u8>>>;

/// Runs the server.
pub type Serve = fn(&ServeArgs, &World) -> Exit;

/// The handles through which commands meet the world.
pub struct World {
    /// Gives the disk handle of a data directory; touches nothing.
    pub open_disk: OpenDisk,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// What an operator wrote: configuration, templates.
    pub files: Arc<dyn Files>,
    /// Runs the server: the parts meet in `node` only.
    pub serve: Serve,
    /// Makes a request to a server.
    pub request: MakeRequest,
    /// Reads standard input to its end, at most that many bytes.
    pub stdin: ReadStdin,
    /// Whether standard input is a terminal, so that nothing was piped in.
    pub stdin_is_terminal: bool,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// The user's name, if the system says it.
    pub user: Option<String>,
    /// Whether somebody watches standard error.
    pub shows_progress: bool,
    /// Whether results go to a terminal, where a progress bar would stand between them.
    pub prints_to_terminal: bool,
}

impl World {
    /// What the log needs to work in that directory.
    #[must_use]
    pub fn environment(&self, root: &Path) -> Environment {
        Environment {
            disk: (self.open_disk)(root),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("clock", &self.clock)
            .field("shows_progress", &self.shows_progress)
            .finish_non_exhaustive()
    }
}
