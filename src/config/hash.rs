//! The number by which two servers tell whether they run the same configuration.

use md5::{Digest, Md5};

/// `alertmanager_config_hash`: the first six bytes of the MD5 of the file, the least significant
/// first.
#[must_use]
pub fn hash(text: &[u8]) -> u64 {
    let digest = Md5::digest(text);
    digest
        .iter()
        .take(6)
        .rev()
        .fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_small_file_is_that_of_alertmanager() {
        let text = b"route: {receiver: r}\nreceivers: [{name: r}]\n";
        assert_eq!(hash(text), 228_094_098_964_141);
    }
}
