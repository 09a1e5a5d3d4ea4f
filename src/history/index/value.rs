//! A value in storage: a checksum, the LSN it came from, and what it is.
//!
//! ```text
//!  0  4  CRC-32 over the key and everything behind this field
//!  4  8  LSN of the last record that is in it, little endian
//! 12  n  content
//! ```

use super::storage::Fault;
use crate::wal::Lsn;

const HEADER_BYTES: usize = 12;

/// What stands in a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    /// The last record that is in it.
    pub lsn: Lsn,
    /// The content.
    pub content: &'a [u8],
}

fn checksum(key: &[u8], rest: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(key);
    crc.update(rest);
    crc.finalize()
}

/// The bytes to store, and their checksum.
#[must_use]
pub fn seal(key: &[u8], lsn: Lsn, content: &[u8]) -> (Vec<u8>, u32) {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + content.len());
    bytes.extend([0; 4]);
    bytes.extend(lsn.0.to_le_bytes());
    bytes.extend(content);
    let crc = checksum(key, bytes.get(4..).unwrap_or_default());
    for (to, from) in bytes.iter_mut().zip(crc.to_le_bytes()) {
        *to = from;
    }
    (bytes, crc)
}

/// Compares the checksum, and gives it with what is behind it.
///
/// # Errors
/// That the bytes are not those that were stored under that key.
pub fn open<'a>(key: &[u8], bytes: &'a [u8]) -> Result<(Value<'a>, u32), Fault> {
    let lied = || Fault::Lied("a checksum does not match".to_owned());
    let (stored, rest) = bytes.split_first_chunk::<4>().ok_or_else(lied)?;
    let (lsn, content) = rest.split_first_chunk::<8>().ok_or_else(lied)?;
    let crc = u32::from_le_bytes(*stored);
    if checksum(key, rest) != crc {
        return Err(lied());
    }
    let lsn = Lsn(u64::from_le_bytes(*lsn));
    Ok((Value { lsn, content }, crc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_noticed_and_so_is_another_key() {
        let (bytes, crc) = seal(b"key", Lsn(7), b"content");
        let value = Value {
            lsn: Lsn(7),
            content: b"content",
        };
        assert_eq!(open(b"key", &bytes), Ok((value, crc)));
        let flipped = (0..bytes.len() * 8).filter(|bit| {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            open(b"key", &bytes).is_ok()
        });
        assert_eq!((flipped.count(), open(b"kez", &bytes).is_ok()), (0, false));
    }
}
