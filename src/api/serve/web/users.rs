//! Users with passwords: `Authorization: Basic`, against bcrypt hashes.
//!
//! **Rules**
//! * Whether a user exists is not to be seen from the time that an answer takes: for an unknown one a
//!   hash of the same cost is worked through.
//! * bcrypt is slow on purpose, so results are remembered, [`REMEMBERED_MAX`] of each kind: good ones
//!   apart from bad ones, so that a guesser does not make good ones be forgotten. What is remembered is
//!   a keyed digest, of which the key is made at the start and kept nowhere.
//! * At most [`AT_ONCE_MAX`] hashes are worked through at once, beside the server.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use ring::hmac;
use tokio::sync::Semaphore;

use super::WebError;
use crate::config::values::Secret;
use crate::sys::Entropy;

/// Results that are remembered, of each kind. Alertmanager 0.34: 100.
const REMEMBERED_MAX: usize = 100;
/// Hashes that are worked through at once: each takes a core for some 50 ms.
const AT_ONCE_MAX: usize = 2;
/// The costs that a hash may have.
const COSTS: std::ops::RangeInclusive<i64> = 4..=31;
/// The cost for unknown users if no hash says another.
const COST_DEFAULT: u32 = 10;
/// Salt and hash of no password that anybody knows.
const NOBODY: &str = "X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";

type Hashes = BTreeMap<String, Secret>;

/// Who was known, and who was not.
#[derive(Debug)]
pub(super) struct Users {
    key: hmac::Key,
    good: Mutex<VecDeque<[u8; 32]>>,
    bad: Mutex<VecDeque<[u8; 32]>>,
    places: Arc<Semaphore>,
}

impl Users {
    pub(super) fn new(entropy: &dyn Entropy) -> Self {
        let key = [entropy.next_16_bytes(), entropy.next_16_bytes()].concat();
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            good: Mutex::default(),
            bad: Mutex::default(),
            places: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        }
    }

    /// Whether the request comes from one of the users.
    pub(super) async fn knows(&self, hashes: &Hashes, request: &HeaderMap) -> bool {
        let Some((user, password)) = credentials(request) else {
            return false;
        };
        let hash = match hashes.get(&user) {
            Some(hash) => hash.expose().to_owned(),
            None => nobody(hashes),
        };
        let is_user = hashes.contains_key(&user);
        let digest = self.digest(&[user.as_bytes(), hash.as_bytes(), &password]);
        if holds(&self.good, &digest) {
            return true;
        }
        if holds(&self.bad, &digest) {
            return false;
        }
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return false;
        };
        let is_right = tokio::task::spawn_blocking(move || {
            let is_right = bcrypt::verify(password, &hash).unwrap_or(false);
            drop(place);
            is_right
        });
        let is_good = is_right.await.unwrap_or(false) && is_user;
        remember(if is_good { &self.good } else { &self.bad }, digest);
        is_good
    }

    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}

fn holds(results: &Mutex<VecDeque<[u8; 32]>>, digest: &[u8; 32]) -> bool {
    let results = results.lock().unwrap_or_else(PoisonError::into_inner);
    results.contains(digest)
}

fn remember(results: &Mutex<VecDeque<[u8; 32]>>, digest: [u8; 32]) {
    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
    if results.len() >= REMEMBERED_MAX {
        results.pop_front();
    }
    results.push_back(digest);
}

/// The user and the password that a request names.
fn credentials(request: &HeaderMap) -> Option<(String, Vec<u8>)> {
    let header = request.get(AUTHORIZATION)?.as_bytes();
    let (scheme, encoded) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let decoded = STANDARD.decode(encoded).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (user, password) = decoded.split_at(colon);
    let user = String::from_utf8(user.to_vec()).ok()?;
    Some((user, password.get(1..)?.to_vec()))
}

/// The hash of nobody, as dear as the dearest of the users'.
fn nobody(hashes: &Hashes) -> String {
    let costs = hashes.values().filter_map(|hash| cost(hash.expose()).ok());
    let cost = costs.max().unwrap_or(COST_DEFAULT);
    format!("$2y${cost:02}${NOBODY}")
}

/// Looks at all hashes.
pub(super) fn check(hashes: &Hashes) -> Result<(), WebError> {
    let costs = hashes.values().map(|hash| cost(hash.expose()));
    costs
        .collect::<Result<Vec<_>, _>>()
        .map(drop)
        .map_err(WebError)
}

/// The cost that a hash names. Errors in the words of Go's bcrypt, but without what the hash holds.
fn cost(hash: &str) -> Result<u32, String> {
    // `$2y$10$`, 22 characters of salt, 31 of hash; Go is content with one less.
    if hash.len() < 59 {
        return Err("crypto/bcrypt: hashedSecret too short to be a bcrypted password".to_owned());
    }
    let mut parts = hash.split('$');
    if parts.next() != Some("") {
        return Err(
            "crypto/bcrypt: bcrypt hashes must start with '$', but hashedSecret does not"
                .to_owned(),
        );
    }
    let cost = parts.nth(1).and_then(|cost| cost.parse::<i64>().ok());
    let Some(cost) = cost else {
        return Err("crypto/bcrypt: hashedSecret names no cost".to_owned());
    };
    u32::try_from(cost)
        .ok()
        .filter(|_| COSTS.contains(&cost))
        .ok_or_else(|| {
            format!("crypto/bcrypt: cost {cost} is outside allowed inclusive range 4..31")
        })
}
