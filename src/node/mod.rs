//! The only place where the program meets the real world: disk, clock, randomness.
//!
//! **Invariants**
//! * `std::fs`, the system's clocks and its random numbers are named in this folder and nowhere
//!   else; `clippy.toml` refuses them elsewhere.
//! * Everything else takes the traits of [`crate::sys`], so that a simulator can stand in.

pub mod logging;
mod outbound;
mod real_clock;
mod real_disk;
mod real_entropy;
mod real_files;
pub mod serve;

pub use outbound::{proxy_environment, system_roots};
pub use real_clock::RealClock;
pub use real_disk::RealDisk;
pub use real_entropy::RealEntropy;
pub use real_files::RealFiles;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::World;
use crate::sys::{Disk, Files};

/// The world as a command of this process meets it.
///
/// # Errors
/// That the operating system gives no random numbers.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the real ones are made"
)]
pub fn world() -> io::Result<World> {
    Ok(World {
        open_disk: Box::new(|root: &Path| Arc::new(RealDisk::new(root)) as Arc<dyn Disk>),
        clock: Arc::new(RealClock::new()),
        entropy: Arc::new(RealEntropy::new()?),
        files: Arc::new(RealFiles),
        serve: serve::run,
        stdin: Box::new(|bytes_max| RealFiles.read(Path::new("/dev/stdin"), bytes_max)),
        stdin_is_terminal: io::stdin().is_terminal(),
        home: std::env::var_os("HOME").map(PathBuf::from),
        shows_progress: io::stderr().is_terminal(),
        prints_to_terminal: io::stdout().is_terminal(),
    })
}

/// The name of this machine, for the external URL; `localhost` if the system does not say.
fn host_name() -> String {
    let path = Path::new("/proc/sys/kernel/hostname");
    let read = RealFiles
        .read(path, HOST_NAME_BYTES_MAX)
        .unwrap_or_default();
    match String::from_utf8_lossy(&read).trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

/// Linux has 64.
const HOST_NAME_BYTES_MAX: u64 = 1024;
