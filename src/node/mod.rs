//! The only place where the program meets the real world: disk, clock, randomness.
//!
//! **Invariants**
//! * `std::fs`, the system's clocks and its random numbers are named in this folder and nowhere
//!   else; `clippy.toml` refuses them elsewhere.
//! * Everything else takes the traits of [`crate::sys`], so that a simulator can stand in.

mod real_clock;
mod real_disk;
mod real_entropy;

pub use real_clock::RealClock;
pub use real_disk::RealDisk;
pub use real_entropy::RealEntropy;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use crate::cli::World;
use crate::sys::Disk;

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
        shows_progress: io::stderr().is_terminal(),
        prints_to_terminal: io::stdout().is_terminal(),
    })
}
