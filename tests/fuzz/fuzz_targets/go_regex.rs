//! The translator of Go's regular expressions: no pattern makes it panic or hang, and what it writes
//! is not much longer than what it reads.
#![no_main]

use tocsin::model::regex::{AnchoredRegex, compile};

/// The longest that one byte of a pattern becomes is some 18 for an escape such as `\s`.
const GROWTH_MAX: usize = 32;

libfuzzer_sys::fuzz_target!(|pattern: &[u8]| {
    if let Ok((regex, names)) = compile(pattern) {
        let written = regex.as_str();
        assert!(written.len() <= GROWTH_MAX * (pattern.len() + 1), "{written}");
        // The crate forgets groups at the end that occur no time at all: `(a){0}`.
        assert!(regex.captures_len() <= names.len());
        let _ = regex.is_match(&String::from_utf8_lossy(pattern));
    }
    if let Ok(text) = std::str::from_utf8(pattern)
        && let Ok(regex) = AnchoredRegex::new(text)
    {
        let _ = regex.is_match(text);
        // What is listed instead of compiled means the same.
        if let Some(literals) = regex.literals() {
            let (compiled, _) = compile(format!("^(?:{text})$").as_bytes()).expect("it is a list");
            for literal in literals.iter().copied().chain([text, ""]) {
                assert_eq!(regex.is_match(literal), compiled.is_match(literal), "{literal:?}");
            }
        }
    }
});
