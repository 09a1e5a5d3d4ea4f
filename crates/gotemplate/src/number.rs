//! Numbers: reading constants and writing floating-point values as Go's `strconv` does.

use crate::ast::Number;
use crate::quote::{Unit, quote, unquote_unit};

/// What a numeric token stands for; the error is Go's text.
pub(crate) fn parse_constant(text: &[u8]) -> Result<Number, String> {
    let shown = || String::from_utf8_lossy(text).into_owned();
    if text.first() == Some(&b'\'') {
        let body = text.get(1..).unwrap_or_default();
        let (unit, tail) = unquote_unit(body, b'\'').ok_or("invalid syntax")?;
        if tail != b"'" {
            return Err(format!("malformed character constant: {}", shown()));
        }
        let code = match unit {
            Unit::Byte(byte) => u32::from(byte),
            Unit::Char(c) => u32::from(c),
        };
        return Ok(Number {
            text: shown(),
            int: Some(code.into()),
            uint: Some(code.into()),
            float: Some(code.into()),
            complex: None,
        });
    }
    let source = String::from_utf8_lossy(text);
    if let Some(body) = source.strip_suffix('i') {
        return parse_complex(body, &source);
    }
    let mut number = Number {
        text: shown(),
        ..Number::default()
    };
    number.uint = parse_uint(&source);
    number.int = parse_int(&source);
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int_to_float(int));
    } else if let Some(uint) = number.uint {
        number.float = Some(uint_to_float(uint));
    } else if let Some(float) = parse_float(&source).ok().filter(|float| float.is_finite()) {
        if !source.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote(text)));
        }
        set_float(&mut number, float);
    } else {
        return Err(format!("illegal number syntax: {}", quote(text)));
    }
    Ok(number)
}

fn set_float(number: &mut Number, float: f64) {
    number.float = Some(float);
    number.int = number.int.or_else(|| exact_int(float));
    number.uint = number.uint.or_else(|| exact_uint(float));
}

fn parse_complex(body: &str, text: &str) -> Result<Number, String> {
    let (real, rest) = text.split_at(float_token_len(text));
    let (real, imaginary) = if rest.starts_with(['+', '-']) {
        // Go lets its scanner read a pair, and the errors are the scanner's.
        let malformed = || "syntax error scanning complex number".to_owned();
        let len = 1 + float_token_len(rest.get(1..).unwrap_or_default());
        let (imaginary, tail) = rest.split_at(len);
        if !tail.starts_with('i') {
            return Err(malformed());
        }
        let part = |text: &str| crate::strconv::parse_float(text);
        (part(real)?, part(imaginary)?)
    } else {
        let illegal = |_| format!("illegal number syntax: {}", quote(text.as_bytes()));
        (0.0, parse_float(body).map_err(illegal)?)
    };
    let mut number = Number {
        text: text.to_owned(),
        complex: Some((real, imaginary)),
        ..Number::default()
    };
    if imaginary == 0.0 {
        set_float(&mut number, real);
    }
    Ok(number)
}

/// How much of a text Go's scanner takes for a float, well-formed or not.
fn float_token_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    let accept = |at: &mut usize, set: &[u8]| {
        let found = bytes.get(*at).is_some_and(|byte| set.contains(byte));
        *at += usize::from(found);
        found
    };
    let mut digits: &[u8] = b"0123456789_";
    let mut exponent: &[u8] = b"eEpP";
    accept(&mut at, b"+-");
    // An `i` may begin an infinity, and is read as one until it turns out not to.
    if accept(&mut at, b"iI") {
        return at;
    }
    if accept(&mut at, b"0") && accept(&mut at, b"xX") {
        (digits, exponent) = (b"0123456789aAbBcCdDeEfF_", b"pP");
    }
    while accept(&mut at, digits) {}
    if accept(&mut at, b".") {
        while accept(&mut at, digits) {}
    }
    if accept(&mut at, exponent) {
        accept(&mut at, b"+-");
        while accept(&mut at, b"0123456789_") {}
    }
    at
}

