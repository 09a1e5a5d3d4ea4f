//! What the index says of itself, changed together with its values: what it has read of the log, and a
//! sum over all checksums, so that a value that went without a word is missed.

use serde::{Deserialize, Serialize};

use super::storage::{Change, Fault};
use super::value;
use crate::record::{decode_part, encode_part};
use crate::wal::Lsn;

/// The key of the manifest.
pub const KEY: &[u8] = b"m";

/// The layout of everything in the index. Another one is thrown away and made anew from the log.
pub const FORMAT: u32 = 4;

/// The manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// Of which store.
    pub store: [u8; 16],
    /// Every record up to this LSN is in it, or is known to be missing.
    pub applied: u64,
    /// The filling of the open chunk; chunks of earlier ones do not change any more.
    pub generation: u64,
    /// The time of the last entry.
    pub known_until_ns: i64,
    /// Since when it knows everything, in nanoseconds since 1970; the latest time for never.
    pub known_since_ns: i64,
    /// Chunks.
    pub chunks: u64,
    /// Values of names.
    pub names: u64,
    /// The sum of the checksums of all values but this one.
    pub crc_sum: u64,
}

impl Manifest {
    /// Of an empty index.
    #[must_use]
    pub fn new(store: [u8; 16]) -> Self {
        Self {
            format: FORMAT,
            store,
            applied: 0,
            generation: 1,
            known_until_ns: i64::MIN,
            known_since_ns: i64::MAX,
            chunks: 0,
            names: 0,
            crc_sum: 0,
        }
    }

    /// A value came.
    pub fn add_crc(&mut self, crc: u64) {
        self.crc_sum = self.crc_sum.wrapping_add(crc);
    }

    /// A value went.
    pub fn remove_crc(&mut self, crc: u64) {
        self.crc_sum = self.crc_sum.wrapping_sub(crc);
    }

    /// Values of names came.
    pub fn add_names(&mut self, values: usize, crc: u64) {
        self.names += values as u64;
        self.add_crc(crc);
    }

    /// Values of names went.
    pub fn remove_names(&mut self, values: u16, crc: u64) {
        self.names -= u64::from(values);
        self.remove_crc(crc);
    }

    /// The content of its value.
    ///
    /// # Errors
    /// That it is too long, which it is not.
    pub fn encode(&self) -> Result<Vec<u8>, Fault> {
        encode_part(self).map_err(|error| Fault::Reported(error.to_string()))
    }

    /// Puts it into storage.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn change(&self) -> Result<Change, Fault> {
        let (value, _) = value::seal(KEY, Lsn(self.applied), &self.encode()?);
        Ok(Change {
            key: KEY.to_vec(),
            value: Some(value),
        })
    }

    /// Reads it.
    ///
    /// # Errors
    /// That it is none, of another layout, or of another store.
    pub fn decode(content: &[u8], store: [u8; 16]) -> Result<Self, Fault> {
        let manifest: Self = decode_part("manifest of the index", content)
            .map_err(|error| Fault::Lied(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(Fault::Foreign(format!(
                "it has layout {}, this program writes layout {FORMAT}",
                manifest.format
            )));
        }
        if manifest.store != store {
            return Err(Fault::Foreign("it belongs to another store".to_owned()));
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_of_another_layout_or_store_is_foreign() {
        let ours = Manifest::new([1; 16]);
        let later = Manifest {
            format: FORMAT + 1,
            ..ours.clone()
        };
        let read =
            |manifest: &Manifest, store| Manifest::decode(&manifest.encode().unwrap(), store);
        let foreign = |text: &str| Err(Fault::Foreign(text.to_owned()));
        assert_eq!(
            [
                read(&ours, [1; 16]),
                read(&later, [1; 16]),
                read(&ours, [2; 16])
            ],
            [
                Ok(ours.clone()),
                foreign("it has layout 5, this program writes layout 4"),
                foreign("it belongs to another store"),
            ]
        );
    }
}
