//! `time.Duration`: how it is shown and rounded.

use super::SECOND;

/// A duration in nanoseconds as Go prints it.
///
/// ```
/// assert_eq!(gotemplate::time::format_duration(5_461_500_000_000), "1h31m1.5s");
/// ```
#[must_use]
pub fn format_duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let magnitude = nanos.unsigned_abs();
    let second = SECOND.unsigned_abs();
    if magnitude == 0 {
        return "0s".to_owned();
    }
    if magnitude < second {
        let (unit, scale, digits) = match magnitude {
            1..1_000 => ("ns", 1, 0),
            1_000..1_000_000 => ("µs", 1_000, 3),
            _ => ("ms", 1_000_000, 6),
        };
        let fraction = fraction(magnitude % scale, digits);
        return format!("{sign}{}{fraction}{unit}", magnitude / scale);
    }
    let seconds = magnitude / second;
    let fraction = fraction(magnitude % second, 9);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let mut out = sign.to_owned();
    if hours > 0 {
        out.push_str(&format!("{hours}h"));
    }
    if hours > 0 || minutes > 0 {
        out.push_str(&format!("{minutes}m"));
    }
    out.push_str(&format!("{}{fraction}s", seconds % 60));
    out
}

fn fraction(value: u64, digits: usize) -> String {
    if value == 0 {
        return String::new();
    }
    let text = format!("{value:0digits$}");
    format!(".{}", text.trim_end_matches('0'))
}

/// To the nearest multiple of `unit`, halves away from zero, within the range.
pub(super) fn round(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanos;
    }
    let rest = i128::from(nanos % unit).abs();
    let away = rest * 2 >= i128::from(unit);
    let magnitude = i128::from(nanos).abs() - rest + if away { i128::from(unit) } else { 0 };
    let rounded = if nanos < 0 { -magnitude } else { magnitude };
    i64::try_from(rounded).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// Towards zero to a multiple of `unit`.
pub(super) fn truncate(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 {
        nanos
    } else {
        nanos - nanos % unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_shown_in_the_largest_fitting_units() {
        let seen = [
            0,
            1,
            1_500,
            1_500_000,
            61_000_000_000,
            3_600_000_000_000,
            -1_500_000_000,
            i64::MIN,
        ]
        .map(format_duration);
        let expected = [
            "0s",
            "1ns",
            "1.5µs",
            "1.5ms",
            "1m1s",
            "1h0m0s",
            "-1.5s",
            "-2562047h47m16.854775808s",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!(
            [
                round(15, 10),
                round(-15, 10),
                round(14, 10),
                truncate(-19, 10)
            ],
            [20, -20, 10, -10]
        );
    }
}
