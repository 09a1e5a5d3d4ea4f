//! The parameters of a question.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

use super::page::Media;
use super::{LIMIT, LIMIT_MAX};
use crate::history::{Order, Position};
use crate::model::{Fingerprint, Matchers, Mode};
use crate::record::Lsn;
use crate::sys::WallTime;

/// Values of one parameter, and bytes of one value: no question is longer.
const VALUES_MAX: usize = 64;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// The question is wrong.
    #[error("{0}")]
    Bad(String),
    /// History cannot be read.
    #[error("{0}")]
    Broken(String),
}

impl Mistake {
    /// A question is wrong.
    #[must_use]
    pub fn bad(what: &str) -> Self {
        Self::Bad(what.to_owned())
    }

    fn of(name: &str, value: &str, why: &str, example: &str) -> Self {
        Self::Bad(format!(
            "bad parameter {name}: `{value}`: {why}; example: {name}={example}"
        ))
    }
}

/// Names and values, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters(pub Vec<(String, String)>);

impl Parameters {
    /// Adds one.
    pub fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// All values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(it, _)| it == name);
        named
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Refuses what is not known.
    ///
    /// # Errors
    /// About the first parameter that is none of these.
    pub fn check(&self, known: &[&str]) -> Result<(), Mistake> {
        if self.0.len() > VALUES_MAX {
            return Err(Mistake::Bad(format!(
                "there are {} parameters; {VALUES_MAX} are the most",
                self.0.len()
            )));
        }
        match self
            .0
            .iter()
            .find(|(name, _)| !known.contains(&name.as_str()))
        {
            None => Ok(()),
            Some((name, _)) => Err(Mistake::Bad(format!(
                "there is no parameter `{name}`; there are: {}",
                known.join(", ")
            ))),
        }
    }

