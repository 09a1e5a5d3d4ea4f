//! Conversions between values and text, for functions that hosts add.

use crate::number::{self, FloatError};
use crate::value::Value;

/// A floating-point number in Go's syntax.
///
/// ```
/// use gotemplate::strconv::parse_float;
/// assert_eq!(parse_float("0x1p4"), Ok(16.0));
/// let error = parse_float("abc").unwrap_err();
/// assert_eq!(error, r#"strconv.ParseFloat: parsing "abc": invalid syntax"#);
/// ```
///
/// # Errors
/// Go's text for what is no number or too large.
pub fn parse_float(text: impl AsRef<[u8]>) -> Result<f64, String> {
    let text = text.as_ref();
    number::parse_float(&String::from_utf8_lossy(text)).map_err(|error| {
        let what = match error {
            FloatError::Syntax => "invalid syntax",
            FloatError::Range => "value out of range",
        };
        format!("strconv.ParseFloat: parsing {}: {what}", quote(text))
    })
}

/// A number as `%.4g` shows it.
///
/// ```
/// assert_eq!(gotemplate::strconv::format_general(59.5, 4), "59.5");
/// ```
#[must_use]
pub fn format_general(value: f64, digits: usize) -> String {
    number::format_float(value, b'g', number::Precision::Digits(digits))
}

/// A number as JSON has it; `None` for those that JSON cannot have.
///
/// ```
/// use gotemplate::strconv::format_json;
/// assert_eq!(format_json(1e21).as_deref(), Some("1e+21"));
/// assert_eq!(format_json(f64::NAN), None);
/// ```
#[must_use]
pub fn format_json(value: f64) -> Option<String> {
    crate::json::float(value).ok()
}

/// A value as `%v` shows it; beyond a megabyte the rest is left out.
///
/// ```
/// assert_eq!(gotemplate::strconv::shown(&gotemplate::Value::from(1e6)), "1e+06");
/// ```
#[must_use]
pub fn shown(value: &Value) -> String {
    crate::fmt::shown(value, 'v')
}

/// A text in double quotes with Go's escapes.
///
/// ```
/// assert_eq!(gotemplate::strconv::quote(b"a\"\xff"), r#""a\"\xff""#);
/// ```
#[must_use]
pub fn quote(text: &[u8]) -> String {
    crate::quote::quote(text)
}

/// The bytes that a quoted literal stands for, if it is one.
///
/// ```
/// use gotemplate::strconv::unquote;
/// assert_eq!(unquote(br#""a\x41""#), Some(b"aA".to_vec()));
/// assert_eq!(unquote(br#""a"#), None);
/// ```
#[must_use]
pub fn unquote(literal: &[u8]) -> Option<Vec<u8>> {
    crate::quote::unquote(literal)
}

/// Whether a text may stand between backquotes.
#[must_use]
pub fn can_backquote(text: &[u8]) -> bool {
    crate::quote::can_backquote(text)
}

/// A text as a part of a URL's query: what is not a letter, a digit or one of `-_.~` encoded, and
/// `+` for a space.
#[must_use]
pub fn query_escape(text: &[u8]) -> Vec<u8> {
    crate::builtins::query_escape(text)
}