/// The integer a float is, if it is one.
pub(crate) fn exact_int(float: f64) -> Option<i64> {
    /// 2^63, the first float beyond the range.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if float.trunc() != float || !(-BOUND..BOUND).contains(&float) {
        return None;
    }
    Some(truncate(float))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, as wanted"
)]
pub(crate) fn truncate(float: f64) -> i64 {
    float as i64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range was checked just before"
)]
fn exact_uint(float: f64) -> Option<u64> {
    /// 2^64, the first float beyond the range.
    const BOUND: f64 = 18_446_744_073_709_551_616.0;
    let is_exact = float.trunc() == float && (0.0..BOUND).contains(&float);
    is_exact.then_some(float as u64)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rounding to the nearest float is meant"
)]
pub(crate) fn int_to_float(int: i64) -> f64 {
    int as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rounding to the nearest float is meant"
)]
pub(crate) fn uint_to_float(uint: u64) -> f64 {
    uint as f64
}

/// Whether underscores stand only between digits or after a base prefix.
fn underscores_are_placed_well(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, hex, mut previous) = match unsigned.as_bytes() {
        [b'0', base, ..] if matches!(base, b'b' | b'B' | b'o' | b'O' | b'x' | b'X') => (
            unsigned.get(2..).unwrap_or_default(),
            matches!(base, b'x' | b'X'),
            '0',
        ),
        _ => (unsigned, false, '^'),
    };
    // `previous` is what came before: `0` a digit, `_` an underscore, `!` anything else.
    for c in digits.chars() {
        if c.is_ascii_digit() || (hex && c.is_ascii_hexdigit()) {
            previous = '0';
        } else if c == '_' {
            if previous != '0' {
                return false;
            }
            previous = '_';
        } else {
            if previous == '_' {
                return false;
            }
            previous = '!';
        }
    }
    previous != '_'
}

/// An unsigned integer with an optional base prefix.
pub(crate) fn parse_uint(text: &str) -> Option<u64> {
    if !underscores_are_placed_well(text) {
        return None;
    }
    let (radix, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, text.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, text.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, text.get(2..)?),
        [b'0', _, ..] => (8, text.get(1..)?),
        _ => (10, text),
    };
    let digits: String = digits.chars().filter(|&c| c != '_').collect();
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(&digits, radix).ok()
}

fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let magnitude = i128::from(parse_uint(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// Why a float could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FloatError {
    Syntax,
    /// Beyond the largest float; the value is infinite.
    Range,
}

/// A floating-point number in Go's syntax: decimal or hexadecimal, underscores, `inf`, `nan`.
pub(crate) fn parse_float(text: &str) -> Result<f64, FloatError> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    };
    let signed = |value: f64| if negative { -value } else { value };
    if ["inf", "infinity"]
        .iter()
        .any(|word| unsigned.eq_ignore_ascii_case(word))
    {
        return Ok(signed(f64::INFINITY));
    }
    if unsigned.eq_ignore_ascii_case("nan") {
        return if unsigned.len() == text.len() {
            Ok(f64::NAN)
        } else {
            Err(FloatError::Syntax)
        };
    }
    if unsigned.contains('_') && !underscores_are_placed_well(text) {
        return Err(FloatError::Syntax);
    }
    let digits: String = unsigned.chars().filter(|&c| c != '_').collect();
    let value = if digits.starts_with("0x") || digits.starts_with("0X") {
        parse_hex_float(digits.get(2..).unwrap_or_default())?
    } else {
        if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return Err(FloatError::Syntax);
        }
        digits.parse().map_err(|_| FloatError::Syntax)?
    };
    if value.is_infinite() {
        Err(FloatError::Range)
    } else {
        Ok(signed(value))
    }
}

