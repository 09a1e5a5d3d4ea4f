//! Opening an index to see whether it can be used, in a process that may die of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::sled::SledStorage;
use super::storage::Fault;
use super::store::{Index, Limits};

/// The command that probes. It is not for people.
pub const COMMAND: &str = "history-probe";

/// Where sled's files are, in the data directory.
pub const DIRECTORY: &str = "index";

/// How often a lock is tried, and how long is waited in between: altogether less than a probe may take.
const TRIES_MAX: u32 = 50;

/// See [`TRIES_MAX`].
const TRY_EVERY: Duration = Duration::from_millis(100);

/// What a probe says of an index that it found sound. One that dies says nothing.
const SOUND: &str = "sound";

/// Opens the index in a data directory and reads all of it: every checksum, and the sum over them. Gives
/// what to print: a line.
#[must_use]
pub fn probe(data_dir: &Path, store: [u8; 16]) -> String {
    // Nothing is removed here, so that the limits do not matter.
    let limits = Limits {
        retention: Duration::MAX,
        bytes_max: u64::MAX,
    };
    let probed = || {
        let storage = open(&data_dir.join(DIRECTORY))?;
        Index::open(Arc::new(storage), store, limits)?.verify()
    };
    match probed() {
        Ok(()) => SOUND.to_owned(),
        Err(Fault::Reported(what)) => format!("reported {what}"),
        Err(Fault::Foreign(what)) => format!("foreign {what}"),
        Err(Fault::Lied(what)) => format!("lied {what}"),
        Err(fault) => format!("lied {fault}"),
    }
}

/// The probe of a process that was killed may still be at it, for a moment.
fn open(directory: &Path) -> Result<SledStorage, Fault> {
    for _ in 0..TRIES_MAX {
        match SledStorage::open(directory) {
            Err(Fault::Reported(what)) if what.contains("could not acquire lock") => {
                std::thread::park_timeout(TRY_EVERY);
            }
            other => return other,
        }
    }
    SledStorage::open(directory)
}

/// What a probe has said.
///
/// # Errors
/// That the index cannot be used.
pub fn understand(said: &str) -> Result<(), Fault> {
    let said = said.trim_end();
    let (verdict, what) = said.split_once(' ').unwrap_or((said, ""));
    let what = what.to_owned();
    match verdict {
        SOUND => Ok(()),
        "reported" => Err(Fault::Reported(what)),
        "foreign" => Err(Fault::Foreign(what)),
        "lied" => Err(Fault::Lied(what)),
        _ => Err(Fault::Panicked(
            "the process that probed it died".to_owned(),
        )),
    }
}
