//! The only place where the program meets the real world: disk, clock, randomness.
//!
//! **Invariants**
//! * `std::fs`, the system's clocks and its random numbers are named in this folder and nowhere
//!   else; `clippy.toml` refuses them elsewhere.
//! * Everything else takes the traits of [`crate::sys`], so that a simulator can stand in.

mod fetch;
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
        request: fetch::request,
        stdin: Box::new(|bytes_max| RealFiles.read(Path::new("/dev/stdin"), bytes_max)),
        stdin_is_terminal: io::stdin().is_terminal(),
        home: std::env::var_os("HOME").map(PathBuf::from),
        user: user_name(),
        shows_progress: io::stderr().is_terminal(),
        prints_to_terminal: io::stdout().is_terminal(),
    })
}

/// The name of the user who runs this process, as the list of users has it; else as the environment
/// says.
fn user_name() -> Option<String> {
    let id = |text: &str| text.split_whitespace().nth(1).map(str::to_owned);
    let status = read_text("/proc/self/status");
    let own = status
        .lines()
        .find_map(|line| id(line.strip_prefix("Uid")?));
    let users = read_text("/etc/passwd");
    let listed = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1).map(str::to_owned) == own).then(|| name.to_owned())
    });
    listed.or_else(|| std::env::var("USER").ok())
}

/// A file of the system that may not be there.
fn read_text(path: &str) -> String {
    let read = RealFiles.read(Path::new(path), SYSTEM_FILE_BYTES_MAX);
    String::from_utf8_lossy(&read.unwrap_or_default()).into_owned()
}

/// Ten thousand users have less than that.
const SYSTEM_FILE_BYTES_MAX: u64 = 1024 * 1024;

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
