//! Reading ranges: `member` or `member:member`, in any case.

use gotemplate::strconv::quote;

use super::RangeError;

/// The first and the last member of a range.
pub(super) fn range(
    text: &str,
    member: impl Fn(&str) -> Result<i64, RangeError>,
) -> Result<(i64, i64), RangeError> {
    let text = text.to_lowercase();
    let Some((first, last)) = text.split_once(':') else {
        let only = member(&text)?;
        return Ok((only, only));
    };
    if last.contains(':') {
        return Err(RangeError::new(format!(
            "couldn't parse range {text}, invalid format"
        )));
    }
    Ok((member(first)?, member(last)?))
}

/// A whole number as Go's `strconv.Atoi` reads it.
pub(super) fn integer(text: &str) -> Result<i64, RangeError> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse::<i64>().map_err(|error| {
        let what = match error.kind() {
            PosOverflow | NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        let text = quote(text.as_bytes());
        RangeError::new(format!("strconv.Atoi: parsing {text}: {what}"))
    })
}
