//! The index of history: what was read of the log, kept where it can be asked for.
//!
//! ```text
//!   log ─ durable ─► feed ─► keeper (one thread) ─► read(record) ─► store ─► storage: sled or memory
//!                      └ full: dropped, and read from the log later (follow)
//!   questions ─► history (a Timeline of one tenant) ─► store
//! ```
//!
//! **Invariants**
//! * Nothing waits for the index: not the log, not the core, not a start, not a stop (but for a second).
//! * It can be thrown away at any time. What is lost is history.
//! * Storage is opened in another process first ([`probe`]), called with a time limit and behind a panic
//!   barrier ([`guard`]), and believed only as far as its checksums go.

pub mod chunk;
pub mod feed;
pub mod filter;
pub mod follow;
pub mod guard;
mod hash;
pub mod keeper;
mod manifest;
mod memory;
mod names;
mod open;
mod packed;
pub mod past;
pub mod probe;
mod sled;
mod storage;
mod store;
mod value;

pub use memory::MemoryStorage;
pub use names::{Name, NameKey};
pub use past::{Past, add_record};
pub use sled::{SledStorage, UNFINISHED};
pub use storage::{Change, Fault, Storage, Visit};
pub use store::{Addition, Contents, Index, Limits};
