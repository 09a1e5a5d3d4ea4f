//! The key by which a receiver can know a notification that it got already.
//!
//! **Invariant:** same key, same content. The key covers the store, so that two servers never share one,
//! the number of the notification, so that a repeat is another one, also in a group that went away and
//! came again, and everything that is told.

use sha2::{Digest, Sha256};

use crate::bugs::{Bug, planted};
use crate::record::NotificationKeyV1;

/// What the key covers besides the place in the notification log.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    /// Why it is told.
    pub reason: &'a str,
    /// The hashes of what fires, sorted.
    pub firing: &'a [u64],
    /// The hashes of what is resolved, sorted.
    pub resolved: &'a [u64],
}

/// SHA-256 over all parts, each behind its length.
#[must_use]
pub fn key(
    store: &[u8; 16],
    place: &NotificationKeyV1,
    flush_id: u64,
    content: &Content<'_>,
) -> [u8; 32] {
    let mut digest = Sha256::new();
    let mut add = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    add(store);
    add(place.tenant.as_bytes());
    add(place.group_key.as_bytes());
    add(place.receiver.as_bytes());
    add(place.integration.as_bytes());
    add(&place.index.to_le_bytes());
    if planted(Bug::KeyWithoutContent) {
        return digest.finalize().into();
    }
    add(&flush_id.to_le_bytes());
    add(content.reason.as_bytes());
    for hashes in [content.firing, content.resolved] {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        add(&bytes);
    }
    digest.finalize().into()
}

/// SHA-256 of a group key in lower-case hexadecimal digits: what integrations fold by.
#[must_use]
pub fn group_id(group_key: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(group_key.as_bytes());
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
