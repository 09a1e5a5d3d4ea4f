//! The parsers of matchers: no text makes them panic, and what they read they read again from print.
#![no_main]

use tocsin::model::{Matchers, Mode};

const MODES: [Mode; 3] = [Mode::Fallback, Mode::Utf8Strict, Mode::Classic];

libfuzzer_sys::fuzz_target!(|input: &str| {
    for mode in MODES {
        let list = mode.parse_matchers(input).map(|parsed| parsed.value);
        let one = mode.parse_matcher(input).map(|parsed| parsed.value);
        for matchers in [list, one.map(|matcher| Matchers::new(vec![matcher]))] {
            let Ok(matchers) = matchers else { continue };
            for matcher in &matchers {
                let _ = matcher.matches_value(input);
            }
            // An empty name cannot be printed so that it is read again: Alertmanager prints nothing.
            if matchers.iter().any(|matcher| matcher.name().is_empty()) {
                continue;
            }
            let printed = matchers.to_string();
            let again = mode.parse_matchers(&printed).map(|parsed| parsed.value);
            assert_eq!(again.as_ref(), Ok(&matchers), "{mode:?}: {printed}");
        }
    }
});