/// `HEX[.HEX]pEXP`, rounded to nearest even.
fn parse_hex_float(text: &str) -> Result<f64, FloatError> {
    let (mantissa, exponent) = text.split_once(['p', 'P']).ok_or(FloatError::Syntax)?;
    let exponent: i64 = match exponent.parse::<i64>() {
        Ok(exponent) => exponent.clamp(-100_000, 100_000),
        Err(_) => return Err(FloatError::Syntax),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(FloatError::Syntax);
    }
    let mut bits: u64 = 0;
    let mut shift: i64 = 0;
    for (at, c) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = c.to_digit(16).ok_or(FloatError::Syntax)?;
        if bits >> 56 == 0 {
            bits = bits << 4 | u64::from(digit);
            shift -= if at >= whole.len() { 4 } else { 0 };
        } else {
            // Beyond 60 bits only whether anything follows matters for rounding.
            bits |= u64::from(digit != 0);
            shift += if at >= whole.len() { 0 } else { 4 };
        }
    }
    Ok(scale(bits, shift + exponent))
}

/// `bits * 2^exponent` with one rounding.
fn scale(bits: u64, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let top = 63 - i64::from(bits.leading_zeros()) + exponent;
    // How many bits of the mantissa are kept: fewer for numbers near zero.
    let lowest = (top - 52).max(-1074);
    let drop = lowest - exponent;
    let kept = match drop {
        ..=0 => return uint_to_float(bits) * power_of_two(exponent),
        1..=63 => {
            let kept = bits >> drop;
            let rest = bits & ((1 << drop) - 1);
            let half = 1 << (drop - 1);
            kept + u64::from(rest > half || (rest == half && kept & 1 == 1))
        }
        64 => u64::from(bits > 1 << 63),
        _ => 0,
    };
    uint_to_float(kept) * power_of_two(lowest)
}

fn power_of_two(exponent: i64) -> f64 {
    match exponent {
        1024.. => f64::INFINITY,
        -1022..=1023 => f64::from_bits(u64::try_from(exponent + 1023).unwrap_or_default() << 52),
        -1074..=-1023 => f64::from_bits(1 << (exponent + 1074)),
        _ => 0.0,
    }
}

/// The digits of a finite positive number and the exponent of the first one.
pub(crate) struct Digits {
    pub(crate) digits: String,
    pub(crate) exponent: i32,
}

impl Digits {
    /// The fewest digits that read back as the same number.
    pub(crate) fn shortest(value: f64) -> Self {
        Self::split(&format!("{:e}", value.abs()))
    }

    /// As many significant digits as asked for, at least one.
    pub(crate) fn exact(value: f64, count: usize) -> Self {
        let known = count.clamp(1, MAX_EXACT_DIGITS);
        let mut split = Self::split(&format!("{:.*e}", known - 1, value.abs()));
        split
            .digits
            .push_str(&"0".repeat(count.saturating_sub(known)));
        split
    }

    fn split(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        Self {
            digits: mantissa.chars().filter(char::is_ascii_digit).collect(),
            exponent: exponent.parse().unwrap_or_default(),
        }
    }
}

/// No float has more digits than this that are not zero, before or behind its point; and the
/// formatting of Rust has a bound of its own, which templates must not reach.
const MAX_EXACT_DIGITS: usize = 1100;

/// How many digits a float is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// The fewest that identify the number.
    Shortest,
    /// That many: after the point for `e` and `f`, in all for `g`.
    Digits(usize),
}

/// A float as Go's `strconv.FormatFloat` writes it, without a plus sign.
pub(crate) fn format_float(value: f64, verb: u8, precision: Precision) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let body = match verb {
        b'e' | b'E' => format_exponent(value, verb, precision),
        b'f' | b'F' => format_fixed(value, precision),
        b'b' => format_binary(value),
        b'x' | b'X' => format_hex(value, verb, precision),
        _ => format_general(value, verb, precision),
    };
    format!("{sign}{body}")
}

/// A float as `%v` shows it.
pub(crate) fn format_default(value: f64) -> String {
    format_float(value, b'g', Precision::Shortest)
}

fn digits_exponent(digits: &str, exponent: i32, mark: char) -> String {
    let (first, rest) = digits.split_at(1.min(digits.len()));
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!(
        "{first}{point}{rest}{mark}{sign}{:02}",
        exponent.unsigned_abs()
    )
}

