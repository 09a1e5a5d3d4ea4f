//! `time_intervals` and `mute_time_intervals`: names for times.

use std::borrow::Cow;

use super::block::{Checked, Refusal, Show, block};
use super::route::ListOrNone;
use super::yaml::{Decode, Decoded, Decoder, Item, NodeId, Problem};
use crate::model;
use crate::model::time_interval::{
    DayOfMonthRange, Location, MonthRange, TimeRange, WeekdayRange, YearRange,
};

block! {
    /// A name for times.
    NamedInterval "config.plain" of "config.TimeInterval" {
        name: String = String::new(), always;
        time_intervals: Vec<Interval> = Vec::new(), always;
    }
}

block! {
    /// A name for times, in the list that is deprecated.
    NamedMuteInterval "config.plain" of "config.MuteTimeInterval" {
        name: String = String::new(), always;
        time_intervals: Vec<Interval> = Vec::new(), always;
    }
}

block! {
    /// Times.
    Interval "timeinterval.TimeInterval" {
        times: ListOrNone<TimeRange>;
        weekdays: Flow<WeekdayRange>;
        days_of_month: Flow<DayOfMonthRange>;
        months: Flow<MonthRange>;
        years: Flow<YearRange>;
        location: Option<Zone>;
    }
}

impl Checked for Interval {
    const IS_CUSTOM: bool = false;
}

impl Checked for NamedInterval {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        match self.name.is_empty() {
            true => Err("missing name in time interval".into()),
            false => Ok(()),
        }
    }
}

impl Checked for NamedMuteInterval {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        match self.name.is_empty() {
            true => Err("missing name in mute time interval".into()),
            false => Ok(()),
        }
    }
}

impl Interval {
    /// The times as a value.
    #[must_use]
    pub fn value(&self) -> model::TimeInterval {
        model::TimeInterval {
            times: self.times.0.clone(),
            weekdays: self.weekdays.0.0.clone(),
            days_of_month: self.days_of_month.0.0.clone(),
            months: self.months.0.0.clone(),
            years: self.years.0.0.clone(),
            location: self.location.as_ref().and_then(|zone| zone.0.clone()),
        }
    }
}

/// A list that is written in one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow<T>(pub ListOrNone<T>);

impl<T> Default for Flow<T> {
    fn default() -> Self {
        Self(ListOrNone::default())
    }
}

impl<T: Decode> Decode for Flow<T> {
    fn go_type() -> Cow<'static, str> {
        <Vec<T>>::go_type()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        self.0.decode(at, decoder)
    }
}

impl<T: Show> Show for Flow<T> {
    fn item(&self) -> Item {
        match self.0.item() {
            Item::List(items) => Item::Flow(items),
            item => item,
        }
    }

    fn is_zero(&self) -> bool {
        self.0.is_zero()
    }
}

/// Ranges are texts.
macro_rules! range {
    ($($type:ident)*) => {$(
        impl Decode for $type {
            const IS_CUSTOM: bool = true;

            fn go_type() -> Cow<'static, str> {
                concat!("timeinterval.", stringify!($type)).into()
            }

            fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
                let mut text = String::new();
                if !decoder.read(at, &mut text)? {
                    return Ok(false);
                }
                match Self::parse(&text) {
                    Ok(range) => *self = range,
                    Err(error) => {
                        let problem = Problem::new(error.to_string());
                        return Err(Box::new(problem.at(decoder.place(at))));
                    }
                }
                Ok(true)
            }
        }

        impl Show for $type {
            fn item(&self) -> Item {
                Item::Text(self.to_string())
            }

            fn is_zero(&self) -> bool {
                false
            }
        }
    )*};
}

range!(WeekdayRange DayOfMonthRange MonthRange YearRange);

block! {
    /// A stretch of the day as it is written.
    TimeRangeFields "timeinterval.yamlTimeRange" {
        start_time: String = String::new(), always;
        end_time: String = String::new(), always;
    }
}

impl Checked for TimeRangeFields {
    const IS_CUSTOM: bool = false;
}

impl Decode for TimeRange {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "timeinterval.TimeRange".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let mut fields = TimeRangeFields::default();
        let problems_before = decoder.problem_count();
        decoder.read(at, &mut fields)?;
        if decoder.problem_count() > problems_before {
            return Ok(false);
        }
        match Self::parse(&fields.start_time, &fields.end_time) {
            Ok(range) => *self = range,
            Err(error) => {
                let problem = Problem::new(error.to_string());
                return Err(Box::new(problem.at(decoder.place(at))));
            }
        }
        Ok(true)
    }
}

impl Show for TimeRange {
    fn item(&self) -> Item {
        TimeRangeFields {
            start_time: self.start(),
            end_time: self.end(),
        }
        .item()
    }

    fn is_zero(&self) -> bool {
        false
    }
}

/// A time zone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Zone(pub Option<Location>);

impl Decode for Zone {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "timeinterval.Location".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let mut name = String::new();
        if !decoder.read(at, &mut name)? {
            return Ok(false);
        }
        match Location::parse(&name, &decoder.local_zone) {
            Ok(location) => self.0 = Some(location),
            Err(error) => {
                let problem = Problem::new(error.to_string());
                return Err(Box::new(problem.at(decoder.place(at))));
            }
        }
        Ok(true)
    }
}

impl Show for Zone {
    fn item(&self) -> Item {
        match &self.0 {
            Some(location) => location.name().into(),
            None => Item::Null,
        }
    }

    fn is_zero(&self) -> bool {
        false
    }
}
