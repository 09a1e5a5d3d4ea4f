//! Where the clock of a time interval hangs.

use std::fmt;

use jiff::tz::TimeZone;

/// A time zone by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    name: Box<str>,
    zone: TimeZone,
}

/// Why a name is no time zone, in the words of Go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// A name that would leave the directory of the database.
    #[error("time: invalid location name")]
    Invalid,
    /// A name that the database does not know.
    #[error("unknown time zone {0}")]
    Unknown(String),
}

impl Location {
    /// The zone of that name: `UTC` (or nothing), `Local` (which is `local`), or one of the time zone
    /// database, whose names are case-sensitive.
    ///
    /// # Errors
    /// If there is no such zone.
    pub fn parse(name: &str, local: &TimeZone) -> Result<Self, LocationError> {
        let (name, zone) = match name {
            "" | "UTC" => ("UTC", TimeZone::UTC),
            "Local" => (name, local.clone()),
            _ if name.contains("..") || name.starts_with(['/', '\\']) => {
                return Err(LocationError::Invalid);
            }
            _ => {
                let unknown = || LocationError::Unknown(name.to_owned());
                let zone = TimeZone::get(name).map_err(|_| unknown())?;
                // The database of the library takes any case.
                if zone.iana_name() != Some(name) {
                    return Err(unknown());
                }
                (name, zone)
            }
        };
        Ok(Self {
            name: name.into(),
            zone,
        })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rules.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}
