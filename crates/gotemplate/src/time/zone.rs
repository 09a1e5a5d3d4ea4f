//! Time zones.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time zone: UTC, one with rules, or an offset.
///
/// Zones are compared by identity, as Go compares pointers to them: looking one up twice makes two.
#[derive(Clone, Debug)]
pub struct Zone(Option<Arc<Rules>>);

#[derive(Debug)]
enum Rules {
    Fixed { name: String, offset: i32 },
    Named { name: String, zone: TimeZone },
}

/// 400 years, after which the calendar repeats with its weekdays.
const ERA_SECONDS: i64 = 146_097 * 86_400;

/// A zone at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZoneAt {
    pub(crate) abbreviation: String,
    pub(crate) offset: i32,
    pub(crate) is_dst: bool,
}

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub const fn utc() -> Self {
        Self(None)
    }

    /// A zone that is always that many seconds ahead of UTC.
    #[must_use]
    pub fn fixed(name: &str, offset: i32) -> Self {
        Self(Some(Arc::new(Rules::Fixed {
            name: name.to_owned(),
            offset,
        })))
    }

    /// A zone with jiff's rules, shown under that name.
    #[must_use]
    pub fn with_rules(name: &str, zone: TimeZone) -> Self {
        Self(Some(Arc::new(Rules::Named {
            name: name.to_owned(),
            zone,
        })))
    }

    /// The zone of that name in the time zone database, whose names are case-sensitive.
    #[must_use]
    pub fn lookup(name: &str) -> Option<Self> {
        if name == "UTC" {
            return Some(Self::utc());
        }
        let zone = TimeZone::get(name).ok()?;
        (zone.iana_name() == Some(name)).then(|| Self::with_rules(name, zone))
    }

    /// The name: that of the database, `UTC`, `Local`, or what an offset was given.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.0.as_deref() {
            None => "UTC",
            Some(Rules::Fixed { name, .. } | Rules::Named { name, .. }) => name,
        }
    }

    pub(crate) fn is_identical(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            _ => false,
        }
    }

    pub(crate) fn is_utc(&self) -> bool {
        self.0.is_none()
    }

    /// What holds in the zone at an instant.
    pub(crate) fn at(&self, unix: i64) -> ZoneAt {
        match self.0.as_deref() {
            None => ZoneAt {
                abbreviation: "UTC".to_owned(),
                offset: 0,
                is_dst: false,
            },
            Some(Rules::Fixed { name, offset }) => ZoneAt {
                abbreviation: name.clone(),
                offset: *offset,
                is_dst: false,
            },
            Some(Rules::Named { zone, .. }) => {
                let known = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
                let nearest = if known.contains(&unix) {
                    unix
                } else if unix < *known.start() {
                    *known.start()
                } else {
                    // Far in the future the last rules hold for ever, and the calendar they are
                    // made for repeats.
                    unix - ((unix - *known.end()) / ERA_SECONDS + 1) * ERA_SECONDS
                };
                let instant = Timestamp::from_second(nearest).unwrap_or_default();
                let info = zone.to_offset_info(instant);
                ZoneAt {
                    abbreviation: info.abbreviation().to_owned(),
                    offset: info.offset().seconds(),
                    is_dst: info.dst().is_dst(),
                }
            }
        }
    }
}
