//! The identity of a label set.

use std::fmt;

/// 64 bits that stand for a label set: the identity of an alert, as Prometheus computes it.
///
/// FNV-1a over the pairs in the order of their names, each as name, `0xFF`, value, `0xFF`
/// (a byte that no UTF-8 text contains).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

/// The offset basis and the prime of 64-bit FNV-1a.
const OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const PRIME: u64 = 0x0100_0000_01B3;
const SEPARATOR: u8 = 0xFF;

impl Fingerprint {
    /// Of pairs in the order of their names.
    pub(crate) fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let add = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        let hash = pairs.fold(OFFSET, |hash, (name, value)| {
            let hash = add(name.bytes().fold(hash, add), SEPARATOR);
            add(value.bytes().fold(hash, add), SEPARATOR)
        });
        Self(hash)
    }
}

impl fmt::Display for Fingerprint {
    /// 16 hexadecimal digits.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Fingerprint({self})")
    }
}
