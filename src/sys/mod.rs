//! The doors to the outside world: disk, clock, randomness.
//!
//! Everything that touches a file, reads the time or draws a random number does so through one of
//! the traits here, so that the simulator can stand in for the world and replay a run from a seed.
//!
//! ```text
//!   trait      real (node only)   stand-ins for tests and the simulator (here)
//!   Disk       RealDisk           SimDisk (faults, power loss), RecordingDisk (writes a DiskOp list)
//!   Clock      RealClock          VirtualClock
//!   Entropy    RealEntropy        SeededEntropy
//!   Files      RealFiles          MemoryFiles
//! ```
//!
//! **Invariant:** nothing in this folder touches the real world. The real ones are made in `node`,
//! and `clippy.toml` refuses them elsewhere.
//!
//! What a power loss may leave behind is defined in one place, [`CrashModel`]; both the simulated
//! disk and the crash-image enumerator in `chaos/` use it.

mod clock;
mod crash_model;
mod disk;
mod entropy;
mod files;
mod recording_disk;
mod sim_disk;

pub use clock::{Clock, VirtualClock, WallTime};
pub use crash_model::{CrashModel, Fate, Fill, Image, NameOp, PendingWrite};
pub use disk::{Access, Disk, DiskFile, Held, LockGuard, LockOutcome};
pub use entropy::{Entropy, SeededEntropy};
pub use files::{Entry, Files, MemoryFiles};
pub use recording_disk::{DiskOp, FileId, RecordingDisk};
pub use sim_disk::{Call, Errno, Fault, FaultKind, SimDisk};