    /// The value of a parameter that may be given once.
    ///
    /// # Errors
    /// That it was given again.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Mistake> {
        let mut values = self.0.iter().filter(|(it, _)| it == name);
        let first = values.next().map(|(_, value)| value.as_str());
        match values.next() {
            None => Ok(first.filter(|value| !value.is_empty())),
            Some(_) => Err(Mistake::Bad(format!("parameter {name} was given twice"))),
        }
    }

    /// The matchers of `filter`, if there are any.
    ///
    /// # Errors
    /// About the first value that is not one matcher.
    pub fn matchers(&self, mode: Mode) -> Result<Option<Matchers>, Mistake> {
        let parsed = self
            .all("filter")
            .map(|text| match mode.parse_matcher(text) {
                Ok(parsed) => Ok(parsed.value),
                Err(error) => Err(Mistake::of(
                    "filter",
                    text,
                    &error.to_string(),
                    "alertname=\"DiskFull\"",
                )),
            });
        let matchers: Vec<_> = parsed.collect::<Result<_, _>>()?;
        Ok((!matchers.is_empty()).then(|| Matchers::new(matchers)))
    }

    /// 16 hexadecimal digits, as the API shows them.
    ///
    /// # Errors
    /// That it is something else.
    pub fn hash(&self, name: &str) -> Result<Option<u64>, Mistake> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        let read = (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok());
        match read.flatten() {
            Some(hash) => Ok(Some(hash)),
            None => Err(Mistake::of(
                name,
                text,
                "it is not 16 hexadecimal digits",
                "66d3ba4ec1ba56a1",
            )),
        }
    }

    /// The fingerprint of an alert.
    ///
    /// # Errors
    /// As [`Self::hash`].
    pub fn fingerprint(&self) -> Result<Option<Fingerprint>, Mistake> {
        Ok(self.hash("fingerprint")?.map(Fingerprint))
    }

    /// A time: RFC 3339, a date (in UTC) or how long ago.
    ///
    /// # Errors
    /// That it is none, or in the future.
    pub fn time(&self, name: &str, now: WallTime) -> Result<Option<WallTime>, Mistake> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        let wrong = |why: &str| Mistake::of(name, text, why, "2026-11-22T03:12:00Z");
        let at = read_time(text, now).ok_or_else(|| {
            wrong("it is neither a time, nor a date such as 2026-11-22, nor a duration such as 2h")
        })?;
        match at > now {
            true => Err(wrong(&format!("the time is in the future: it is {now}"))),
            false => Ok(Some(at)),
        }
    }

    /// How many.
    ///
    /// # Errors
    /// That it is no number between 1 and [`LIMIT_MAX`].
    pub fn limit(&self) -> Result<usize, Mistake> {
        let Some(text) = self.one("limit")? else {
            return Ok(LIMIT);
        };
        match text.parse() {
            Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
            _ => Err(Mistake::of(
                "limit",
                text,
                &format!("it is no number from 1 to {LIMIT_MAX}"),
                "100",
            )),
        }
    }

    /// In which order.
    ///
    /// # Errors
    /// That it is neither.
    pub fn order(&self) -> Result<Order, Mistake> {
        match self.one("order")? {
            None | Some("newest") => Ok(Order::NewestFirst),
            Some("oldest") => Ok(Order::OldestFirst),
            Some(text) => Err(Mistake::of(
                "order",
                text,
                "it is neither newest nor oldest",
                "oldest",
            )),
        }
    }

    /// Behind which entry to go on.
    ///
    /// # Errors
    /// That no answer has given it.
    pub fn cursor(&self) -> Result<Option<Position>, Mistake> {
        let Some(text) = self.one("cursor")? else {
            return Ok(None);
        };
        read_cursor(text).map(Some).ok_or_else(|| {
            Mistake::of(
                "cursor",
                text,
                "it is not known; take `nextCursor` of the answer before, or leave it out",
                &cursor(Position {
                    at: WallTime(1_795_316_000_000_000_000),
                    lsn: Lsn(4711),
                    place: 0,
                }),
            )
        })
    }

    /// The form of the answer: the first one of those that there are, unless another is asked for.
    ///
    /// # Errors
    /// That it is none of them.
    pub fn media(&self, known: &[Media]) -> Result<Media, Mistake> {
        let Some(text) = self.one("format")? else {
            return Ok(known.first().copied().unwrap_or(Media::Json));
        };
        let names: Vec<&str> = known.iter().map(|it| it.name()).collect();
        let found = known.iter().find(|it| it.name() == text);
        found.copied().ok_or_else(|| {
            Mistake::of(
                "format",
                text,
                &format!("it is none of {}", names.join(", ")),
                "json",
            )
        })
    }
}

fn read_time(text: &str, now: WallTime) -> Option<WallTime> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return i64::try_from(at.as_nanosecond()).ok().map(WallTime);
    }
    if let Ok(time) = text.parse::<DateTime>() {
        let at = time.to_zoned(TimeZone::UTC).ok()?.timestamp();
        return i64::try_from(at.as_nanosecond()).ok().map(WallTime);
    }
    let span = text.parse::<Span>().ok()?;
    let ago = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let ago_ns = i64::try_from(ago.abs().as_nanos()).ok()?;
    Some(WallTime(now.0.saturating_sub(ago_ns)))
}

/// A position as a word.
#[must_use]
pub fn cursor(position: Position) -> String {
    let at = position.at.0.cast_unsigned();
    format!("{at:016x}-{:x}-{:x}", position.lsn.0, position.place)
}

fn read_cursor(text: &str) -> Option<Position> {
    let mut parts = text.split('-');
    let at = parts.next().filter(|it| it.len() == 16)?;
    let (lsn, place) = (parts.next()?, parts.next()?);
    let read = |digits: &str| u64::from_str_radix(digits, 16).ok();
    let position = Position {
        at: WallTime(read(at)?.cast_signed()),
        lsn: Lsn(read(lsn)?),
        place: u32::try_from(read(place)?).ok()?,
    };
    // Only what was written by `cursor` is one.
    (parts.next().is_none() && cursor(position) == text).then_some(position)
}
