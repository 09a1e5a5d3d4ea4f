//! What is packed together: deflate, in parts that are small enough for the storage; and the variable-length
//! integers that stand in it.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::storage::Fault;

/// Bytes of one value: sled keeps a page of sixteen of them in its log and in no file of its own.
pub const PART_BYTES_MAX: usize = 7 * 1024;

/// Nothing unpacks to more: an entry is at most a record of the log, which has 16 MiB.
const UNPACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Packs one thing after another, in the same memory: each would need a quarter of a megabyte for itself.
#[derive(Debug)]
pub struct Packer {
    encoder: DeflateEncoder<Vec<u8>>,
}

impl Default for Packer {
    fn default() -> Self {
        Self {
            encoder: DeflateEncoder::new(Vec::new(), Compression::fast()),
        }
    }
}

impl Packer {
    /// Packs bytes into parts.
    ///
    /// # Errors
    /// That they are too many.
    pub fn pack(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
        let failed =
            |what: &str| Fault::Reported(format!("entries or names cannot be packed: {what}"));
        let packed = self.encoder.write_all(bytes);
        let packed = packed.and_then(|()| self.encoder.reset(Vec::new()));
        let packed = packed.map_err(|error| failed(&error.to_string()))?;
        let parts: Vec<Vec<u8>> = packed.chunks(PART_BYTES_MAX).map(<[u8]>::to_vec).collect();
        match u16::try_from(parts.len()) {
            Ok(_) => Ok(parts),
            Err(_) => Err(failed("they are too long")),
        }
    }
}

/// Unpacks parts, one after another; `about` is how many bytes to expect.
///
/// # Errors
/// That they are none.
pub fn unpack(parts: &[u8], about: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(about);
    let mut decoder = DeflateDecoder::new(parts).take(UNPACKED_BYTES_MAX);
    let read = decoder.read_to_end(&mut bytes);
    read.map_err(|error| Fault::Lied(format!("entries or names cannot be unpacked: {error}")))?;
    Ok(bytes)
}

/// Appends a number.
pub fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Reads what [`put`] wrote.
pub fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Appends a length, and as many bytes.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend(bytes);
}

/// Reads what [`put_bytes`] wrote.
pub fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take(rest)?).ok()?;
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes)
}

/// Appends by how much a number is more than the one before, or less.
pub fn put_difference(out: &mut Vec<u8>, value: i64, before: i64) {
    let difference = value.wrapping_sub(before);
    put(
        out,
        ((difference << 1) ^ (difference >> 63)).cast_unsigned(),
    );
}

/// Reads what [`put_difference`] wrote.
pub fn take_difference(rest: &mut &[u8]) -> Option<i64> {
    let value = take(rest)?;
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}