fn format_exponent(value: f64, verb: u8, precision: Precision) -> String {
    let split = match precision {
        Precision::Shortest => Digits::shortest(value),
        Precision::Digits(count) => Digits::exact(value, count + 1),
    };
    digits_exponent(&split.digits, split.exponent, char::from(verb))
}

fn format_fixed(value: f64, precision: Precision) -> String {
    match precision {
        Precision::Shortest => format!("{}", value.abs()),
        Precision::Digits(count) => {
            let known = count.min(MAX_EXACT_DIGITS);
            let zeros = "0".repeat(count - known);
            format!("{:.*}{zeros}", known, value.abs())
        }
    }
}

/// `%g`: with an exponent where it is below -4 or not below the precision, six for the shortest.
fn format_general(value: f64, verb: u8, precision: Precision) -> String {
    let (split, mut threshold) = match precision {
        Precision::Shortest => (Digits::shortest(value), 6),
        Precision::Digits(count) => {
            let count = count.max(1);
            let mut split = Digits::exact(value, count);
            let kept = split.digits.trim_end_matches('0').len().max(1);
            split.digits.truncate(kept);
            (split, i32::try_from(count).unwrap_or(i32::MAX))
        }
    };
    let digits = i32::try_from(split.digits.len()).unwrap_or(i32::MAX);
    if precision != Precision::Shortest && threshold > digits && digits > split.exponent {
        threshold = digits;
    }
    if split.exponent < -4 || split.exponent >= threshold {
        let mark = if verb == b'G' { 'E' } else { 'e' };
        return digits_exponent(&split.digits, split.exponent, mark);
    }
    let Ok(point) = usize::try_from(split.exponent) else {
        let zeros = usize::try_from(-split.exponent - 1).unwrap_or_default();
        return format!("0.{}{}", "0".repeat(zeros), split.digits);
    };
    if split.digits.len() <= point + 1 {
        return format!(
            "{}{}",
            split.digits,
            "0".repeat(point + 1 - split.digits.len())
        );
    }
    let (whole, fraction) = split.digits.split_at(point + 1);
    format!("{whole}.{fraction}")
}

fn decompose(value: f64) -> (u64, i64) {
    let bits = value.abs().to_bits();
    let exponent = i64::try_from(bits >> 52).unwrap_or_default();
    let fraction = bits & ((1 << 52) - 1);
    if exponent == 0 {
        (fraction, -1074)
    } else {
        (fraction | 1 << 52, exponent - 1075)
    }
}

fn format_binary(value: f64) -> String {
    let (mantissa, exponent) = decompose(value);
    format!("{mantissa}p{exponent:+}")
}

fn format_hex(value: f64, verb: u8, precision: Precision) -> String {
    let (mut mantissa, exponent) = decompose(value);
    let mut exponent = exponent + 52;
    if mantissa == 0 {
        exponent = 0;
    } else {
        while mantissa >> 52 == 0 {
            mantissa <<= 1;
            exponent -= 1;
        }
    }
    if let Precision::Digits(count) = precision
        && count < 13
    {
        let drop = 52 - 4 * u32::try_from(count).unwrap_or_default();
        let rest = mantissa & ((1 << drop) - 1);
        let half = 1 << (drop - 1);
        mantissa >>= drop;
        mantissa += u64::from(rest > half || (rest == half && mantissa & 1 == 1));
        mantissa <<= drop;
        if mantissa >> 53 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut fraction = format!("{:013x}", mantissa & ((1 << 52) - 1));
    match precision {
        Precision::Shortest => fraction.truncate(fraction.trim_end_matches('0').len()),
        Precision::Digits(count) if count <= 13 => fraction.truncate(count),
        Precision::Digits(count) => fraction.push_str(&"0".repeat(count - 13)),
    }
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    let text = format!(
        "0x{}{point}{fraction}p{sign}{:02}",
        mantissa >> 52,
        exponent.unsigned_abs()
    );
    if verb == b'X' {
        text.to_uppercase()
    } else {
        text
    }
}
