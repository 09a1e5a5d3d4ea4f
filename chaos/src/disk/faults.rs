//! How the disk fails while it has power: full, slow, or with an error at the n-th call.
//!
//! An error is noted in the history before the call that gets it returns, so that the checker knows that
//! the process may end from here on.

use std::time::Duration;

use tocsin::sys::{Entropy, SeededEntropy};

/// A call that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Bytes of a file are written.
    Write,
    /// A file is synced.
    Sync,
    /// A directory is synced.
    SyncDir,
}

impl Call {
    /// As it stands in the history.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Sync => "fsync",
            Self::SyncDir => "fsync of a directory",
        }
    }
}

/// How much room there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Room {
    /// Enough.
    #[default]
    Plenty,
    /// None for what is new: what stands there already can be written over.
    NoMore,
    /// None at all, as where every write is a copy.
    None,
}

/// An error that waits for its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trap {
    pub(super) call: Call,
    /// How many such calls go well before.
    pub(super) after: u64,
    /// Whether all that follow fail too.
    pub(super) stays: bool,
}

/// Why a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// EIO.
    Broken,
    /// ENOSPC.
    Full,
}

/// What is wrong with the disk now.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) room: Room,
    pub(super) trap: Option<Trap>,
    /// The longest time that a sync takes.
    pub(super) slow_ms_max: u64,
    entropy: SeededEntropy,
}

impl Faults {
    /// A disk that is well.
    pub(super) fn none(seed: u64) -> Self {
        Self {
            room: Room::Plenty,
            trap: None,
            slow_ms_max: 0,
            entropy: SeededEntropy::new(seed),
        }
    }

    /// Nothing is wrong from here on.
    pub(super) fn end(&mut self) {
        (self.room, self.trap, self.slow_ms_max) = (Room::Plenty, None, 0);
    }

    /// How long a sync takes.
    pub(super) fn delay(&self) -> Duration {
        match self.slow_ms_max {
            0 => Duration::ZERO,
            ms => Duration::from_millis(self.entropy.below(ms)),
        }
    }

    /// Whether this call gets an error, and whether that is the first time it does.
    pub(super) fn meets(&mut self, call: Call) -> Option<Failure> {
        let trap = self.trap.as_mut().filter(|trap| trap.call == call)?;
        if trap.after > 0 {
            trap.after -= 1;
            return None;
        }
        if !trap.stays {
            self.trap = None;
        }
        Some(Failure::Broken)
    }

    /// Whether there is room to write: new bytes, or over old ones.
    pub(super) fn has_room(&self, is_new: bool) -> bool {
        match self.room {
            Room::Plenty => true,
            Room::NoMore => !is_new,
            Room::None => false,
        }
    }
}
