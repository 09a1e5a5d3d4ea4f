//! What a command may touch.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::sys::{Clock, Disk, Entropy};
use crate::wal::Environment;

/// Gives the disk handle of a directory.
pub type OpenDisk = Box<dyn Fn(&Path) -> Arc<dyn Disk>>;

/// The handles through which commands meet the world.
pub struct World {
    /// Gives the disk handle of a data directory; touches nothing.
    pub open_disk: OpenDisk,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
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
