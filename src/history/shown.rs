//! Hashes and times: numbers in the index, and the texts that Alertmanager's users know in JSON.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A hash or fingerprint: 16 hexadecimal digits.
pub(crate) mod hash {
    use super::{Deserialize, Deserializer, Error, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(hash: &u64, to: S) -> Result<S::Ok, S::Error> {
        match to.is_human_readable() {
            true => format!("{hash:016x}").serialize(to),
            false => hash.serialize(to),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        if !from.is_human_readable() {
            return u64::deserialize(from);
        }
        let text = String::deserialize(from)?;
        u64::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

/// Several of them.
pub(crate) mod hashes {
    use super::{Deserialize, Deserializer, Error, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(hashes: &[u64], to: S) -> Result<S::Ok, S::Error> {
        match to.is_human_readable() {
            true => {
                let texts = hashes.iter().map(|hash| format!("{hash:016x}"));
                texts.collect::<Vec<_>>().serialize(to)
            }
            false => hashes.serialize(to),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
        if !from.is_human_readable() {
            return Vec::deserialize(from);
        }
        let texts = Vec::<String>::deserialize(from)?.into_iter();
        let read = texts.map(|text| u64::from_str_radix(&text, 16).map_err(D::Error::custom));
        read.collect()
    }
}

/// A time: RFC 3339 in UTC.
pub(crate) mod time {
    use super::{Deserialize, Deserializer, Error, Serialize, Serializer};
    use crate::sys::WallTime;

    pub(crate) fn serialize<S: Serializer>(at: &WallTime, to: S) -> Result<S::Ok, S::Error> {
        match to.is_human_readable() {
            true => at.to_string().serialize(to),
            false => at.0.serialize(to),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<WallTime, D::Error> {
        if !from.is_human_readable() {
            return i64::deserialize(from).map(WallTime);
        }
        let text = String::deserialize(from)?;
        let at: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
        let at_ns = i64::try_from(at.as_nanosecond()).map_err(D::Error::custom)?;
        Ok(WallTime(at_ns))
    }
}

/// A number of the log.
pub(crate) mod lsn {
    use super::{Deserialize, Deserializer, Serialize, Serializer};
    use crate::record::Lsn;

    pub(crate) fn serialize<S: Serializer>(lsn: &Lsn, to: S) -> Result<S::Ok, S::Error> {
        lsn.0.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Lsn, D::Error> {
        u64::deserialize(from).map(Lsn)
    }
}
