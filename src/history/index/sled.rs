//! Storage in sled 0.34, which may lose, damage or never give back what it was given.
//!
//! What is known of it (measured; see `docs/history.md`): `flush` does not sync to disk; a process that is
//! killed may leave a snapshot file that keeps it from opening ever after; a flipped bit makes it panic,
//! hang, or lose keys without a word. So nothing that matters is in it, it is opened in another process
//! first ([`super::probe`]), every value has a checksum, and the number of values has one too.
//!
//! Values are kept below [`super::chunk::PART_BYTES_MAX`], so that none goes into a file of its own.

use std::path::Path;

use super::storage::{Change, Fault, Storage, Visit};

/// Pages that sled keeps in memory. Its own default is 1 GiB.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// How often sled writes by itself what it holds back.
const FLUSH_EVERY_MS: u64 = 500;

/// A file whose name ends so is a snapshot that sled had not finished; it takes it for a finished one.
pub const UNFINISHED: &str = ".generating";

/// Storage in a directory.
#[derive(Debug)]
pub struct SledStorage {
    database: ::sled::Db,
}

/// An error of the disk may pass; what sled finds wrong with its own files does not.
fn reported(error: &::sled::Error) -> Fault {
    use std::io::ErrorKind;
    let is_of_disk = match error {
        ::sled::Error::Io(error) => !matches!(
            error.kind(),
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof
        ),
        _ => false,
    };
    match is_of_disk {
        true => Fault::Reported(error.to_string()),
        false => Fault::Lied(error.to_string()),
    }
}

impl SledStorage {
    /// Opens it, or makes it if there is none. Unfinished snapshots must have been removed.
    ///
    /// # Errors
    /// What sled reports. It may also panic, or never return.
    pub fn open(directory: &Path) -> Result<Self, Fault> {
        let config = ::sled::Config::new()
            .path(directory)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(Some(FLUSH_EVERY_MS))
            .mode(::sled::Mode::LowSpace);
        let database = config.open().map_err(|error| reported(&error))?;
        Ok(Self { database })
    }
}

impl Storage for SledStorage {
    fn apply(&self, changes: Vec<Change>) -> Result<(), Fault> {
        let mut batch = ::sled::Batch::default();
        for Change { key, value } in changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        let applied = self.database.apply_batch(batch);
        applied.map_err(|error| reported(&error))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let value = self.database.get(key).map_err(|error| reported(&error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), Fault> {
        for pair in self.database.scan_prefix(prefix) {
            let (key, value) = pair.map_err(|error| reported(&error))?;
            visit(&key, &value)?;
        }
        Ok(())
    }

    fn size_bytes(&self) -> Result<u64, Fault> {
        let size = self.database.size_on_disk();
        size.map_err(|error| reported(&error))
    }

    fn flush(&self) -> Result<(), Fault> {
        let flushed = self.database.flush();
        flushed.map(drop).map_err(|error| reported(&error))
    }
}
