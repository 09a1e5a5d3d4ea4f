//! Percent signs: which byte of which part of a URL needs one.

use gotemplate::strconv::quote;

/// A part of a URL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    User,
    Host,
    /// The zone of an IPv6 address.
    Zone,
    Path,
    Fragment,
}

fn is_escaped(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() {
        return false;
    }
    match (part, byte) {
        (_, b'-' | b'_' | b'.' | b'~') => false,
        (Part::Host | Part::Zone, _) => !b"!$&'()*+,;=:[]<>\"".contains(&byte),
        (Part::Path, b'?') => true,
        (Part::User, b'@' | b'/' | b'?' | b':') => true,
        (_, b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@') => false,
        (Part::Fragment, b'!' | b'(' | b')' | b'*') => false,
        _ => true,
    }
}

/// The text with a percent sign wherever this part needs one.
pub(super) fn escape(text: &[u8], part: Part) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text {
        match is_escaped(*byte, part) {
            true => out.push_str(&format!("%{byte:02X}")),
            false => out.push(char::from(*byte)),
        }
    }
    out
}

/// Whether what was written may be printed as it is.
pub(super) fn is_valid(text: &str, part: Part) -> bool {
    text.bytes()
        .all(|byte| b"!$&'()*+,;=:@[]%".contains(&byte) || !is_escaped(byte, part))
}

/// The text without percent signs.
pub(super) fn unescape(text: &str, part: Part) -> Result<Vec<u8>, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte != b'%' {
            let is_host = matches!(part, Part::Host | Part::Zone);
            if is_host && byte.is_ascii() && is_escaped(*byte, part) {
                let shown = quote(&[*byte]);
                return Err(format!("invalid character {shown} in host name"));
            }
            out.push(*byte);
            at += 1;
            continue;
        }
        let triple = &bytes[at..bytes.len().min(at + 3)];
        let refused = || format!("invalid URL escape {}", quote(triple));
        let hex = |index: usize| {
            let digit = triple.get(index).map(|digit| char::from(*digit))?;
            u8::try_from(digit.to_digit(16)?).ok()
        };
        let (Some(high), Some(low)) = (hex(1), hex(2)) else {
            return Err(refused());
        };
        let value = high << 4 | low;
        let is_allowed = match part {
            // In a host only what is not ASCII may be written so.
            Part::Host => high >= 8 || value == b'%',
            Part::Zone => value == b'%' || value == b' ' || !is_escaped(value, Part::Host),
            _ => true,
        };
        if !is_allowed {
            return Err(refused());
        }
        out.push(value);
        at += 3;
    }
    Ok(out)
}
