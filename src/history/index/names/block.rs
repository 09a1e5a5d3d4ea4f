//! A block of names: what came at about the same time, packed together. Labels are so much alike that a tenth
//! of their bytes is left.
//!
//! ```text
//!  n ‖ kind ‖ tenant ‖ number of the block ‖ number of the part (big endian)   deflate of:
//!           time in nanoseconds, 8 bytes; then each name: id, 8 bytes; length and bytes of what it stands for
//! ```

use crate::history::index::packed::{put_bytes, take_bytes, unpack};
use crate::history::index::storage::Fault;
use crate::sys::WallTime;

/// First byte of the keys of names.
pub const NAMES: u8 = b'n';

/// A block is full with that many bytes: finding one name in it takes some 50 microseconds.
pub const BLOCK_BYTES_MAX: usize = 16 * 1024;

/// Which block. Those that are written later have higher numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockKey {
    /// The kind of its names.
    pub kind: u8,
    /// The hash of whose they are.
    pub tenant: u64,
    /// Its number.
    pub number: u64,
}

impl BlockKey {
    /// The key of a part.
    #[must_use]
    pub fn part_key(self, part: u16) -> Vec<u8> {
        let mut key = vec![NAMES, self.kind];
        key.extend(self.tenant.to_be_bytes());
        key.extend(self.number.to_be_bytes());
        key.extend(part.to_be_bytes());
        key
    }

    /// Which block, and which part of it.
    ///
    /// # Errors
    /// That the key is none of a part of a block.
    pub fn read(key: &[u8]) -> Result<(Self, u16), Fault> {
        let read = || {
            let rest = key.strip_prefix(&[NAMES])?;
            let (kind, rest) = rest.split_first()?;
            let (tenant, rest) = rest.split_first_chunk::<8>()?;
            let (number, rest) = rest.split_first_chunk::<8>()?;
            let block = Self {
                kind: *kind,
                tenant: u64::from_be_bytes(*tenant),
                number: u64::from_be_bytes(*number),
            };
            Some((block, u16::from_be_bytes(rest.try_into().ok()?)))
        };
        read().ok_or_else(|| Fault::Lied("a key is no name's".to_owned()))
    }
}

/// The bytes of a block, before they are packed.
#[derive(Debug)]
pub struct Draft {
    bytes: Vec<u8>,
}

impl Draft {
    /// Without names yet, the last of which is of that time.
    #[must_use]
    pub fn new(at: WallTime) -> Self {
        let mut bytes = Vec::with_capacity(BLOCK_BYTES_MAX);
        bytes.extend(at.0.to_le_bytes());
        Self { bytes }
    }

    /// Adds a name.
    pub fn push(&mut self, id: u64, content: &[u8]) {
        self.bytes.extend(id.to_le_bytes());
        put_bytes(&mut self.bytes, content);
    }

    /// To be packed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A block, unpacked.
#[derive(Debug)]
pub struct Unpacked {
    bytes: Vec<u8>,
}

impl Unpacked {
    /// Unpacks parts, one after another.
    ///
    /// # Errors
    /// That they are no block.
    pub fn new(parts: &[u8]) -> Result<Self, Fault> {
        let bytes = unpack(parts, BLOCK_BYTES_MAX)?;
        Ok(Self { bytes })
    }

    /// When its last name was used.
    ///
    /// # Errors
    /// That the block is none.
    pub fn at(&self) -> Result<WallTime, Fault> {
        let at = self.bytes.first_chunk::<8>().ok_or_else(no_block)?;
        Ok(WallTime(i64::from_le_bytes(*at)))
    }

    /// Its names: each with what it stands for.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub fn names(&self) -> Result<Vec<(u64, &[u8])>, Fault> {
        let read = || {
            let (_, mut rest) = self.bytes.split_first_chunk::<8>()?;
            let mut names = Vec::new();
            while !rest.is_empty() {
                let (id, behind) = rest.split_first_chunk::<8>()?;
                rest = behind;
                names.push((u64::from_le_bytes(*id), take_bytes(&mut rest)?));
            }
            Some(names)
        };
        read().ok_or_else(no_block)
    }
}

fn no_block() -> Fault {
    Fault::Lied("a block of names is not of its layout".to_owned())
}
