//! How results are written: columns, dates, JSON.
//!
//! Alertmanager 0.34 lines columns up with Go's tabwriter: a cell is as wide as the longest one above and
//! below it, in characters, and two blanks, the last of a line included if a tab ends it. JSON is one
//! line in which `<`, `>` and `&` are escaped.

use std::fmt::Write as _;

use gotemplate::time::{Time, Zone, parse};
use serde::Serialize;

use super::failure::Failure;
use super::object::Labels;

/// Blanks behind the longest cell of a column.
const PADDING: usize = 2;

/// RFC 3339 as Go reads it: fractions may always follow the seconds.
const RFC_3339: &[u8] = b"2006-01-02T15:04:05Z07:00";

/// As times are sent.
const MILLISECONDS: &str = "2006-01-02T15:04:05.000Z07:00";

/// One line of JSON, as Go's encoder writes it.
pub(super) fn json_line(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::Command(format!("cannot write JSON: {error}")))?;
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        // None of these can stand outside a string.
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a text does not fail.
                let _ = write!(escaped, "\\u{:04x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    Ok(escaped)
}

/// Lines up the cells of a text: each is ended by a tab, what stands behind the last tab of a line is
/// part of no column.
pub(super) fn columns(text: &str) -> String {
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let has_column = |line: usize, column: usize| {
        let cells = lines.get(line).map_or(0, Vec::len);
        column + 1 < cells
    };
    let mut out = String::with_capacity(2 * text.len());
    for (number, line) in lines.iter().enumerate() {
        for (column, cell) in line.iter().enumerate() {
            out.push_str(cell);
            if !has_column(number, column) {
                continue;
            }
            // A column goes on for as long as neighbouring lines have it.
            let above = (0..number)
                .rev()
                .take_while(|line| has_column(*line, column));
            let below = (number..lines.len()).take_while(|line| has_column(*line, column));
            let widths = above.chain(below).filter_map(|line| {
                let cell = lines.get(line)?.get(column)?;
                Some(cell.chars().count())
            });
            let width = widths.max().unwrap_or(0) + PADDING;
            let blanks = width.saturating_sub(cell.chars().count());
            out.extend(std::iter::repeat_n(' ', blanks));
        }
        out.push('\n');
    }
    out
}

/// A time in RFC 3339, as the API or an operator writes it.
///
/// # Errors
/// In the words of Go.
pub(super) fn time(text: &str) -> Result<Time, Failure> {
    parse(RFC_3339, text.as_bytes(), &Zone::utc()).map_err(Failure::Command)
}

/// A time as it is sent.
pub(super) fn sent(time: &Time) -> String {
    time.format(MILLISECONDS)
}

/// A time of the API in the operator's layout.
pub(super) fn date(text: &str, layout: &str) -> Result<String, Failure> {
    Ok(time(text)?.format(layout))
}

/// The things, earliest first.
pub(super) fn in_order<T>(things: Vec<T>, when: fn(&T) -> &str) -> Result<Vec<T>, Failure> {
    let timed = things.into_iter().map(|thing| {
        let time = time(when(&thing))?;
        Ok(((time.unix(), time.nanos()), thing))
    });
    let mut timed: Vec<_> = timed.collect::<Result<_, Failure>>()?;
    timed.sort_by_key(|(time, _)| *time);
    Ok(timed.into_iter().map(|(_, thing)| thing).collect())
}

/// `name="value"` for each, without any escaping, sorted as texts.
pub(super) fn pairs(labels: &Labels) -> String {
    let mut pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{value}\""))
        .collect();
    pairs.sort();
    pairs.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_as_wide_as_its_longest_cell_and_two_blanks() {
        let text = "ID\tÄöü\t\tEnd\t\nlonger\tb\t\tc\t\n\nnext\tx\n";
        let expected = "ID      Äöü    End  \nlonger  b      c    \n\nnext  x\n";
        assert_eq!(columns(text), expected);
    }

    #[test]
    fn json_is_escaped_as_go_does_it() {
        assert_eq!(
            json_line(&vec!["<a>&\u{2028}", "\"é\""]).unwrap(),
            r#"["\u003ca\u003e\u0026\u2028","\"é\""]"#
        );
    }

    #[test]
    fn dates_are_shown_in_the_zone_in_which_they_came() {
        let layout = "2006-01-02 15:04:05 MST";
        let shown = ["2026-11-22T03:41:57.125Z", "2026-11-22T03:41:57+01:00"]
            .map(|text| date(text, layout).unwrap());
        assert_eq!(
            shown,
            ["2026-11-22 03:41:57 UTC", "2026-11-22 03:41:57 +0100"]
        );
    }
}
