//! Checkpoints: the state at one LSN, so that the log before it can go.
//!
//! The log does not know what the state is: a checkpoint is a list of sections, each a number and
//! bytes, that the caller writes and gets back in the same order.
//!
//! ```text
//!  header    "TOCSIN\0C" · format u16 · zero (6) · store id (16) · LSN u64 · wall time i64 · CRC-32 u32
//!            over the 48 bytes before it · zero (4)                                           56 bytes
//!  section   kind u32, not 0xffffffff · CRC-32 u32 over kind ‖ length ‖ payload · length u64 · payload,
//!            zeros up to a multiple of 8
//!  …
//!  trailer   0xffffffff u32 · CRC-32 u32 over everything before the trailer but the header's CRC, and
//!            over the 24 bytes that follow · sections u64 · file length u64 · state hash u64                         32 bytes
//! ```
//!
//! The order of steps, and what a crash between them leaves:
//!
//! ```text
//! 1 write <lsn>.ckpt.tmp ─ 2 fdatasync ─ 3 rename ─ 4 sync directory ─ 5 read back and verify ─
//! 6 CheckpointDone into the log, synced ─ 7 remove older checkpoints but one ─ 8 remove segments
//!   before 3  the old checkpoints and the whole log; the tmp file goes at the next start
//!   3 .. 6    the new checkpoint, if its name survived, else as before; nothing was removed yet
//!   6 .. 8    the new checkpoint, the one before it, and every segment behind the older of the two
//! ```
//!
//! **Invariant:** every record after the *older* kept checkpoint is in the log, so that a damaged
//! newest one costs nothing but a longer replay.

mod catalogue;
mod read;
mod write;

pub(crate) use catalogue::newest_first;
pub use catalogue::{CheckpointFile, CheckpointState};
pub use read::{CheckpointDamage, CheckpointInfo, SectionVisit, read_checkpoint};
pub use write::CheckpointWriter;
pub(crate) use write::{begin, finish};

/// A longer section is refused: recovery holds one in memory at a time.
pub const SECTION_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Checkpoints that are kept.
pub const CHECKPOINTS_KEPT: usize = 2;

const MAGIC: &[u8; 8] = b"TOCSIN\0C";
const HEADER_BYTES: usize = 56;
const HEADER_CRC_OFFSET: usize = 48;
const SECTION_HEADER_BYTES: usize = 16;
const TRAILER_BYTES: usize = 32;
const TRAILER_KIND: u32 = u32::MAX;
const ALIGN: usize = 8;
