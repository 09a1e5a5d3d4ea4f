//! Dates and times of day without a zone.

/// A date and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year; 0 is 1 BC.
    pub year: i64,
    /// The month, from one.
    pub month: i64,
    /// The day of the month, from one.
    pub day: i64,
    /// The hour.
    pub hour: i64,
    /// The minute.
    pub minute: i64,
    /// The second.
    pub second: i64,
    /// The nanoseconds of the second.
    pub nanos: u32,
}

const DAY_SECONDS: i64 = 86_400;
/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;
/// Days from 1 March of the year 0 to 1 January 1970.
const EPOCH_DAYS: i64 = 719_468;

impl Civil {
    /// What that many seconds after 1970 are.
    #[must_use]
    pub fn from_seconds(seconds: i64, nanos: u32) -> Self {
        let days = seconds.div_euclid(DAY_SECONDS) + EPOCH_DAYS;
        let second = seconds.rem_euclid(DAY_SECONDS);
        // Years begin in March here, so that the leap day is the last one.
        let era = days.div_euclid(ERA_DAYS);
        let day = days.rem_euclid(ERA_DAYS);
        let year = (day - day / 1460 + day / 36_524 - day / (ERA_DAYS - 1)) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        Self {
            year: era * 400 + year + i64::from(month <= 2),
            month,
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            nanos,
        }
    }

    /// The seconds after 1970. Fields beyond their range carry over.
    #[must_use]
    pub fn to_seconds(&self) -> i64 {
        let months = i128::from(self.year) * 12 + i128::from(self.month) - 1;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
        let (year, month) = if month < 2 {
            (year - 1, month + 10)
        } else {
            (year, month - 2)
        };
        let era = year.div_euclid(400);
        let year = year.rem_euclid(400);
        let day = 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5;
        let days =
            era * i128::from(ERA_DAYS) + day + i128::from(self.day) - 1 - i128::from(EPOCH_DAYS);
        let seconds = days * i128::from(DAY_SECONDS)
            + i128::from(self.hour) * 3600
            + i128::from(self.minute) * 60
            + i128::from(self.second);
        i64::try_from(seconds).unwrap_or(if seconds < 0 { i64::MIN } else { i64::MAX })
    }

    /// The day of the year, from one.
    #[must_use]
    pub fn day_of_year(&self) -> i64 {
        days_before(self.month, self.year) + self.day
    }

    /// The day of the week, Sunday being zero.
    #[must_use]
    pub fn weekday(&self) -> i64 {
        /// 1 January 1970 was a Thursday.
        const EPOCH_WEEKDAY: i64 = 4;
        (self.to_seconds().div_euclid(DAY_SECONDS) + EPOCH_WEEKDAY).rem_euclid(7)
    }
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(super) fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

pub(super) fn days_before(month: i64, year: i64) -> i64 {
    (1..month).map(|earlier| days_in(earlier, year)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_ages_survive_the_way_through_seconds() {
        let dates = [
            (1970, 1, 1),
            (2000, 2, 29),
            (1, 1, 1),
            (-400, 12, 31),
            (292_277, 3, 1),
        ];
        let seen = dates.map(|(year, month, day)| {
            let civil = Civil {
                year,
                month,
                day,
                hour: 23,
                minute: 59,
                second: 58,
                nanos: 7,
            };
            let back = Civil::from_seconds(civil.to_seconds(), 7);
            assert_eq!(back, civil);
            back.weekday()
        });
        assert_eq!(seen, [4, 2, 1, 0, 4]);
    }
}
